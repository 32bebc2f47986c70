"""Client assertions and how they are signed – RFC 7523 §3, RFC 7515, RFC 8725; OIDC Core §9."""

import json
from secrets import token_urlsafe
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from tests.support.client_auth import Assertion, by_assertion
from tests.support.jose import fitting_key, forge
from tests.support.provider import Provider
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


async def knock(rp: RelyingParty, auth: Any = None, endpoint: str = "revocation_endpoint") -> Answer:
    """Ask for something harmless; whoever is let in gets no 401."""
    return await rp.post(endpoint, {"token": "x", "grant_type": "refresh_token", "refresh_token": "x"}, auth=auth)


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

    assert (await knock(rp, by_assertion(assertion), endpoint)).status in (200, 400)


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS384", "PS512", "ES384", "ES512", "HS256", "HS512"])
async def test_no_other_algorithm_does(provider: Provider, alg: str) -> None:
    """RFC 8725 §3.1: a right signature of a registered key is not enough, the profile names the algorithms."""
    key = fitting_key(alg)
    public = [KEYS["RS256"].as_dict(private=False)]
    if not isinstance(key, bytes):
        public.append(key.as_dict(private=False))
    rp = await provider.client(method="private_key_jwt", key=EC, jwks={"keys": public})

    assert_refused(await knock(rp, by_assertion(forge({"alg": alg}, claims_of(rp), key, alg))))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "es256", "ES256 "])
async def test_no_spelling_of_none_does(keyed: RelyingParty, alg: str) -> None:
    """RFC 8725 §2.1, §3.2."""
    for key in (None, EC):
        assert_refused(await knock(keyed, by_assertion(forge({"alg": alg}, claims_of(keyed), key, "ES256"))))


async def test_a_registered_algorithm_is_the_only_one(provider: Provider) -> None:
    """RFC 7591 §2, token_endpoint_auth_signing_alg."""
    rp = await provider.client(method="private_key_jwt", key=KEYS["RS256"], token_endpoint_auth_signing_alg="PS256")

    assert (await knock(rp, Assertion(KEYS["RS256"], "PS256", now=provider.clock.timestamp))).status == 200
    assert_refused(await knock(rp, Assertion(KEYS["RS256"], "RS256", now=provider.clock.timestamp)))


@pytest.mark.parametrize("typ", ["JWT", "client-authentication+jwt"])
async def test_the_type_may_name_the_purpose(keyed: RelyingParty, typ: str) -> None:
    """RFC 10070; RFC 8725 §3.11."""
    assertion = forge({"alg": "ES256", "typ": typ}, claims_of(keyed), EC, "ES256")

    assert (await knock(keyed, by_assertion(assertion))).status == 200


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

    assert_refused(await knock(keyed, by_assertion(assertion)))


@pytest.mark.parametrize(
    "text", ["x", "a.b", "a.b.c", "a.b.c.d.e", "...", "..", "e30.e30.", "ä.ä.ä", "x" * 20_000, "\0"]
)
async def test_what_is_no_signed_token_is_refused(keyed: RelyingParty, text: str) -> None:
    """RFC 7523 §3."""
    assert_refused(await knock(keyed, by_assertion(text)))


async def test_the_key_is_found_by_kid_or_by_kind(provider: Provider) -> None:
    """RFC 7515 §4.1.4; a client's keys may have no kid."""
    nameless, decoy = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
    public = [key.as_dict(private=False) for key in (decoy, KEYS["RS256"], nameless)]
    for jwk in public:
        jwk.pop("kid", None)
    rp = await provider.client(method="private_key_jwt", key=nameless, jwks={"keys": public})

    for header in ({"alg": "ES256"}, {"alg": "ES256", "kid": "whatever"}):
        assert (await knock(rp, by_assertion(forge(header, claims_of(rp), nameless, "ES256")))).status == 200


async def test_an_encryption_key_signs_nothing(provider: Provider) -> None:
    """RFC 7517 §4.2: use is enc."""
    key = ECKey.generate_key("P-256", {"use": "enc"})
    rp = await provider.client(method="private_key_jwt", key=key)

    assert_refused(await knock(rp, by_assertion(forge({"alg": "ES256"}, claims_of(rp), key, "ES256"))))


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
        assert_refused(await knock(rp, by_assertion(forge({"alg": "HS256"}, claims_of(rp), secret, "HS256"))))


async def test_tokens_of_ours_are_no_assertions(keyed: RelyingParty, tokens: Answer) -> None:
    """RFC 8725 §3.11: what we signed ourselves proves no client."""
    for token in (tokens.access_token, tokens.id_token, tokens.refresh_token):
        assert_refused(await knock(keyed, by_assertion(token, client_id=keyed.client_id)))
