"""What JOSE libraries that share no code with ours sign, we verify – RFC 7523 §2.2, RFC 9101 §6.2, RFC 9449 §4.3."""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import httpx2
import jwt as pyjwt
import pytest
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from tests.support.back_office import BackOffice
from tests.support.client_auth import by_assertion
from tests.support.relying_party import Answer, RelyingParty

pytestmark = pytest.mark.xdist_group("foreign-clients")

REDIRECT_URI = "https://rp.example/callback"
KINDS: dict[str, dict[str, Any]] = {
    "ES256": {"kty": "EC", "crv": "P-256"}, "PS256": {"kty": "RSA", "size": 2048},
    "RS256": {"kty": "RSA", "size": 2048}, "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
}  # fmt: skip
Json = dict[str, Any]
Sign = Callable[[Json, Json, JWK], str]


def by_pyjwt(header: Json, claims: Json, key: JWK) -> str:
    """Sign as PyJWT does."""
    private = pyjwt.PyJWK.from_json(key.export_private()).key
    return pyjwt.encode(claims, private, algorithm=header["alg"], headers=header)


def by_jwcrypto(header: Json, claims: Json, key: JWK) -> str:
    """Sign as jwcrypto does."""
    token = JWS(json.dumps(claims))
    token.allowed_algs = [header["alg"]]
    token.add_signature(key, protected=json.dumps(header))
    signed: str = token.serialize(compact=True)
    return signed


async def client(office: BackOffice, http: httpx2.AsyncClient, alg: str, key: JWK) -> RelyingParty:
    """Register a client that proves itself by a key."""
    jwks = {"keys": [{**key.export_public(as_dict=True), "kid": "k"}]}
    registration = await office.client(
        [REDIRECT_URI], token_endpoint_auth_method="private_key_jwt", jwks=jwks,
        grant_types=["authorization_code", "client_credentials"], scope="openid reports",
    )  # fmt: skip
    return RelyingParty(http, office.server.issuer, registration.client_id, by_assertion(""), REDIRECT_URI)


def claims_of(rp: RelyingParty, **more: Any) -> Json:
    """Return the claims that a client signs about itself."""
    now = int(time.time())
    usual = {"iss": rp.client_id, "aud": rp.issuer, "iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(16)}
    return {**usual, **more}


@pytest.mark.parametrize("sign", [by_pyjwt, by_jwcrypto], ids=["PyJWT", "jwcrypto"])
@pytest.mark.parametrize("alg", KINDS)
async def test_we_verify_what_they_sign(alg: str, sign: Sign, office: BackOffice) -> None:
    """RFC 7523 §2.2, RFC 9101 §6.2, RFC 9449 §4.3: each once, and no changed one."""
    key = JWK.generate(**KINDS[alg])
    async with httpx2.AsyncClient(trust_env=False) as http:
        rp = await client(office, http, alg, key)

        def assertion() -> str:
            return sign({"alg": alg, "kid": "k"}, claims_of(rp, sub=rp.client_id), key)

        async def post(path: str, fields: Json, text: str, **headers: str) -> Answer:
            proof = by_assertion(text)
            whole = {**fields, **proof.fields}
            return Answer.of(await http.post(f"{rp.issuer}{path}", data=whole, headers=headers))

        machine = {"grant_type": "client_credentials", "scope": "reports"}
        good, bad = assertion(), assertion()
        assert (await post("/token", machine, good)).status == 200
        assert (await post("/token", machine, good)).error == "invalid_client"
        assert (await post("/token", machine, bad[:-6] + "AAAAAA")).error == "invalid_client"
        request = (await rp.authorization_request()).parameters
        signed = sign({"alg": alg, "kid": "k", "typ": "oauth-authz-req+jwt"}, claims_of(rp, **request), key)
        pushed = await post("/par", {"client_id": rp.client_id, "request": signed}, assertion())
        assert pushed.status == 201, pushed.text
        if alg != "RS256":  # no algorithm for proofs
            public = key.export_public(as_dict=True)
            jwk = {name: value for name, value in public.items() if name != "kid"}
            now = int(time.time())
            proof = {"jti": secrets.token_urlsafe(16), "htm": "POST", "htu": f"{rp.issuer}/token", "iat": now}
            text = sign({"alg": alg, "typ": "dpop+jwt", "jwk": jwk}, proof, key)
            bound = await post("/token", machine, assertion(), DPoP=text)
            assert (bound.status, bound.body["token_type"]) == (200, "DPoP"), bound.text
            decoded = pyjwt.decode(bound.access_token, options={"verify_signature": False})
            assert decoded["cnf"] == {"jkt": JWK(**jwk).thumbprint()}
