"""Tokens bound to a key at the administrators' API, SCIM and shared signals (RFC 9449 §7, §9; RFC 8705 §3)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.permission import Permission as P
from idp.domain.permission import scope_of
from idp.flows.user_administration import NewUser
from idp.oauth.extensions import ssf
from tests.support.certificates import Certificate, certificate
from tests.support.dpop import ProofKey, send
from tests.support.financial import MTLS, financial_provider
from tests.support.provider import HandClock, Provider
from tests.support.relying_party import Answer, RelyingParty

API, SCIM, SIGNALS = "/api/admin/v1/users", "/scim/v2/Users", "/ssf/streams"
PATHS = (API, SCIM, SIGNALS)
SCOPE = " ".join([*(scope_of(each) for each in (P.USERS_READ, P.GROUPS_READ, P.GROUPS_WRITE)), ssf.READ, ssf.MANAGE])
MACHINE: dict[str, Any] = {"grant_types": ["client_credentials"], "redirect_uris": None, "scope": SCOPE}


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider where certificates are asked for."""
    async with financial_provider(tmp_path_factory.mktemp("bound")) as provider:
        yield provider


@pytest.fixture
def key(clock: HandClock) -> ProofKey:
    """The client's key."""
    return ProofKey(now=clock.timestamp)


async def token_of(rp: RelyingParty, key: ProofKey) -> str:
    """Return a token that is bound to the key."""
    if "dpop-nonce" in (told := await _asked(rp, key)).headers:
        key.nonce = told.headers["dpop-nonce"]
    answer = told if told.status == 200 else await _asked(rp, key)
    return answer.access_token


async def _asked(rp: RelyingParty, key: ProofKey) -> Answer:
    return await send(rp, "token_endpoint", key.proof("POST", f"{rp.issuer}/token"), grant_type="client_credentials")


async def get(provider: Provider, path: str, token: str, *, scheme: str = "DPoP", **headers: str) -> Answer:
    """Read something with a token."""
    given = {"Authorization": f"{scheme} {token}", **headers}
    return Answer.of(await provider.http.get(f"{provider.issuer}{path}", headers=given))


@pytest.mark.parametrize("path", PATHS)
async def test_a_bound_token_opens_with_a_proof_and_not_without(provider: Provider, key: ProofKey, path: str) -> None:
    """RFC 9449 §7.1, §7.2: 401 with the scheme's challenge; as Bearer it is nothing."""
    token = await token_of(await provider.client(**MACHINE), key)
    url = f"{provider.issuer}{path}"

    good = await get(provider, path, token, DPoP=key.proof("GET", url, token=token))
    bare = await get(provider, path, token)
    stolen = await get(provider, path, token, scheme="Bearer")
    foreign = await get(provider, path, token, DPoP=ProofKey(now=key.now).proof("GET", url, token=token))

    assert good.status == 200, good.text
    assert [answer.status for answer in (bare, stolen, foreign)] == [401] * 3
    for answer in (bare, foreign):
        assert answer.headers["www-authenticate"].startswith("DPoP realm=")
        assert 'algs="ES256 PS256 EdDSA Ed25519"' in answer.headers["www-authenticate"]
    assert stolen.headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("path", PATHS)
async def test_a_proof_opens_once_and_for_its_own_request(provider: Provider, key: ProofKey, path: str) -> None:
    """RFC 9449 §4.3, §11.1: invalid_dpop_proof for another method, URL or token, and the second time."""
    token = await token_of(await provider.client(**MACHINE), key)
    url = f"{provider.issuer}{path}"
    once = key.proof("GET", f"{url}?x=1", token=token)

    wrong = [key.proof("POST", url, token=token), key.proof("GET", f"{url}/other", token=token),
             key.proof("GET", url, token="other"), key.proof("GET", url)]  # fmt: skip
    answers = [await get(provider, path, token, DPoP=proof) for proof in wrong]
    statuses = [(await get(provider, path, token, DPoP=once)).status for _ in range(2)]

    assert all('error="invalid_dpop_proof"' in answer.headers["www-authenticate"] for answer in answers)
    assert ([answer.status for answer in answers], statuses) == ([401] * 4, [200, 401])


@pytest.mark.parametrize("path", PATHS)
async def test_a_nonce_is_told_in_time_and_demanded_where_it_is_due(
    provider: Provider, key: ProofKey, clock: HandClock, path: str
) -> None:
    """RFC 9449 §8.2, §9: with every answer that a fresh one is due for, whether it is a success."""
    rp = await provider.client(require_dpop_nonce=True, **MACHINE)
    token, url = await token_of(rp, key), f"{provider.issuer}{path}"

    none = await get(provider, path, token, DPoP=key.proof("GET", url, token=token, nonce=None))
    known = await get(provider, path, token, DPoP=key.proof("GET", url, token=token))
    clock.advance(timedelta(minutes=5) - timedelta(seconds=1))
    later = await get(provider, path, token, DPoP=key.proof("GET", url, token=token))

    assert (none.status, none.headers["dpop-nonce"]) == (401, key.nonce)
    assert 'error="use_dpop_nonce"' in none.headers["www-authenticate"]
    assert (known.status, "dpop-nonce" in known.headers) == (200, False)
    assert (later.status, later.headers.get("dpop-nonce", key.nonce) != key.nonce) == (200, True)


async def test_what_is_refused_for_other_reasons_tells_the_nonce_too(provider: Provider, key: ProofKey) -> None:
    """RFC 9449 §8.2: else the next request fails for want of it; the challenge is of the scheme that was used."""
    token = await token_of(await provider.client(**MACHINE), key)
    key.nonce, path = None, "/api/admin/v1/keys"

    answer = await get(provider, path, token, DPoP=key.proof("GET", f"{provider.issuer}{path}", token=token))

    assert (answer.status, len(answer.headers["dpop-nonce"])) == (403, 32)
    assert answer.headers["www-authenticate"].startswith('DPoP realm="administration"')


async def test_a_path_is_compared_as_it_is_spelt(provider: Provider, key: ProofKey) -> None:
    """RFC 9449 §4.3 step 9, RFC 3986 §6.2.2.2: a percent sign more or less is the same path."""
    token = await token_of(await provider.client(**MACHINE), key)
    path = "/scim/v2/Users/a%40b%20c"

    for spelt in (path, "/scim/v2/Users/a@b%20c"):
        proof = key.proof("GET", f"{provider.issuer}{spelt}", token=token)
        assert (await get(provider, path, token, DPoP=proof)).status == 404


async def test_a_writing_call_needs_its_own_proof(provider: Provider, key: ProofKey) -> None:
    """RFC 9449 §4.3: htm is the method that is used."""
    token, url = await token_of(await provider.client(**MACHINE), key), f"{provider.issuer}/api/admin/v1/groups"

    async def post(proof: str) -> int:
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        return (await provider.http.post(url, json={"name": "bound"}, headers=headers)).status_code

    assert await post(key.proof("GET", url, token=token)) == 401
    assert await post(key.proof("POST", url, token=token)) == 201


@pytest.mark.parametrize("path", PATHS)
async def test_a_token_of_a_certificate_opens_with_it_and_not_without(provider: Provider, path: str) -> None:
    """RFC 8705 §3: over the listener that asks for certificates, with this one."""
    own: Certificate = certificate()
    rp = await provider.client(tls_client_certificate_bound_access_tokens=True, **MACHINE)
    rp._metadata = rp._metadata | rp._metadata["mtls_endpoint_aliases"]
    fields = {"grant_type": "client_credentials"}
    token = (await rp.post("token_endpoint", fields, headers=own.field)).access_token

    async def ask(base: str, headers: dict[str, str]) -> int:
        given = {"Authorization": f"Bearer {token}", **headers}
        return (await provider.http.get(base + path, headers=given)).status_code

    assert await ask(MTLS, own.field) == 200
    assert [await ask(MTLS, each) for each in (certificate().field, {})] == [401, 401]
    assert await ask(provider.issuer, own.field) == 401


async def test_a_long_list_goes_on_when_its_proof_has_grown_old(
    provider: Provider, key: ProofKey, clock: HandClock
) -> None:
    """RFC 9449 §11.1: the key was proved when the list began; what has ended since ends the list."""
    for number in range(250):
        await provider.site.users.create(NewUser(None, f"reader-{number}", None, {"groups": ["long"]}))
    token = await token_of(await provider.client(**MACHINE), key)
    proof = key.proof("GET", f"{provider.issuer}{API}", token=token)
    lines = []

    async def hear(message: Any) -> None:
        if message["type"] == "http.response.body":
            lines.append(message["body"].count(b"\n"))
            clock.advance(timedelta(minutes=2))

    headers = {"host": "id.example", "authorization": f"DPoP {token}", "dpop": proof, "accept": "application/x-ndjson"}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https",
        "path": API, "raw_path": API.encode(), "query_string": b"group=long", "root_path": "", "state": {},
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1), "server": ("id.example", 443),
    }  # fmt: skip

    async def receive() -> Any:
        await asyncio.Event().wait()  # the reader stays

    await provider.transport.app(scope, receive, hear)

    assert sum(lines) == 250
    assert len(lines) > 2
