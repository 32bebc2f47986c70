"""The strength meter's endpoint: only our pages may ask, little at a time, and nothing of it is written down."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from idp.templating import _speaking
from tests.support.target import Target, target

GOOD = "brass otter moon lamp"
SLOW = "309%%|@[73%+$5@645[|" * 3 + "4{<!"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OURS = FORM | {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """A provider on SQLite."""
    async with target("sqlite", tmp_path_factory.mktemp("target")) as running:
        yield running


async def ask(
    provider: Target, headers: Mapping[str, str] = OURS, *, query: str = "", **fields: str
) -> httpx2.Response:
    content = urlencode({name.replace("_", "-"): value for name, value in fields.items()})
    async with provider.reach() as http:
        return await http.post(f"/password/strength{query}", content=content, headers=headers)


STRANGERS: dict[str, dict[str, str]] = {
    "nothing": {},
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "same-site": {"Sec-Fetch-Site": "same-site"},
    "typed in": {"Sec-Fetch-Site": "none"},
    "cross-site, our origin": {"Sec-Fetch-Site": "cross-site", "Origin": "https://id.example"},
    "another origin": {"Origin": "https://evil.example"},
    "another scheme": {"Origin": "http://id.example"},
    "another port": {"Origin": "https://id.example:444"},
    "no origin": {"Origin": "null"},
}


@pytest.mark.parametrize("headers", STRANGERS.values(), ids=STRANGERS)
async def test_other_sites_may_not_ask(provider: Target, headers: dict[str, str]) -> None:
    answer = await ask(provider, FORM | headers, new_password=GOOD)

    assert answer.status_code == 403
    assert answer.json() == {"error": "invalid_request"}
    assert "access-control-allow-origin" not in answer.headers


async def test_a_body_that_is_too_large_is_refused(provider: Target) -> None:
    assert (await ask(provider, new_password="x" * 70_000)).status_code == 413


@pytest.mark.parametrize("media_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
async def test_another_type_is_refused(provider: Target, media_type: str) -> None:
    assert (await ask(provider, OURS | {"Content-Type": media_type}, new_password=GOOD)).status_code == 415


@pytest.mark.parametrize("body", [b"new-password=a&new-password=b", b"new-password=%ff", b"new-password=\xff"])
async def test_a_body_that_is_no_form_of_ours_is_refused(provider: Target, body: bytes) -> None:
    async with provider.reach() as http:
        answer = await http.post("/password/strength", content=body, headers=OURS)

    assert answer.status_code == 400


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_only_post_asks(provider: Target, method: str) -> None:
    async with provider.reach() as http:
        assert (await http.request(method, "/password/strength?new-password=x", headers=OURS)).status_code == 405


JUDGED: dict[str, tuple[dict[str, str], str, dict[str, Any]]] = {
    "good": ({"new_password": GOOD}, "", {"acceptable": True, "score": 4, "reason": None}),
    "nothing": ({}, "", {"acceptable": False, "score": 0, "reason": "password_too_short"}),
    "short": ({"new_password": "k7Rq2vXw"}, "", {"acceptable": False, "score": 2, "reason": "password_too_short"}),
    "second factor": ({"new_password": "k7Rq2vXw"}, "?second-factor=1", {"acceptable": True, "reason": None}),
    "short beside it": ({"new_password": "k7Rq2vX"}, "?second-factor=1", {"reason": "password_too_short"}),
    "common": ({"new_password": "password1234567"}, "", {"reason": "password_blocked", "score": 1}),
    "product": ({"new_password": "id.example/id.example"}, "", {"reason": "password_personal"}),
    "name": ({"new_password": "Lovelace Lovelace", "name": "Ada Lovelace"}, "", {"reason": "password_personal"}),
    "address": ({"new_password": "ada.byron@home.example", "email": "ada.byron@home.example"}, "", {
        "reason": "password_personal", "acceptable": False}),
    "long": ({"new_password": "x" * 60_000}, "", {"reason": "password_too_long", "score": 0}),
    "NUL": ({"new_password": GOOD + "\0"}, "", {"reason": "password_invalid", "score": 0}),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "query", "expected"), JUDGED.values(), ids=JUDGED)
async def test_a_password_is_measured(
    provider: Target, fields: dict[str, str], query: str, expected: dict[str, Any]
) -> None:
    answer = await ask(provider, query=query, **fields)

    found = answer.json()
    assert answer.status_code == 200
    assert set(found) == {"acceptable", "score", "reason", "text"}
    assert {name: found[name] for name in expected} == expected
    assert found["text"] == found["text"].strip() != ""
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


async def test_a_browser_without_fetch_metadata_is_known_by_its_origin(provider: Target) -> None:
    assert (await ask(provider, FORM | {"Origin": "https://id.example"}, new_password=GOOD)).status_code == 200


async def test_the_reason_is_a_sentence_in_the_readers_words(provider: Target) -> None:
    """Plain text: what somebody wrote arrives as they wrote it, and the script sets it as text."""
    answer = await ask(provider, new_password="O'Connor<b>1234", name="O'Connor<b>")

    assert "“O'Connor<b>”" in answer.json()["text"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_more_than_can_be_measured_are_sent_away(provider: Target) -> None:
    answers = await asyncio.gather(*(ask(provider, new_password=f"{SLOW}{number}") for number in range(24)))

    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}
    assert all(answer.headers["retry-after"] == "5" for answer in answers if answer.status_code == 503)
    assert (await ask(provider, new_password=GOOD)).status_code == 200


async def test_nothing_of_a_password_is_written_down(tmp_path: Path) -> None:
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        async with target("sqlite", tmp_path, log_level="DEBUG") as provider:
            await ask(provider, new_password="canary otter moon lamp", name="Canary Islander")
            await ask(provider, OURS | {"Content-Type": "text/plain"}, new_password="canary otter moon lamp")

    assert "canary" not in said.getvalue().lower()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"canary" in path.read_bytes().lower()]


async def test_a_page_escapes_the_word_it_quotes_once(provider: Target) -> None:
    """The sentence is plain text for the meter, and becomes HTML only where the field shows it."""
    templates = provider.site.templates
    source = "{% from 'parts/new_password.html' import reason %}{{ reason('password_personal', word=word) }}"

    with _speaking("en", templates._translations["en"]):
        html = templates._environment.from_string(source).render(word="O'Connor<b>")

    assert "“O&#39;Connor&lt;b&gt;”" in html
