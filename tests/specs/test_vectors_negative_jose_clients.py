"""Negative JOSE cases of our own, after Wycheproof – RFC 8725 §2, §3 – at every door that reads a JWT of somebody else.

Assertions of clients, proofs, request objects (pushed), assertions of trusted issuers, and signed CIBA requests: each
case is signed by the right key, so it is refused for what it is.
"""

import pytest
from joserfc.jwk import ECKey, Key, KeySet, RSAKey

from idp.domain.exchange import JWT_BEARER
from tests.support.bad_jose import ORDER, SIGNATURES, SPELLINGS
from tests.support.jose import base64url, forge, unbase64url
from tests.support.jwt_doors import DOORS, JWK, KEY, Door, Objects, Proofs
from tests.support.polled import bank
from tests.support.provider import Provider
from tests.support.resources import define

OTHER = ECKey.generate_key("P-256", {"kid": "k"})


@pytest.fixture(scope="module")
async def doors(provider: Provider) -> dict[str, Door]:
    """One client for each door."""
    person = await provider.person()
    jwks = KeySet([KEY]).as_dict(private=False)
    clients = {
        "Assertions": await provider.client(method="private_key_jwt", key=KEY),
        "Proofs": await provider.client(grant_types=["client_credentials"], redirect_uris=None, scope="reports"),
        "Objects": await provider.client(key=KEY),
        "Bearers": await provider.client(
            grant_types=[JWT_BEARER], redirect_uris=None, scope="openid", is_first_party=True
        ),
        "Questions": (await bank(provider, key=KEY, backchannel_authentication_request_signing_alg="ES256")).rp,
    }
    issuer = clients["Bearers"].client_id
    await define(
        provider, "assertion_issuers", issuer=f"https://their.example/{issuer}", clients=[issuer], scopes=["openid"],
        jwks=jwks, algs=["ES256"],
    )  # fmt: skip
    await provider.settle()
    return {name: DOORS[name](rp, person) for name, rp in clients.items()}


@pytest.fixture(params=DOORS)
async def door(request: pytest.FixtureRequest, doors: dict[str, Door]) -> Door:
    """Each door in turn."""
    return doors[request.param]


MORE = [  # beside a good header, signed properly
    '"alg":"ES256"', '"crit":["exp"],"exp":1', '"crit":[]', '"crit":["b64"],"b64":false', '"b64":false', '"b64":true',
    '"jku":"https://evil.example/jwks"', '"x5u":"https://evil.example/x5u"', '"x5c":["MIIB"]', '"zip":"DEF"',
    '"enc":"A128GCM"',
]  # fmt: skip
ALGS = ["none", "NONE", "nOnE", "es256", "ES256 ", "", None, 1, [], ["ES256"], True]
TYPS = ["at+jwt", "logout+jwt", "token-introspection+jwt", "jwt ", "", 1, [], {}, True]
KIDS = ['"other"', '""', "1", "true", "[]", "{}", '"../../keys/x"', '"' + "x" * 300 + '"']
KEYS: dict[str, tuple[str, Key | bytes | None, str]] = {
    "no signature": ("ES256", None, ""),
    "another key": ("ES256", OTHER, "ES256"),
    "PEM as a secret": ("HS256", KEY.as_pem(private=False), "HS256"),
    "DER as a secret": ("HS256", KEY.as_der(private=False), "HS256"),
    "no secret": ("HS256", b"", "HS256"),
    "zeros as a secret": ("HS256", bytes(32), "HS256"),
    "the secret says ES256": ("ES256", KEY.as_pem(private=False), "HS256"),
    "another curve": ("ES384", ECKey.generate_key("P-384"), "ES384"),
    "another curve says ES256": ("ES256", ECKey.generate_key("P-384"), "ES384"),
    "another curve of that size": ("ES256K", ECKey.generate_key("secp256k1"), "ES256K"),
    "another kind": ("RS256", RSAKey.generate_key(2048), "RS256"),
    "another kind says ES256": ("ES256", RSAKey.generate_key(2048), "RS256"),
}


async def test_what_is_signed_properly_is_believed(door: Door) -> None:
    """The proof that the cases below fail for their own fault."""
    assert await door.is_believed(door.mint())
    if door.may_omit_typ:
        assert await door.is_believed(door.mint("{" + f'"alg":"ES256",{door.names_key}' + "}"))


@pytest.mark.parametrize("more", MORE)
async def test_a_header_that_demands_is_not(door: Door, more: str) -> None:
    """RFC 7515 §4.1.11, RFC 8725 §3.10: although the signature is right; a member comes once."""
    assert not await door.is_believed(door.mint("{" + f"{door.header},{more}" + "}"))


async def test_a_key_in_the_header_counts_for_proofs_alone(door: Door) -> None:
    """RFC 8725 §3.10."""
    header = {"alg": "ES256", "typ": door.typ, "kid": "k", "jwk": JWK}

    assert await door.is_believed(door.mint(header)) is isinstance(door, Proofs)


@pytest.mark.parametrize("alg", ALGS, ids=repr)
async def test_another_name_of_the_algorithm_is_not(door: Door, alg: object) -> None:
    """RFC 8725 §2.1, §3.1, §3.2."""
    header = {"typ": door.typ, **({"jwk": JWK} if isinstance(door, Proofs) else {"kid": "k"}), "alg": alg}

    assert not await door.is_believed(door.mint(header))
    assert not await door.is_believed(door.mint(header, None))


@pytest.mark.parametrize("typ", TYPS, ids=repr)
async def test_another_kind_of_token_is_not(door: Door, typ: object) -> None:
    """RFC 8725 §3.11."""
    header = {"alg": "ES256", **({"jwk": JWK} if isinstance(door, Proofs) else {"kid": "k"}), "typ": typ}

    assert not await door.is_believed(door.mint(header))


@pytest.mark.parametrize("kid", KIDS)
async def test_a_kid_that_is_none_is_not(door: Door, kid: str) -> None:
    """RFC 7515 §4.1.4; a proof brings its key along."""
    header = "{" + f'"alg":"ES256","typ":"{door.typ}","kid":{kid}' + "}"

    assert not await door.is_believed(door.mint(header))


@pytest.mark.parametrize("case", KEYS)
async def test_what_another_key_signed_is_not(door: Door, case: str) -> None:
    """RFC 8725 §2.1, §3.1, §3.2: no HMAC with a public key, no neighbour of the same family."""
    says, key, alg = KEYS[case]
    header = {"alg": says, "typ": door.typ, **({"jwk": JWK} if isinstance(door, Proofs) else {"kid": "k"})}

    assert not await door.is_believed(door.mint(header, key, alg))


async def test_a_public_key_as_jwk_is_no_secret(door: Door) -> None:
    """RFC 8725 §2.1."""
    header = {"alg": "HS256", "typ": door.typ, **({"jwk": JWK} if isinstance(door, Proofs) else {"kid": "k"})}

    assert not await door.is_believed(door.mint(header, str(JWK).encode(), "HS256"))


@pytest.mark.parametrize("signature", SIGNATURES)
async def test_a_signature_that_is_none_is_not(door: Door, signature: str) -> None:
    """RFC 7518 §3.4: fixed length, r and s from 1 to n-1, never ASN.1."""
    head, body, good = door.mint().split(".")
    bad = SIGNATURES[signature](unbase64url(good))

    assert not await door.is_believed(f"{head}.{body}.{base64url(bad)}")


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_another_spelling_of_a_good_token_is_not(door: Door, spelling: str) -> None:
    """RFC 7515 §2, §3.1, §7.2: base64url without padding, without spaces, with no bit to spare; compact only."""
    assert not await door.is_believed(SPELLINGS[spelling](door.mint()))


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b"1", b"null", b"\xff", b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":1e999}', b'{"a":"\\ud800"}',
     b"[" * 500, forge({"alg": "none"}, {}, None, "").encode()],
)  # fmt: skip
async def test_a_payload_that_is_no_set_of_claims_is_not(door: Door, payload: bytes) -> None:
    """RFC 7519 §7.2; RFC 8725 §3.12: nothing nested, no member twice, no number that JSON does not have."""
    assert not await door.is_believed(forge("{" + door.header + "}", payload, KEY, "ES256"))


@pytest.mark.parametrize("member", ["exp", "nbf", "iat", "aud", "jti", "iss"])
@pytest.mark.parametrize(
    "value", [-1, 1e300, 10**400, [], {}, True, "", "\ud800", None], ids=lambda value: repr(value)[:9]
)
async def test_a_claim_of_the_wrong_kind_is_a_refusal_and_no_fault(door: Door, member: str, value: object) -> None:
    """RFC 7519 §4.1: what cannot be counted, compared or kept."""
    answer = await door.send(forge("{" + door.header + "}", {**door.claims(), member: value}, KEY, "ES256"))

    assert answer.status < 500, answer.text
    tolerates = isinstance(door, Proofs) and member in ("exp", "nbf", "aud", "iss")
    assert tolerates or (answer.status, answer.error) == door.how_it_refuses or value is None, answer.text


async def test_the_other_ecdsa_signature_is_the_same_token(door: Door) -> None:
    """RFC 7518 §3.4: (r, n-s) is valid too; what is spent is the jti, not the signature."""
    if isinstance(door, Objects):
        return  # spent at the answer, not when pushed: test_rfc9101_jar.py
    token = door.mint()
    signed, _, signature = token.rpartition(".")
    r, s = unbase64url(signature)[:32], int.from_bytes(unbase64url(signature)[32:], "big")

    assert await door.is_believed(token)
    assert not await door.is_believed(f"{signed}.{base64url(r + (ORDER - s).to_bytes(32, 'big'))}")


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_giant_part_is_refused(door: Door, part: int) -> None:
    """The limit is ours: 16 kB at most, before anything is decoded."""
    segments = ["e30", "e30", "e30"]
    segments[part] = "A" * (9_000 if isinstance(door, Proofs) else 20_000)  # of a header there is less: 431

    assert not await door.is_believed(".".join(segments))
