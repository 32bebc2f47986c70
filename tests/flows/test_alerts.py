"""Who is told of an attempt, how often, and that nothing is told twice."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from idp.domain.json import Json
from idp.domain.user import Role, User
from idp.flows.access import remove_person
from idp.flows.alert_watch import AlertWatch
from idp.flows.alerts import COUNTED_FOR, MOST_NETWORKS, WINDOW, Alert, Alerts, Code, start_of, window_of
from idp.flows.policy_ledger import REVERTED
from idp.flows.user_administration import NewUser
from idp.risk import shared_advice_json
from idp.risk.allowance import Prices, Spent
from idp.risk.breaker import FIRST_PAUSE, Breaker
from idp.risk.shared_advice import BREAKER, SPENT
from tests.support.careful import (
    ELSEWHERE,
    FIREFOX,
    LISTED,
    SAFARI,
    Visitor,
    careful_provider,
    decisions,
    forget_population,
    settled,
)
from tests.support.letters import letters, links, subjects
from tests.support.provider import DAY, HOUR, MINUTE, PASSWORD, START, Person, Provider
from tests.support.relying_party import RelyingParty

CHALLENGED = "Please check: we stopped a sign-in to ask for more"
UNUSUAL = "Please check: an unusual sign-in to your account"
BLOCKED = "A sign-in to your account was refused"
NEW_DEVICE = "New sign-in to your account"
HIGH = "Alert: sign-in at high risk"
NOT_ME = "Alert: somebody says that a sign-in was not theirs"
DIGEST = "Alerts of a quarter of an hour"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def provider(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    async with careful_provider(tmp_path_factory.mktemp("alerts"), request.param) as provider:
        yield provider


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    await forget_population(provider)
    return await provider.client()


@pytest.fixture
async def root(provider: Provider) -> AsyncIterator[str]:
    """The address of the only administrator, in a window of its own."""
    provider.clock.advance(COUNTED_FOR)
    address = await administrator(provider)
    yield address
    # All administrators are told; the development mailbox shows no more than the newest two hundred mails.
    user = await provider.site.users.find(address)
    if user is not None:
        async with provider.site.transactions.open(write=True) as stores:
            await remove_person(stores, user.id, provider.clock.now())


async def administrator(provider: Provider, *, email_verified: bool = True) -> str:
    address = f"root{provider.clock.now().timestamp()}{email_verified}@example.org"
    made = await provider.site.users.create(
        NewUser(address, None, PASSWORD, {}, email_verified=email_verified, role=Role.OWNER)
    )
    assert isinstance(made, User)
    return address


def watch(provider: Provider, prices: Prices | None = None) -> AlertWatch:
    """Return the chore, as another process has it."""
    site = provider.site
    return AlertWatch(site.transactions, provider.clock, Alerts(site.notices, site.digester), prices=prices)


async def raise_alert(provider: Provider, code: Code, address: str = ELSEWHERE, times: int = 1) -> None:
    alerts = Alerts(provider.site.notices, provider.site.digester)
    for _ in range(times):
        async with provider.site.transactions.open(write=True) as stores:
            await alerts.raised(stores, Alert(code, address, "0d1"), provider.clock.now())


async def told(provider: Provider, person: Person, *wanted: str) -> list[str]:
    """Return those of these subjects that a person received, newest first."""
    return [each for each in await subjects(provider, person.user.email or "") if each in wanted]


async def test_who_is_as_usual_is_told_nothing(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp, times=4)
    before = await told(provider, owner.person, CHALLENGED, BLOCKED)

    await owner.sign_in(rp)

    assert await told(provider, owner.person, CHALLENGED, BLOCKED) == before


async def test_an_address_that_nobody_proved_gets_no_mail(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp, times=4)
    provider.clock.advance(2 * DAY)
    async with provider.site.transactions.open(write=True) as stores:
        user = await stores.users.find(owner.person.id)
        assert user is not None
        await stores.users.save(_unproved(user))
    before = await told(provider, owner.person, CHALLENGED, BLOCKED, NEW_DEVICE)

    await Visitor(provider, owner.person, ELSEWHERE, SAFARI).arrive(rp)

    assert await told(provider, owner.person, CHALLENGED, BLOCKED, NEW_DEVICE) == before


def _unproved(user: User) -> User:

    return replace(user, email_verified=False)


async def test_a_challenge_is_told_with_browser_and_both_links(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp, times=6)
    address = owner.person.user.email or ""
    provider.clock.advance(2 * DAY)

    await Visitor(provider, owner.person, ELSEWHERE, SAFARI).arrive(rp)

    decision = (await decisions(provider, owner.person))[-1]
    text = next(each for each in await letters(provider, address) if "asked for one more proof" in each)
    assert "Mobile Safari, iOS" in text
    assert f"{provider.issuer}/account/activity/{decision.id}/why" in text.splitlines()
    assert (await links(provider, address, "secure/"))[0] in text


async def test_a_sign_in_that_was_told_as_a_challenge_is_not_told_as_a_new_device(
    provider: Provider, rp: RelyingParty
) -> None:
    owner = await settled(provider, rp, times=6)
    provider.clock.advance(2 * DAY)
    before = await told(provider, owner.person, CHALLENGED, NEW_DEVICE)

    page = await Visitor(provider, owner.person, ELSEWHERE, SAFARI).sign_in(rp)

    assert page.location is not None, page.describe()
    assert await told(provider, owner.person, CHALLENGED, NEW_DEVICE) == [CHALLENGED, *before]


async def test_three_attempts_a_day_are_told_and_the_fourth_is_not(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp, times=6)
    provider.clock.advance(2 * DAY)
    before = len(await told(provider, owner.person, CHALLENGED))
    for count in (1, 2, 3, 3):
        provider.clock.advance(HOUR)
        await Visitor(provider, owner.person, ELSEWHERE, SAFARI).arrive(rp)
        assert len(await told(provider, owner.person, CHALLENGED)) - before == count

    provider.clock.advance(DAY)
    await Visitor(provider, owner.person, ELSEWHERE, SAFARI).arrive(rp)

    assert len(await told(provider, owner.person, CHALLENGED)) - before == 4


async def test_a_refusal_is_told_to_its_person_and_to_administrators(
    provider: Provider, rp: RelyingParty, root: str
) -> None:
    owner = await settled(provider, rp, times=6)
    provider.clock.advance(2 * DAY)
    policies = provider.site.engine.risk
    assert policies is not None
    policies.policies._members["break-glass"] = (float("inf"), True)

    page = await Visitor(provider, owner.person, LISTED, SAFARI).arrive(rp)

    assert page.answer().error == "access_denied"
    assert await told(provider, owner.person, BLOCKED) == [BLOCKED]
    assert HIGH in await subjects(provider, root)
    decision = (await decisions(provider, owner.person))[-1]
    assert f"In the records: {decision.id}." in (await letters(provider, root))[0]


async def test_only_administrators_with_a_proved_address_get_alerts(
    provider: Provider, rp: RelyingParty, root: str
) -> None:
    person = await provider.person()
    unproved = await administrator(provider, email_verified=False)

    await raise_alert(provider, Code.HIGH_RISK)

    assert await subjects(provider, root) == [HIGH]
    assert not await subjects(provider, person.user.email or "")
    assert not await subjects(provider, unproved)


async def test_one_code_and_network_is_mailed_once_in_a_window(provider: Provider, root: str) -> None:
    await raise_alert(provider, Code.HIGH_RISK, times=3)
    assert await subjects(provider, root) == [HIGH]
    await raise_alert(provider, Code.HIGH_RISK, "198.51.100.1")
    assert await subjects(provider, root) == [HIGH, HIGH]
    await raise_alert(provider, Code.NOT_ME)
    assert sorted(await subjects(provider, root)) == sorted([HIGH, HIGH, NOT_ME])
    provider.clock.advance(WINDOW)

    await raise_alert(provider, Code.NOT_ME)

    assert (await subjects(provider, root)).count(NOT_ME) == 2


async def test_what_was_rolled_back_is_told_to_nobody(provider: Provider, root: str) -> None:
    alerts = Alerts(provider.site.notices, provider.site.digester)

    async def fail_after_it() -> None:
        async with provider.site.transactions.open(write=True) as stores:
            await alerts.raised(stores, Alert(Code.HIGH_RISK, ELSEWHERE), provider.clock.now())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_it()

    assert not await subjects(provider, root)
    await raise_alert(provider, Code.HIGH_RISK)
    assert await subjects(provider, root) == [HIGH]


async def test_the_digest_comes_once_the_window_is_over_and_counts_everything(provider: Provider, root: str) -> None:
    await raise_alert(provider, Code.HIGH_RISK, times=3)
    await raise_alert(provider, Code.NOT_ME)
    await watch(provider).look()
    assert DIGEST not in await subjects(provider, root)
    provider.clock.advance(WINDOW)

    await watch(provider).look()
    await watch(provider).look()

    assert (await subjects(provider, root)).count(DIGEST) == 1
    text = next(each for each in await letters(provider, root) if "quarter of an hour from" in each)
    assert "sign-in at high risk (3)." in text
    assert "not theirs" not in text


async def test_without_anything_more_there_is_no_digest(provider: Provider, root: str) -> None:
    await raise_alert(provider, Code.HIGH_RISK)
    provider.clock.advance(WINDOW)

    await watch(provider).look()

    assert await subjects(provider, root) == [HIGH]


async def test_an_attack_from_very_many_networks_fills_no_mailbox(provider: Provider, root: str) -> None:
    for number in range(MOST_NETWORKS + 2):
        await raise_alert(provider, Code.SPRAY, f"203.0.113.{number}")
    mailed = len(await subjects(provider, root))
    provider.clock.advance(WINDOW)
    await watch(provider).look()

    text = next(each for each in await letters(provider, root) if "quarter of an hour from" in each)
    assert mailed == MOST_NETWORKS
    assert f"many accounts are tried from one network ({MOST_NETWORKS + 2})." in text


async def test_a_policy_that_was_taken_back_is_told_once_whoever_did_it(provider: Provider, root: str) -> None:
    async with provider.site.transactions.open(write=True) as stores:
        version = (
            await stores.policies.add("schema = 1", "sha256:1", "draft", by="ada", now=provider.clock.now())
        ).version
        await stores.policies.move(
            version, "retired", was="draft", by="ada", now=provider.clock.now(), why=f"{REVERTED}a try"
        )

    await watch(provider).look()
    await watch(provider).look()

    mails = [each for each in await letters(provider, root) if "was taken back" in each]
    assert len(mails) == 1
    assert f"In the records: v{version}." in mails[0]


@pytest.mark.parametrize(
    ("state", "is_told"), [("shadow", True), ("canary", True), ("enforced", True), ("checked", False)]
)
async def test_a_policy_that_is_put_to_use_is_told_once(
    provider: Provider, root: str, state: str, is_told: bool
) -> None:
    now = provider.clock.now()
    async with provider.site.transactions.open(write=True) as stores:
        version = (await stores.policies.add("schema = 1", "sha256:1", "draft", by="ada", now=now)).version
        await stores.policies.move(version, state, was="draft", by="ada", now=now, why="a try")

    await watch(provider).look()
    await watch(provider).look()
    async with provider.site.transactions.open(write=True) as stores:
        await stores.policies.move(version, "retired", was=state, by="ada", now=now, why="over")

    mails = [each for each in await letters(provider, root) if "began to watch or to decide" in each]
    assert len(mails) == int(is_told)


async def test_an_adviser_that_keeps_failing_is_told_once_an_outage(provider: Provider, root: str) -> None:
    now = provider.clock.now()
    outage = Breaker(open_until=now + FIRST_PAUSE)
    for breaker in (outage, outage, replace(outage, open_until=now + 5 * MINUTE, pause=2 * FIRST_PAUSE)):
        await keep_state(provider, BREAKER, shared_advice_json.of_breaker(breaker))
        await watch(provider).look()
    failing = "Alert: the adviser is not asked for a while, because it keeps failing"
    assert (await subjects(provider, root)).count(failing) == 1

    provider.clock.advance(WINDOW)
    await keep_state(
        provider, BREAKER, shared_advice_json.of_breaker(Breaker(open_until=provider.clock.now() + MINUTE))
    )
    await watch(provider).look()
    assert (await subjects(provider, root)).count(failing) == 2, "another outage"
    await keep_state(provider, BREAKER, shared_advice_json.of_breaker(Breaker()))


async def test_a_day_whose_budget_is_spent_is_told_once(provider: Provider, root: str) -> None:
    prices = Prices(tokens_per_day=2000)
    spent = Spent(provider.clock.now().date(), calls=1, tokens_in=900, tokens_out=100)
    told = "Alert: the budget of the adviser is spent"
    for more, expected in ((0, 0), (500, 1), (900, 1)):
        tokens = replace(spent, tokens_in=spent.tokens_in + more)
        await keep_state(provider, SPENT, shared_advice_json.of_spent(tokens))
        await watch(provider, prices).look()
        assert (await subjects(provider, root)).count(told) == expected, more


async def keep_state(provider: Provider, name: str, content: dict[str, Json]) -> None:
    async with provider.site.transactions.open(write=True) as stores:
        version, _ = await stores.adviser.state(name)
        assert await stores.adviser.save_state(name, content, after=version, expires_at=provider.clock.now() + 30 * DAY)


async def test_who_says_not_me_is_told_to_administrators(provider: Provider, rp: RelyingParty, root: str) -> None:
    owner = await settled(provider, rp, times=6)
    provider.clock.advance(2 * DAY)
    await Visitor(provider, owner.person, ELSEWHERE, SAFARI).sign_in(rp)
    await owner.sign_in(rp)
    decision = next(each for each in await decisions(provider, owner.person) if each.decision != "allow")
    await owner.browser.open(f"{provider.issuer}/account/activity/{decision.id}/why")

    await owner.browser.submit("was-not-me")

    assert NOT_ME in await subjects(provider, root)


async def test_an_account_for_emergencies_is_never_used_unseen(provider: Provider, rp: RelyingParty, root: str) -> None:
    person = await provider.person(groups=["break-glass"])

    await Visitor(provider, person).sign_in(rp)

    assert "Alert: an account for emergencies was used" in await subjects(provider, root)


async def test_an_engine_that_fails_asks_for_more_and_tells_administrators(
    provider: Provider, rp: RelyingParty, root: str
) -> None:
    """Never open, never a lockout: one factor more for everybody, until somebody has looked."""
    owner = await settled(provider, rp, times=4)
    assert provider.site.engine.risk is not None
    policies = provider.site.engine.risk.policies
    await provider.settle()  # what other tests did to policies is known, and read anew no more
    async with provider.site.transactions.open(write=False) as stores:
        await policies.of(stores, owner.person.id)
    sound = policies._versions
    broken = replace(sound.enforced[1].rules[0])
    object.__setattr__(broken, "predicate", _fails)
    policies._versions = replace(sound, enforced=("file", replace(sound.enforced[1], rules=(broken,))))

    try:
        page = await owner.arrive(rp)
        assert page.name == "step-up", page.describe()
        page = await owner.mailed_code()
    finally:
        policies._versions = sound

    assert page.location is not None, page.describe()
    assert "Alert: the risk engine failed, and everybody is asked for one factor more" in await subjects(provider, root)


def _fails(_known: object) -> bool:
    raise RuntimeError("a rule that nobody foresaw")


async def test_a_session_that_is_asked_again_at_high_risk_is_told_once(
    provider: Provider, rp: RelyingParty, root: str
) -> None:
    """The single-sign-on path: whoever holds a copied session cookie is stopped, and its owner hears of it."""
    owner = await settled(provider, rp, times=3)
    provider.clock.advance(2 * DAY)
    await owner.sign_in(rp)
    before = await told(provider, owner.person, CHALLENGED)
    async with provider.site.transactions.open(write=True) as stores:
        await stores.sessions.raise_risk_of_user(owner.person.id, 75)

    page = await owner.arrive(rp)
    assert page.name == "step-up"
    assert await told(provider, owner.person, CHALLENGED) == [*before, CHALLENGED]
    assert HIGH in await subjects(provider, root)

    await owner.mailed_code()
    assert await told(provider, owner.person, CHALLENGED) == [*before, CHALLENGED], "and not again for the same"


async def test_a_policy_that_only_tells_does_so_after_the_sign_in(tmp_path: Path) -> None:
    """The policy `quiet` asks for nothing at medium risk; its person is told all the same, and once."""
    async with careful_provider(tmp_path, IDP_POLICY_FILE="quiet") as provider:
        rp = await provider.client()
        owner = await settled(provider, rp, times=2)
        provider.clock.advance(2 * DAY)
        page = await Visitor(provider, owner.person, ELSEWHERE, FIREFOX.replace("140", "141")).sign_in(rp)

        decision = (await decisions(provider, owner.person))[-1]
        received = await told(provider, owner.person, UNUSUAL, NEW_DEVICE)
        assert page.location is not None, page.describe()
        assert (decision.decision, decision.band) == ("allow", "medium")
        assert received == [UNUSUAL]


def test_a_window_begins_on_the_quarter_of_an_hour() -> None:
    begin = start_of(window_of(START))

    assert begin <= START < begin + WINDOW
    assert (begin.minute % 15, begin.second, begin.microsecond) == (0, 0, 0)
    assert window_of(begin) == window_of(START)
    assert window_of(begin - MINUTE / 60_000_000) == window_of(START) - 1
