"""Negative JOSE cases of our own, after Wycheproof – RFC 8725 §2, §3 – at every door that reads a token of ours.

The forger's keys stand among the provider's, so each case is refused for what it is, not because a key is unknown.
"""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from idp.storage.signing_keys import KeyState, SigningKey
from tests.support.bad_jose import ORDER, SIGNATURES, SPELLINGS
from tests.support.databases import fresh_database
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import base64url, forge, parts, unbase64url
from tests.support.provider import Provider, at_once
from tests.support.relying_party import Answer, RelyingParty

EC = ECKey.generate_key("P-256")
RSA = RSAKey.generate_key(2048)
ED = OKPKey.generate_key("Ed25519")
KEYS: dict[str, Key] = {"ES256": EC, "RS256": RSA, "EdDSA": ED}


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider that once signed with the forger's keys."""
    folder = tmp_path_factory.mktemp("forged")
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url) as provider:
        now = provider.clock.now()
        async with provider.site.transactions.open(write=True) as stores:
            for alg, key in KEYS.items():
                public: Any = key.as_dict(private=False)
                await stores.signing_keys.add(SigningKey(f"forger-{alg}", alg, KeyState.NEXT, public, "nowhere", now))
                await stores.signing_keys.set_state(f"forger-{alg}", KeyState.RETIRED, now)
        await provider.settle()
        yield provider


@dataclass(frozen=True)
class Forger:
    """Claims that are right, and a door to try a token at: userinfo and introspection, or as a hint."""

    rp: RelyingParty
    browser: HtmlBrowser
    access: dict[str, Any]
    identity: dict[str, Any]

    def claims(self, typ: str) -> dict[str, Any]:
        """Return the claims of a good token of a kind."""
        return self.access if typ == "at+jwt" else self.identity

    def mint(self, typ: str, alg: str = "ES256") -> str:
        """Return a good token."""
        return forge({"alg": alg, "typ": typ, "kid": f"forger-{alg}"}, self.claims(typ), KEYS[alg], alg)

    async def is_believed(self, typ: str, token: str) -> bool:
        """Try a token."""
        if typ == "at+jwt":
            response = await self.rp.http.post(f"{self.rp.issuer}/userinfo", data={"access_token": token})
            is_active = bool((await self.rp.introspect(token)).body["active"])
            assert (response.status_code == 200) is is_active
            return is_active
        answer = await at_once(self.browser, self.rp, prompt="none", id_token_hint=token)
        assert answer.error in (None, "invalid_request")
        return answer.error is None


@pytest.fixture
async def forger(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer) -> Forger:
    """A forger who has seen good tokens."""
    return Forger(rp, browser, parts(tokens.access_token)[1], parts(tokens.id_token)[1])


GOOD = '"alg":"ES256","typ":"TYP","kid":"forger-ES256"'
KIDS = ('"../../keys/x"', '"\' OR 1=1 --"', '"https://evil.example"', '"' + "x" * 300 + '"', "1", "true", "null", "[]",
        "{}", '""', '"\\u0000"', '"forger-es256"', '"forger-RS256"')  # fmt: skip
TYPS = ('"logout+jwt"', '"dpop+jwt"', '"AT+JWT"', '"jwt"', '"application/at+jwt"', '""', "null", "1", "[]")
HEADERS = [  # after the good ones, or instead of them; every one is signed properly
    '"typ":"TYP","kid":"forger-ES256"',
    '"alg":"ES256","typ":"TYP"',
    '"alg":"ES256","kid":"forger-ES256"',
    GOOD + ',"alg":"ES256"',
    '"kid":"other",' + GOOD,
    '"typ":"x",' + GOOD,
    GOOD + ',"crit":["exp"],"exp":1',
    GOOD + ',"crit":[]',
    GOOD + ',"crit":["b64"],"b64":false',
    GOOD + ',"b64":true',
    GOOD + ',"jwk":{"kty":"EC"}',
    GOOD + ',"jku":"https://evil.example/jwks"',
    GOOD + ',"x5u":"https://evil.example/x5u"',
    GOOD + ',"x5c":["MIIB"]',
    GOOD + ',"zip":"DEF"',
    GOOD + ',"enc":"A128GCM"',
    GOOD + ',"cty":"JWT"',
    GOOD + ',"unknown":1',
    *('"alg":"ES256","typ":"TYP","kid":' + kid for kid in KIDS),
    *('"alg":"ES256","kid":"forger-ES256","typ":' + typ for typ in TYPS),
    *(f'"alg":"{alg}","typ":"TYP","kid":"forger-ES256"' for alg in ("none", "NONE", "es256", "ES256 ", "")),
    *(f'"alg":{alg},"typ":"TYP","kid":"forger-ES256"' for alg in ("null", "1", "[]", '["ES256"]')),
    GOOD[:-1],
    GOOD + ",",
]
ALGORITHMS: list[
    tuple[str, str, Key | bytes | None, str]
] = [  # what it says, by what and whom it is signed, and the kid
    ("none", "", None, "forger-ES256"),
    ("ES256", "", None, "forger-ES256"),
    ("HS256", "HS256", RSA.as_pem(private=False), "forger-RS256"),
    ("HS256", "HS256", RSA.as_der(private=False), "forger-RS256"),
    ("HS256", "HS256", json.dumps(RSA.as_dict(private=False)).encode(), "forger-RS256"),
    ("RS256", "HS256", RSA.as_pem(private=False), "forger-RS256"),
    ("HS256", "HS256", b"", "forger-ES256"),
    ("HS256", "HS256", bytes(32), "forger-ES256"),
    ("RS512", "RS512", RSA, "forger-RS256"),
    ("PS256", "PS256", RSA, "forger-RS256"),
    ("RS256", "PS256", RSA, "forger-RS256"),
    ("PS256", "RS256", RSA, "forger-RS256"),
    ("ES384", "ES384", ECKey.generate_key("P-384"), "forger-ES256"),
    ("ES256", "ES384", ECKey.generate_key("P-384"), "forger-ES256"),
    ("ES256K", "ES256K", ECKey.generate_key("secp256k1"), "forger-ES256"),
    ("ES256", "ES256", ECKey.generate_key("P-256"), "forger-ES256"),
    ("ES256", "ES256", EC, "forger-RS256"),
    ("Ed25519", "Ed25519", ED, "forger-EdDSA"),  # the newer name, which we do not write
]
each_kind = pytest.mark.parametrize("typ", ["at+jwt", "JWT"])


@each_kind
@pytest.mark.parametrize("alg", list(KEYS))
async def test_what_the_forger_signs_properly_is_believed(forger: Forger, typ: str, alg: str) -> None:
    """The proof that the cases below fail for their own fault."""
    assert await forger.is_believed(typ, forger.mint(typ, alg))


@each_kind
@pytest.mark.parametrize("members", HEADERS)
async def test_a_header_with_a_fault_is_not(forger: Forger, typ: str, members: str) -> None:
    """RFC 7515 §4, §4.1.11; RFC 8725 §3.1, §3.10, §3.11: although the signature is right."""
    header = "{" + members.replace("TYP", typ) + "}"

    assert not await forger.is_believed(typ, forge(header, forger.claims(typ), EC, "ES256"))


@each_kind
@pytest.mark.parametrize(
    ("says", "signed", "key", "kid"), ALGORITHMS, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_another_algorithm_than_the_keys_own_is_not(
    forger: Forger, typ: str, says: str, signed: str, key: Key | bytes | None, kid: str
) -> None:
    """RFC 8725 §2.1, §3.1, §3.2: no none, no HMAC with a public key, no neighbour of the same family."""
    token = forge({"alg": says, "typ": typ, "kid": kid}, forger.claims(typ), key, signed)

    assert not await forger.is_believed(typ, token)


@each_kind
@pytest.mark.parametrize("signature", SIGNATURES)
async def test_a_signature_that_is_none_is_not(forger: Forger, typ: str, signature: str) -> None:
    """RFC 7518 §3.4: fixed length, r and s from 1 to n-1, never ASN.1."""
    head, body, good = forger.mint(typ).split(".")
    bad = SIGNATURES[signature](unbase64url(good))

    assert not await forger.is_believed(typ, f"{head}.{body}.{base64url(bad)}")


@each_kind
@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_another_spelling_of_a_good_token_is_not(forger: Forger, typ: str, spelling: str) -> None:
    """RFC 7515 §2, §3.1, §7.2: base64url without padding, without spaces, with no bit to spare; compact only."""
    assert not await forger.is_believed(typ, SPELLINGS[spelling](forger.mint(typ)))


@each_kind
@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"1", b"null", b"\xff", forge({"alg": "none"}, {}, None, "").encode()]
)
async def test_a_payload_that_is_no_set_of_claims_is_not(forger: Forger, typ: str, payload: bytes) -> None:
    """RFC 7519 §7.2; RFC 8725 §3.12: nothing nested either."""
    token = forge({"alg": "ES256", "typ": typ, "kid": "forger-ES256"}, payload, EC, "ES256")

    assert not await forger.is_believed(typ, token)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"}, {"iss": None}, {"aud": "https://api.example"}, {"aud": None}, {"aud": []},
        {"aud": {}}, {"exp": None}, {"exp": 0}, {"exp": "9999999999"}, {"exp": True}, {"iat": None}, {"jti": None},
        {"jti": 1}, {"jti": "unknown.x"}, {"sub": None}, {"client_id": None}, {"client_id": "nobody"}, {"scope": None},
        {"scope": ["openid"]},
    ],
    ids=str,
)  # fmt: skip
async def test_an_access_token_needs_all_its_claims(forger: Forger, changes: dict[str, Any]) -> None:
    """RFC 9068 §4: even with a right signature."""
    claims = {name: value for name, value in (forger.access | changes).items() if value is not None}

    token = forge({"alg": "ES256", "typ": "at+jwt", "kid": "forger-ES256"}, claims, EC, "ES256")

    answer = await forger.rp.userinfo(token)
    assert answer.status == 401


async def test_kinds_never_cross_even_with_a_right_signature(forger: Forger) -> None:
    """RFC 8725 §3.11: typ names the purpose."""
    as_access = forge({"alg": "ES256", "typ": "JWT", "kid": "forger-ES256"}, forger.access, EC, "ES256")
    as_hint = forge({"alg": "ES256", "typ": "at+jwt", "kid": "forger-ES256"}, forger.identity, EC, "ES256")

    assert not await forger.is_believed("at+jwt", as_access)
    assert not await forger.is_believed("JWT", as_hint)


async def test_the_other_ecdsa_signature_is_the_same_token(forger: Forger) -> None:
    """RFC 7518 §3.4: (r, n-s) is valid too; so nothing here may be counted by signature, only by jti."""
    token = forger.mint("at+jwt")

    signed, _, signature = token.rpartition(".")
    r, s = unbase64url(signature)[:32], int.from_bytes(unbase64url(signature)[32:], "big")
    again = f"{signed}.{base64url(r + (ORDER - s).to_bytes(32, 'big'))}"
    await forger.rp.revoke(again)

    assert not await forger.is_believed("at+jwt", token)
    assert not await forger.is_believed("at+jwt", again)


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_giant_part_is_refused_at_once(provider: Provider, part: int) -> None:
    """The limit is ours: 16 kB at most, before anything is decoded."""
    segments = ["e30", "e30", "e30"]
    segments[part] = "A" * 5_000_000
    began = time.process_time()

    found = provider.site.engine.keyring.read(".".join(segments), typ="at+jwt", check=lambda _claims: True)

    assert found is None
    assert time.process_time() - began < 0.05
