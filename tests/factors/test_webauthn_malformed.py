"""Answers that no browser gives: malformed, bottomless, or of keys that we did not ask for (case WA14)."""

import json
import time
from typing import Any

import cbor2
import pytest
import webauthn  # noqa: F401 - loaded before the clock runs

from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import base64url, from_base64url
from idp.domain.user import User
from idp.factors.catalog import Catalog
from idp.factors.factor import Attempt, Enrolled
from idp.factors.webauthn_ceremony import LONGEST_ANSWER
from idp.storage.stores import Stores
from tests.support.builders import NOW
from tests.support.factors import asked, attempt_of, set_up_passkey
from tests.support.passkey import ES256, Authenticator, altered, cose_key, new_key

REFUSED = Refused(Refusal.PASSKEY_REFUSED)


@pytest.fixture
async def attempt(stores: Stores, person: User) -> Attempt:
    """A person in a sign-in."""
    return attempt_of(stores, person, NOW)


async def options_to_make(factors: Catalog, attempt: Attempt) -> Any:
    return asked(await factors.webauthn.begin(attempt)).options


async def options_to_prove(factors: Catalog, attempt: Attempt) -> Any:
    return asked(await factors.webauthn.challenge(attempt)).options


@pytest.mark.parametrize("told", [5, True, "usb", {"usb": 1}, [["usb"]], [5, None], None, ["usb"] * 1000])
async def test_odd_transports_do_no_harm(factors: Catalog, attempt: Attempt, told: Any) -> None:
    answer = Authenticator().make(await options_to_make(factors, attempt), transports=told)

    outcome = await factors.webauthn.confirm(attempt, answer)

    assert isinstance(outcome, Enrolled)
    assert outcome.credential is not None
    assert outcome.credential.content["transports"] in ([], ["usb"])


def nest(depth: int) -> bytes:
    return b"\x81" * depth + b"\x00"


def repeated(answer: str) -> str:
    return answer[:-1] + ', "id": "AAAA"}'


def with_client_data(answer: str, client_data: bytes) -> str:
    return altered(answer, response_clientDataJSON=base64url(client_data))


def client_data_of(answer: str) -> bytes:
    return from_base64url(json.loads(answer)["response"]["clientDataJSON"])


P256 = cose_key(new_key(ES256))
BOMBS: dict[str, Any] = {
    "deep CBOR": lambda answer: altered(answer, response_attestationObject=base64url(nest(20_000))),
    "endless CBOR": lambda answer: altered(answer, response_attestationObject=base64url(b"\x9b" + b"\xff" * 8)),
    "endless text": lambda answer: altered(answer, response_attestationObject=base64url(b"\x7b" + b"\x7f" * 8)),
    "endless map": lambda answer: altered(answer, response_attestationObject=base64url(b"\xbb" + b"\x7f" * 8)),
    "shared CBOR": lambda answer: altered(
        answer, response_attestationObject=base64url(b"\xd8\x1c\x81\xd8\x1d\x00")
    ),
    "a number of 2^80000": lambda answer: altered(
        answer, response_attestationObject=base64url(cbor2.dumps({"fmt": 1 << 80_000}))
    ),
    "no CBOR": lambda answer: altered(answer, response_attestationObject=base64url(b"\xff" * 100)),
    "a list": lambda answer: altered(answer, response_attestationObject=base64url(cbor2.dumps([1, 2]))),
    "BOM": lambda answer: "\ufeff" + answer,
    "BOM within": lambda answer: with_client_data(answer, b"\xef\xbb\xbf" + client_data_of(answer)),
    "a key twice": repeated,
    "a key twice within": lambda answer: with_client_data(
        answer, client_data_of(answer)[:-1] + b', "origin": "https://evil.example"}'
    ),
    "deep JSON": lambda answer: answer[:-1] + ', "x": ' + "[" * 15_000 + "]" * 15_000 + "}",
    "not UTF-8": lambda answer: with_client_data(answer, b"\xff\xfe{}"),
    "UTF-16": lambda answer: with_client_data(answer, client_data_of(answer).decode().encode("utf-16")),
    "NaN": lambda answer: answer[:-1] + ', "x": NaN}',
    "too long": lambda answer: answer[:-1] + ', "x": "' + "x" * LONGEST_ANSWER + '"}',
    "id of 1024 bytes": lambda answer: altered(answer, id="A" * 1368, rawId="A" * 1368),
    "id with padding": lambda answer: altered(
        answer, id=json.loads(answer)["id"] + "=", rawId=json.loads(answer)["id"] + "="
    ),
    "id empty": lambda answer: altered(answer, id="", rawId=""),
    "id null": lambda answer: altered(answer, id=None, rawId=None),
    "client data a number": lambda answer: altered(answer, response_clientDataJSON=5),
    "response null": lambda answer: altered(answer, response=None),
    "response a list": lambda answer: altered(answer, response=[]),
    "type": lambda answer: altered(answer, type="password"),
    "attachment": lambda answer: altered(answer, authenticatorAttachment="glued"),
    "no object": lambda _: "[]",
    "null": lambda _: "null",
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
async def test_what_is_malformed_is_refused_at_once(factors: Catalog, attempt: Attempt, bomb: Any) -> None:
    """Case WA14: within 100 ms, nothing stored."""
    answer = bomb(Authenticator().make(await options_to_make(factors, attempt)))
    began = time.process_time()

    outcome = await factors.webauthn.confirm(attempt, answer)

    assert time.process_time() - began < 0.1
    assert outcome == REFUSED
    assert await attempt.stores.credentials.of_user(attempt.user.id) == []


ODD_KEYS: dict[str, bytes] = {
    "empty": cbor2.dumps({}),
    "no algorithm": cbor2.dumps({1: 2}),
    "algorithm none": cose_key(new_key(ES256), _3=0),
    "HS256": cose_key(new_key(ES256), _3=5),
    "ES512, not offered": cose_key(new_key(ES256), _3=-36),
    "ES256K, not offered": cose_key(new_key(ES256), _3=-47),
    "EdDSA with a point": cose_key(new_key(ES256), _3=-8),
    "type a list": cose_key(new_key(ES256), _1=[]),
    "type an empty text": cose_key(new_key(ES256), _1=""),
    "algorithm a list": cose_key(new_key(ES256), _3=[1]),
    "a list": cbor2.dumps([]),
    "text": cbor2.dumps(""),
    "deep": nest(5_000),
    "cut": P256[:-10],
}


@pytest.mark.parametrize("public_key", ODD_KEYS.values(), ids=ODD_KEYS)
async def test_a_key_that_we_did_not_ask_for_is_refused(factors: Catalog, attempt: Attempt, public_key: bytes) -> None:
    """Cases WA11, WA14."""
    answer = Authenticator().make(await options_to_make(factors, attempt), public_key=public_key)

    assert await factors.webauthn.confirm(attempt, answer) == REFUSED


@pytest.mark.parametrize(
    "spoil",
    [
        {"response_authenticatorData": ""},
        {"response_authenticatorData": base64url(bytes(36))},
        {"response_authenticatorData": base64url(bytes(37) + nest(10_000))},
        {"response_authenticatorData": 5},
        {"response_signature": ""},
        {"response_signature": None},
        {"response_signature": base64url(b"\x30\x06\x02\x01\x00\x02\x01\x00")},
        {"response_signature": base64url(bytes(20_000))},
        {"response_userHandle": 5},
        {"response_userHandle": "é"},
        {"response_userHandle": "AAAA="},
    ],
    ids=str,
)
async def test_an_assertion_that_is_malformed_is_refused(
    factors: Catalog, attempt: Attempt, spoil: dict[str, Any]
) -> None:
    device = Authenticator()
    await set_up_passkey(factors, attempt, device)
    answer = altered(device.prove(await options_to_prove(factors, attempt)), **spoil)

    assert await factors.webauthn.verify(attempt, answer) == REFUSED
