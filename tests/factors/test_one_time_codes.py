"""Codes by mail and SMS: five tries, five sends, the newest only, and no trace but a digest."""

from dataclasses import replace

import pytest

from idp.domain.assurance import Proof
from idp.domain.refusal import Refusal, Refused
from idp.domain.user import User
from idp.factors.catalog import Catalog
from idp.factors.email_otp import masked_email
from idp.factors.factor import Attempt, Challenge, Enrolled
from idp.factors.sms_otp import masked_number, plain_number
from idp.policy.lifetimes import ONE_TIME_CODE_TRIES, RESENDS, RESENDS_WINDOW
from idp.storage.stores import Stores
from tests.support.builders import DAY, MINUTE, NOW, TICK
from tests.support.factors import asked, attempt_of, set_up_phone

PHONE = "+4915123456789"
TOO_MANY = Refused(Refusal.TOO_MANY_SENT, RESENDS_WINDOW)


@pytest.fixture
async def attempt(stores: Stores, person: User) -> Attempt:
    """A person in a sign-in."""
    return attempt_of(stores, person, NOW)


async def code_of(factors: Catalog, attempt: Attempt) -> str:
    return asked(await factors.email_otp.challenge(attempt)).code or ""


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


async def test_after_five_wrong_answers_the_right_one_is_refused(factors: Catalog, attempt: Attempt) -> None:
    code = await code_of(factors, attempt)
    for _ in range(ONE_TIME_CODE_TRIES):
        assert await factors.email_otp.verify(attempt, other_than(code)) == Refused(Refusal.CODE_WRONG)

    assert await factors.email_otp.verify(attempt, code) == Refused(Refusal.CODE_EXPIRED)


async def test_the_fifth_answer_may_be_the_right_one(factors: Catalog, attempt: Attempt) -> None:
    code = await code_of(factors, attempt)
    for _ in range(ONE_TIME_CODE_TRIES - 1):
        await factors.email_otp.verify(attempt, other_than(code))

    assert isinstance(await factors.email_otp.verify(attempt, code), Proof)


async def test_a_resend_gives_no_new_tries(factors: Catalog, attempt: Attempt) -> None:
    """Case LG23: a resend resets nothing."""
    for _ in range(ONE_TIME_CODE_TRIES):
        await factors.email_otp.verify(attempt, other_than(await code_of(factors, attempt)))
    fresh = attempt.stores.one_time_codes

    waiting = await fresh.find(attempt.binding, "email_otp:sign-in", NOW)

    assert waiting is not None
    assert waiting.tries == ONE_TIME_CODE_TRIES
    assert await factors.email_otp.verify(attempt, "000000") == Refused(Refusal.CODE_EXPIRED)


async def test_only_the_newest_code_counts(factors: Catalog, attempt: Attempt) -> None:
    first, second = await code_of(factors, attempt), await code_of(factors, attempt)
    if first != second:
        assert await factors.email_otp.verify(attempt, first) == Refused(Refusal.CODE_WRONG)

    assert isinstance(await factors.email_otp.verify(attempt, second), Proof)


async def test_what_is_no_code_costs_no_try(factors: Catalog, attempt: Attempt) -> None:
    code = await code_of(factors, attempt)
    for _ in range(10):
        assert await factors.email_otp.verify(attempt, "") == Refused(Refusal.CODE_WRONG)

    assert isinstance(await factors.email_otp.verify(attempt, f" {code[:3]}-{code[3:]} "), Proof)


async def test_the_sixth_send_in_an_hour_is_refused_over_all_sessions(
    factors: Catalog, stores: Stores, person: User
) -> None:
    """Case LG23, per account."""
    for _ in range(RESENDS):
        assert isinstance(await factors.email_otp.challenge(attempt_of(stores, person, NOW)), Challenge)

    late = NOW + RESENDS_WINDOW
    assert await factors.email_otp.challenge(attempt_of(stores, person, NOW)) == TOO_MANY
    assert await factors.email_otp.challenge(attempt_of(stores, person, late - TICK)) == TOO_MANY
    assert isinstance(await factors.email_otp.challenge(attempt_of(stores, person, late)), Challenge)


async def test_a_change_of_destination_gives_no_new_sends(factors: Catalog, attempt: Attempt) -> None:
    """Case LG23: numbers and addresses are changed in vain, the account counts too."""
    for number in range(RESENDS):
        assert isinstance(await factors.sms_otp.begin(attempt, f"+491512345678{number}"), Challenge)

    assert await factors.sms_otp.begin(attempt, "+4915123456799") == TOO_MANY
    assert await factors.email_otp.begin(attempt, "else@example.com") == TOO_MANY


@pytest.mark.parametrize("spelled", ["Victim@example.org", "VICTIM@EXAMPLE.ORG", "victim@example.org"])
async def test_a_destination_is_written_to_five_times_whoever_asks(
    factors: Catalog, stores: Stores, spelled: str
) -> None:
    """Case LG23, per destination: also by people without an account, and however it is spelled."""

    async def send(number: int, to: str) -> Challenge | Refused:
        return await factors.codes.make(
            stores, binding=f"sign-up {number}", purpose="sign-up", user_id=None, destination=to, now=NOW
        )

    for number, to in enumerate(("victim@example.org", "Victim@example.org", "vICTIM@example.org") * 2):
        assert isinstance(await send(number, to), Challenge) is (number < RESENDS)

    assert await send(9, spelled) == TOO_MANY
    assert isinstance(await send(10, "another@example.org"), Challenge)


async def test_a_code_stands_in_its_message_and_nowhere_else(factors: Catalog, attempt: Attempt) -> None:
    """Case LG24; NIST SP 800-63B-4 §3.1.3: what is stored is a keyed digest, and the place is sealed."""
    code = await code_of(factors, attempt)

    rows = (await attempt.stores.connection.exec_driver_sql("SELECT * FROM one_time_codes")).all()

    stored = repr(rows)
    assert code not in stored
    assert str(attempt.user.email) not in stored


async def test_an_address_that_was_changed_meanwhile_is_not_proved(factors: Catalog, attempt: Attempt) -> None:
    code = await code_of(factors, attempt)
    moved = replace(attempt, user=replace(attempt.user, email="new@example.com"))

    assert await factors.email_otp.verify(moved, code) == Refused(Refusal.CODE_WRONG)


async def test_a_code_proves_the_pending_address_and_no_other(factors: Catalog, attempt: Attempt) -> None:
    """Case LG65: confirming A verifies A."""
    code = asked(await factors.email_otp.begin(attempt, "a@example.com")).code or ""
    assert await factors.email_otp.confirm(attempt, code, name="b@example.com") == Refused(Refusal.CODE_WRONG)

    code = asked(await factors.email_otp.begin(attempt, "a@example.com")).code or ""
    confirmed = await factors.email_otp.confirm(attempt, code, name="a@example.com")

    assert isinstance(confirmed, Enrolled)
    assert confirmed.credential is None


@pytest.mark.parametrize("changes", [{"email": None}, {"email_verified": False}], ids=str)
async def test_no_code_goes_to_an_address_that_was_never_proved(
    factors: Catalog, attempt: Attempt, changes: dict[str, object]
) -> None:
    stranger = replace(attempt, user=replace(attempt.user, **changes))  # type: ignore[arg-type]

    assert await factors.email_otp.challenge(stranger) == Refused(Refusal.NOT_AVAILABLE)
    assert isinstance(await factors.email_otp.verify(stranger, "123456"), Refused)


async def test_a_person_has_one_phone_the_one_confirmed_last(factors: Catalog, attempt: Attempt) -> None:
    await set_up_phone(factors, attempt, PHONE)
    begun = asked(await factors.sms_otp.begin(attempt, "+4915123456780"))
    assert asked(await factors.sms_otp.challenge(replace(attempt, purpose="x"))).destination == PHONE

    await factors.sms_otp.confirm(attempt, begun.code or "")

    (phone,) = await attempt.stores.credentials.of_user(attempt.user.id, factors.sms_otp.factor)
    assert phone.text("phone") == "+4915123456780"


async def test_a_code_for_a_phone_that_is_gone_is_refused(factors: Catalog, attempt: Attempt) -> None:
    await set_up_phone(factors, attempt, PHONE)
    code = asked(await factors.sms_otp.challenge(replace(attempt, now=NOW + 6 * MINUTE))).code or ""
    await attempt.stores.credentials.remove_all(attempt.user.id, factor=factors.sms_otp.factor)

    later = replace(attempt, now=NOW + 7 * MINUTE)
    assert await factors.sms_otp.verify(later, code) == Refused(Refusal.CODE_WRONG)
    assert await factors.sms_otp.challenge(replace(attempt, now=NOW + DAY)) == Refused(Refusal.NOT_AVAILABLE)


async def test_what_is_no_number_gets_no_code(factors: Catalog, attempt: Attempt) -> None:
    assert await factors.sms_otp.begin(attempt, "0151 23456789") == Refused(Refusal.PHONE_INVALID)
    assert await factors.sms_otp.confirm(attempt, "123456") == Refused(Refusal.CODE_EXPIRED)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+49 151 23456789", PHONE),
        (" +49 (0)151 / 234-567-89 ", PHONE),
        ("0049 151 23456789", PHONE),
        ("+１ 212 555 2368", "+12125552368"),
        ("+1 212 555 2368 ext. 5", "+12125552368"),
        ("0151 23456789", None),
        ("151 23456789", None),
        ("+49", None),
        ("+49 1", None),
        ("+999 123456789", None),
        ("+1 000 000 0000", None),
        ("", None),
        ("+", None),
        ("null", None),
        ("+49 151\n23456789", None),
        ("+49 151\x0023456789", None),
        ("+4915123456789" * 3, None),
        ("+" + "1" * 1_000_000, None),
        ("victim@example.org", None),
    ],
)
def test_a_number_is_one_that_can_be_called_from_everywhere(typed: str, number: str | None) -> None:
    assert plain_number(typed) == number


@pytest.mark.parametrize(
    ("number", "shown"), [(PHONE, "+49•••••••••89"), ("+12125552368", "+12•••••••68"), ("+4912", "+49•••12")]
)
def test_a_number_is_shown_in_part(number: str, shown: str) -> None:
    assert masked_number(number) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("alexandra@example.com", "al•••@e•••.com"),
        ("bob@example.co.uk", "b•••@e•••.uk"),
        ("a@b.c", "a•••@b•••.c"),
        ("root@localhost", "ro•••@•••localhost"),
    ],
)
def test_an_address_is_shown_in_part(address: str, shown: str) -> None:
    assert masked_email(address) == shown
