"""Authenticator applications: the vectors of both RFCs, drift, order of steps, seeds that nobody confirmed."""

import base64
from dataclasses import replace
from datetime import datetime, timedelta

import pyotp
import pytest

from idp.domain.assurance import Factor, Proof
from idp.domain.refusal import Refusal, Refused
from idp.domain.user import User
from idp.factors.catalog import Catalog
from idp.factors.factor import Attempt, Enrolled
from idp.factors.totp import MOST_PER_PERSON, matching_step, qr_code
from idp.storage.stores import Stores
from tests.support.builders import NOW, TICK
from tests.support.factors import STEP, App, asked, attempt_of, set_up_totp

SEED = base64.b32encode(b"12345678901234567890").decode()
LATER = NOW + 10 * STEP


@pytest.mark.parametrize(
    ("seconds", "digits"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_codes_are_those_of_rfc_6238(seconds: int, digits: str) -> None:
    """RFC 6238 Appendix B, SHA-1; six of its eight digits."""
    assert matching_step(SEED, digits[2:], seconds) == seconds // 30


@pytest.mark.parametrize(("length", "digits"), [(32, "46119246"), (64, "90693936")], ids=["SHA-256", "SHA-512"])
def test_codes_by_other_digests_are_none(length: int, digits: str) -> None:
    """RFC 6238 Appendix B, T = 59 with the longer seeds: right there, and refused here, where only SHA-1 is offered."""
    seed = base64.b32encode((b"1234567890" * 7)[:length]).decode()

    assert matching_step(seed, digits[2:], 59) is None


@pytest.mark.parametrize(
    ("counter", "code"),
    list(
        enumerate(["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"])
    ),
)
def test_the_codes_are_those_of_rfc_4226(counter: int, code: str) -> None:
    """RFC 4226 Appendix D."""
    assert matching_step(SEED, code, (counter + 1) * 30) == counter


@pytest.mark.parametrize(("drift", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_of_drift_counts_either_way(drift: int, counts: bool) -> None:
    now = 1_900_000_000
    code = pyotp.TOTP(SEED).generate_otp(now // 30 + drift)

    assert (matching_step(SEED, code, now) is not None) is counts


@pytest.mark.parametrize("typed", ["287 082", " 287082 ", "287-082", "2 8 7 0 8 2"])
def test_blanks_between_digits_do_not_matter(typed: str) -> None:
    assert matching_step(SEED, typed, 59) == 1


@pytest.fixture
async def attempt(stores: Stores, person: User) -> Attempt:
    """A person in a sign-in."""
    return attempt_of(stores, person, NOW)


@pytest.fixture
async def app(factors: Catalog, attempt: Attempt) -> App:
    """Their authenticator."""
    return await set_up_totp(factors, attempt)


async def verify(factors: Catalog, attempt: Attempt, code: str, now: datetime) -> bool:
    return isinstance(await factors.totp.verify(replace(attempt, now=now), code), Proof)


async def test_the_code_that_confirmed_it_is_spent(factors: Catalog, attempt: Attempt, app: App) -> None:
    assert not await verify(factors, attempt, app.code(NOW), NOW)
    assert await verify(factors, attempt, app.code(NOW + STEP), NOW + STEP)


async def test_an_older_step_after_a_newer_one_is_refused(factors: Catalog, attempt: Attempt, app: App) -> None:
    """Case LG17; RFC 6238 §5.2: the person's clock may be ahead, but codes only move on."""
    newer, older, oldest = (app.code(LATER + drift * STEP) for drift in (1, 0, -1))

    assert await verify(factors, attempt, newer, LATER)
    assert not await verify(factors, attempt, older, LATER)
    assert not await verify(factors, attempt, oldest, LATER)
    assert not await verify(factors, attempt, newer, LATER)
    assert await verify(factors, attempt, app.code(LATER + 2 * STEP), LATER + STEP)


async def test_a_code_ahead_of_its_time_counts_from_one_step_before(
    factors: Catalog, attempt: Attempt, app: App
) -> None:
    step_begins = LATER - timedelta(seconds=LATER.timestamp() % 30)
    code = app.code(step_begins + STEP)

    assert not await verify(factors, attempt, code, step_begins - TICK)
    assert await verify(factors, attempt, code, step_begins)


async def test_a_seed_that_nobody_confirmed_opens_nothing(factors: Catalog, attempt: Attempt) -> None:
    begun = asked(await factors.totp.begin(attempt))
    app = App(begun.shown["secret"].replace(" ", ""))

    assert not await verify(factors, attempt, app.code(NOW), NOW)
    assert Factor.TOTP not in await attempt.stores.credentials.factors_of(attempt.user.id)


async def test_a_wrong_code_confirms_nothing_and_the_seed_stays(factors: Catalog, attempt: Attempt) -> None:
    begun = asked(await factors.totp.begin(attempt))
    app, key = App(begun.shown["secret"].replace(" ", "")), begun.credential_id or ""

    assert await factors.totp.confirm(attempt, app.wrong(NOW), credential_id=key) == Refused(Refusal.CODE_WRONG)
    resumed = await factors.totp.resume(attempt, key)
    assert resumed is not None
    assert resumed.shown == begun.shown
    assert isinstance(await factors.totp.confirm(attempt, app.code(NOW), credential_id=key), Enrolled)
    assert await factors.totp.resume(attempt, key) is None


async def test_a_seed_is_confirmed_once_and_by_its_person(factors: Catalog, attempt: Attempt, other: User) -> None:
    begun = asked(await factors.totp.begin(attempt))
    app, key = App(begun.shown["secret"].replace(" ", "")), begun.credential_id or ""
    theirs = replace(attempt, user=other)

    assert await factors.totp.confirm(theirs, app.code(NOW), credential_id=key) == Refused(Refusal.FORM_EXPIRED)
    assert await factors.totp.resume(theirs, key) is None
    assert isinstance(await factors.totp.confirm(attempt, app.code(NOW), credential_id=key), Enrolled)
    assert await factors.totp.confirm(attempt, app.code(NOW), credential_id=key) == Refused(Refusal.FORM_EXPIRED)
    assert await factors.totp.confirm(attempt, app.code(NOW), credential_id="") == Refused(Refusal.FORM_EXPIRED)


async def test_beginning_again_forgets_the_first_seed(factors: Catalog, attempt: Attempt) -> None:
    first = asked(await factors.totp.begin(attempt))
    second = asked(await factors.totp.begin(attempt))
    old = App(first.shown["secret"].replace(" ", ""))

    assert first.shown["secret"] != second.shown["secret"]
    outcome = await factors.totp.confirm(attempt, old.code(NOW), credential_id=first.credential_id or "")
    assert outcome == Refused(Refusal.FORM_EXPIRED)


async def test_a_person_has_five_at_most_and_each_counts(factors: Catalog, attempt: Attempt) -> None:
    apps = [await set_up_totp(factors, attempt) for _ in range(MOST_PER_PERSON)]

    assert await factors.totp.begin(attempt) == Refused(Refusal.TOO_MANY)
    for app in apps:
        assert await verify(factors, attempt, app.code(LATER), LATER)
        assert not await verify(factors, attempt, app.code(LATER), LATER)


async def test_the_seed_has_160_bits_and_the_app_learns_whose_it_is(factors: Catalog, attempt: Attempt) -> None:
    """RFC 4226 §4, R6."""
    shown = asked(await factors.totp.begin(attempt)).shown
    parsed = pyotp.parse_uri(shown["uri"])

    assert len(base64.b32decode(shown["secret"].replace(" ", ""))) == 20
    assert (parsed.issuer, parsed.name, parsed.digits) == ("Harbour", attempt.user.label, 6)
    assert shown["qr"].startswith("<svg")
    assert "style" not in qr_code(shown["uri"])


async def test_the_seed_is_kept_sealed(factors: Catalog, attempt: Attempt) -> None:
    begun = asked(await factors.totp.begin(attempt))
    seed = begun.shown["secret"].replace(" ", "")

    rows = (await attempt.stores.connection.exec_driver_sql("SELECT * FROM credentials")).all()

    assert seed not in repr(rows)
    assert base64.b32decode(seed) not in b"".join(value for row in rows for value in row if isinstance(value, bytes))
