"""LG61–LG66: links that are reused, raced, cut or foreign; addresses taken over; recovery that skips a factor."""

import asyncio
import statistics
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.domain.user import UserStatus
from tests.support.attacker import is_signed_in, post_form, signed_in, tokens_for, try_in, without_ids
from tests.support.factors import with_totp
from tests.support.html_browser import HtmlBrowser
from tests.support.letters import code, letters, links, subjects
from tests.support.provider import MINUTE, SECOND, Person
from tests.support.relying_party import RelyingParty
from tests.support.target import Target

NEW = "nine green lamps at sea"


async def forgot(provider: Target, name: str) -> HtmlBrowser:
    """Ask for a reset link as somebody would, and return the browser."""
    browser = provider.browser()
    await browser.open(f"{provider.issuer}/account/forgot")
    page = await browser.submit("forgot-submit", username=name)
    assert page.has("forgot-sent"), page.describe()
    return browser


async def reset_link(provider: Target, person: Person) -> str:
    await forgot(provider, person.username)
    return (await links(provider, person.user.email or "", "reset/"))[0]


async def reset(provider: Target, link: str, password: str = NEW) -> int:
    """Choose a new password by a link; return the status of the page that comes, 0 when it worked."""
    browser = provider.browser()
    page = await browser.open(link)
    if page.status != 200:
        return page.status
    page = await browser.submit("reset-submit", new_password=password)
    return 0 if page.name == "login" else page.status


async def test_lg61_a_reset_link_works_once(either: Target) -> None:
    person = await either.person()
    link = await reset_link(either, person)

    assert await reset(either, link) == 0
    assert await reset(either, link, "another harbour at dawn") == 410
    assert (await try_in(either, person.username, NEW)).status == 200


async def test_lg61_of_fifty_at_once_one_wins(either: Target) -> None:
    person = await either.person()
    link = await reset_link(either, person)

    outcomes = await asyncio.gather(*(reset(either, link, f"{NEW} {number}") for number in range(50)))

    assert sorted(outcomes) == [0, *[410] * 49]
    assert len(await either.events("password_reset")) == 1


@pytest.mark.parametrize(("later", "status"), [(30 * MINUTE - SECOND, 0), (30 * MINUTE, 410)])
async def test_lg61_a_reset_link_dies_after_thirty_minutes(provider: Target, later: timedelta, status: int) -> None:
    person = await provider.person()
    link = await reset_link(provider, person)

    provider.clock.advance(later)

    assert await reset(provider, link) == status


async def test_lg61_a_newer_link_kills_the_older(provider: Target) -> None:
    person = await provider.person()
    old = await reset_link(provider, person)
    provider.clock.advance(SECOND)
    new = await reset_link(provider, person)

    assert old != new
    assert await reset(provider, old) == 410
    assert await reset(provider, new) == 0


async def test_lg61_a_changed_password_or_address_kills_the_link(provider: Target) -> None:
    for change in ("password", "address"):
        person = await provider.person()
        link = await reset_link(provider, person)
        if change == "password":
            await provider.site.users.set_password(person.user, "another harbour at dawn")
        else:
            moved = f"moved-{person.username}@example.org"
            await provider.site.users.change(replace(person.user, email=moved))

        assert await reset(provider, link) == 410, change


async def test_lg61_a_link_that_is_cut_blank_or_made_up_opens_nothing(provider: Target, person: Person) -> None:
    link = await reset_link(provider, person)

    for broken in (link[:-1], link[: -len(link.rpartition("/")[2])], f"{link}x", link.replace("reset/", "secure/")):
        page = await provider.browser().open(broken)
        assert page.status in (404, 410), broken


async def test_lg61_a_link_of_one_kind_or_person_serves_no_other(provider: Target, person: Person) -> None:
    """The purpose is part of the link; a disabled person's opens nothing."""
    link = await reset_link(provider, person)
    secret = link.rpartition("/")[2]
    for path in ("secure", "lost/confirm", "lost/cancel", "email/undo", "account-keep", "signup/confirm", "invitation"):
        assert (await provider.browser().open(f"{provider.issuer}/{path}/{secret}")).status in (404, 410), path

    await provider.site.users.set_status(person.user, UserStatus.DISABLED)

    assert (await provider.browser().open(link)).status == 410


async def test_lg61_only_a_digest_of_the_link_is_stored(fresh: Target) -> None:
    person = await fresh.person()
    secret = (await reset_link(fresh, person)).rpartition("/")[2]

    assert len(secret) == 43  # 256 bits
    for row in await fresh.rows("links"):
        assert secret.encode() not in bytes(row["digest"])
        assert secret.encode() not in bytes(row["sealed_content"] or b"")


async def test_lg63_no_password_is_set_without_the_link(provider: Target, person: Person) -> None:
    link = await reset_link(provider, person)
    browser = provider.browser()
    await browser.open(link)

    bare = await post_form(browser, link, {"new-password": NEW})
    made_up = await post_form(browser, f"{provider.issuer}/reset/{'A' * 43}", {"new-password": NEW})

    assert (bare.status, made_up.status) == (403, 403)
    assert (await try_in(provider, person.username, NEW)).status == 403


async def test_lg64_looking_at_a_link_spends_nothing(provider: Target) -> None:
    """Mail scanners open links with GET and HEAD."""
    person = await provider.person()
    inside = await signed_in(provider, person)
    reset_at = await reset_link(provider, person)
    secure_at = (await links(provider, person.user.email or "", "secure/"))[0]

    for link in (reset_at, secure_at):
        for _ in range(3):
            assert (await provider.http.get(link)).status_code == 200
            assert (await provider.http.head(link)).status_code == 200

    assert await is_signed_in(inside)
    assert await reset(provider, reset_at) == 0


async def test_a_reset_ends_sessions_and_tokens_and_leaves_factors(provider: Target, rp: RelyingParty) -> None:
    """ASVS 6.4.3; NIST SP 800-63B-4 §4.2."""
    person = await provider.person()
    tokens = await tokens_for(provider, rp, person)
    inside = await signed_in(provider, person)
    await with_totp(provider, person)

    assert await reset(provider, await reset_link(provider, person)) == 0

    assert not await is_signed_in(inside)
    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"
    assert (await try_in(provider, person.username, NEW)).name == "step-up"
    assert "Your password was changed" in await subjects(provider, person.user.email or "")


async def test_a_reset_opens_an_account_that_was_guessed_shut(provider: Target) -> None:
    """At 100 failures in a row the password is off until its reset (NIST SP 800-63B-4 §3.2.2)."""
    person = await provider.person()
    for _ in range(6):
        await try_in(provider, person.username, "wrong")
    assert (await try_in(provider, person.username, person.password)).status == 429

    assert await reset(provider, await reset_link(provider, person)) == 0

    assert (await try_in(provider, person.username, NEW)).status == 200


async def test_lg66_whoever_first_proves_an_address_wipes_what_was_attached_before(provider: Target) -> None:
    squatter = await provider.person(email_verified=False)
    inside = await signed_in(provider, squatter)
    await with_totp(provider, squatter)

    assert await reset(provider, await reset_link(provider, squatter)) == 0

    assert not await is_signed_in(inside)
    assert (await try_in(provider, squatter.username, NEW)).name == "home"  # no foreign factor is left
    assert (await try_in(provider, squatter.username, squatter.password)).status == 403


async def test_lg04_forgot_and_sign_up_say_the_same_for_everybody(provider: Target, person: Person) -> None:
    """LG04: texts, status and size; what differs reaches the owner's mailbox only."""
    await provider.site.users.set_status((disabled := await provider.person()).user, UserStatus.DISABLED)
    pages = []
    for name in (person.username, "nobody-of-that-name", disabled.username):
        browser = await forgot(provider, name)
        pages.append(without_ids(browser.page.response))

    assert len(set(pages)) == 1
    assert not await links(provider, disabled.user.email or "", "reset/")


async def test_lg04_forgot_takes_as_long_for_nobody(fresh: Target) -> None:
    """Mail leaves off the request path; medians of 40 each differ by less than 5 ms."""
    person = await fresh.person()
    browser = fresh.browser()
    took: dict[str, list[float]] = {person.username: [], "nobody-of-that-name": []}
    for _ in range(40):
        for name, times in took.items():
            await browser.open(f"{fresh.issuer}/account/forgot")
            began = time.perf_counter()
            await browser.submit("forgot-submit", username=name)
            times.append(time.perf_counter() - began)

    known, unknown = (statistics.median(times[10:]) for times in took.values())
    assert abs(known - unknown) < 0.005


async def test_resets_are_limited_per_account(provider: Target) -> None:
    person = await provider.person()
    for _ in range(8):
        await forgot(provider, person.username)

    assert len(await links(provider, person.user.email or "", "reset/")) == 5


async def sign_up(provider: Target, email: str, password: str = NEW, *, name: str = "Dora") -> HtmlBrowser:
    """Begin an account and stop at the page that asks for the code."""
    browser = provider.browser()
    await browser.open(f"{provider.issuer}/account/sign-in")
    interaction = browser.page.url.rpartition("/")[2]
    await browser.open(f"{provider.issuer}/signup/{interaction}")
    page = await browser.submit("signup-submit", email=email, name=name, new_password=password)
    assert page.name == "signup-code", page.describe()
    return browser


async def test_lg71_a_sign_up_link_works_once_and_for_its_address(provider: Target) -> None:
    email = "once@example.org"
    browser = await sign_up(provider, email)
    link = (await links(provider, email, "signup/confirm/"))[0]
    provider.clock.advance(timedelta(hours=24))
    assert (await browser.open(link)).status == 410

    browser = await sign_up(provider, email)
    link = (await links(provider, email, "signup/confirm/"))[0]
    await browser.open(link)
    assert (await browser.submit("signup-submit")).name == "home"
    assert (await provider.browser().open(link)).status == 410


async def test_lg66_a_foreign_sign_up_leaves_nothing_in_the_owners_account(provider: Target) -> None:
    email = "owner@example.org"
    attacker = await sign_up(provider, email, "what the attacker typed", name="Mallory")
    owner = provider.browser()
    await owner.open((await links(provider, email, "signup/confirm/"))[0])
    await owner.submit("signup-submit", name="Olga", new_password=NEW)

    await attacker.submit("otp-submit", otp_code=await code(provider, email))

    assert not await is_signed_in(attacker)
    assert (await try_in(provider, email, "what the attacker typed")).status == 403
    assert (await try_in(provider, email, NEW)).name == "home"


async def test_the_code_of_a_sign_up_has_five_tries_and_a_resend_gives_none_back(provider: Target) -> None:
    email = "guessed@example.org"
    browser = await sign_up(provider, email)
    right = await code(provider, email)
    wrong = "000000" if right != "000000" else "000001"
    for _ in range(4):
        await browser.submit("otp-submit", otp_code=wrong)
    await browser.submit("otp-resend")
    right = await code(provider, email)
    assert (await browser.submit("otp-submit", otp_code=wrong if wrong != right else "000002")).status == 403

    assert (await browser.submit("otp-submit", otp_code=right)).status == 403
    assert (await try_in(provider, email, NEW)).status == 403


async def test_a_taken_address_gets_no_code_that_works(provider: Target, person: Person) -> None:
    email = person.user.email or ""
    browser = await sign_up(provider, email)

    assert "signup/confirm" not in "".join(await letters(provider, email))
    assert (await browser.submit("otp-submit", otp_code="000000")).status == 403
    assert "You have an account already" in await subjects(provider, email)


async def test_lg65_only_the_address_that_was_pending_is_proved(provider: Target) -> None:
    """Two changes raced: the code of the first proves nothing once the second was asked for."""
    person = await provider.person()
    browser = await signed_in(provider, person)
    await browser.open(f"{provider.issuer}/account/email")
    await browser.submit("email-submit", email="first@example.org")
    first = await code(provider, "first@example.org")
    await browser.open(f"{provider.issuer}/account/email")
    await browser.submit("email-submit", email="second@example.org")
    second = await code(provider, "second@example.org")

    if first != second:
        assert (await browser.submit("otp-submit", otp_code=first)).status == 403
    assert (await browser.submit("otp-submit", otp_code=second)).name == "profile"

    user = await provider.site.users.find(person.user.id)
    assert user is not None
    assert (user.email, user.email_verified) == ("second@example.org", True)
    assert "Your email address was changed" in await subjects(provider, person.user.email or "")


async def test_lg65_an_address_of_somebody_else_is_not_taken(provider: Target, person: Person) -> None:
    browser = await signed_in(provider, await provider.person())
    await browser.open(f"{provider.issuer}/account/email")
    page = await browser.submit("email-submit", email=person.user.email or "")

    assert page.has("email-sent")  # the same page as for any other address
    assert (await browser.submit("otp-submit", otp_code="000000")).status == 403


async def test_the_old_address_takes_a_change_back_and_everybody_is_out(provider: Target) -> None:
    person = await provider.person()
    thief = await signed_in(provider, person)
    await thief.open(f"{provider.issuer}/account/email")
    await thief.submit("email-submit", email=f"thief-{person.username}@example.org")
    await thief.submit("otp-submit", otp_code=await code(provider, f"thief-{person.username}@example.org"))
    undo = (await links(provider, person.user.email or "", "email/undo/"))[0]
    owner = provider.browser()
    await owner.open(undo)
    assert (await owner.submit("link-confirm")).has("link-done")

    user = await provider.site.users.find(person.user.id)
    assert user is not None
    assert user.email == person.user.email
    assert not await is_signed_in(thief)
    assert (await try_in(provider, person.username, person.password)).status == 403
    assert await reset(provider, (await links(provider, person.user.email or "", "reset/"))[0]) == 0


async def test_the_wait_for_lost_factors_can_be_stopped_and_ends_in_a_link(fresh: Target) -> None:
    person = await fresh.person()
    email = person.user.email or ""
    await with_totp(fresh, person)

    async def start() -> None:
        browser = fresh.browser(person)
        await browser.open(f"{fresh.issuer}/account/sign-in")
        await browser.sign_in()
        interaction = browser.page.url.rpartition("/")[2]
        await browser.open(f"{fresh.issuer}/lost/{interaction}")
        assert (await browser.submit("lost-start")).has("lost-due")

    await start()
    owner = fresh.browser()
    await owner.open((await links(fresh, email, "lost/cancel/"))[0])
    await owner.submit("link-confirm")
    fresh.clock.advance(timedelta(days=4))
    assert await links(fresh, email, "lost/confirm/") == []

    await start()
    fresh.clock.advance(timedelta(days=3) - SECOND)
    assert await links(fresh, email, "lost/confirm/") == []
    fresh.clock.advance(SECOND)
    link = (await links(fresh, email, "lost/confirm/"))[0]
    await owner.open(link)
    assert (await owner.submit("link-confirm")).has("link-done")
    assert (await owner.open(link)).status == 410
    assert (await try_in(fresh, person.username, person.password)).name == "home"


async def test_nobody_starts_the_wait_without_the_password(provider: Target, person: Person) -> None:
    await with_totp(provider, person)
    browser = provider.browser(person)
    await browser.open(f"{provider.issuer}/account/sign-in")
    interaction = browser.page.url.rpartition("/")[2]

    page = await browser.open(f"{provider.issuer}/lost/{interaction}")

    assert page.name == "login"
