"""What people read of an attempt on their account, and what their answers do."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from idp.domain.event import EventKind
from idp.flows.reasons import Answer, Reason, Reasons
from idp.flows.verdict import read_record
from idp.oauth.context import Context
from idp.oauth.request import HttpRequest
from idp.policy import record as records
from idp.storage.decisions import StoredDecision
from idp.storage.stores import Stores
from tests.support.careful import (
    ELSEWHERE,
    SAFARI,
    Visitor,
    careful_provider,
    decisions,
    forget_population,
    last_record,
    settled,
)
from tests.support.html_browser import Page
from tests.support.letters import links, subjects
from tests.support.provider import DAY, MINUTE, Provider
from tests.support.relying_party import RelyingParty


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def provider(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    async with careful_provider(tmp_path_factory.mktemp("why"), request.param) as provider:
        yield provider


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    await forget_population(provider)
    return await provider.client()


LAST_SIGN_IN = "l"  # of a stored profile: when and where, which no sign-in is compared by value with


@dataclass
class Scene:
    """Somebody at home, and an attempt from elsewhere that passed its step-up."""

    provider: Provider
    owner: Visitor
    stranger: Visitor
    decision: StoredDecision
    refresh_token: str
    rp: RelyingParty

    @property
    def path(self) -> str:
        """Where the attempt is explained."""
        return f"{self.provider.issuer}/account/activity/{self.decision.id}/why"

    async def now(self) -> StoredDecision:
        """Return the decision as it is stored by now."""
        async with self.provider.site.transactions.open(write=False) as stores:
            found = await stores.decisions.find(self.decision.id)
            assert found is not None
            return found

    async def owner_opens(self) -> Page:
        """Open the page as the owner, who has signed in again at home."""
        await self.owner.sign_in(self.rp)
        return await self.owner.browser.open(self.path)


async def scene(provider: Provider, rp: RelyingParty) -> Scene:
    owner = await settled(provider, rp, times=6)
    stranger = Visitor(provider, owner.person, ELSEWHERE, SAFARI)
    page = await stranger.arrive(rp, scope="openid offline_access", prompt="consent")
    assert page.name == "step-up", page.describe()
    page = await stranger.mailed_code()
    page = await stranger.browser.submit("consent-allow")
    tokens = await rp.redeem(rp.receive(page.answer()).code)
    assert tokens.refresh_token is not None
    provider.clock.advance(MINUTE)
    decision = next(each for each in reversed(await decisions(provider, owner.person)) if each.decision != "allow")
    return Scene(provider, owner, stranger, decision, tokens.refresh_token, rp)


async def test_nobody_reads_it_without_signing_in(provider: Provider, rp: RelyingParty) -> None:
    attempt = await scene(provider, rp)

    page = await Visitor(provider, attempt.owner.person).browser.open(attempt.path)

    assert page.name == "login"


@pytest.mark.parametrize("button", [None, "was-me", "was-not-me"])
async def test_an_attempt_on_another_account_is_unknown(
    provider: Provider, rp: RelyingParty, button: str | None
) -> None:
    attempt = await scene(provider, rp)
    other = await settled(provider, rp, times=1)
    await other.sign_in(rp)
    own = (await decisions(provider, other.person))[0]
    await other.browser.open(attempt.path.replace(attempt.decision.id, own.id))
    if button is not None:
        form, control = other.browser.page.document.form_with_button(button)
        form.attributes["action"] = attempt.path.removeprefix(provider.issuer)
        assert control is not None
        page = await other.browser.submit(button)
    else:
        page = await other.browser.open(attempt.path)

    assert page.status == 404
    assert (await attempt.now()).label is None


@pytest.mark.parametrize("wrong", ["0" * 40, "x", "a" * 200, "%00", "..%2f"])
async def test_an_attempt_that_is_none_is_not_found(provider: Provider, rp: RelyingParty, wrong: str) -> None:
    owner = await settled(provider, rp, times=1)
    await owner.sign_in(rp)

    page = await owner.browser.open(f"{provider.issuer}/account/activity/{wrong}/why")

    assert page.status == 404


async def test_an_answer_needs_the_token_of_the_form(provider: Provider, rp: RelyingParty) -> None:
    attempt = await scene(provider, rp)
    await attempt.owner_opens()
    form, _ = attempt.owner.browser.page.document.form_with_button("was-not-me")
    next(control for control in form.controls if control.name == "csrf").value = "forged"

    page = await attempt.owner.browser.submit("was-not-me")

    assert page.status == 403
    assert (await attempt.now()).label is None


@pytest.mark.parametrize("button", ["was-me", "was-not-me"])
async def test_an_answer_from_the_session_in_question_counts_for_nothing(
    provider: Provider, rp: RelyingParty, button: str
) -> None:
    """The page offers no button there; whoever sends the form all the same changes nothing."""
    attempt = await scene(provider, rp)
    page = await attempt.stranger.browser.open(attempt.path)
    assert page.has("this-session")
    assert not page.has(button)
    other = next(each for each in await decisions(provider, attempt.owner.person) if each.id != attempt.decision.id)
    await attempt.stranger.browser.open(attempt.path.replace(attempt.decision.id, other.id))
    form, _ = attempt.stranger.browser.page.document.form_with_button(button)
    form.attributes["action"] = attempt.path.removeprefix(provider.issuer)

    page = await attempt.stranger.browser.submit(button)

    assert page.has("this-session")
    assert (await attempt.now()).label is None
    assert (await rp.refresh(attempt.refresh_token)).access_token


async def test_a_look_changes_nothing_and_says_nothing_that_helps_an_attacker(
    provider: Provider, rp: RelyingParty
) -> None:
    attempt = await scene(provider, rp)

    page = await attempt.owner_opens()

    assert page.name == "why"
    assert page.text("why") == "This sign-in looked different from your usual ones, so we asked for more."
    assert page.text("outcome") == "It was confirmed, and the sign-in went on."
    assert "Code by email" in page.response.text
    record = await last_record(provider, attempt.owner.person)
    for part in record.assessed["parts"]:  # type: ignore[union-attr]
        assert str(part["code"]) not in page.response.text  # type: ignore[index, call-overload]
    assert attempt.decision.policy not in page.response.text
    assert 'data-band="' not in page.response.text
    assert (await attempt.now()).label is None


async def test_who_says_it_was_me_labels_the_attempt_once(provider: Provider, rp: RelyingParty) -> None:
    attempt = await scene(provider, rp)
    shown = await attempt.owner_opens()

    page = await attempt.owner.browser.submit("was-me")

    labelled = await attempt.now()
    assert page.text("label") == "You told us that this was you. Thank you."
    assert (labelled.label, labelled.labelled_by) == ("owner", attempt.owner.person.id)
    assert labelled.taught == attempt.decision.taught
    attempt.owner.browser.show(shown)
    page = await attempt.owner.browser.submit("was-not-me")
    assert page.has("label")
    assert await attempt.now() == labelled
    assert (await rp.refresh(attempt.refresh_token)).access_token


async def test_who_says_it_was_not_me_takes_everything_back(provider: Provider, rp: RelyingParty) -> None:
    attempt = await scene(provider, rp)
    person = attempt.owner.person
    assert attempt.decision.taught is not None
    await attempt.owner_opens()

    page = await attempt.owner.browser.submit("was-not-me")

    assert page.text("link-done") == "Your account is safe"
    labelled = await attempt.now()
    assert (labelled.label, labelled.taught) == ("attack", None)
    async with provider.site.transactions.open(write=False) as stores:
        assert not await stores.sessions.of_user(person.id, provider.clock.now())
        assert await stores.credentials.password_of(person.id) is None
    assert (await rp.refresh(attempt.refresh_token)).error == "invalid_grant"
    assert len(await links(provider, person.user.email or "", "reset/")) == 1
    assert (await attempt.owner.browser.open(attempt.path)).name == "login"


async def test_exactly_what_was_taught_is_taken_back(provider: Provider, rp: RelyingParty) -> None:
    """Profile and counts of the tenant are, value by value, what they were before the attempt was learnt."""
    owner = await settled(provider, rp, times=6)
    before = await _learnt(provider, owner)
    stranger = Visitor(provider, owner.person, ELSEWHERE, SAFARI)
    await stranger.arrive(rp)
    await stranger.mailed_code()
    decision = (await decisions(provider, owner.person))[-1]
    assert await _learnt(provider, owner) != before

    async with provider.site.transactions.open(write=True) as stores:
        context = _context(provider, stores)
        session = next(each.session for each in await stores.sessions.of_user(owner.person.id, provider.clock.now()))
        elsewhere = replace(session, id="another")
        reasons = provider.site.accounts.reasons
        first = await reasons.was_not_me(context, owner.person.user, elsewhere, decision.id)
        second = await reasons.was_not_me(context, owner.person.user, elsewhere, decision.id)

    assert (first, second) == (Answer.SECURED, Answer.UNCHANGED)
    assert await _learnt(provider, owner) == before


async def _learnt(provider: Provider, owner: Visitor) -> object:
    async with provider.site.transactions.open(write=False) as stores:
        found = await stores.risk_profiles.find(owner.person.id)
        assert found is not None
        counts = {name: count for name, count in (await stores.risk_population.all()).items() if count}
        return {name: value for name, value in found[1].items() if name != LAST_SIGN_IN}, counts


def _context(provider: Provider, stores: Stores) -> Context:
    request = HttpRequest("POST", {}, [], [], "192.0.2.10", "")
    return Context(provider.site.engine, stores, request, provider.clock.now())


async def test_the_link_in_the_mail_labels_unlearns_and_works_once(provider: Provider, rp: RelyingParty) -> None:
    """It counts even if whoever was in the account has called the attempt their own."""
    attempt = await scene(provider, rp)
    email = attempt.owner.person.user.email or ""
    await attempt.owner_opens()
    await attempt.owner.browser.submit("was-me")
    assert "Please check: we stopped a sign-in to ask for more" in await subjects(provider, email)
    (why,) = await links(provider, email, f"account/activity/{attempt.decision.id}")
    assert why == attempt.path
    secure = (await links(provider, email, "secure/"))[0]
    browser = Visitor(provider, attempt.owner.person).browser
    await browser.open(secure)
    assert (await attempt.now()).taught is not None

    page = await browser.submit("link-confirm")

    assert page.has("link-done")
    now = await attempt.now()
    assert (now.label, now.taught) == ("owner", None)
    assert (await rp.refresh(attempt.refresh_token)).error == "invalid_grant"
    assert (await browser.open(secure)).status == 410


async def test_without_a_proved_address_this_session_stays_and_chooses_a_new_password(
    provider: Provider, rp: RelyingParty
) -> None:
    """A link to an address that nobody proved could reach a stranger."""
    attempt = await scene(provider, rp)
    await attempt.owner_opens()
    user = attempt.owner.person.user
    async with provider.site.transactions.open(write=True) as stores:
        await stores.users.save(replace(user, email_verified=False, updated_at=provider.clock.now()))

    await attempt.owner.browser.submit("was-not-me")

    async with provider.site.transactions.open(write=False) as stores:
        assert len(await stores.sessions.of_user(user.id, provider.clock.now())) == 1
        assert await stores.credentials.password_of(user.id) is not None
    assert (await attempt.now()).label == "attack"
    assert not await links(provider, user.email or "", "reset/")
    assert (await rp.refresh(attempt.refresh_token)).error == "invalid_grant"


async def test_the_activity_lists_it_with_a_link(provider: Provider, rp: RelyingParty) -> None:
    attempt = await scene(provider, rp)
    await attempt.owner_opens()

    page = await attempt.owner.browser.open(f"{provider.issuer}/account/activity")

    assert attempt.path.removeprefix(provider.issuer) in page.response.text
    async with provider.site.transactions.open(write=False) as stores:
        rows = await stores.events.list(kind=EventKind.ATTEMPT_ASKED, user_id=attempt.owner.person.id)
    assert attempt.decision.id in [row.detail["decision"] for row in rows]


async def test_the_page_of_the_further_factor_says_why_without_saying_what(
    provider: Provider, rp: RelyingParty
) -> None:
    """The same words for everybody: an attacker learns nothing of how they looked."""
    owner = await settled(provider, rp, times=6)
    stranger = Visitor(provider, owner.person, ELSEWHERE, SAFARI)

    page = await stranger.arrive(rp)

    assert page.text("why").startswith("Why am I asked? We ask for more where an account")
    assert not page.has("why-here")


async def test_somebody_who_is_signed_in_gets_a_link_there_and_reads_what_came_of_it(
    provider: Provider, rp: RelyingParty
) -> None:
    owner = await settled(provider, rp, times=6)
    await owner.sign_in(rp)
    provider.clock.advance(MINUTE)
    async with provider.site.transactions.open(write=True) as stores:
        await stores.sessions.raise_risk_of_user(owner.person.id, 75)
    page = await owner.arrive(rp)
    assert page.has("why-here")
    decision = (await decisions(provider, owner.person))[-1]
    shown = owner.browser.page

    page = await owner.browser.open(f"{provider.issuer}/account/activity/{decision.id}/why")

    assert page.text("outcome") == "It was not confirmed."
    owner.browser.show(shown)
    await owner.mailed_code()
    page = await owner.browser.open(f"{provider.issuer}/account/activity/{decision.id}/why")
    assert page.text("outcome") == "It was confirmed, and the sign-in went on."


class Bremen:
    """Places that know one."""

    def name(self, address: str, *, locale: str) -> str:
        """Return the place of one address."""
        return "Bremen" if address == ELSEWHERE else ""


async def test_the_place_is_where_the_attempt_came_from(provider: Provider, rp: RelyingParty) -> None:
    attempt = await scene(provider, rp)
    site = provider.site
    async with site.transactions.open(write=True) as stores:
        reasons = Reasons(site.accounts.recovery, site.sign_in._alerts, Bremen())
        context = _context(provider, stores)
        session = (await stores.sessions.of_user(attempt.owner.person.id, provider.clock.now()))[0].session
        reason = await reasons.explain(context, attempt.owner.person.user, session, attempt.decision.id, locale="en")

    assert isinstance(reason, Reason)
    assert reason.place == "Bremen"
    assert reason.at == attempt.decision.decided_at


async def test_a_damaged_record_still_explains_itself(provider: Provider, rp: RelyingParty) -> None:
    attempt = await scene(provider, rp)
    async with provider.site.transactions.open(write=True) as stores:
        await stores.decisions.add(
            replace(
                attempt.decision, id="damaged", digest="0" * 64, session_id=None, expires_at=provider.clock.now() + DAY
            )
        )
    await attempt.owner_opens()

    page = await attempt.owner.browser.open(attempt.path.replace(attempt.decision.id, "damaged"))

    assert page.status == 200
    assert page.has("was-me")


async def test_what_the_account_asks_of_itself_is_not_called_different(provider: Provider, rp: RelyingParty) -> None:
    """At medium risk, too, where no rule of the policy took part."""
    attempt = await scene(provider, rp)
    silent = await last_silent(provider, attempt)
    await attempt.owner_opens()

    page = await attempt.owner.browser.open(attempt.path.replace(attempt.decision.id, silent))

    assert page.text("why") == "Your account, or the application, asks for this as a rule."


async def last_silent(provider: Provider, attempt: Scene) -> str:
    """Store the attempt once more, as it were if no rule had matched."""
    record = read_record(attempt.decision)
    rules = [{**rule, "matched": False} for rule in record.verdict["rules"]]  # type: ignore[union-attr, dict-item]
    document = records.to_json(replace(record, verdict={**record.verdict, "rules": rules}, outcome=None, label=None))  # type: ignore[dict-item]
    silent = replace(
        attempt.decision,
        id="silent",
        record=records.canonical(document).decode(),
        digest=records.content_hash(document).removeprefix("sha256:"),
        session_id=None,
    )
    async with provider.site.transactions.open(write=True) as stores:
        await stores.decisions.add(silent)
    return silent.id
