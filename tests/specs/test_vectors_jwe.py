"""Vectors of JSON Web Encryption – RFC 7516 A.1–A.3, RFC 7518 C – against our policy, and by a hand-made receiver.

Keys and texts are typed in from the specifications. We only ever encrypt: what the examples hold is refused wherever
somebody could present it, and what we make for their keys is opened by primitives alone.
"""

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, RSAKey

from idp.domain.client import BadClient
from idp.oauth.client_keys import check_jwks
from idp.oauth.tokens.encryption import NoEncryptionKey, encrypt_for
from idp.policy import encryption
from tests.support.builders import client
from tests.support.client_auth import ASSERTION_TYPE
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import at_once
from tests.support.relying_party import RelyingParty

# RFC 7516 A.1.3: the recipient's key
RSA: dict[str, Any] = {
    "kty": "RSA",
    "n": "oahUIoWw0K0usKNuOR6H4wkf4oBUXHTxRvgb48E-BVvxkeDNjbC4he8rUWcJoZmds2h7M70imEVhRU5djINXtqllXI4DFqcI1DgjT9LewND8M"
    "W2Krf3Spsk_ZkoFnilakGygTwpZ3uesH-PFABNIUYpOiN15dsQRkgr0vEhxN92i2asbOenSZeyaxziK72UwxrrKoExv6kc5twXTq4h-QChLOln0_mtUZwfs"
    "RaMStPs6mS6XrgxnxbWhojf663tuEQueGC-FCMfra36C9knDFGzKsNa7LZK2djYgyD3JR_MB_4NUJW_TqOQtwHYbxevoJArm-L5StowjzGy-_bq6Gw",
    "e": "AQAB",
    "d": "kLdtIj6GbDks_ApCSTYQtelcNttlKiOyPzMrXHeI-yk1F7-kpDxY4-WY5NWV5KntaEeXS1j82E375xxhWMHXyvjYecPT9fpwR_M9gV8n9Hrh2"
    "anTpTD93Dt62ypW3yDsJzBnTnrYu1iwWRgBKrEYY46qAZIrA2xAwnm2X7uGR1hghkqDp0Vqj3kbSCz1XyfCs6_LehBwtxHIyh8Ripy40p24moOAbgxVw3rx"
    "T_vlt3UVe4WO3JkJOzlpUf-KTVI2Ptgm-dARxTEtE-id-4OJr0h-K-VFs3VSndVTIznSxfyrj8ILL6MG_Uv8YAu7VILSB3lOW085-4qE3DzgrTjgyQ",
}
# RFC 7516 A.1.7 (RSA-OAEP with SHA-1), A.2.7 (RSA1_5), A.3.7 (a shared key): valid, and each against our policy
EXAMPLES = {
    "RSA-OAEP": "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ."
    "OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGeipsEdY3mx_etLbbWSrFr05kLzcSr4qKAq7YN7e9jwQRb23nfa6c9"
    "d-StnImGyFDbSv04uVuxIp5Zms1gNxKKK2Da14B8S4rzVRltdYwam_lDp5XnZAYpQdb76FdIKLaVmqgfwX7XWRxv2322i-vDxRfqNzo_tETKzpVLzfiw"
    "QyeyPGLBIO56YJ7eObdv0je81860ppamavo35UgoRdbYaBcoh9QcfylQr66oc6vFWXRcZ_ZT2LawVCWTIy3brGPi6UklfCpIMfIjf7iGdXKHzg."
    "48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A."
    "XFBoMYUZodetZdvTiFvSkQ",
    "RSA1_5": "eyJhbGciOiJSU0ExXzUiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0."
    "UGhIOguC7IuEvf_NPVaXsGMoLOmwvc1GyqlIKOK1nN94nHPoltGRhWhw7Zx0-kFm1NJn8LE9XShH59_i8J0PH5ZZyNfGy2xGdULU7sHNF6Gp2vPLgNZ_"
    "_deLKxGHZ7PcHALUzoOegEI-8E66jX2E4zyJKx-YxzZIItRzC5hlRirb6Y5Cl_p-ko3YvkkysZIFNPccxRU7qve1WYPxqbb2Yw8kZqa2rMWI5ng8Otvz"
    "lV7elprCbuPhcCdZ6XDP0_F8rkXds2vE4X-ncOIM8hAYHHi29NX0mcKiRaD0-D-ljQTP-cFPgwCp6X-nZZd9OHBv-B3oWh2TbqmScqXMR4gp_A."
    "AxY8DCtDaGlsbGljb3RoZQ.KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.9hH0vgRfYgPnAHOd8stkvw",
    "A128KW": "eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0."
    "6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDTHzBC2IlrT1oOQ.AxY8DCtDaGlsbGljb3RoZQ."
    "KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.U0m_YmjN04DJvceFICbCVQ",
}
# RFC 7518 C: Alice's ephemeral key, Bob's key, and what both derive
ALICE = {
    "kty": "EC", "crv": "P-256", "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
    "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps", "d": "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo",
}  # fmt: skip
BOB = {
    "kty": "EC", "crv": "P-256", "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
    "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck", "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
}  # fmt: skip
DERIVED = "VqqN6vgjbSBcIijNcacQGg"


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(text: str) -> int:
    return int.from_bytes(raw(text), "big")


def private(jwk: dict[str, str]) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number(jwk["d"]), ec.SECP256R1())


def public(jwk: dict[str, str]) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicNumbers(number(jwk["x"]), number(jwk["y"]), ec.SECP256R1()).public_key()


def derive(mine: dict[str, str], theirs: dict[str, str], *, enc: str, apu: bytes = b"", apv: bytes = b"") -> bytes:
    """Agree on a key of 128 bits by the Concat KDF (RFC 7518 §4.6.2)."""
    shared = private(mine).exchange(ec.ECDH(), public(theirs))
    fields = b"".join(len(part).to_bytes(4, "big") + part for part in (enc.encode(), apu, apv))
    return hashlib.sha256((1).to_bytes(4, "big") + shared + fields + (128).to_bytes(4, "big")).digest()[:16]


def for_encryption(jwk: dict[str, Any], kid: str) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name != "d"} | {"use": "enc", "kid": kid}


def test_the_hand_made_receiver_agrees_on_the_key_of_the_specification() -> None:
    """RFC 7518 C, from both sides."""
    names = {"enc": "A128GCM", "apu": b"Alice", "apv": b"Bob"}

    assert derive(ALICE, BOB, **names) == derive(BOB, ALICE, **names) == raw(DERIVED)  # type: ignore[arg-type]


def test_it_opens_what_is_encrypted_by_ecdh_es() -> None:
    """RFC 7518 §4.6, RFC 7516 §5.2: no encrypted key, and the header is what is authenticated beside the text."""
    text = encrypt_for({"keys": [for_encryption(BOB, "bob")]}, "ECDH-ES", "A128GCM", "Live long and prosper.")

    header, encrypted_key, iv, ciphertext, tag = text.split(".")
    said = json.loads(raw(header))
    opened = AESGCM(derive(BOB, said["epk"], enc="A128GCM")).decrypt(
        raw(iv), raw(ciphertext) + raw(tag), header.encode()
    )

    assert opened == b"Live long and prosper."
    assert encrypted_key == ""
    assert (said["alg"], said["enc"], said["cty"], said["kid"]) == ("ECDH-ES", "A128GCM", "JWT", "bob")
    assert "d" not in said["epk"]


def test_it_opens_what_is_encrypted_by_rsa_oaep_256() -> None:
    """RFC 7518 §4.3: OAEP and MGF1 with SHA-256; the key of the example itself."""
    text = encrypt_for({"keys": [for_encryption(RSA, "a1")]}, "RSA-OAEP-256", "A256GCM", "Live long and prosper.")

    header, encrypted_key, iv, ciphertext, tag = text.split(".")
    loaded = RSAKey.import_key(RSA).private_key
    assert isinstance(loaded, rsa.RSAPrivateKey)
    oaep = padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)
    content_key = loaded.decrypt(raw(encrypted_key), oaep)
    opened = AESGCM(content_key).decrypt(raw(iv), raw(ciphertext) + raw(tag), header.encode())

    assert opened == b"Live long and prosper."
    assert len(content_key) == 32


@pytest.mark.parametrize("alg", EXAMPLES)
def test_the_algorithms_of_the_examples_are_refused(alg: str) -> None:
    """RFC 8725 §3.1, §3.2: at registration, and whatever asks for them later."""
    keys = {"keys": [for_encryption(RSA, "a1")]}

    with pytest.raises(BadClient):
        encryption.check(client(id_token_encryption_alg=alg, jwks=keys))
    with pytest.raises(NoEncryptionKey):
        encrypt_for(keys, alg, "A128GCM", "text")


@pytest.mark.parametrize("text", EXAMPLES.values(), ids=EXAMPLES)
async def test_the_examples_open_no_door(text: str, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """Nothing that others encrypted is ever opened here."""
    await browser.authorize(rp)

    assert (await rp.userinfo(text)).status == 401
    assert not await rp.is_active(text)
    assert (await at_once(browser, rp, prompt="none", id_token_hint=text)).error == "invalid_request"
    fields = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": text}
    assert (await rp.http.post(f"{rp.issuer}/token", data=fields)).json()["error"] == "invalid_client"


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
def test_keys_for_key_agreement_may_be_registered(curve: str) -> None:
    """RFC 7518 §6.2.1.1: each curve that keys may be on, and an answer can be made for it."""
    key = ECKey.generate_key(curve)
    jwks = check_jwks({"keys": [key.as_dict(private=False) | {"use": "enc", "alg": "ECDH-ES+A256KW"}]})

    assert encrypt_for(jwks, "ECDH-ES+A256KW", "A256CBC-HS512", "text").count(".") == 4
    with pytest.raises(NoEncryptionKey):
        encrypt_for(jwks, "ECDH-ES", "A128GCM", "text")
