"""UI02–UI14: userinfo, introspection and revocation (RFC 6750 §2, RFC 7662 §2, RFC 7009 §2)."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.attacker import FORM, tokens_for
from tests.support.client_auth import Basic, Post, Public
from tests.support.provider import MINUTE, Person
from tests.support.relying_party import Answer, RelyingParty
from tests.support.target import Target, target

INACTIVE = {"active": False}
BARE = 'Bearer realm="userinfo", DPoP realm="userinfo", algs="ES256 PS256 EdDSA Ed25519"'


@pytest.fixture
async def tokens(provider: Target, rp: RelyingParty, person: Person) -> Answer:
    """What the client got for the person."""
    return await tokens_for(provider, rp, person)


async def test_ui02_a_token_in_the_url_is_never_read(provider: Target, tokens: Answer) -> None:
    url = f"{provider.issuer}/userinfo?access_token={tokens.access_token}"

    for answer in (await provider.http.get(url), await provider.http.post(url, headers=FORM, content="")):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == BARE


@pytest.mark.parametrize("body", ["token", "other", "token twice"])
async def test_ui02_a_token_in_two_places_is_refused(provider: Target, tokens: Answer, body: str) -> None:
    fields = {
        "token": [("access_token", tokens.access_token)],
        "other": [("access_token", "x")],
        "token twice": [("access_token", tokens.access_token)] * 2,
    }[body]
    header = {"Authorization": f"Bearer {tokens.access_token}"} if body != "token twice" else {}

    answer = await provider.http.post(f"{provider.issuer}/userinfo", content=urlencode(fields), headers=FORM | header)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eDp5", "bearer\tx", "x"])
async def test_ui02_without_a_token_the_challenge_is_bare(provider: Target, header: str) -> None:
    """RFC 6750 §3.1: no error code for a request that carries no credentials."""
    answer = await provider.http.get(f"{provider.issuer}/userinfo", headers={"Authorization": header})

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, BARE)


async def test_ui02_without_openid_there_is_no_userinfo(provider: Target, rp: RelyingParty, person: Person) -> None:
    tokens = await tokens_for(provider, rp, person, scope="email")

    answer = await rp.userinfo(tokens.access_token)

    assert (answer.status, answer.error) == (403, "insufficient_scope")
    assert "id_token" not in tokens.body


EVIL = [
    "https://evil.example", "null", "https://rp.example.evil.example", "https://evilrp.example", "http://rp.example",
    "https://rp.example:8443", "https://RP.example", "https://rp.example/", "*", "", "https://rp.example, https://x.example",
]  # fmt: skip


@pytest.mark.parametrize("origin", EVIL)
async def test_ui05_a_foreign_origin_may_not_read(provider: Target, tokens: Answer, origin: str) -> None:
    headers = {"Origin": origin, "Authorization": f"Bearer {tokens.access_token}"}

    read = await provider.http.get(f"{provider.issuer}/userinfo", headers=headers)
    asked = await provider.http.options(
        f"{provider.issuer}/userinfo", headers={"Origin": origin, "Access-Control-Request-Method": "GET"}
    )

    for answer in (read, asked):
        assert not [name for name in answer.headers if name.startswith("access-control-allow")]


async def test_ui05_the_clients_own_origin_may_read_without_credentials(provider: Target, tokens: Answer) -> None:
    headers = {"Origin": "https://rp.example", "Authorization": f"Bearer {tokens.access_token}"}

    answer = await provider.http.get(f"{provider.issuer}/userinfo", headers=headers)

    assert answer.headers["access-control-allow-origin"] == "https://rp.example"
    assert "access-control-allow-credentials" not in answer.headers
    assert "Origin" in answer.headers["vary"]


async def test_ui06_introspection_needs_a_client_that_proves_itself(
    provider: Target, rp: RelyingParty, tokens: Answer
) -> None:
    public = await provider.client(method="none")
    attempts = [
        await rp.post("introspection_endpoint", {"token": tokens.access_token}, auth=Public()),
        await rp.post("introspection_endpoint", {"token": tokens.access_token}, auth=Basic("wrong")),
        await rp.post("introspection_endpoint", {"token": tokens.access_token}, auth=Post("wrong")),
        await public.introspect(tokens.access_token),
    ]
    bare = await provider.http.post(f"{provider.issuer}/introspect", content="token=x", headers=FORM)
    bearer = await provider.http.post(
        f"{provider.issuer}/introspect",
        content=urlencode({"token": tokens.access_token}),
        headers=FORM | {"Authorization": f"Bearer {tokens.access_token}"},
    )

    assert [(each.status, each.error) for each in attempts] == [(401, "invalid_client")] * 4
    assert (bare.status_code, bearer.status_code) == (401, 401)


async def test_ui08_what_is_not_active_says_nothing_else(
    provider: Target, rp: RelyingParty, person: Person, tokens: Answer
) -> None:
    expired = await tokens_for(provider, rp, person)
    provider.clock.advance(5 * MINUTE)
    revoked = await tokens_for(provider, rp, person)
    await rp.revoke(revoked.refresh_token)
    foreign = await tokens_for(provider, await provider.client(), person)

    for text in (
        "unknown", "x" * 43, "x" * 86, "a.b.c", "..", "é", "\x00", "null", '{"active":true}', expired.access_token,
        revoked.access_token, revoked.refresh_token, foreign.access_token, foreign.refresh_token, foreign.id_token,
    ):  # fmt: skip
        answer = await rp.introspect(text)
        assert (answer.status, answer.body) == (200, INACTIVE), text
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("size", [20_000, 60_000, 1_000_000])
async def test_ui08_a_giant_token_is_answered_at_once(rp: RelyingParty, size: int) -> None:
    began = time.perf_counter()

    answer = await rp.introspect("x" * size)

    assert (answer.status, answer.body.get("active", ...)) == ((200, False) if size < 64_000 else (413, ...))
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token", "unknown", '"\\é', ""])
async def test_ui09_a_hint_never_changes_the_answer(
    provider: Target, rp: RelyingParty, person: Person, hint: str
) -> None:
    tokens = await tokens_for(provider, rp, person)
    texts = (tokens.access_token, tokens.refresh_token)

    hinted = [(await rp.introspect(text, token_type_hint=hint)).body["active"] for text in texts]
    revoked = [(await rp.revoke(text, token_type_hint=hint)).status for text in texts]

    assert hinted == [True, True]
    assert revoked == [200, 200]
    assert [await rp.is_active(text) for text in texts] == [False, False]


@pytest.mark.parametrize("access_token_format", ["jwt", "opaque"])
async def test_ui11_a_refresh_token_takes_its_access_tokens_along_and_not_the_other_way(
    provider: Target, person: Person, access_token_format: str
) -> None:
    rp = await provider.client(access_token_format=access_token_format)
    first = await tokens_for(provider, rp, person)
    second = await rp.refresh(first.refresh_token)

    await rp.revoke(first.access_token)
    only_itself = [await rp.is_active(each) for each in (first.access_token, second.access_token, second.refresh_token)]
    await rp.revoke(second.refresh_token)
    all_of_it = [await rp.is_active(each) for each in (second.access_token, second.refresh_token)]

    assert only_itself == [False, True, True]
    assert all_of_it == [False, False]
    assert (await rp.userinfo(second.access_token)).status == 401


async def test_ui11_a_spent_refresh_token_still_ends_its_grant(rp: RelyingParty, tokens: Answer) -> None:
    """Whoever revokes an old token wants the grant to end; the newest must not survive it."""
    renewed = await rp.refresh(tokens.refresh_token)

    await rp.revoke(tokens.refresh_token)

    assert not await rp.is_active(renewed.access_token)


@pytest.mark.parametrize("kind", ["unknown", "foreign access", "foreign refresh", "garbage", "id"])
async def test_ui13_revoking_what_is_not_ones_own_says_200_and_does_nothing(
    provider: Target, rp: RelyingParty, tokens: Answer, kind: str
) -> None:
    other = await provider.client()
    text = {
        "unknown": "x" * 86,
        "foreign access": tokens.access_token,
        "foreign refresh": tokens.refresh_token,
        "garbage": "a.b.c",
        "id": tokens.id_token,
    }[kind]

    answer = await other.revoke(text)

    assert (answer.status, answer.text) == (200, "")
    assert await rp.is_active(tokens.access_token)
    assert await rp.is_active(tokens.refresh_token)


async def test_ui13_a_bad_client_revokes_nothing(rp: RelyingParty, tokens: Answer) -> None:
    for auth in (Basic("wrong"), Public(), Post("x")):
        answer = await rp.post("revocation_endpoint", {"token": tokens.refresh_token}, auth=auth)
        assert (answer.status, answer.error) == (401, "invalid_client")

    assert (await rp.revoke("")).error == "invalid_request"
    assert (await rp.http.get(f"{rp.issuer}/revoke")).status_code == 405
    assert await rp.is_active(tokens.refresh_token)


@asynccontextmanager
async def failing(folder: Path, label: str) -> AsyncIterator[None]:
    """Let the next call of this kind fail, as the database would."""
    (folder / "fail").write_text(label)
    yield
    assert (folder / "fail.done").exists(), "the fault was not met"
    (folder / "fail.done").unlink()


@pytest.mark.parametrize("label", ["db.begin", "db.update.grants", "db.insert.events", "db.commit"])
async def test_ui14_a_revocation_that_was_not_stored_is_never_confirmed(tmp_path: Path, label: str) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    async with target("sqlite", tmp_path, test_hooks=str(hooks)) as fresh:
        rp = await fresh.client()
        tokens = await tokens_for(fresh, rp, await fresh.person())
        await rp.introspect("x")  # what is read at most twice a second has been read

        async with failing(hooks, label):
            answer = await rp.revoke(tokens.refresh_token)

        assert (answer.status, answer.error) == (503, "temporarily_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert await rp.is_active(tokens.refresh_token)
        assert not await fresh.events("token_revoked")
        assert (await rp.revoke(tokens.refresh_token)).status == 200
