"""The same policy on every path: what is asked of whom, what is recorded of it, and what is learnt from it."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from idp.flows.verdict import read_record
from idp.policy import record as records
from idp.policy import rule_file, shipped
from idp.policy.rules import Decision
from idp.storage.stores import Stores
from tests.support.careful import (
    ELSEWHERE,
    LISTED,
    SAFARI,
    Visitor,
    careful_provider,
    decisions,
    forget_population,
    last_record,
    settled,
)
from tests.support.jose import parts
from tests.support.provider import HOUR, MINUTE, START, Provider
from tests.support.relying_party import RelyingParty


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def provider(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    async with careful_provider(tmp_path_factory.mktemp("careful"), request.param) as provider:
        yield provider


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    await forget_population(provider)
    return await provider.client()


async def test_a_first_sign_in_is_asked_for_a_mailed_code(provider: Provider, rp: RelyingParty) -> None:
    visitor = Visitor(provider, await provider.person())
    provider.clock.advance(2 * HOUR)

    page = await visitor.arrive(rp)

    assert page.name == "step-up"
    assert (await visitor.mailed_code()).name == "consent"


async def test_an_address_that_was_proved_within_the_hour_spares_it(provider: Provider, rp: RelyingParty) -> None:
    visitor = Visitor(provider, await provider.person())

    assert (await visitor.arrive(rp)).name == "consent"


async def test_who_comes_as_usual_is_asked_for_nothing_more(provider: Provider, rp: RelyingParty) -> None:
    visitor = await settled(provider, rp)

    page = await visitor.arrive(rp)

    assert page.location is not None, page.describe()
    record = await last_record(provider, visitor.person)
    assert record.assessed["band"] == "low"
    assert record.facts["device.known"] is True


async def test_a_stranger_with_the_password_is_asked_for_a_code(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp)
    stranger = Visitor(provider, owner.person, ELSEWHERE, SAFARI)

    page = await stranger.arrive(rp)

    assert page.name == "step-up"
    record = await last_record(provider, owner.person)
    assert record.decision is Decision.VERIFY_EMAIL
    assert record.assessed["band"] in ("medium", "high", "critical")


async def test_a_token_says_what_the_step_up_proved(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp)
    visitor = Visitor(provider, owner.person, ELSEWHERE, SAFARI)
    await visitor.arrive(rp)

    tokens = await rp.redeem(rp.receive((await visitor.mailed_code()).answer()).code)

    claims = parts(tokens.access_token)[1]
    assert claims["acr"] == "urn:idp:loa:1v"
    assert set(claims["amr"]) == {"pwd", "otp", "mca"}


async def test_a_session_is_not_there_before_the_code(provider: Provider, rp: RelyingParty) -> None:
    """A second tab gets no further than the first."""
    owner = await settled(provider, rp)
    stranger = Visitor(provider, owner.person, ELSEWHERE, SAFARI)
    await stranger.arrive(rp)

    page = await stranger.arrive(rp, prompt="none")

    assert page.answer().error == "login_required"


async def test_trying_again_never_lowers_the_risk(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp)
    stranger = Visitor(provider, owner.person, ELSEWHERE, SAFARI)
    page = await stranger.arrive(rp)

    assert page.name == "step-up"
    assert (await stranger.browser.reload()).name == "step-up"


async def test_a_listed_network_is_refused_and_its_owner_is_not(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp)
    await _break_glass(provider)
    attacker = Visitor(provider, owner.person, LISTED, SAFARI)

    page = await attacker.arrive(rp)

    assert page.answer().error == "access_denied"
    again = await attacker.arrive(rp)
    assert again.name == "login"
    assert again.has("login-error")
    page = await owner.arrive(rp)
    assert page.location is not None, page.describe()


async def test_a_denial_ends(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp)
    await _break_glass(provider)
    attacker = Visitor(provider, owner.person, LISTED, SAFARI)
    await attacker.arrive(rp)
    provider.clock.advance(16 * MINUTE)

    page = await attacker.arrive(rp)

    assert page.answer().error == "access_denied"  # judged anew, no longer kept away unheard


async def test_what_a_session_was_opened_with_counts_at_the_next_request(provider: Provider, rp: RelyingParty) -> None:
    """The single-sign-on path is judged by the same policy: a session whose risk rose is asked again."""
    owner = await settled(provider, rp)
    assert (await owner.arrive(rp)).location is not None
    async with provider.site.transactions.open(write=True) as stores:
        await stores.sessions.raise_risk_of_user(owner.person.id, 75)

    page = await owner.arrive(rp)

    assert page.name == "step-up"
    assert (await owner.mailed_code()).location is not None
    assert (await owner.arrive(rp)).location is not None


async def test_silence_is_no_way_around_it(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp)
    await owner.arrive(rp)
    async with provider.site.transactions.open(write=True) as stores:
        await stores.sessions.raise_risk_of_user(owner.person.id, 75)

    page = await owner.arrive(rp, prompt="none")

    assert page.answer().error == "interaction_required"


async def test_an_account_page_that_matters_asks_for_a_code(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp)
    await owner.arrive(rp)

    page = await owner.browser.open(f"{provider.issuer}/account/password")

    assert page.name in ("login", "step-up")
    if page.name == "login":
        page = await owner.browser.sign_in()
    assert page.name == "step-up"
    assert (await owner.mailed_code()).name == "password"


async def test_a_session_of_high_risk_changes_nothing_that_guards_the_account(
    provider: Provider, rp: RelyingParty
) -> None:
    """Even with every proof that there is: `no_enrolment` and `no_recovery_change` of the rule for high risk."""
    owner = await settled(provider, rp)
    stranger = Visitor(provider, owner.person, ELSEWHERE, SAFARI)
    await stranger.arrive(rp)
    await stranger.mailed_code()

    page = await stranger.browser.open(f"{provider.issuer}/account/security/totp")

    assert page.name == "notice"
    assert "refused" in page.response.text
    assert (await stranger.browser.open(f"{provider.issuer}/account/email")).name == "notice"
    assert (await stranger.browser.open(f"{provider.issuer}/account/sessions")).name == "sessions"


async def test_only_a_password_at_a_doubtful_sign_in_teaches_nothing(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp)
    stranger = Visitor(provider, owner.person, ELSEWHERE, SAFARI)
    await stranger.arrive(rp)

    decision = (await decisions(provider, owner.person))[-1]

    assert decision.taught is None
    assert decision.outcome is None


async def test_a_step_up_that_was_passed_teaches_and_is_noted(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp)
    visitor = Visitor(provider, owner.person, ELSEWHERE, SAFARI)
    await visitor.arrive(rp)
    await visitor.mailed_code()

    decision = (await decisions(provider, owner.person))[-1]

    assert decision.outcome == "passed"
    assert decision.taught is not None
    assert decision.session_id is not None


async def test_every_recorded_decision_is_made_again_from_its_record_alone(
    provider: Provider, rp: RelyingParty
) -> None:
    owner = await settled(provider, rp, times=3)
    await Visitor(provider, owner.person, ELSEWHERE, SAFARI).arrive(rp)
    policy = rule_file.read(shipped.text("balanced"), "balanced")

    async with provider.site.transactions.open(write=False) as stores:
        stored = await stores.decisions.newest(limit=100)

    assert len(stored) >= 4
    for each in stored:
        record = read_record(each)
        assert records.replay(record, policy).as_json() == record.verdict
        parts = sum(float(part["nats"]) for part in record.assessed["parts"])  # type: ignore[index, call-overload, union-attr]
        assert abs(parts - float(record.assessed["llr"])) < 1e-9  # type: ignore[arg-type]


async def test_a_record_that_was_changed_is_refused(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp, times=1)
    stored = (await decisions(provider, owner.person))[-1]
    with pytest.raises(ValueError, match="digest"):
        read_record(replace(stored, record=stored.record.replace('"low"', '"high"')))


async def test_a_damaged_history_stands_in_nobodys_way(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp, times=2)
    async with provider.site.transactions.open(write=True) as stores:
        await _damage(stores, owner.person.id)

    page = await owner.sign_in(rp)

    assert page.location is not None, page.describe()


async def _damage(stores: Stores, user_id: str) -> None:
    found = await stores.risk_profiles.find(user_id)
    assert found is not None
    assert await stores.risk_profiles.save(user_id, {"v": 1, "n": "many"}, after=found[0], now=START)


async def _break_glass(provider: Provider) -> None:
    """Give the emergency group a member with a passkey: until then nothing is denied."""
    policies = provider.site.engine.risk
    assert policies is not None
    policies.policies._members["break-glass"] = (float("inf"), True)


async def test_a_client_that_somebody_never_allowed_anything_is_new_to_them(
    provider: Provider, rp: RelyingParty
) -> None:
    visitor = await settled(provider, rp, times=2)
    other, ours = await provider.client(), await provider.client(is_first_party=True)

    found = []
    for client in (rp, other, other, ours):
        provider.clock.advance(MINUTE)  # decisions are in the order of their time
        await visitor.sign_in(client)
        visitor.browser.cookies.delete("__Host-idp_session")
        signals = (await last_record(provider, visitor.person)).facts.known["signals"]
        assert isinstance(signals, frozenset)
        found.append("REQUEST_NEW_CLIENT" in signals)

    assert found == [False, True, False, False]
