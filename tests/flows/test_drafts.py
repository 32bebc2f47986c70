"""What a person took of the drafts reaches passwords and pages; what waits does not (§9 a, c)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.domain.event import EventKind
from idp.flows.drafts import MOST_APPROVED_WORDS, Drafts, TooManyWords
from idp.risk.drafting import ApprovedFact, FactKind
from idp.storage.drafts import DraftKind
from tests.support.databases import fresh_database
from tests.support.html_browser import Page
from tests.support.provider import ISSUER, Provider

MADE_OF_IT = "vindafjordvindafjord"
ADVICE = "Take four words that have nothing to do with your town."


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    async with fresh_database("sqlite", tmp_path) as url, Provider.running(tmp_path, url) as provider:
        yield provider


async def wish(provider: Provider, password: str) -> Page:
    """Sign up with a password; what people approved is read anew."""
    provider.site.approved._read_at = float("-inf")
    rp = await provider.client()
    async with provider.browser(await provider.person()) as browser:
        page = await browser.open((await rp.authorization_request()).url)
        await browser.open(f"{ISSUER}{page.document.attributes['sign-up']['href'].removeprefix(ISSUER)}")
        return await browser.submit("signup-submit", email="new@example.org", name="New", new_password=password)


async def test_a_word_and_a_text_count_from_their_approval_on_and_until_they_are_removed(provider: Provider) -> None:
    drafts, now = Drafts(provider.site.transactions), provider.clock.now()
    await drafts.suggest_words([ApprovedFact(FactKind.CITY, "Vindafjord", "ada")], now)
    async with provider.site.transactions.open(write=True) as stores:
        name = "password_personal:en"
        await stores.drafts.propose(DraftKind.GUIDANCE, name, ADVICE, model="m-1", now=now)

    waiting = await wish(provider, MADE_OF_IT)
    assert await drafts.approve(DraftKind.WORD, ["vindafjord"], by="ada", now=now) == ()
    word = await wish(provider, MADE_OF_IT)
    assert await drafts.approve(DraftKind.GUIDANCE, [name], by="ada", now=now) == ()
    both = await wish(provider, MADE_OF_IT)

    assert "new-password-guidance" not in waiting.document.attributes
    assert waiting.text("new-password-error") != word.text("new-password-error")
    assert "new-password-guidance" not in word.document.attributes
    assert both.text("new-password-guidance") == f"{ADVICE} (AI-written, read by a person)"
    assert await drafts.remove(DraftKind.WORD, ["vindafjord", "other"], by="ada", now=now) == ("other",)
    assert (await wish(provider, MADE_OF_IT)).text("new-password-error") == waiting.text("new-password-error")


async def test_every_approval_and_removal_is_in_the_audit_trail(provider: Provider) -> None:
    drafts, now = Drafts(provider.site.transactions), provider.clock.now()
    await drafts.suggest_words([ApprovedFact(FactKind.CITY, "Vindafjord", "ada")], now)

    await drafts.approve(DraftKind.WORD, ["vindafjord"], by="ada", now=now)
    await drafts.remove(DraftKind.WORD, ["vindafjord"], by="bob", now=now)

    async with provider.site.transactions.open(write=False) as stores:
        for kind, by in ((EventKind.DRAFT_APPROVED, "ada"), (EventKind.DRAFT_REMOVED, "bob")):
            (event,) = await stores.events.list(kind=kind.value)
            assert event.detail == {"draft": "word vindafjord", "by": by}


async def test_more_words_than_are_looked_at_are_not_approved(provider: Provider) -> None:
    drafts, now = Drafts(provider.site.transactions), provider.clock.now()
    names = [" ".join(f"word{6 * number + part}" for part in range(6)) for number in range(84)]
    waiting = await drafts.suggest_words([ApprovedFact(FactKind.BRAND, name, "ada") for name in names], now)
    assert len(waiting) > MOST_APPROVED_WORDS

    with pytest.raises(TooManyWords):
        await drafts.approve(DraftKind.WORD, [each.name for each in waiting], by="ada", now=now)

    assert all(each.approved_by is None for each in await drafts.all(DraftKind.WORD))
