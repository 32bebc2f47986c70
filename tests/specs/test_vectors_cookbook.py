"""Examples of RFC 7520 §4, §5, §6; RFC 7515 A.4; RFC 7517 A – against our policy: which we believe, which we never may.

Typed in from the specifications. The text of §4 is no set of claims: even where its signature is right it is no token.
"""

import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from idp.domain.client import BadClient
from idp.oauth.client_keys import check_jwks, fitting_keys
from idp.oauth.keyring import WideRegistry, verify
from idp.oauth.tokens.encryption import encrypt_for
from tests.support.client_auth import ASSERTION_TYPE
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import unbase64url
from tests.support.provider import at_once
from tests.support.pushed import PUSHED
from tests.support.relying_party import RelyingParty

ALL = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519", "HS256")
# RFC 7520 §4, figure 8
TEXT = (
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5k"
    "IGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"
)
# RFC 7520 §3.3, §3.1, §3.5: Bilbo's keys
BILBO = RSAKey.import_key({
    "kty": "RSA", "kid": "bilbo.baggins@hobbiton.example", "use": "sig", "e": "AQAB",
    "n": "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRB"
         "SFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD"
         "1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_"
         "qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw",
})  # fmt: skip
BILBO_521 = ECKey.import_key({
    "kty": "EC", "kid": "bilbo.baggins@hobbiton.example", "use": "sig", "crv": "P-521",
    "x": "AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt",
    "y": "AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1",
})  # fmt: skip
SHARED = OctKey.import_key({"kty": "oct", "k": "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"})
RS256 = (
    f"eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.{TEXT}."
    "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA"
    "78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQ"
    "dLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18"
    "kDquDg"
)
PS384 = (
    f"eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.{TEXT}."
    "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcb"
    "UrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8I"
    "mUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-"
    "X72Eaw"
)
ES512 = (
    f"eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.{TEXT}."
    "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxX"
    "Pn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2"
)
HS256 = (
    f"eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9.{TEXT}."
    "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0"
)
# RFC 7515 A.4
A4_KEY = ECKey.import_key({
    "kty": "EC", "crv": "P-521",
    "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
    "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
})  # fmt: skip
A4 = (
    "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0"
    "aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"
)
# RFC 7520 §6: signed by PS256, before it is encrypted
HOBBITON = {
    "kty": "RSA", "kid": "hobbiton.example", "use": "sig", "e": "AQAB",
    "n": "kNrPIBDXMU6fcyv5i-QHQAQ-K8gsC3HJb7FYhYaw8hXbNJa-t8q0lDKwLZgQXYV-ffWxXJv5GGrlZE4GU52lfMEegTDzYTrRQ3te"
         "pgKFjMGg6Iy6fkl1ZNsx2gEonsnlShfzA9GJwRTmtKPbk1s-hwx1IU5AT-AIelNqBgcF2vE5W25_SGGBoaROVdUYxqETDggM1z5c"
         "KV4ZjDZ8-lh4oVB07bkac6LQdHpJUUySH_Er20DXx30Kyi97PciXKTS-QKXnmm8ivyRCmux22ZoPUind2BKC5OiG4MwALhaL2Z2k"
         "8CsRdfy-7dg7z41Rp6D0ZeEvtaUp4bX4aKraL4rTfw",
}  # fmt: skip
SIGNED = (
    "eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJob2JiaXRvbi5leGFtcGxlIiwiZXhwIjoxMzAwODE5MzgwLCJodHRwOi8vZXhhbXBs"
    "ZS5jb20vaXNfcm9vdCI6dHJ1ZX0.dPpMqwRZxFYi1UfcDAaf8M99o7kwUWtiXZ-ByvVuJih4MhJ_aZqciprz0OWaIAkIvn1qskChirjKvY9ESZNU"
    "CP4JjvfyPS-nqjJxYoA5ztWOyFk2cZNIPXjcJXSQwXPO9tEe-v4VSqgD0aKHqPxYog4N6Cz1lKph1U1sYDSI67_bLL7elg_vkjfMp5_W5l5LuUYG"
    "Meh6hxQIaIUXf9EwV2JmvTMuZ-vBOWy0Sniy1EFo72CRTvmtrIf5AROo5MNliY3KtUxeP-SOmD-LEYwW9SlkohYzMVAZDDOrVbv7KVRHpeYNaK75"
    "KEQqdCEEkS_rskZS-Qtt_nlegTWh1mEYaA"
)
# RFC 7520 §5.5: Merry's key; §5.3, §5.6, §5.9: by a password, directly, and compressed; nothing that we open
MERRY = {
    "kty": "EC", "kid": "meriadoc.brandybuck@buckland.example", "use": "enc", "crv": "P-256",
    "x": "Ze2loSV3wrroKUN_4zhwGhCqo3Xhu1td4QjeQ5wIVR0", "y": "HlLtdXARY_f55A3fnzQbPcm6hgr34Mp8p-nuzQCE0Zw",
}  # fmt: skip
ENCRYPTED = {
    "dir": "eyJhbGciOiJkaXIiLCJraWQiOiI3N2M3ZTJiOC02ZTEzLTQ1Y2YtODY3Mi02MTdiNWI0NTI0M2EiLCJlbmMiOiJBMTI4R0NNIn0.."
    "refa467QzzKx6QAB.JW_i_f52hww_ELQPGaYyeAB6HYGcR559l9TYnSovc23XJoBcW29rHP8yZOZG7YhLpT1bjFuvZPjQS-m0IFtVcXkZXdH_lr_F"
    "rdYt9HRUYkshtrMmIUAyGmUnd9zMDB2n0cRDIHAzFVeJUDxkUwVAE7_YGRPdcqMyiBoCO-FBdE-Nceb4h3-FtBP-c_BIwCPTjb9o0SbdcdREEMJM"
    "yZBH8ySWMVi1gPD9yxi-aQpGbSv_F9N4IZAxscj5g-NJsUPbjk29-s7LJAGb15wEBtXphVCgyy53CoIKLHHeJHXex45Uz9aKZSRSInZI-wjsY0yu"
    "3cT4_aQ3i1o-tiE-F8Ios61EKgyIQ4CWao8PFMj8TTnp.vbb32Xvllea2OtmHAdccRQ",
    "PBES2": "eyJhbGciOiJQQkVTMi1IUzUx"
    "MitBMjU2S1ciLCJwMnMiOiI4UTFTemluYXNSM3hjaFl6NlpaY0hBIiwicDJjIjo4MTkyLCJjdHkiOiJqd2stc2"
    "V0K2pzb24iLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.d3qNhUWfqheyPp4H8sjOWsDYajoej4c5Je6rlUtFPWdgtURtmeDV1g.VBiCzVHNoLiR3"
    "F4V82uoTQ.23i-Tb1AV4n0WKVSSgcQrdg6GRqsUKxjruHXYsTHAJLZ2nsnGIX86vMXqIi6IRsfywCRFzLxEcZBRnTvG3nhzPk0GDD7FMyXhUHp"
    "DjEYCNA_XOmzg8yZR9oyjo6lTF6si4q9FZ2EhzgFQCLO_6h5EVg3vR75_hkBsnuoqoM3dwejXBtIodN84PeqMb6asmas_dpSsz7H10fC5ni9xI"
    "z424givB1YLldF6exVmL93R3fOoOJbmk2GBQZL_SEGllv2cQsBgeprARsaQ7Bq99tT80coH8ItBjgV08AtzXFFsx9qKvC982KLKdPQMTlVJKkq"
    "tV4Ru5LEVpBZXBnZrtViSOgyg6AiuwaS-rCrcD_ePOGSuxvgtrokAKYPqmXUeRdjFJwafkYEkiuDCV9vWGAi1DH2xTafhJwcmywIyzi4BqRpmd"
    "n_N-zl5tuJYyuvKhjKv6ihbsV_k1hJGPGAxJ6wUpmwC4PTQ2izEm0TuSE8oMKdTw8V3kobXZ77ulMwDs4p.0HlwodAhOCILG5SQ2LQ9dg",
    "zip": "eyJhbGciOiJBMTI4S1ciLCJraWQiOiI4MWIyMDk2NS04MzMyLTQzZDktYTQ2OC04MjE2MGFkOTFhYzgiLCJlbmMiOiJBMTI4R0NNIiwi"
    "emlwIjoiREVGIn0.5vUT2WOtQxKWcekM_IzVQwkGgzlFDwPi.p9pUq6XHY0jfEZIl.HbDtOsdai1oYziSx25KEeTxmwnh8L8jKMFNc1k3zmMI6VB8"
    "hry57tDZ61jXyezSPt0fdLVfe6Jf5y5-JaCap_JQBcb5opbmT60uWGml8blyiMQmOn9J--XhhlYg0m-BHaqfDO5iTOWxPxFMUedx7WCy8mxgDHj0a"
    "BMG6152PsM-w5E_o2B3jDbrYBKhpYA7qi3AyijnCJ7BP9rr3U8kxExCpG3mK420TjOw.VILuUwuIxaLVmh5X-T7kmA",
}
# RFC 7517 A.1 (public), A.2 (one of its keys, private), A.3 (shared)
PUBLIC: dict[str, Any] = {
    "kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", "use": "enc", "kid": "1",
}  # fmt: skip
PRIVATE = PUBLIC | {"d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}
SYMMETRIC = {"kty": "oct", "alg": "A128KW", "k": "GawgguFyGrWKav7AX4VKUg"}


@pytest.mark.parametrize(("alg", "text", "key"), [("RS256", RS256, BILBO), ("HS256", HS256, SHARED)])
def test_a_right_signature_on_what_is_no_set_of_claims_makes_no_token(alg: str, text: str, key: Key) -> None:
    """RFC 7520 §4.1, §4.4; RFC 7519 §7.2: the signature is right, and yet there are no claims."""
    registry = WideRegistry(algorithms=[alg])

    assert jws.deserialize_compact(text.encode(), key, registry=registry).payload == unbase64url(TEXT)
    assert verify(text, key, ALL) is None
    with pytest.raises((JoseError, ValueError)):
        jws.deserialize_compact(text[:-8].encode() + b"AAAAAAAA", key, registry=registry)


@pytest.mark.parametrize(("text", "key"), [(PS384, BILBO), (ES512, BILBO_521), (A4, A4_KEY)], ids=["4.2", "4.3", "A.4"])
def test_an_algorithm_that_we_never_list_is_refused_by_its_name(text: str, key: Key) -> None:
    """RFC 7520 §4.2, §4.3; RFC 7515 A.4; RFC 8725 §3.1: right signatures by PS384 and ES512."""
    own = WideRegistry(algorithms=["PS384", "ES512"])

    assert jws.deserialize_compact(text.encode(), key, registry=own).payload
    with pytest.raises((JoseError, ValueError)):
        jws.deserialize_compact(text.encode(), key, registry=WideRegistry(algorithms=list(ALL)))


def test_detached_and_json_forms_are_refused() -> None:
    """RFC 7520 §4.5, §4.6, §4.8: a JWT is compact and carries its text."""
    head, _text, signature = HS256.split(".")
    several = {"payload": TEXT, "signatures": [{"protected": head, "signature": signature}]}

    assert verify(f"{head}..{signature}", SHARED, ALL) is None
    assert verify(json.dumps(several), SHARED, ALL) is None
    assert verify(json.dumps({"payload": TEXT, "protected": head, "signature": signature}), SHARED, ALL) is None


def test_the_signed_half_of_the_nested_example_is_believed_by_its_algorithm_alone() -> None:
    """RFC 7520 §6: PS256; found by kind, since it names no key."""
    (key,) = fitting_keys(check_jwks({"keys": [HOBBITON]}), "PS256", None)

    assert verify(SIGNED, key, ("PS256",)) == {
        "iss": "hobbiton.example", "exp": 1300819380, "http://example.com/is_root": True,
    }  # fmt: skip
    assert verify(SIGNED, key, ("RS256", "ES256")) is None


def test_a_text_is_encrypted_for_the_key_of_the_example_with_a_key_of_its_own() -> None:
    """RFC 7520 §5.5: ECDH-ES with A128CBC-HS256; never the same twice, never compressed."""
    made = [encrypt_for({"keys": [MERRY]}, "ECDH-ES", "A128CBC-HS256", "text", cty=None) for _ in range(2)]

    headers = [json.loads(unbase64url(each.split(".")[0])) for each in made]
    assert headers[0]["epk"] != headers[1]["epk"]
    for header, text in zip(headers, made, strict=True):
        assert header.keys() == {"alg", "enc", "kid", "epk"}
        assert (header["kid"], text.split(".")[1]) == (MERRY["kid"], "")


@pytest.mark.parametrize("text", ENCRYPTED.values(), ids=ENCRYPTED)
async def test_what_others_encrypted_opens_no_door(text: str, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 7520 §5.3, §5.6, §5.9; RFC 8725 §3.6, §3.9."""
    assert (await rp.userinfo(text)).status == 401
    assert not await rp.is_active(text)
    assert (await at_once(browser, rp, id_token_hint=text)).error == "invalid_request"
    assert (await at_once(browser, rp, request=text)).error == "invalid_request_object"
    assert (await rp.post(PUSHED, {"client_id": rp.client_id, "request": text})).error == "invalid_request_object"
    fields = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": text}
    assert (await rp.http.post(f"{rp.issuer}/token", data=fields)).json()["error"] == "invalid_client"


def test_the_public_example_may_be_registered_and_no_other() -> None:
    """RFC 7517 A.1, A.2, A.3: nobody hands us a private or shared key."""
    assert check_jwks({"keys": [PUBLIC]}) == {"keys": [PUBLIC]}
    assert fitting_keys({"keys": [PUBLIC]}, "ES256", None) == []  # it is for encryption
    for refused in (PRIVATE, SYMMETRIC):
        with pytest.raises(BadClient):
            check_jwks({"keys": [PUBLIC, refused]})
