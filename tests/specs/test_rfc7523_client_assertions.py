"""Client assertions and what they claim – RFC 7523 §2.2, §3 as updated by RFC 10070; OIDC Core §9."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey

from idp.domain.client import Profile
from idp.flows.housekeeping import sweep
from tests.support.client_auth import Assertion, Basic, by_assertion
from tests.support.provider import HandClock, Provider
from tests.support.relying_party import Answer, RelyingParty

EC = ECKey.generate_key("P-256", {"kid": "ec", "alg": "ES256", "use": "sig"})
ENDPOINTS = ["token_endpoint", "introspection_endpoint", "revocation_endpoint"]


@pytest.fixture
async def keyed(provider: Provider) -> RelyingParty:
    """A client that proves itself with an EC key."""
    return await provider.client(method="private_key_jwt", key=EC)


async def knock(rp: RelyingParty, auth: Any = None, endpoint: str = "revocation_endpoint") -> Answer:
    """Ask for something harmless; whoever is let in gets no 401."""
    return await rp.post(endpoint, {"token": "x", "grant_type": "refresh_token", "refresh_token": "x"}, auth=auth)


def changed(rp: RelyingParty, **changes: object) -> Assertion:
    """Return the client's proof with other claims; None removes one."""
    assert isinstance(rp.auth, Assertion)
    return replace(rp.auth, changes=changes)


def assert_refused(answer: Answer) -> None:
    assert (answer.status, answer.error) == (401, "invalid_client"), answer.text
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_an_assertion_is_accepted_once(keyed: RelyingParty, endpoint: str) -> None:
    """RFC 7523 §3, jti: one use at all endpoints together."""
    once = by_assertion(changed(keyed).sign(keyed.client_id, keyed.issuer))

    assert (await knock(keyed, once)).status == 200
    assert_refused(await knock(keyed, once, endpoint))


async def test_of_many_at_once_with_one_jti_one_is_accepted(each_provider: Provider) -> None:
    """RFC 7523 §3: the store decides the race, on both databases."""
    rp = await each_provider.client(method="private_key_jwt", key=EC)
    once = by_assertion(changed(rp).sign(rp.client_id, rp.issuer))

    answers = await asyncio.gather(*(knock(rp, once) for _ in range(8)))

    assert sorted(answer.status for answer in answers) == [200] + [401] * 7


async def test_two_clients_may_use_the_same_jti(provider: Provider, keyed: RelyingParty) -> None:
    """RFC 7523 §3: a jti is unique for its issuer only."""
    other = await provider.client(method="private_key_jwt", key=EC)

    for rp in (keyed, other):
        assert (await knock(rp, changed(rp, jti="the same"))).status == 200


async def test_a_refused_assertion_spends_no_jti(keyed: RelyingParty) -> None:
    """RFC 7523 §3: nobody can use up another client's jti by guessing it."""
    foreign = Assertion(ECKey.generate_key("P-256"), "ES256", changes={"jti": "wanted"}, now=keyed.now)
    assert_refused(await knock(keyed, foreign))

    assert (await knock(keyed, changed(keyed, jti="wanted"))).status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None}, {"iss": "other"}, {"iss": ""}, {"iss": 1}, {"sub": None}, {"sub": "other"}, {"sub": ""},
        {"sub": ["x"]}, {"aud": None}, {"aud": ""}, {"aud": "https://other.example"}, {"aud": []}, {"aud": {}},
        {"exp": None}, {"exp": "1900000000"}, {"exp": True}, {"exp": -1}, {"exp": 1e300}, {"jti": None}, {"jti": ""},
        {"jti": 1}, {"jti": "x" * 257}, {"iat": "now"}, {"nbf": True}, {"iat": [1]},
    ],
    ids=str,
)  # fmt: skip
async def test_a_claim_that_is_missing_or_wrong_refuses(keyed: RelyingParty, changes: dict[str, object]) -> None:
    """RFC 7523 §3: iss, sub, aud, exp; jti too, which is stricter."""
    assert_refused(await knock(keyed, changed(keyed, **changes)))


async def test_iat_may_be_left_out(keyed: RelyingParty) -> None:
    """RFC 7523 §3: iat and nbf are optional."""
    assert (await knock(keyed, changed(keyed, iat=None))).status == 200


@pytest.mark.parametrize("path", ["", "/", "/token", "/par", "/introspect"])
async def test_the_audience_is_the_issuer_as_one_string(keyed: RelyingParty, path: str) -> None:
    """RFC 10070: not an endpoint, not an array."""
    for audience in (keyed.issuer + path, [keyed.issuer + path], [keyed.issuer, keyed.issuer + path]):
        answer = await knock(keyed, changed(keyed, aud=audience))

        assert answer.status == (200 if audience == keyed.issuer else 401), audience


@pytest.mark.parametrize(
    ("audience", "is_fine"),
    [
        (["ISSUER"], True), ("TOKEN", True), (["TOKEN"], True), (["ISSUER", "TOKEN"], True), ("ISSUER", True),
        (["ISSUER", "https://other.example"], False), ([], False), ("ISSUER/", False), ("ISSUER/introspect", False),
        ([["ISSUER"]], False),
    ],
    ids=str,
)  # fmt: skip
async def test_profile_oidc_accepts_the_token_endpoint_too(provider: Provider, audience: Any, is_fine: bool) -> None:
    """OIDC Core §9: aud should be the URL of the token endpoint; in an array no foreign element."""
    rp = await provider.client(profile=Profile.OIDC, method="private_key_jwt", key=EC)
    words = {"ISSUER": rp.issuer, "TOKEN": f"{rp.issuer}/token"}

    def spell(value: Any) -> Any:
        if isinstance(value, list):
            return [spell(entry) for entry in value]
        return words.get(value, value.replace("ISSUER", rp.issuer))

    assert (await knock(rp, changed(rp, aud=spell(audience)))).status == (200 if is_fine else 401)


@pytest.mark.parametrize(
    ("profile", "longest"), [(Profile.OAUTH21, timedelta(minutes=5)), (Profile.OIDC, timedelta(minutes=60))]
)
async def test_an_assertion_must_not_live_long(provider: Provider, profile: Profile, longest: timedelta) -> None:
    """RFC 7523 §3: unreasonably far in the future; five minutes, an hour for oidc, and 30 s for clocks that go fast."""
    rp = await provider.client(profile=profile, method="private_key_jwt", key=EC)
    limit = int(provider.clock.timestamp() + longest.total_seconds())

    assert (await knock(rp, changed(rp, exp=limit))).status == 200
    assert_refused(await knock(rp, changed(rp, exp=limit + 32)))


@pytest.mark.parametrize("claim", ["iat", "nbf"])
async def test_a_clock_may_go_thirty_seconds_fast(keyed: RelyingParty, clock: HandClock, claim: str) -> None:
    """RFC 7523 §3: iat and nbf."""
    now = int(clock.timestamp())

    assert (await knock(keyed, changed(keyed, **{claim: now + 30}))).status == 200
    assert_refused(await knock(keyed, changed(keyed, **{claim: now + 32})))


async def test_a_clock_may_go_a_minute_slow(keyed: RelyingParty, clock: HandClock) -> None:
    """RFC 7523 §3: exp, on both sides of the limit."""
    now = int(clock.timestamp())

    assert (await knock(keyed, changed(keyed, exp=now - 58))).status == 200
    assert_refused(await knock(keyed, changed(keyed, exp=now - 60)))


async def test_a_jti_is_remembered_as_long_as_it_could_be_accepted(
    provider: Provider, keyed: RelyingParty, clock: HandClock
) -> None:
    """RFC 7523 §3: until exp and the allowance for slow clocks."""
    once = by_assertion(changed(keyed).sign(keyed.client_id, keyed.issuer))
    assert (await knock(keyed, once)).status == 200

    clock.advance(timedelta(seconds=118))
    await sweep(provider.site.transactions, clock)

    assert_refused(await knock(keyed, once))


@pytest.mark.parametrize("kind", [None, "", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "jwt-bearer"])
async def test_another_assertion_type_is_refused(keyed: RelyingParty, kind: str | None) -> None:
    """RFC 7521 §4.2."""
    assertion = changed(keyed).sign(keyed.client_id, keyed.issuer)

    assert_refused(await knock(keyed, by_assertion(assertion, client_assertion_type=kind or "")))


async def test_a_client_id_in_the_body_must_be_the_same(provider: Provider, keyed: RelyingParty) -> None:
    """RFC 7521 §4.2: client_id is unnecessary, but if present it identifies the same client."""
    other = await provider.client()

    def assertion() -> str:
        return changed(keyed).sign(keyed.client_id, keyed.issuer)

    assert (await knock(keyed, by_assertion(assertion(), client_id=keyed.client_id))).status == 200
    assert_refused(await knock(keyed, by_assertion(assertion(), client_id=other.client_id)))


async def test_an_assertion_beside_a_secret_is_two_methods(keyed: RelyingParty) -> None:
    """RFC 6749 §2.3."""
    assertion = changed(keyed).sign(keyed.client_id, keyed.issuer)

    answer = await knock(keyed, by_assertion(assertion, client_secret="x"))
    by_header = await keyed.http.post(
        f"{keyed.issuer}/revoke",
        data={"token": "x", **by_assertion(assertion).fields},
        headers=Basic("x").prove(keyed.client_id, keyed.issuer).headers,
    )

    assert (answer.status, answer.error) == (400, "invalid_request")
    assert by_header.status_code == 400
