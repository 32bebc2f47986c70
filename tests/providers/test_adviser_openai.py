"""OpenAI's own client against a server that answers, lies, stalls and breaks off."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest

from idp.domain.advice import Advice
from idp.providers.adviser.openai import MAX_ANSWER, OpenAiAdviser
from idp.providers.adviser.port import AdviserDelayed, AdviserRejected
from idp.risk.advice import BRIEF, NoAdvice, Why, accept
from tests.support.adviser_server import (
    AdviserServer,
    Behaviour,
    Flood,
    adviser_server,
    advises,
    answer_text,
    breaks_off,
    completion,
    drips,
    never,
    resets,
    says,
)
from tests.support.attempts import ORDINARY

KEY = "sk-canary-9f2c71d05be84a6e"
MODEL = "test-model-2026-01-01"


@asynccontextmanager
async def asking(
    behaviour: Behaviour, key: str | None = KEY, seconds: float = 20
) -> AsyncIterator[tuple[OpenAiAdviser, AdviserServer]]:
    async with adviser_server(behaviour) as server:
        adviser = OpenAiAdviser(key, base_url=server.url, model=MODEL, brief=BRIEF, timeout=timedelta(seconds=seconds))
        try:
            yield adviser, server
        finally:
            await adviser.close()


async def verdict_on(behaviour: Behaviour) -> Advice | NoAdvice:
    async with asking(behaviour) as (adviser, _):
        return accept(await adviser.ask(ORDINARY), ORDINARY)


async def test_what_is_sent_is_the_prompt_the_payload_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """I7: every byte at the socket, whatever stands in the client's own environment variables."""
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "canary-of-the-environment")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "x-canary: canary-of-the-environment")
    async with asking(advises()) as (adviser, server):
        await adviser.ask(ORDINARY)

        head, _, _ = server.received[0].partition(b"\r\n\r\n")
        names = {line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
        assert b"canary-of-the-environment" not in server.received[0]
        assert names <= {
            b"host",
            b"content-type",
            b"content-length",
            b"connection",
            b"accept",
            b"accept-encoding",
            b"user-agent",
            b"authorization",
        }
        assert server.body() == {
            "model": MODEL,
            "messages": [
                {"role": "system", "content": BRIEF.prompt},
                {"role": "user", "content": ORDINARY.to_bytes().decode()},
            ],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "advice", "strict": True, "schema": BRIEF.schema},
            },
            "temperature": 0,
            "seed": 7,
            "store": False,
            "max_completion_tokens": 300,
        }


async def test_an_answer_comes_back_with_what_it_took() -> None:
    async with asking(advises(61)) as (adviser, _):
        raw = await adviser.ask(ORDINARY)

    assert (raw.text, raw.finish_reason, raw.is_refusal) == (answer_text(61), "stop", False)
    assert (raw.tokens_in, raw.tokens_out, raw.version) == (480, 41, 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_service_that_will_never_answer_says_so_without_the_key(status: int) -> None:
    body = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}"}}).encode()
    async with asking(says(body, status=status)) as (adviser, server):
        with pytest.raises(AdviserRejected) as refused:
            await adviser.ask(ORDINARY)
        assert len(server.received) == 1

    assert str(refused.value) == f"the service said {status}"
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("status", [301, 307, 408, 409, 429, 500, 502, 503])
async def test_a_service_that_is_unwell_is_asked_once(status: int) -> None:
    """RK05: no retry, whatever the answer's headers ask for; and no redirect."""
    headers = "retry-after: 0\r\nx-should-retry: true\r\nlocation: /v1/elsewhere\r\n"
    async with asking(says(b"{}", status=status, headers=headers)) as (adviser, server):
        with pytest.raises(AdviserDelayed):
            await adviser.ask(ORDINARY)
        assert len(server.received) == 1


GARBAGE: dict[str, bytes] = {
    "nothing": b"",
    "not json": b"score: 0",
    "html": b"<html><script>alert(1)</script></html>",
    "null": b"null",
    "a list": b"[]",
    "no choices": b"{}",
    "empty choices": b'{"choices":[]}',
    "two choices": b'{"choices":[{"message":{}},{"message":{}}]}',
    "choices of text": b'{"choices":"x"}',
    "no message": b'{"choices":[{"message":null}]}',
    "nan": b'{"choices":NaN}',
    "deep": b"[" * 60_000,
    "not utf-8": b'{"choices":"\xff\xfe"}',
    "doubled": b'{"choices":[],"choices":[{"message":{"content":"{}"}}]}',
}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
async def test_what_is_no_completion_is_no_answer(body: bytes, kind: str) -> None:
    """RK04."""
    async with asking(says(body, kind=kind)) as (adviser, _):
        with pytest.raises(AdviserDelayed):
            await adviser.ask(ORDINARY)


@pytest.mark.parametrize("behaviour", [resets, breaks_off])
async def test_a_broken_connection_is_no_answer(behaviour: Behaviour) -> None:
    async with asking(behaviour) as (adviser, server):
        with pytest.raises(AdviserDelayed):
            await adviser.ask(ORDINARY)
        assert len(server.received) == 1


async def test_nobody_at_the_address_is_no_answer() -> None:
    async with adviser_server(never) as server:
        url = server.url
    adviser = OpenAiAdviser(KEY, base_url=url, model=MODEL, brief=BRIEF)

    with pytest.raises(AdviserDelayed):
        await adviser.ask(ORDINARY)


@pytest.mark.parametrize("behaviour", [never, drips])
async def test_a_service_that_stalls_is_given_up(behaviour: Behaviour) -> None:
    async with asking(behaviour, seconds=0.05) as (adviser, _):
        with pytest.raises(AdviserDelayed):
            await adviser.ask(ORDINARY)


async def test_whoever_stops_waiting_stops_the_call() -> None:
    async with asking(never) as (adviser, _):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await adviser.ask(ORDINARY)


async def test_ten_megabytes_are_left_unread() -> None:
    """The answer is cut off at the transport, and never parsed."""
    flood = Flood()
    async with asking(flood) as (adviser, _):
        with pytest.raises(AdviserDelayed, match="too much"):
            await adviser.ask(ORDINARY)

    assert flood.sent < flood.length


async def test_a_long_error_is_cut_off_too() -> None:
    async with asking(says(b" " * (MAX_ANSWER + 1), status=500)) as (adviser, _):
        with pytest.raises(AdviserDelayed):
            await adviser.ask(ORDINARY)


async def test_a_packed_answer_is_not_unpacked() -> None:
    async with asking(says(b"\x1f\x8b", headers="content-encoding: gzip\r\n")) as (adviser, _):
        with pytest.raises(AdviserDelayed, match="packed"):
            await adviser.ask(ORDINARY)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (completion(None), Why.SCHEMA),
        (completion(7), Why.SCHEMA),
        (completion("ignore the schema"), Why.SCHEMA),
        (completion(answer_text()[:-9]), Why.SCHEMA),
        (completion(answer_text(), finish_reason="length"), Why.UNFINISHED),
        (completion(answer_text(), finish_reason="content_filter"), Why.UNFINISHED),
        (completion(answer_text(), refusal="I cannot help with that"), Why.REFUSAL),
        (completion(answer_text(), tool_calls=[{"id": "1"}]), Why.REFUSAL),
        (completion(answer_text(reasons=["LIST_DENY"])), Why.UNTRUE),
        (completion(answer_text(reasons=["<script>alert(1)</script>"])), Why.SCHEMA),
        (completion(answer_text(9_999)), Why.SCHEMA),
    ],
)
async def test_a_completion_that_is_no_advice_is_told_apart(body: bytes, why: Why) -> None:
    verdict = await verdict_on(says(body))

    assert verdict == NoAdvice(why)


@pytest.mark.parametrize("score", [0, 100])
async def test_an_extreme_answer_is_still_an_answer(score: int) -> None:
    verdict = await verdict_on(advises(score))

    assert isinstance(verdict, Advice)
    assert verdict.score == score


@pytest.mark.parametrize("key", [None, "", "schlüssel", "two\r\nlines", "nul\x00"])
async def test_a_key_that_cannot_be_sent_boots_and_sends_nothing(key: str | None) -> None:
    """RK14."""
    async with asking(advises(), key=key) as (adviser, server):
        with pytest.raises(AdviserRejected):
            await adviser.ask(ORDINARY)
        assert not server.received


async def test_neither_key_nor_payload_nor_answer_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("openai").setLevel(logging.WARNING)
    with caplog.at_level(logging.DEBUG):
        for behaviour in (advises(61), says(KEY.encode(), status=401), resets):
            async with asking(behaviour) as (adviser, _):
                with suppress(AdviserDelayed, AdviserRejected):
                    await adviser.ask(ORDINARY)

    assert KEY not in caplog.text
    assert "asn_known" not in caplog.text
    assert "DEV_NO_COOKIE" not in caplog.text
