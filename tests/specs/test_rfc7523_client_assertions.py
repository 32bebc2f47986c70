"""Client authentication by assertion – RFC 7523 §2.2, §3 as updated by RFC 10070; OIDC Core §9; RFC 8725."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from secrets import token_urlsafe
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from idp.domain.client import Profile
from idp.flows.housekeeping import sweep
from tests.support.client_auth import ASSERTION_TYPE, Assertion, Basic, Proof
from tests.support.jose import fitting_key, forge
from tests.support.provider import HandClock, Provider
from tests.support.relying_party import Answer, RelyingParty

EC = ECKey.generate_key("P-256", {"kid": "ec", "alg": "ES256", "use": "sig"})
KEYS: dict[str, Key] = {
    "ES256": EC,
    "RS256": RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"}),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "okp", "use": "sig"}),
}
ENDPOINTS = ["token_endpoint", "introspection_endpoint", "revocation_endpoint"]
SIGNERS = [("RS256", "RS256"), ("PS256", "RS256"), ("ES256", "ES256"), ("EdDSA", "EdDSA"), ("Ed25519", "EdDSA")]


@pytest.fixture
async def keyed(provider: Provider) -> RelyingParty:
    """A client that proves itself with an EC key."""
    return await provider.client(method="private_key_jwt", key=EC)


class Literal:
    """A proof that sends this very assertion, and perhaps more."""

    def __init__(self, assertion: str, **more: str) -> None:
        self.fields = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, **more}

    def prove(self, client_id: str, issuer: str) -> Proof:
        """Return the fields."""
        return Proof({name: value for name, value in self.fields.items() if value})


async def knock(rp: RelyingParty, auth: Any = None, endpoint: str = "revocation_endpoint") -> Answer:
    """Ask for something harmless; whoever is let in gets no 401."""
    return await rp.post(endpoint, {"token": "x", "grant_type": "refresh_token", "refresh_token": "x"}, auth=auth)


def changed(rp: RelyingParty, **changes: object) -> Assertion:
    """Return the client's proof with other claims; None removes one."""
    assert isinstance(rp.auth, Assertion)
    return replace(rp.auth, changes=changes)


def claims_of(rp: RelyingParty) -> dict[str, Any]:
    """Return claims that are right for this client."""
    now = int(rp.now())
    return {"iss": rp.client_id, "sub": rp.client_id, "aud": rp.issuer, "jti": token_urlsafe(8), "exp": now + 60}


def assert_refused(answer: Answer) -> None:
    assert (answer.status, answer.error) == (401, "invalid_client"), answer.text
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(("alg", "key"), SIGNERS)
async def test_every_advertised_algorithm_proves_a_client(
    provider: Provider, alg: str, key: str, endpoint: str
) -> None:
    """RFC 7523 §2.2, OIDC Core §9 private_key_jwt; RFC 9864 for Ed25519."""
    rp = await provider.client(method="private_key_jwt", key=KEYS[key])
    assertion = forge({"alg": alg, "kid": KEYS[key].kid}, claims_of(rp), KEYS[key], alg)

    assert (await knock(rp, Literal(assertion), endpoint)).status in (200, 400)


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS384", "PS512", "ES384", "ES512", "HS256", "HS512"])
async def test_no_other_algorithm_does(provider: Provider, alg: str) -> None:
    """RFC 8725 §3.1: a right signature of a registered key is not enough, the profile names the algorithms."""
    key = fitting_key(alg)
    public = [KEYS["RS256"].as_dict(private=False)]
    if not isinstance(key, bytes):
        public.append(key.as_dict(private=False))
    rp = await provider.client(method="private_key_jwt", key=EC, jwks={"keys": public})

    assert_refused(await knock(rp, Literal(forge({"alg": alg}, claims_of(rp), key, alg))))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "es256", "ES256 "])
async def test_no_spelling_of_none_does(keyed: RelyingParty, alg: str) -> None:
    """RFC 8725 §2.1, §3.2."""
    for key in (None, EC):
        assert_refused(await knock(keyed, Literal(forge({"alg": alg}, claims_of(keyed), key, "ES256"))))


async def test_a_registered_algorithm_is_the_only_one(provider: Provider) -> None:
    """RFC 7591 §2, token_endpoint_auth_signing_alg."""
    rp = await provider.client(method="private_key_jwt", key=KEYS["RS256"], token_endpoint_auth_signing_alg="PS256")

    assert (await knock(rp, Assertion(KEYS["RS256"], "PS256", now=provider.clock.timestamp))).status == 200
    assert_refused(await knock(rp, Assertion(KEYS["RS256"], "RS256", now=provider.clock.timestamp)))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_an_assertion_is_accepted_once(keyed: RelyingParty, endpoint: str) -> None:
    """RFC 7523 §3, jti: one use at all endpoints together."""
    once = Literal(changed(keyed).sign(keyed.client_id, keyed.issuer))

    assert (await knock(keyed, once)).status == 200
    assert_refused(await knock(keyed, once, endpoint))


async def test_of_many_at_once_with_one_jti_one_is_accepted(each_provider: Provider) -> None:
    """RFC 7523 §3: the store decides the race, on both databases."""
    rp = await each_provider.client(method="private_key_jwt", key=EC)
    once = Literal(changed(rp).sign(rp.client_id, rp.issuer))

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
    once = Literal(changed(keyed).sign(keyed.client_id, keyed.issuer))
    assert (await knock(keyed, once)).status == 200

    clock.advance(timedelta(seconds=118))
    await sweep(provider.site.transactions, clock)

    assert_refused(await knock(keyed, once))


@pytest.mark.parametrize("typ", ["JWT", "client-authentication+jwt"])
async def test_the_type_may_name_the_purpose(keyed: RelyingParty, typ: str) -> None:
    """RFC 10070; RFC 8725 §3.11."""
    assertion = forge({"alg": "ES256", "typ": typ}, claims_of(keyed), EC, "ES256")

    assert (await knock(keyed, Literal(assertion))).status == 200


@pytest.mark.parametrize(
    "member",
    [
        '"typ":"at+jwt"', '"typ":"logout+jwt"', '"typ":"dpop+jwt"', '"typ":"jwt "', '"typ":[]', '"kid":"other"',
        '"kid":1', '"kid":"' + "x" * 257 + '"', '"jku":"https://evil.example/jwks"', '"x5u":"https://evil.example/c"',
        '"jwk":{"kty":"oct","k":"AA"}', '"x5c":["MIIB"]', '"zip":"DEF"', '"crit":["exp"]', '"crit":[]',
        '"crit":["b64"],"b64":false', '"b64":true', '"enc":"A128GCM"', '"alg":"ES256"',
    ],
)  # fmt: skip
async def test_a_header_of_another_purpose_or_with_demands_of_its_own_is_refused(
    keyed: RelyingParty, member: str
) -> None:
    """RFC 7515 §4, §4.1.11; RFC 8725 §3.10, §3.11: no key and no URL inside the token is looked at."""
    assertion = forge('{"alg":"ES256",' + member + "}", claims_of(keyed), EC, "ES256")

    assert_refused(await knock(keyed, Literal(assertion)))


@pytest.mark.parametrize(
    "text", ["x", "a.b", "a.b.c", "a.b.c.d.e", "...", "..", "e30.e30.", "ä.ä.ä", "x" * 20_000, "\0"]
)
async def test_what_is_no_signed_token_is_refused(keyed: RelyingParty, text: str) -> None:
    """RFC 7523 §3."""
    assert_refused(await knock(keyed, Literal(text)))


@pytest.mark.parametrize("kind", [None, "", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "jwt-bearer"])
async def test_another_assertion_type_is_refused(keyed: RelyingParty, kind: str | None) -> None:
    """RFC 7521 §4.2."""
    assertion = changed(keyed).sign(keyed.client_id, keyed.issuer)

    assert_refused(await knock(keyed, Literal(assertion, client_assertion_type=kind or "")))


async def test_the_key_is_found_by_kid_or_by_kind(provider: Provider) -> None:
    """RFC 7515 §4.1.4; a client's keys may have no kid."""
    nameless, decoy = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
    public = [key.as_dict(private=False) for key in (decoy, KEYS["RS256"], nameless)]
    for jwk in public:
        jwk.pop("kid", None)
    rp = await provider.client(method="private_key_jwt", key=nameless, jwks={"keys": public})

    for header in ({"alg": "ES256"}, {"alg": "ES256", "kid": "whatever"}):
        assert (await knock(rp, Literal(forge(header, claims_of(rp), nameless, "ES256")))).status == 200


async def test_an_encryption_key_signs_nothing(provider: Provider) -> None:
    """RFC 7517 §4.2: use is enc."""
    key = ECKey.generate_key("P-256", {"use": "enc"})
    rp = await provider.client(method="private_key_jwt", key=key)

    assert_refused(await knock(rp, Literal(forge({"alg": "ES256"}, claims_of(rp), key, "ES256"))))


async def test_a_client_id_in_the_body_must_be_the_same(provider: Provider, keyed: RelyingParty) -> None:
    """RFC 7521 §4.2: client_id is unnecessary, but if present it identifies the same client."""
    other = await provider.client()

    def assertion() -> str:
        return changed(keyed).sign(keyed.client_id, keyed.issuer)

    assert (await knock(keyed, Literal(assertion(), client_id=keyed.client_id))).status == 200
    assert_refused(await knock(keyed, Literal(assertion(), client_id=other.client_id)))


async def test_an_assertion_beside_a_secret_is_two_methods(keyed: RelyingParty) -> None:
    """RFC 6749 §2.3."""
    assertion = changed(keyed).sign(keyed.client_id, keyed.issuer)

    answer = await knock(keyed, Literal(assertion, client_secret="x"))
    by_header = await keyed.http.post(
        f"{keyed.issuer}/revoke",
        data={"token": "x", **Literal(assertion).fields},
        headers=Basic("x").prove(keyed.client_id, keyed.issuer).headers,
    )

    assert (answer.status, answer.error) == (400, "invalid_request")
    assert by_header.status_code == 400


async def test_a_secret_signs_with_hs256_and_nothing_else(provider: Provider) -> None:
    """OIDC Core §9, client_secret_jwt."""
    rp = await provider.client(method="client_secret_jwt")
    assert isinstance(rp.auth, Assertion)
    assert isinstance(rp.auth.key, OctKey)

    assert (await knock(rp)).status == 200
    for alg in ("HS384", "HS512"):
        assert_refused(await knock(rp, Assertion(rp.auth.key, alg, now=rp.now)))
    assert_refused(await knock(rp, Assertion(OctKey.import_key("x" * 43), "HS256", now=rp.now)))


async def test_a_public_key_is_no_shared_secret(provider: Provider) -> None:
    """RFC 8725 §2.1: HS256 with the bytes of a public key, in each of its spellings, or with none."""
    key = KEYS["RS256"]
    assert isinstance(key, RSAKey)
    rp = await provider.client(method="private_key_jwt", key=key)

    for secret in (key.as_pem(private=False), key.as_der(private=False), json.dumps(key.as_dict()).encode(), b""):
        assert_refused(await knock(rp, Literal(forge({"alg": "HS256"}, claims_of(rp), secret, "HS256"))))


async def test_tokens_of_ours_are_no_assertions(keyed: RelyingParty, tokens: Answer) -> None:
    """RFC 8725 §3.11: what we signed ourselves proves no client."""
    for token in (tokens.access_token, tokens.id_token, tokens.refresh_token):
        assert_refused(await knock(keyed, Literal(token, client_id=keyed.client_id)))
