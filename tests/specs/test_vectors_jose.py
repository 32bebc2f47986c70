"""Vectors of the JOSE specifications – RFC 7515 A, RFC 7636 B, RFC 7638 §3.1, RFC 8037 A – through our own doors.

Typed in from the specifications. What they call valid must verify only where our policy lists the algorithm.
"""

import json

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from idp.oauth.extensions.pkce import s256
from idp.oauth.keyring import WideRegistry, verify

PAYLOAD = (
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
)  # fmt: skip
CLAIMS = {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
# RFC 7515 A.1: HS256
HMAC_KEY = OctKey.import_key(
    {"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}
)
HS256 = f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
# RFC 7515 A.2: RS256
RSA_KEY = RSAKey.import_key(
    {
        "kty": "RSA",
        "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-"
        "Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-"
        "pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
        "UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-"
        "DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        "e": "AQAB",
    }
)
RS256 = (
    f"eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}."
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dn"
    "ZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC"
    "-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)
# RFC 7515 A.3: ES256
EC_KEY = ECKey.import_key(
    {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }
)
ES256 = (
    f"eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
UNSECURED = f"eyJhbGciOiJub25lIn0.{PAYLOAD}."
EVERY_ALG = ("HS256", "RS256", "PS256", "ES256", "EdDSA")
VALID = [("HS256", HS256, HMAC_KEY), ("RS256", RS256, RSA_KEY), ("ES256", ES256, EC_KEY)]
# RFC 8037 A.1, A.2
ED25519 = OKPKey.import_key(
    {
        "kty": "OKP",
        "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }
)
EDDSA = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)


@pytest.mark.parametrize(("alg", "token", "key"), VALID, ids=lambda value: value if value in EVERY_ALG else "")
def test_a_valid_signature_counts_where_its_algorithm_is_listed(alg: str, token: str, key: Key) -> None:
    """RFC 7515 A.1, A.2, A.3; RFC 8725 §3.1: the list decides, not the header."""
    others = tuple(other for other in EVERY_ALG if other != alg)

    assert verify(token, key, (alg,)) == CLAIMS
    assert verify(token, key, EVERY_ALG) == CLAIMS
    assert verify(token, key, others) is None


@pytest.mark.parametrize(("alg", "token", "key"), VALID, ids=lambda value: value if value in EVERY_ALG else "")
def test_a_changed_signature_or_payload_does_not(alg: str, token: str, key: Key) -> None:
    """RFC 7515 §5.2."""
    head, body, signature = token.split(".")
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]

    for changed in (f"{head}.{body}.{flipped}", f"{head}.{body[:-4]}.{signature}", f"{head}.{body}.", f"{head}.{body}"):
        assert verify(changed, key, (alg,)) is None


@pytest.mark.parametrize("key", [HMAC_KEY, RSA_KEY, EC_KEY, ED25519])
def test_the_unsecured_example_is_refused_by_every_key(key: Key) -> None:
    """RFC 7515 A.5, RFC 8725 §3.2: also where somebody lists none."""
    assert verify(UNSECURED, key, EVERY_ALG) is None


def test_the_json_serialisation_is_refused() -> None:
    """RFC 7515 A.6, A.7: tokens of OAuth are compact."""
    head, body, signature = ES256.split(".")
    flattened = json.dumps({"payload": body, "protected": head, "signature": signature})
    general = json.dumps({"payload": body, "signatures": [{"protected": head, "signature": signature}]})

    assert verify(flattened, EC_KEY, ("ES256",)) is None
    assert verify(general, EC_KEY, ("ES256",)) is None


def test_the_example_of_pkce() -> None:
    """RFC 7636 B."""
    assert s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_thumbprint_of_the_rsa_example() -> None:
    """RFC 7638 §3.1."""
    key = RSAKey.import_key(
        {
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWK"
            "RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-"
            "65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
            "bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
            "e": "AQAB",
            "alg": "RS256",
            "kid": "2011-04-29",
        }
    )

    assert key.thumbprint() == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_thumbprint_of_the_ed25519_example() -> None:
    """RFC 8037 A.3."""
    assert ED25519.thumbprint() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_signature_of_the_ed25519_example() -> None:
    """RFC 8037 A.4, A.5: made and verified; its payload is no JSON, so it is no token of ours."""
    registry = WideRegistry(algorithms=["EdDSA"])

    made = jws.serialize_compact({"alg": "EdDSA"}, b"Example of Ed25519 signing", ED25519, registry=registry)

    assert made == EDDSA
    assert jws.deserialize_compact(EDDSA.encode(), ED25519, registry=registry).payload == b"Example of Ed25519 signing"
    assert verify(EDDSA, ED25519, ("EdDSA",)) is None
