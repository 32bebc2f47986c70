"""TK24, TK26: client assertions that are forged, meant for others, or live too long (RFC 7523 §3, RFC 8725 §3)."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from idp.domain.client import Profile
from tests.support.attacker import is_no_client, machine, token
from tests.support.client_auth import ASSERTION_TYPE, Assertion, Proof
from tests.support.relying_party import Answer, RelyingParty
from tests.support.target import Target

KEY = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256"})
RSA = RSAKey.generate_key(2048, {"kid": "r1", "alg": "RS256"})


def b64(value: bytes | dict[str, Any]) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


Forger = Callable[[dict[str, Any]], str]


def unsigned(alg: str) -> Forger:
    return lambda claims: f"{b64({'alg': alg})}.{b64(claims)}."


def hmac_with(key: bytes, **header: Any) -> Forger:
    def forge(claims: dict[str, Any]) -> str:
        body = f"{b64({'alg': 'HS256', 'kid': 'r1', **header})}.{b64(claims)}"
        return f"{body}.{b64(hmac.digest(key, body.encode(), hashlib.sha256))}"

    return forge


def signed(key: Any, **header: Any) -> Forger:
    """Sign as told, without the checks of a library."""

    def forge(claims: dict[str, Any]) -> str:
        alg = {"RSA": "RS256", "EC": "ES256", "OKP": "Ed25519"}[key.key_type]
        body = f"{b64({'alg': alg, **header})}.{b64(claims)}"
        return f"{body}.{b64(jws.JWSRegistry.algorithms[alg].sign(body.encode(), key))}"

    return forge


MINE = RSAKey.generate_key(2048, {"kid": "mine"})
FORGERIES: dict[str, Forger] = {
    "alg none": unsigned("none"),
    "alg None": unsigned("None"),
    "alg NONE": unsigned("NONE"),
    "alg nOnE": unsigned("nOnE"),
    "alg empty": unsigned(""),
    "HS256 with PEM": hmac_with(RSA.as_pem(private=False)),
    "HS256 with DER": hmac_with(RSA.as_der(private=False)),
    "HS256 with JWK": hmac_with(json.dumps(RSA.as_dict(private=False)).encode()),
    "HS256 with modulus": hmac_with(str(RSA.as_dict(private=False)["n"]).encode()),
    "HS256 with empty key": hmac_with(b""),
    "another key": signed(MINE),
    "another key under the kid": signed(MINE, kid="r1"),
    "jwk in the header": signed(MINE, jwk=MINE.as_dict(private=False)),
    "jku in the header": signed(MINE, jku="https://rp.example/jwks"),
    "x5u in the header": signed(MINE, x5u="https://rp.example/cert"),
    "x5c in the header": signed(MINE, x5c=["MIIB"]),
    "kid traversal": signed(MINE, kid="../../../../dev/null"),
    "kid sql": signed(MINE, kid="' OR 1=1 --"),
    "kid giant": signed(MINE, kid="k" * 3000),
    "right key, crit": signed(RSA, kid="r1", crit=["exp"], exp=1),
    "right key, b64 false": signed(RSA, kid="r1", b64=True),
    "right key, jku too": signed(RSA, kid="r1", jku="https://rp.example/jwks"),
    "right key, typ at+jwt": signed(RSA, kid="r1", typ="at+jwt"),
    "right key, typ of an ID token for others": signed(RSA, kid="r1", typ="logout+jwt"),
    "right key, zip": signed(RSA, kid="r1", zip="DEF"),
    "zero ECDSA": lambda claims: f"{b64({'alg': 'ES256', 'kid': 'k1'})}.{b64(claims)}.{b64(bytes(64))}",
    "not three parts": lambda claims: b64(claims),
    "JSON serialisation": lambda claims: json.dumps({"payload": b64(claims), "signatures": []}),
    "a JWE's five parts": lambda claims: (
        f"{b64({'alg': 'dir', 'enc': 'A128GCM'})}..{b64(b'x')}.{b64(claims)}.{b64(b'y')}"
    ),
    "20 kB": lambda claims: signed(RSA, kid="r1")({**claims, "x": "y" * 20_000}),
    "a member twice": lambda claims: _with_payload(json.dumps(claims)[:-1] + f', "sub": "{claims["sub"]}"' + "}"),
    "payload is an array": lambda claims: _with_payload("[1]"),
    "payload is not JSON": lambda claims: _with_payload("x"),
}


def _with_payload(text: str) -> str:
    return jws.serialize_compact({"alg": "RS256", "kid": "r1"}, text.encode(), RSA)


def claims_for(rp: RelyingParty, **changes: Any) -> dict[str, Any]:
    now = int(rp.now())
    claims = {
        "iss": rp.client_id, "sub": rp.client_id, "aud": rp.issuer, "jti": secrets.token_hex(8), "iat": now,
        "exp": now + 60, **changes,
    }  # fmt: skip
    return {name: value for name, value in claims.items() if value is not ...}


async def present(rp: RelyingParty, assertion: str, **fields: str) -> Answer:
    proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    return await token(rp, Given(Proof(proof | fields)))


class Given:
    """Client authentication with exactly these fields."""

    def __init__(self, proof: Proof) -> None:
        self.proof = proof

    def prove(self, client_id: str, issuer: str) -> Proof:
        """Return them."""
        return self.proof


@pytest.fixture
async def keyed(provider: Target) -> RelyingParty:
    """A client with an RSA and an EC key."""
    rp = await machine(provider, "private_key_jwt", key=RSA)
    await provider.change(rp, jwks={"keys": [RSA.as_dict(private=False), KEY.as_dict(private=False)]})
    return rp


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_tk24_a_forged_assertion_is_no_client(keyed: RelyingParty, forge: Forger) -> None:
    began = time.perf_counter()

    assert is_no_client(await present(keyed, forge(claims_for(keyed))))
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize("key", [RSA, KEY], ids=["RS256", "ES256"])
async def test_tk24_the_honest_one_passes_once(keyed: RelyingParty, key: Any) -> None:
    assertion = signed(key, kid=key.kid)(claims_for(keyed))

    assert (await present(keyed, assertion)).status == 200
    assert is_no_client(await present(keyed, assertion))


async def test_tk24_a_jti_is_spent_for_all_workers(either: Target) -> None:
    rp = await machine(either, "private_key_jwt", key=KEY)
    assertion = signed(KEY, kid="k1")(claims_for(rp))
    async with either.twin() as twin:
        there = RelyingParty(twin.http, rp.issuer, rp.client_id, rp.auth)

        assert (await present(rp, assertion)).status == 200
        assert is_no_client(await present(there, assertion))


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "aud is the token endpoint": {"aud": "https://id.example/token"},
    "aud is an array": {"aud": ["https://id.example"]},
    "aud has another server too": {"aud": ["https://id.example", "https://other.example"]},
    "aud is another server": {"aud": "https://other.example"},
    "aud ends with a slash": {"aud": "https://id.example/"},
    "aud in another case": {"aud": "https://ID.example"},
    "aud is absent": {"aud": ...},
    "aud is null": {"aud": None},
    "iss is another": {"iss": "c-other"},
    "iss is absent": {"iss": ...},
    "sub is another": {"sub": "c-other"},
    "sub is an array": {"sub": ["x"]},
    "exp is absent": {"exp": ...},
    "exp is text": {"exp": "9999999999"},
    "exp is true": {"exp": True},
    "exp is infinite": {"exp": 10**400},
    "jti is absent": {"jti": ...},
    "jti is empty": {"jti": ""},
    "jti is a number": {"jti": 7},
    "jti is giant": {"jti": "x" * 300},
    "iat is text": {"iat": "now"},
    "nbf is null": {"nbf": None},
}


@pytest.mark.parametrize("changes", BAD_CLAIMS.values(), ids=BAD_CLAIMS)
async def test_tk26_an_assertion_for_others_or_without_limits_is_is_no_client(
    keyed: RelyingParty, changes: dict[str, Any]
) -> None:
    claims = claims_for(keyed, **changes)

    assert is_no_client(await present(keyed, signed(RSA, kid="r1")(claims), client_id=keyed.client_id))


@pytest.mark.parametrize(
    ("member", "good", "bad"),
    [("exp", 329, 331), ("exp", -59, -61), ("iat", 29, 31), ("nbf", 29, 31)],
)
async def test_tk26_times_are_held_to_the_second(keyed: RelyingParty, member: str, good: int, bad: int) -> None:
    now = int(keyed.now())

    assert (await present(keyed, signed(RSA, kid="r1")(claims_for(keyed, **{member: now + good})))).status == 200
    assert is_no_client(await present(keyed, signed(RSA, kid="r1")(claims_for(keyed, **{member: now + bad}))))


@pytest.mark.parametrize("aud", ["https://id.example", "https://id.example/token", ["https://id.example/token"]])
async def test_tk26_profile_oidc_may_name_the_token_endpoint_and_nobody_else(provider: Target, aud: Any) -> None:
    rp = await machine(provider, "private_key_jwt", key=KEY, profile=Profile.OIDC)
    foreign = [*([aud] if isinstance(aud, str) else aud), "https://other.example"]

    assert (await present(rp, signed(KEY, kid="k1")(claims_for(rp, aud=aud)))).status == 200
    assert is_no_client(await present(rp, signed(KEY, kid="k1")(claims_for(rp, aud=foreign))))


@pytest.mark.parametrize("kind", [None, "", "x", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"])
async def test_tk26_another_assertion_type_is_is_no_client(keyed: RelyingParty, kind: str | None) -> None:
    fields = {"client_assertion": signed(RSA, kid="r1")(claims_for(keyed))}
    if kind is not None:
        fields["client_assertion_type"] = kind

    assert is_no_client(await token(keyed, Given(Proof(fields))))


async def test_tk26_an_hmac_assertion_needs_the_secret(provider: Target) -> None:
    rp = await machine(provider, "client_secret_jwt")
    wrong = Assertion(OctKey.import_key("x" * 43), "HS256", now=rp.now)

    assert is_no_client(await token(rp, wrong))
    assert is_no_client(await present(rp, signed(OKPKey.generate_key("Ed25519"))(claims_for(rp))))
    assert (await token(rp)).status == 200
