"""Passkeys: every lie of an authenticator or browser is refused (WebAuthn Level 3 §7.1, §7.2)."""

import json
from dataclasses import replace
from typing import Any

import pytest

from idp.domain.assurance import LOA1V, PHR, Factor, Proof, Trait, acr
from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import base64url, from_base64url
from idp.domain.user import User, UserStatus
from idp.factors.catalog import Catalog
from idp.factors.factor import Attempt, Challenge
from idp.factors.webauthn import MOST_PER_PERSON, Anybody
from idp.factors.webauthn_ceremony import LONGEST_ID, as_json
from idp.storage.stores import Stores
from tests.support.builders import NOW
from tests.support.factors import asked, attempt_of, catalog, set_up_passkey
from tests.support.passkey import AAGUID, ED25519, ES256, Authenticator, altered, copy_of, new_key
from tests.support.storage import DIGESTER

REFUSED = Refused(Refusal.PASSKEY_REFUSED)
OTHER_MAKE = "ffffffff-0000-4000-8000-0123456789ab"
DEVICES: dict[str, dict[str, Any]] = {
    "ES256": {"algorithm": ES256},
    "Ed25519": {"algorithm": ED25519},
    "self attested": {"attests": True},
    "a key that counts": {"counts": True, "eligible": False},
    "a long id": {"id_bytes": LONGEST_ID},
}
LIES: dict[str, dict[str, Any]] = {
    "other origin": {"origin": "https://evil.example"},
    "origin of a subdomain": {"origin": "https://a.id.example"},
    "origin by http": {"origin": "http://id.example"},
    "origin with a path": {"origin": "https://id.example/"},
    "other RP id": {"rp_id": "evil.example"},
    "parent RP id": {"rp_id": "example"},
    "in a foreign frame": {"cross_origin": True},
    "below another origin": {"top_origin": "https://evil.example"},
    "below our origin": {"top_origin": "https://id.example", "cross_origin": True},
    "an odd cross-origin": {"more": {"crossOrigin": "false"}},
    "nobody there": {"user_present": False},
    "another challenge": {"challenge": base64url(bytes(32))},
    "no challenge": {"challenge": "x"},
    "backed up but not eligible": {"eligible": False, "backed_up": True},
    "id of another": {"raw_id": base64url(b"another")},
}
MAKING_LIES = {**LIES, "made as if proved": {"type": "webauthn.get"}, "other type": {"type": "payment.get"}}
PROVING_LIES = {
    **LIES,
    "proved as if made": {"type": "webauthn.create"},
    "other key": {"key": new_key(ES256)},
    "eligibility changed": {"eligible": False},
    "a handle of somebody": {"user_handle": b"somebody"},
    "an empty handle": {"user_handle": b""},
}


@pytest.fixture
async def attempt(stores: Stores, person: User) -> Attempt:
    """A person in a sign-in."""
    return attempt_of(stores, person, NOW)


async def options_to_make(factors: Catalog, attempt: Attempt) -> Any:
    return asked(await factors.webauthn.begin(attempt)).options


async def options_to_prove(factors: Catalog, attempt: Attempt) -> Any:
    return asked(await factors.webauthn.challenge(attempt)).options


@pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES)
async def test_a_passkey_is_made_and_proved_again_and_again(
    factors: Catalog, attempt: Attempt, device: dict[str, Any]
) -> None:
    authenticator = Authenticator(**device)
    made = await set_up_passkey(factors, attempt, authenticator)

    for _ in range(3):
        answer = authenticator.prove(await options_to_prove(factors, attempt))
        proof = await factors.webauthn.verify(attempt, answer)
        assert isinstance(proof, Proof)
        assert proof.credential_id == made.id
        bound = {Trait.DEVICE_BOUND} if not authenticator.eligible else set()
        assert proof.traits == {Trait.USER_VERIFIED} | bound


@pytest.mark.parametrize("lie", MAKING_LIES.values(), ids=MAKING_LIES)
async def test_a_lie_makes_no_passkey(factors: Catalog, attempt: Attempt, lie: dict[str, Any]) -> None:
    answer = Authenticator().make(await options_to_make(factors, attempt), **lie)

    assert await factors.webauthn.confirm(attempt, answer) == REFUSED
    assert await attempt.stores.credentials.of_user(attempt.user.id) == []


@pytest.mark.parametrize("lie", PROVING_LIES.values(), ids=PROVING_LIES)
async def test_a_lie_proves_nothing(factors: Catalog, attempt: Attempt, lie: dict[str, Any]) -> None:
    device = Authenticator()
    await set_up_passkey(factors, attempt, device)

    outcome = await factors.webauthn.verify(attempt, device.prove(await options_to_prove(factors, attempt), **lie))

    assert isinstance(outcome, Refused)


async def test_what_verified_nobody_is_possession_only(factors: Catalog, attempt: Attempt) -> None:
    """The server sets UV; without it only possession counts, and a sign-in without a name is refused."""
    device = Authenticator()
    await set_up_passkey(factors, attempt, device, user_verified=False)
    asking = Anybody(attempt.binding, NOW)

    second = await factors.webauthn.verify(
        attempt, device.prove(await options_to_prove(factors, attempt), user_verified=False)
    )
    options = await factors.webauthn.challenge_anybody(attempt.stores, asking)
    alone = await factors.webauthn.verify_anybody(attempt.stores, asking, device.prove(options, user_verified=False))

    assert isinstance(second, Proof)
    assert second.amr == ("swk",)
    assert alone == REFUSED


async def test_a_counter_that_does_not_grow_may_be_a_copy_and_is_told(factors: Catalog, attempt: Attempt) -> None:
    """§7.2 step 22: weighed, and told by the proof; both zero is fine."""
    device = Authenticator(counts=True)
    credential = await set_up_passkey(factors, attempt, device)
    clone = copy_of(device.passkeys[0])
    honest = await factors.webauthn.verify(attempt, device.prove(await options_to_prove(factors, attempt)))
    highest = device.passkeys[0].counter

    copied = [
        await factors.webauthn.verify(
            attempt, device.prove(await options_to_prove(factors, attempt), clone, counter=lie)
        )
        for lie in (0, 1, highest)
    ]
    kept = await attempt.stores.credentials.find(attempt.user.id, credential.id)
    later = await factors.webauthn.verify(attempt, device.prove(await options_to_prove(factors, attempt)))

    assert [_stood(each) for each in (honest, *copied, later)] == [False, True, True, True, False]
    assert kept is not None
    assert kept.counter == highest  # so that a copy is noticed for as long as it is behind


async def test_a_make_that_is_not_trusted_any_more_proves_possession_and_nothing_else(
    stores: Stores, attempt: Attempt
) -> None:
    before, after = catalog(DIGESTER), catalog(DIGESTER, revoked=frozenset({AAGUID}))
    device = Authenticator(counts=True, eligible=False)
    await set_up_passkey(before, attempt, device)

    trusted = await before.webauthn.verify(attempt, device.prove(await options_to_prove(before, attempt)))
    revoked = await after.webauthn.verify(attempt, device.prove(await options_to_prove(after, attempt)))
    another = await after.webauthn.confirm(
        attempt, Authenticator().make(asked(await after.webauthn.begin(attempt)).options)
    )

    assert isinstance(trusted, Proof)
    assert isinstance(revoked, Proof)
    assert (acr((trusted,)), trusted.amr) == (PHR, ("hwk", "user"))
    assert (acr((revoked,)), revoked.amr) == (LOA1V, ("hwk",))
    assert another == Refused(Refusal.PASSKEY_NOT_ALLOWED)


async def test_a_trusted_passkey_is_asked_for_before_one_that_is_not(attempt: Attempt) -> None:
    factors = catalog(DIGESTER, revoked=frozenset({AAGUID}))
    await set_up_passkey(catalog(DIGESTER), attempt, Authenticator())
    alone = (await options_to_prove(factors, attempt))["allowCredentials"]
    await set_up_passkey(factors, attempt, trusted := Authenticator(aaguid=OTHER_MAKE))

    beside = (await options_to_prove(factors, attempt))["allowCredentials"]

    assert len(alone) == 1
    assert [each["id"] for each in beside] == [base64url(trusted.passkeys[0].id)]


def _stood(found: Proof | Refused) -> bool:
    assert isinstance(found, Proof)
    return Trait.COUNTER_STOOD in found.traits


async def test_a_challenge_is_spent_by_the_first_answer(factors: Catalog, attempt: Attempt) -> None:
    """§13.4.3, case WA01: whatever the answer was worth."""
    device = Authenticator()
    await set_up_passkey(factors, attempt, device)
    options = await options_to_prove(factors, attempt)
    assert await factors.webauthn.verify(attempt, "{}") == REFUSED

    assert await factors.webauthn.verify(attempt, device.prove(options)) == Refused(Refusal.CODE_EXPIRED)


async def test_only_the_newest_challenge_counts(factors: Catalog, attempt: Attempt) -> None:
    device = Authenticator()
    await set_up_passkey(factors, attempt, device)
    old, _ = await options_to_prove(factors, attempt), await options_to_prove(factors, attempt)

    assert await factors.webauthn.verify(attempt, device.prove(old)) == REFUSED


async def test_a_passkey_of_somebody_else_is_unknown(factors: Catalog, attempt: Attempt, other: User) -> None:
    """Cases WA09, WA10."""
    device, theirs = Authenticator(), Authenticator()
    await set_up_passkey(factors, attempt, device)
    await set_up_passkey(factors, attempt_of(attempt.stores, other, NOW), theirs)
    options = await options_to_prove(factors, attempt)

    answer = theirs.prove(options, theirs.passkeys[0])

    assert await factors.webauthn.verify(attempt, answer) == Refused(Refusal.PASSKEY_UNKNOWN)


async def test_a_passkey_that_is_removed_is_unknown(factors: Catalog, attempt: Attempt) -> None:
    device = Authenticator()
    made = await set_up_passkey(factors, attempt, device)
    options = await options_to_prove(factors, attempt)
    await attempt.stores.credentials.remove(attempt.user.id, made.id)

    assert await factors.webauthn.verify(attempt, device.prove(options)) == Refused(Refusal.PASSKEY_UNKNOWN)
    assert await factors.webauthn.challenge(attempt) == Refused(Refusal.NOT_AVAILABLE)


async def test_an_id_is_registered_once(factors: Catalog, attempt: Attempt, other: User) -> None:
    """§7.1 step 26: nobody takes another person's id over, nor registers a key twice."""
    device = Authenticator()
    await set_up_passkey(factors, attempt, device)
    for user in (attempt.user, other):
        again = attempt_of(attempt.stores, user, NOW)
        thief = Authenticator()
        thief.make(options := await options_to_make(factors, again))
        copied = device.passkeys[0].id
        answer = _remade(device, options, copied)

        assert await factors.webauthn.confirm(again, answer) == Refused(Refusal.PASSKEY_TAKEN)


def _remade(device: Authenticator, options: Any, copied: bytes) -> str:
    """Return an answer that makes a new key under an id that is taken."""
    answer = device.make(options)
    content = json.loads(answer)
    new = from_base64url(content["id"])
    made = from_base64url(content["response"]["attestationObject"]).replace(new, copied)
    return altered(
        answer, id=base64url(copied), rawId=base64url(copied), response_attestationObject=base64url(made)
    )  # fmt: skip


async def test_a_person_has_twenty_at_most(factors: Catalog, attempt: Attempt) -> None:
    for _ in range(MOST_PER_PERSON):
        await set_up_passkey(factors, attempt, Authenticator(algorithm=ED25519))

    assert await factors.webauthn.begin(attempt) == Refused(Refusal.TOO_MANY)


async def test_the_options_name_what_is_known_and_nothing_about_the_person(factors: Catalog, attempt: Attempt) -> None:
    """Case WA17: the user handle is opaque, at most 64 bytes, the same each time and another for each person."""
    made = await set_up_passkey(factors, attempt, Authenticator())
    options = await options_to_make(factors, attempt)
    handle = from_base64url(options["user"]["id"])

    assert 16 <= len(handle) <= 64
    for told in (attempt.user.id, attempt.user.email, attempt.user.username):
        assert str(told).encode() not in handle
    assert handle == factors.webauthn.user_handle(attempt.user)
    assert handle != factors.webauthn.user_handle(replace(attempt.user, id="a" * 26))
    assert [each["id"] for each in options["excludeCredentials"]] == [made.text("id")]
    assert len(from_base64url(options["challenge"])) == 32


async def test_anybody_is_asked_alike_and_a_passkey_says_whose_it_is(
    factors: Catalog, attempt: Attempt, other: User
) -> None:
    device, stores = Authenticator(), attempt.stores
    await set_up_passkey(factors, attempt, device)
    asking = Anybody(attempt.binding, NOW)
    handle = factors.webauthn.user_handle(other)
    for lie in ({"user_handle": None}, {"user_handle": handle}, {"user_handle": b""}, {"user_handle": b"x" * 200}):
        options = await factors.webauthn.challenge_anybody(stores, asking)
        assert await factors.webauthn.verify_anybody(stores, asking, device.prove(options, **lie)) == REFUSED

    options = await factors.webauthn.challenge_anybody(stores, asking)
    found = await factors.webauthn.verify_anybody(stores, asking, device.prove(options))

    assert not isinstance(found, Refused)
    assert (found[0], found[1].factor) == (attempt.user, Factor.WEBAUTHN)
    assert (options["allowCredentials"], options["userVerification"]) == ([], "required")


async def test_somebody_who_is_disabled_or_gone_is_nobody(factors: Catalog, attempt: Attempt) -> None:
    """Case LG38."""
    device, stores, asking = Authenticator(), attempt.stores, Anybody(attempt.binding, NOW)
    await set_up_passkey(factors, attempt, device)
    options = json.loads(as_json(await factors.webauthn.challenge_anybody(stores, asking)))
    await stores.users.save(replace(attempt.user, status=UserStatus.DISABLED))

    assert await factors.webauthn.verify_anybody(stores, asking, device.prove(options)) == REFUSED


async def test_a_challenge_for_anybody_proves_no_step_up_and_the_other_way_round(
    factors: Catalog, attempt: Attempt
) -> None:
    device, stores, asking = Authenticator(), attempt.stores, Anybody(attempt.binding, NOW)
    await set_up_passkey(factors, attempt, device)
    for_anybody = await factors.webauthn.challenge_anybody(stores, asking)
    assert await factors.webauthn.verify(attempt, device.prove(for_anybody)) == Refused(Refusal.CODE_EXPIRED)

    for_one = await options_to_prove(factors, attempt)
    await factors.webauthn.challenge_anybody(stores, asking)

    assert await factors.webauthn.verify_anybody(stores, asking, device.prove(for_one)) == REFUSED


async def test_a_challenge_goes_to_whom_it_was_made_for(factors: Catalog, attempt: Attempt, other: User) -> None:
    """Case WA09: registration of B with A's challenge, in the same browser."""
    options = await options_to_make(factors, attempt)
    theirs = replace(attempt, user=other)

    assert await factors.webauthn.confirm(theirs, Authenticator().make(options)) == Refused(Refusal.CODE_EXPIRED)
    assert isinstance(await factors.webauthn.challenge(theirs), Refused)
    assert isinstance(await factors.webauthn.begin(theirs), Challenge)
