"""Which makes of authenticators are taken: the operator's list and roots are enforced here (case WA11)."""

import json
from typing import Any

import pytest

from idp.domain.assurance import PHRH, Proof, Trait, holds
from idp.domain.refusal import Refusal, Refused
from idp.domain.secret import base64url
from idp.domain.user import User
from idp.factors import attestation
from idp.factors.catalog import Catalog
from idp.factors.factor import Attempt, Enrolled
from idp.storage.stores import Stores
from tests.support.attestation import Maker, maker
from tests.support.builders import NOW
from tests.support.factors import asked, attempt_of, catalog
from tests.support.passkey import AAGUID, ED25519, Authenticator, new_key
from tests.support.storage import DIGESTER

NOT_ALLOWED = Refused(Refusal.PASSKEY_NOT_ALLOWED)
OTHER_MAKE = "ffffffff-0000-4000-8000-0123456789ab"
ZERO = attestation.ZERO_AAGUID
MAKER, FORGER, UNNAMED, OTHER = maker(AAGUID), maker(AAGUID), maker(None), maker(OTHER_MAKE)


@pytest.fixture
async def attempt(stores: Stores, person: User) -> Attempt:
    """A person who sets a key up."""
    return attempt_of(stores, person, NOW)


def strict(*roots: Maker, aaguids: tuple[str, ...] = ()) -> Catalog:
    """Return the factors of an operator who wants to know who made a key."""
    pems = tuple(each.root for each in roots)
    return catalog(DIGESTER, wants_attestation=True, aaguids=frozenset(aaguids), roots=pems)


async def make(factors: Catalog, attempt: Attempt, device: Authenticator, **lies: Any) -> Enrolled | Refused:
    options = asked(await factors.webauthn.begin(attempt)).options
    assert options is not None
    return await factors.webauthn.confirm(attempt, device.make(options, **lies))


@pytest.mark.parametrize(
    "device",
    [{}, {"attests": True, "aaguid": ZERO}, {"attests": True, "aaguid": OTHER_MAKE}, {"aaguid": ZERO}],
    ids=str,
)
async def test_without_roots_a_key_must_name_a_make_on_the_list(attempt: Attempt, device: dict[str, Any]) -> None:
    factors = strict(aaguids=(AAGUID,))

    assert await make(factors, attempt, Authenticator(**device)) == NOT_ALLOWED
    assert isinstance(await make(factors, attempt, Authenticator(attests=True, algorithm=ED25519)), Enrolled)


async def test_a_certificate_must_lead_to_the_operators_roots(attempt: Attempt) -> None:
    factors = strict(MAKER, OTHER)

    forged = await make(factors, attempt, Authenticator(maker=FORGER))
    genuine = await make(factors, attempt, Authenticator(maker=MAKER))

    assert forged == Refused(Refusal.PASSKEY_REFUSED)
    assert isinstance(genuine, Enrolled)
    assert Trait.ATTESTED in genuine.proof.traits


async def test_a_key_that_vouches_for_itself_leads_to_no_root(attempt: Attempt) -> None:
    """Packed self-attestation names any make it likes (§8.2)."""
    factors = strict(MAKER, aaguids=(AAGUID,))

    assert await make(factors, attempt, Authenticator(attests=True, eligible=False)) == NOT_ALLOWED
    assert await attempt.stores.credentials.of_user(attempt.user.id) == []


async def test_a_certificate_of_one_make_vouches_for_no_other(attempt: Attempt) -> None:
    """§8.2.1: the AAGUID in the certificate is that of the key."""
    factors = strict(MAKER, OTHER, UNNAMED)

    assert await make(factors, attempt, Authenticator(maker=OTHER)) == NOT_ALLOWED
    assert isinstance(await make(factors, attempt, Authenticator(maker=UNNAMED)), Enrolled)


async def test_a_statement_that_another_key_signed_is_refused(attempt: Attempt) -> None:
    lone = Maker(MAKER.root, MAKER.chain, FORGER.key)

    for device in (Authenticator(maker=lone), Authenticator(attests=True)):
        outcome = await make(strict(), attempt, device, key=new_key(device.algorithm))
        assert outcome == Refused(Refusal.PASSKEY_REFUSED)


async def test_only_a_key_that_is_bound_and_attested_is_hardware(attempt: Attempt) -> None:
    bound = await make(strict(MAKER), attempt, Authenticator(maker=MAKER, eligible=False))
    synced = await make(strict(MAKER), attempt, Authenticator(maker=MAKER, eligible=True))
    unattested = await make(catalog(DIGESTER), attempt, Authenticator(maker=MAKER, eligible=False))
    rootless = await make(strict(), attempt, Authenticator(attests=True, eligible=False))

    proofs = [each.proof for each in (bound, synced, unattested, rootless) if isinstance(each, Enrolled)]
    assert [holds(PHRH, (proof,)) for proof in proofs] == [True, False, False, False]
    assert [proof.amr[0] for proof in proofs] == ["hwk", "swk", "hwk", "hwk"]


async def test_what_a_key_was_made_with_still_counts_when_it_is_proved(attempt: Attempt) -> None:
    factors, device = strict(MAKER), Authenticator(maker=MAKER, eligible=False)
    await make(factors, attempt, device)
    options = asked(await factors.webauthn.challenge(attempt)).options
    assert options is not None

    proof = await factors.webauthn.verify(attempt, device.prove(options))

    assert isinstance(proof, Proof)
    assert holds(PHRH, (proof,))


@pytest.mark.parametrize("format_", ["apple", "android-key", "android-safetynet", "fido-u2f", "none"])
def test_formats_that_may_lead_to_other_roots_are_not_taken_where_roots_are_given(format_: str) -> None:
    assert not attestation.is_allowed(format_, AAGUID, b"", aaguids=frozenset(), roots=(MAKER.root,))


def test_makers_are_asked_only_where_the_operator_wants_it() -> None:
    assert attestation.roots_by_format(()) is None
    assert set(map(tuple, (attestation.roots_by_format((b"a", b"b")) or {}).values())) == {(b"a", b"b")}


BLOB_OF = {
    "entries": [
        {"aaguid": AAGUID.upper(), "statusReports": [{"status": "FIDO_CERTIFIED_L1"}, {"status": "REVOKED"}]},
        {"aaguid": OTHER_MAKE, "statusReports": [{"status": "FIDO_CERTIFIED"}]},
        {"attestationCertificateKeyIdentifiers": ["00"], "statusReports": [{"status": "REVOKED"}]},
        {"aaguid": ZERO, "statusReports": "REVOKED"},
        "nothing",
    ]
}


def blob(payload: str) -> str:
    return f"eyJhbGciOiJSUzI1NiJ9.{base64url(payload.encode())}.c2lnbmF0dXJl\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a make", "line 1 is no AAGUID"),
        (f"# makes\n{AAGUID}\n{AAGUID}x\n", "line 3 is no AAGUID"),
        (blob("{}"), "no entries"),
        (blob("[]"), "cannot be read"),
        (blob('{"entries": {}}'), "no entries"),
        ("eyJ.e30.x", "line 1 is no AAGUID"),
    ],
)
def test_a_file_of_makes_that_cannot_be_read_is_refused_with_its_fault(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        attestation.read_makes(text)


def test_the_makes_that_are_not_trusted_come_from_a_list_or_from_metadata() -> None:
    listed = attestation.read_makes(f"# two makes\n{AAGUID}  # the blue one\n\n{OTHER_MAKE.upper()}\n")
    told = attestation.read_makes(blob(json.dumps(BLOB_OF)))

    assert listed == {AAGUID, OTHER_MAKE}
    assert told == {AAGUID}
