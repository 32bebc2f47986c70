"""`change_password`: whoever signs in with a password that the policy trusts no more chooses another one first."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from idp.factors.breached import FilterWriter, Shape, digest_of
from idp.flows.new_password import Accepted
from tests.support.careful import Visitor, careful_provider
from tests.support.html_browser import Page
from tests.support.provider import DAY, PASSWORD, Provider
from tests.support.relying_party import RelyingParty

LOST, FRESH = "a phrase that somebody lost", "seven lamps above the harbour"
ALWAYS = """
schema = 1
break_glass = { group = "break-glass" }
[[rule]]
id = "renewal"
when = { history.logins.ge = 0 }
effects = ["change_password"]
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def provider(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder = tmp_path_factory.mktemp("lost")
    with FilterWriter(folder / "breached.bloom", Shape.fitting(1, 1e-6)) as writer:
        writer.add_all([digest_of(LOST)])
        writer.finish()
    settings = {"IDP_BREACHED_PASSWORDS_FILE": str(folder / "breached.bloom"), "IDP_POLICY_FILE": "quiet"}
    async with careful_provider(folder, request.param, **settings) as provider:
        yield provider


@pytest.fixture(scope="module")
async def renewing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider whose policy asks everybody for a new password, always."""
    folder: Path = tmp_path_factory.mktemp("renewing")
    (folder / "renewal.toml").write_text(ALWAYS)
    async with careful_provider(folder, IDP_POLICY_FILE=str(folder / "renewal.toml")) as provider:
        yield provider


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    return await provider.client(is_first_party=True)


async def somebody(provider: Provider, password: str = LOST) -> Visitor:
    """Return somebody whose password has been among leaked ones since they chose it."""
    visitor = Visitor(provider, await provider.person())
    await give(visitor, password)
    return visitor


async def give(visitor: Visitor, password: str) -> None:
    new_password, provider = visitor.provider.site.accounts.profile.new_password, visitor.provider
    accepted = Accepted(await new_password._hasher.hash(password))
    async with provider.site.transactions.open(write=True) as stores:
        await new_password.store(stores, visitor.person.id, accepted, provider.clock.now())
    visitor.person = replace(visitor.person, password=password)
    visitor.browser.password = password


async def choose(visitor: Visitor, password: str) -> Page:
    return await visitor.browser.submit("new-password-submit", new_password=password)


async def test_a_leaked_password_opens_no_session_before_another_took_its_place(
    provider: Provider, rp: RelyingParty
) -> None:
    visitor = await somebody(provider)

    page = await visitor.arrive(rp)

    assert page.name == "new-password"
    assert "stolen passwords" in page.response.text
    assert "__Host-idp_session" not in visitor.browser.cookies
    assert (await visitor.browser.open(f"{provider.issuer}/account/security")).name == "login"


async def test_after_the_change_the_sign_in_goes_on_with_the_new_one(provider: Provider, rp: RelyingParty) -> None:
    visitor = await somebody(provider)
    await visitor.arrive(rp)

    page = await choose(visitor, FRESH)
    tokens = await rp.redeem(rp.receive(page.answer()).code)

    assert tokens.status == 200
    visitor.browser.cookies.delete("__Host-idp_session")
    assert (await visitor.arrive(rp)).name == "login", "the old password is worth nothing"
    visitor.browser.password = FRESH
    assert (await visitor.arrive(rp)).location is not None, "and the new one is asked for nothing more"


@pytest.mark.parametrize(
    ("password", "why"),
    [
        (LOST, "leaked"),
        ("short", "at least 15 characters"),
        ("", "choose a password"),
        (PASSWORD * 1000, "too long"),
    ],
    ids=["the same", "too short", "nothing", "too long"],
)
async def test_what_is_no_good_password_is_refused_and_asked_again(
    provider: Provider, rp: RelyingParty, password: str, why: str
) -> None:
    visitor = await somebody(provider)
    await visitor.arrive(rp)

    page = await choose(visitor, password)

    assert (page.name, page.status) == ("new-password", 400)
    assert why in page.text("new-password-error")
    assert (await choose(visitor, FRESH)).location is not None


async def test_cancelling_leads_back_with_access_denied_and_changes_nothing(
    provider: Provider, rp: RelyingParty
) -> None:
    visitor = await somebody(provider)
    await visitor.arrive(rp)

    page = await visitor.browser.submit("login-cancel")

    assert rp.receive(page.answer()).error == "access_denied"
    assert (await visitor.arrive(rp)).name == "new-password"


async def test_every_session_elsewhere_ends_and_the_person_is_told(provider: Provider, rp: RelyingParty) -> None:
    elsewhere = Visitor(provider, await provider.person())
    assert (await elsewhere.arrive(rp)).location is not None
    await give(elsewhere, LOST)
    visitor = Visitor(provider, elsewhere.person)
    await visitor.arrive(rp)

    await choose(visitor, FRESH)

    assert (await elsewhere.browser.open(f"{provider.issuer}/account/security")).name == "login"
    told = [str(mail["subject"]) for mail in await provider.mail_to(visitor.person)]
    assert "Your password was changed" in told


async def test_prompt_none_in_the_middle_is_no_way_past_it(provider: Provider, rp: RelyingParty) -> None:
    visitor = await somebody(provider)
    await visitor.arrive(rp)

    page = await visitor.browser.open((await rp.authorization_request(prompt="none")).url, came_from_elsewhere=True)

    assert rp.receive(page.answer()).error == "login_required"


async def test_who_reloads_or_opens_another_page_of_the_sign_in_comes_back_to_it(
    provider: Provider, rp: RelyingParty
) -> None:
    visitor = await somebody(provider)
    page = await visitor.arrive(rp)
    interaction = page.url.rpartition("/")[2]

    for step in ("login", "step-up", "consent", "new-password"):
        assert (await visitor.browser.open(f"{provider.issuer}/{step}/{interaction}")).name == "new-password", step


async def test_of_two_tabs_that_choose_at_once_one_password_counts_and_both_end_well(
    provider: Provider, rp: RelyingParty
) -> None:
    visitor = await somebody(provider)
    await visitor.arrive(rp)

    pages = await asyncio.gather(*(choose(visitor, f"{FRESH} {n}") for n in (1, 2)))

    assert all(page.status < 500 for page in pages)
    opens = []
    for n in (1, 2):
        again = Visitor(provider, replace(visitor.person, password=f"{FRESH} {n}"))
        opens.append((await again.arrive(rp)).name != "login")
    assert sorted(opens) == [False, True]


async def test_the_form_of_another_browser_is_refused(provider: Provider, rp: RelyingParty) -> None:
    visitor = await somebody(provider)
    page = await visitor.arrive(rp)
    other = Visitor(provider, visitor.person)

    shown = await other.browser.open(page.url)

    assert shown.name != "new-password"


async def test_another_reason_than_a_leak_is_not_called_one_and_the_old_password_is_refused(renewing: Provider) -> None:
    rp = await renewing.client(is_first_party=True)
    visitor = await somebody(renewing, "another engine of numbers")

    page = await visitor.arrive(rp)
    assert page.name == "new-password"
    assert "stolen passwords" not in page.response.text
    assert (await choose(visitor, "another engine of numbers")).status == 400
    assert (await choose(visitor, FRESH)).location is not None
    renewing.clock.advance(DAY)
