"""KY01, KY04–KY06: what the JWKS gives away; JWTs whose header leads astray, at every input (RFC 8725 §3)."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwe, jws
from joserfc.jwk import OctKey, RSAKey, import_key

from tests.support.attacker import FORM, assert_error_page, tokens_for
from tests.support.client_auth import ASSERTION_TYPE
from tests.support.provider import Person
from tests.support.relying_party import RelyingParty
from tests.support.target import Target

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}
THEIRS = RSAKey.generate_key(2048)
Forger = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], str]  #: header, claims, our public key → token


def b64(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(header: dict[str, Any], claims: object, key: Any = THEIRS, alg: str = "RS256") -> str:
    body = f"{b64(header)}.{b64(claims)}"
    return f"{body}.{b64(jws.JWSRegistry.algorithms[alg].sign(body.encode(), key))}"


def hmaced(header: dict[str, Any], claims: object, key: bytes) -> str:
    body = f"{b64(header)}.{b64(claims)}"
    return f"{body}.{b64(hmac.digest(key, body.encode(), hashlib.sha256))}"


def _jwe(header: dict[str, Any], claims: dict[str, Any], _ours: dict[str, Any]) -> str:
    inner = f"{b64({'alg': 'none'})}.{b64(claims)}."
    return jwe.encrypt_compact({"alg": "dir", "enc": "A128GCM", "cty": "JWT"}, inner.encode(), OctKey.generate_key(128))


FORGERIES: dict[str, Forger] = {
    # KY04: kid
    "kid leads out of a folder": lambda h, c, o: signed({**h, "kid": "../../../../etc/passwd"}, c),
    "kid is SQL": lambda h, c, o: signed({**h, "kid": "' UNION SELECT 'x' --"}, c),
    "kid is a URL": lambda h, c, o: signed({**h, "kid": "https://127.0.0.1:1/key"}, c),
    "kid is 3 kB": lambda h, c, o: signed({**h, "kid": "k" * 3000}, c),
    "kid is null": lambda h, c, o: signed({**h, "kid": None}, c),
    "kid is a number": lambda h, c, o: signed({**h, "kid": 7}, c),
    "kid is an array": lambda h, c, o: signed({**h, "kid": [h["kid"]]}, c),
    "kid is absent": lambda h, c, o: signed({"alg": h["alg"], "typ": h["typ"]}, c),
    "kid has a NUL": lambda h, c, o: signed({**h, "kid": h["kid"] + "\x00"}, c),
    "kid twice": lambda h, c, o: _twice(h, c),
    # KY05: keys and algorithms from the token itself
    "their key under our kid": lambda h, c, o: signed(h, c),
    "jwk": lambda h, c, o: signed({**h, "jwk": THEIRS.as_dict(private=False)}, c),
    "jku": lambda h, c, o: signed({**h, "jku": "http://127.0.0.1:1/jwks"}, c),
    "x5u": lambda h, c, o: signed({**h, "x5u": "http://127.0.0.1:1/cert"}, c),
    "x5c": lambda h, c, o: signed({**h, "x5c": ["MIIB"]}, c),
    "alg none": lambda h, c, o: f"{b64({**h, 'alg': 'none'})}.{b64(c)}.",
    "alg NoNe": lambda h, c, o: f"{b64({**h, 'alg': 'NoNe'})}.{b64(c)}.",
    "alg absent": lambda h, c, o: f"{b64({'kid': h['kid'], 'typ': h['typ']})}.{b64(c)}.",
    "alg is a number": lambda h, c, o: f"{b64({**h, 'alg': 0})}.{b64(c)}.",
    "HS256 with our public key as JWK": lambda h, c, o: hmaced({**h, "alg": "HS256"}, c, json.dumps(o).encode()),
    "HS256 with our public key as PEM": lambda h, c, o: hmaced({**h, "alg": "HS256"}, c, _pem(o)),
    "HS256 with an empty key": lambda h, c, o: hmaced({**h, "alg": "HS256"}, c, b""),
    "zero ECDSA": lambda h, c, o: f"{b64({**h, 'alg': 'ES256'})}.{b64(c)}.{b64(bytes(64))}",
    "empty signature": lambda h, c, o: f"{b64(h)}.{b64(c)}.",
    "crit": lambda h, c, o: signed({**h, "crit": ["x"], "x": 1}, c),
    "b64 false": lambda h, c, o: signed({**h, "b64": False, "crit": ["b64"]}, c),
    "header is an array": lambda h, c, o: f"{b64([h])}.{b64(c)}.{b64(b'x' * 64)}",
    "header is not JSON": lambda h, c, o: f"{b64(b'{')}.{b64(c)}.{b64(b'x' * 64)}",
    "header is deep": lambda h, c, o: f"{b64(b'[' * 3000)}.{b64(c)}.{b64(b'x' * 64)}",
    # KY06: encrypted and swollen ones
    "a JWE around an unsigned JWT": _jwe,
    "RSA1_5": lambda h, c, o: b64({"alg": "RSA1_5", "enc": "A128CBC-HS256"}) + ".eA.eA.eA.eA",
    "PBES2 with 10^9 rounds": lambda h, c, o: (
        b64({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 10**9, "p2s": "AAAA"}) + ".eA.eA.eA.eA"
    ),
    "zip": lambda h, c, o: signed({**h, "zip": "DEF"}, c),
    "a segment of 30 kB": lambda h, c, o: signed(h, {**c, "x": "y" * 30_000}),
    "nothing but dots": lambda h, c, o: "." * 10_000,
    "JSON serialisation": lambda h, c, o: json.dumps({"payload": b64(c), "signatures": [{"protected": b64(h)}]}),
}  # fmt: skip


def _twice(header: dict[str, Any], claims: dict[str, Any]) -> str:
    text = json.dumps(header)[:-1] + f', "kid": "{header["kid"]}"' + "}"
    return signed({}, claims).replace(b64({}), b64(text.encode()), 1)


def _pem(ours: dict[str, Any]) -> bytes:
    return import_key({name: value for name, value in ours.items() if name != "alg"}).as_pem(private=False)


async def test_ky01_the_jwks_has_public_members_only(provider: Target) -> None:
    answer = await provider.http.get(f"{provider.issuer}/jwks")

    keys = answer.json()["keys"]
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert {key["alg"] for key in keys} == {"RS256", "PS256", "ES256", "EdDSA"}
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert not PRIVATE & set(key)
        assert key["kty"] in ("RSA", "EC", "OKP")
        assert key["use"] == "sig"
        if key["kty"] == "RSA":
            assert len(base64.urlsafe_b64decode(key["n"] + "==")) * 8 >= 3072


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_ky04_05_06_a_forged_jwt_is_refused_at_every_input(
    provider: Target, rp: RelyingParty, person: Person, forge: Forger
) -> None:
    """Access token, both hints and the client assertion; nothing is fetched, nothing takes long."""
    tokens = await tokens_for(provider, rp, person)
    keys = {key["kid"]: key for key in (await provider.http.get(f"{provider.issuer}/jwks")).json()["keys"]}
    access, identity = await rp.decode(tokens.access_token), await rp.decode(tokens.id_token)
    as_access = forge(access.header, access.claims, keys[access.header["kid"]])
    as_hint = forge(identity.header, identity.claims, keys[identity.header["kid"]])
    began = time.process_time()

    bearer = await provider.http.get(
        f"{provider.issuer}/userinfo", headers={"Authorization": f"Bearer {as_access[:15_000]}"}
    )
    described = await rp.introspect(as_access)
    revoked = await rp.revoke(as_access)
    if len(as_hint) < 6000:
        request = await rp.authorization_request(id_token_hint=as_hint, prompt="none")
        hinted = await provider.http.get(request.url)
        assert "error=invalid_request" in hinted.headers["location"]
        ended = await provider.http.get(f"{provider.issuer}/end_session", params={"id_token_hint": as_hint})
        assert_error_page(ended)
    asserted = await provider.http.post(
        f"{provider.issuer}/token",
        data={"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": as_hint},
        headers=FORM,
    )

    assert time.process_time() - began < 1
    assert (bearer.status_code, described.body, revoked.status) == (401, {"active": False}, 200)
    assert asserted.json()["error"] == "invalid_client"
    assert await rp.is_active(tokens.access_token)


@pytest.mark.parametrize("size", [17_000, 60_000, 5_000_000])
async def test_ky06_a_giant_token_is_refused_before_it_is_decoded(rp: RelyingParty, size: int) -> None:
    began = time.process_time()

    answer = await rp.introspect(f"{b64({'alg': 'RS256'})}.{'A' * size}.AAAA")

    assert answer.status == (200 if size < 64_000 else 413)
    assert answer.body.get("active") is not True
    assert time.process_time() - began < 0.5


async def test_ky05_our_own_keys_sign_each_kind_with_their_own_algorithm_only(
    provider: Target, rp: RelyingParty, person: Person
) -> None:
    """A PS256 key is also an RSA key: its kid must not verify RS256, nor the other way round."""
    tokens = await tokens_for(provider, rp, person)
    header = (await rp.decode(tokens.id_token)).header
    claims, signature = tokens.id_token.split(".")[1:]

    for alg in ("PS256", "RS384", "RS512", "rs256"):
        changed = f"{b64({**header, 'alg': alg})}.{claims}.{signature}"
        request = await rp.authorization_request(id_token_hint=changed, prompt="none")
        assert "error=invalid_request" in (await provider.http.get(request.url)).headers["location"]
