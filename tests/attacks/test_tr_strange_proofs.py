"""TR22, TK28, AZ30: strange things where requests are pushed, signed and bound are no fault of ours and leave nothing.

Hypothesis makes the requests. What is refused leaves no row behind, and every answer comes in time.
"""

import base64
import json
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from tests.support.attacker import RawAnswer, send
from tests.support.certificates import Certificate, certificate
from tests.support.financial import MTLS
from tests.support.jose import forge
from tests.support.provider import CALLBACK
from tests.support.relying_party import RelyingParty
from tests.support.target import Target, target

EXAMPLES = 60
LONGEST = 5.0  # seconds for one answer, on a machine that does ten other things
KEY = ECKey.generate_key("P-256", {"kid": "k1"})
PROXY = "10.0.0.1"
KEPT = ("pushed_requests", "codes", "grants", "replays", "interactions")
FORM = (b"content-type", b"application/x-www-form-urlencoded")
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_odd = st.text(max_size=60) | st.sampled_from(["\x00", "é" * 30, "x" * 5000, "%", "\ud7ff", "a b", "-1", "1e999", "[]"])
_NAMES = ("response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
          "code_challenge_method", "request", "request_uri", "dpop_jkt", "claims", "max_age", "prompt", "resource",
          "authorization_details", "response_mode", "grant_type", "code", "refresh_token")  # fmt: skip
_fields = st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=10), _odd, max_size=8)
_HEADER = ("alg", "typ", "jwk", "kid", "crit", "b64", "zip", "x5c", "jku", "enc")
_header = st.dictionaries(
    st.sampled_from(_HEADER) | st.text(max_size=6),
    _json | st.sampled_from(["none", "ES256", "HS256", "PS256", "EdDSA", "dpop+jwt", "JWT", "", "RS256"]),
    max_size=6,
)
_CLAIMS = ("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "htm", "htu", "ath", "nonce", "client_id", "redirect_uri",
           "response_type", "scope", "claims", "max_age", "request", "resource")  # fmt: skip
_TIMES = st.sampled_from([0, -1, 2**31, 2**53, 2**63, 1e300, -1e300, 1893553445, "1893553445", True])
_claims = st.dictionaries(st.sampled_from(_CLAIMS), _json | _TIMES, max_size=8)
_compact = st.builds(".".join, st.lists(st.text("ABCabc012-_=+/é", max_size=40), min_size=1, max_size=5))


_bounded = settings(max_examples=EXAMPLES)


@pytest.fixture(scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """A provider where everybody may register, and certificates are asked for."""
    given_settings = {"mtls_url": MTLS, "trusted_proxies": "10.0.0.0/8", "client_registration": "open"}
    async with target("sqlite", tmp_path_factory.mktemp("strange"), **given_settings) as running:
        yield running


@pytest.fixture(scope="module")
async def shop(here: Target) -> RelyingParty:
    """A client with a secret and a key."""
    return await here.client(key=KEY, grant_types=["authorization_code", "client_credentials"])


async def post(here: Target, shop: RelyingParty, path: str, fields: dict[str, str], *headers: tuple[bytes, bytes],
               host: str = "", address: str = "203.0.113.9") -> RawAnswer:  # fmt: skip
    """Send a form with the client's secret, and see that the answer is in time and no fault of ours."""
    secret = shop.auth.prove(shop.client_id, shop.issuer).headers["Authorization"].encode()
    given = [FORM, (b"authorization", secret), *headers, *([(b"host", host.encode())] if host else [])]
    body = urlencode(fields, errors="surrogatepass").encode()
    began = time.perf_counter()
    answer = await send(here, "POST", path, headers=given, body=body, address=address)
    assert time.perf_counter() - began < LONGEST
    assert answer.status < 500, (answer.status, answer.body[:300])
    return answer


async def counted(here: Target) -> dict[str, int]:
    """Count what requests leave behind."""
    return {table: len(await here.rows(table)) for table in KEPT}


async def parameters(shop: RelyingParty) -> dict[str, str]:
    """Return a request that would be taken."""
    return dict((await shop.authorization_request(scope="openid")).parameters)


@_bounded
@given(fields=_fields, is_whole=st.booleans())
async def test_whatever_is_pushed_is_kept_only_when_it_is_taken(
    here: Target, shop: RelyingParty, fields: dict[str, str], is_whole: bool
) -> None:
    before = await counted(here)

    answer = await post(here, shop, "/par", (await parameters(shop) if is_whole else {}) | fields)

    after = await counted(here)
    assert after == before | {"pushed_requests": before["pushed_requests"] + (answer.status == 201)}
    assert answer.status in (201, 400, 401, 413)


@_bounded
@given(header=_header, claims=_claims, is_whole=st.booleans(), is_pushed=st.booleans())
async def test_whatever_is_signed_leaves_nothing_unless_it_holds(
    here: Target, shop: RelyingParty, header: dict[str, Any], claims: dict[str, Any], is_whole: bool, is_pushed: bool
) -> None:
    good = {**await parameters(shop), "iss": shop.client_id, "aud": shop.issuer, "exp": int(shop.now()) + 60}
    text = forge({"alg": "ES256"} | header, (good if is_whole else {}) | claims, KEY, "ES256")
    before = await counted(here)

    if is_pushed:
        answer = await post(here, shop, "/par", {"client_id": shop.client_id, "request": text})
        made = "pushed_requests"
    else:
        sent = {"client_id": shop.client_id, "request": text, "redirect_uri": CALLBACK, "response_type": "code"}
        answer = await send(here, "GET", "/authorize", query=urlencode(sent).encode())
        made = "interactions"
        assert answer.status < 500, answer.body[:300]

    is_taken = answer.status == 201 or answer.headers.get("location", CALLBACK).startswith(here.issuer)
    assert await counted(here) == before | {made: before[made] + is_taken}


@_bounded
@given(header=_header, claims=_claims, is_whole=st.booleans(), text=st.none() | _compact | st.binary(max_size=60))
async def test_whatever_is_a_proof_is_remembered_only_when_it_is_taken(
    here: Target, shop: RelyingParty, header: dict[str, Any], claims: dict[str, Any], is_whole: bool, text: Any
) -> None:
    good = {"jti": secrets.token_urlsafe(8), "htm": "POST", "htu": f"{shop.issuer}/token", "iat": int(shop.now())}
    members = {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.as_dict(private=False) if is_whole else {"kty": "EC"}}
    members["jwk"].pop("kid", None)
    proof = forge(members | header, (good if is_whole else {}) | claims, KEY, "ES256").encode()
    if text is not None:
        proof = text if isinstance(text, bytes) else text.encode()
    before = await counted(here)

    answer = await post(here, shop, "/token", {"grant_type": "client_credentials"}, (b"dpop", proof))

    after = await counted(here)
    is_taken = int(answer.status == 200)
    assert after["replays"] - before["replays"] == is_taken
    assert after["grants"] - before["grants"] == is_taken
    assert answer.status in (200, 400, 431)


_cut = st.integers(0, 900)
_bytes = st.binary(max_size=200) | st.sampled_from([b":AAAA:", b"%", b"-----BEGIN CERTIFICATE-----", b"SUCCESS", b"::"])


@pytest.fixture(scope="module")
def own() -> Certificate:
    """The certificate of a client."""
    return certificate()


@pytest.fixture(scope="module")
async def certified(here: Target, own: Certificate) -> RelyingParty:
    """A client whose certificate stands in its key set."""
    return await here.client(method="self_signed_tls_client_auth", jwks=own.jwks(), redirect_uris=None,
                             grant_types=["client_credentials"], scope="api")  # fmt: skip


@_bounded
@given(
    rfc9440=st.none() | _bytes, nginx=st.none() | _bytes, verify=st.none() | _bytes, at=_cut, flip=st.integers(0, 255)
)
async def test_whatever_a_proxy_tells_of_a_certificate_is_one_or_none(
    here: Target, certified: RelyingParty, own: Certificate, rfc9440: Any, nginx: Any, verify: Any, at: int, flip: int
) -> None:
    """Garbage, and a good certificate with one byte changed: never the client, whose certificate it is not."""
    der = bytearray(own.der)
    der[at % len(der)] ^= flip or 1
    changed = b":" + base64.b64encode(bytes(der)) + b":"
    told = [(b"client-cert", rfc9440 if rfc9440 is not None else changed), (b"x-client-cert", nginx),
            (b"x-client-verify", verify)]  # fmt: skip
    headers = [
        FORM,
        (b"host", MTLS.partition("//")[2].encode()),
        *((name, each) for name, each in told if each is not None),
    ]
    body = urlencode({"grant_type": "client_credentials", "client_id": certified.client_id}).encode()
    before = await counted(here)

    answer = await send(here, "POST", "/token", headers=headers, body=body, address=PROXY)

    assert answer.status in (401, 400, 431), answer.body
    assert await counted(here) == before


_MEMBERS = ("require_pushed_authorization_requests", "require_signed_request_object", "dpop_bound_access_tokens",
            "tls_client_certificate_bound_access_tokens", "tls_client_auth_subject_dn", "tls_client_auth_san_dns",
            "tls_client_auth_san_ip", "request_object_signing_alg", "request_uris", "require_dpop_nonce", "jwks",
            "token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "rotate_refresh_tokens")  # fmt: skip
_METHODS = st.sampled_from(["tls_client_auth", "self_signed_tls_client_auth", "private_key_jwt", "none"])
_keys = st.builds(lambda each: {"keys": [{**KEY.as_dict(private=False), **each}]}, st.dictionaries(
    st.sampled_from(["x5c", "x", "y", "crv", "kty", "kid", "use"]), _json, max_size=3))  # fmt: skip


@_bounded
@given(members=st.dictionaries(st.sampled_from(_MEMBERS), _json | _METHODS | _keys, max_size=6))
async def test_whatever_is_registered_is_taken_whole_or_leaves_nothing(here: Target, members: dict[str, Any]) -> None:
    before = len(await here.rows("clients"))
    body = json.dumps({"redirect_uris": [CALLBACK], **members}).encode()

    answer = await send(here, "POST", "/register", headers=[(b"content-type", b"application/json")], body=body)

    assert answer.status in (201, 400), answer.body
    assert len(await here.rows("clients")) - before == (answer.status == 201)
