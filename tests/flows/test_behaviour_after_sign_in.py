"""What people do after sign-in raises their risk; a fresh strong proof lowers it, and a sequence asks at once."""

from collections.abc import AsyncIterator

import pytest

from idp.domain.event import Event, EventKind
from idp.oauth.context import Context
from idp.oauth.request import HttpRequest
from idp.risk import watch
from tests.support.careful import Visitor, careful_provider, forget_population, last_record, settled
from tests.support.provider import DAY, HOUR, MINUTE, Provider
from tests.support.relying_party import RelyingParty


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def provider(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    async with careful_provider(tmp_path_factory.mktemp("behaviour"), request.param) as provider:
        yield provider


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    await forget_population(provider)
    return await provider.client()


async def happen(provider: Provider, visitor: Visitor, *kinds: EventKind, **detail: bool) -> None:
    """Write to the trail what the person did, a minute after what they did before."""
    for kind in kinds:
        provider.clock.advance(MINUTE)
        async with provider.site.transactions.open(write=True) as stores:
            request = HttpRequest("POST", {}, [], [], "192.0.2.10", "")
            context = Context(provider.site.engine, stores, request, provider.clock.now())
            await context.record(kind, user_id=visitor.person.id, **detail)


async def session_risk(provider: Provider, visitor: Visitor) -> int:
    async with provider.site.transactions.open(write=False) as stores:
        listed = await stores.sessions.of_user(visitor.person.id, provider.clock.now())
    return max(each.session.risk for each in listed)


async def test_an_ordinary_change_raises_no_session(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp)
    await owner.arrive(rp)
    before = await session_risk(provider, owner)

    await happen(provider, owner, EventKind.FACTOR_ADDED)

    assert await session_risk(provider, owner) == before


async def test_a_take_over_is_asked_at_the_next_request(provider: Provider, rp: RelyingParty) -> None:
    """New device, then the address changed, then a factor removed, within an hour."""
    owner = await settled(provider, rp)
    await owner.arrive(rp)
    await happen(provider, owner, EventKind.SIGNED_IN, new_device=True)

    await happen(provider, owner, EventKind.EMAIL_CHANGED, EventKind.FACTOR_REMOVED)

    assert await session_risk(provider, owner) >= 70
    assert (await owner.arrive(rp)).name == "step-up"


async def test_the_same_steps_over_days_are_no_take_over(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp)
    await owner.arrive(rp)
    await happen(provider, owner, EventKind.SIGNED_IN, new_device=True)
    provider.clock.advance(2 * HOUR)

    await happen(provider, owner, EventKind.EMAIL_CHANGED, EventKind.FACTOR_REMOVED)

    assert await session_risk(provider, owner) < 70


async def test_many_changes_are_weighed_at_the_next_sign_in_and_fade(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp)
    await happen(provider, owner, EventKind.EMAIL_CHANGED, EventKind.FACTOR_REMOVED)

    page = await owner.arrive(rp)

    assert page.name == "step-up"
    record = await last_record(provider, owner.person)
    assert record.facts["risk.user_band"] == "medium"
    provider.clock.advance(3 * DAY)
    owner.browser.cookies.clear()
    assert (await owner.arrive(rp)).name != "login"
    assert (await last_record(provider, owner.person)).facts["risk.user_band"] == "low"


async def test_somebody_who_gets_very_many_tokens_hides_no_take_over(provider: Provider, rp: RelyingParty) -> None:
    owner = await settled(provider, rp)
    await owner.arrive(rp)
    await happen(provider, owner, EventKind.SIGNED_IN, new_device=True)
    async with provider.site.transactions.open(write=True) as stores:
        for _ in range(watch.MOST_EVENTS + 1):
            await stores.events.add(Event(EventKind.TOKENS_ISSUED, user_id=owner.person.id), provider.clock.now())

    await happen(provider, owner, EventKind.EMAIL_CHANGED, EventKind.FACTOR_REMOVED)

    assert await session_risk(provider, owner) >= 70


async def test_a_new_browser_that_gives_a_new_client_the_admin_scope_is_a_sequence(
    provider: Provider, rp: RelyingParty
) -> None:
    owner = await settled(provider, rp)
    client = await provider.client(scope="openid admin")
    await happen(provider, owner, EventKind.SIGNED_IN, new_device=True)
    await owner.sign_in(client)

    assert await session_risk(provider, owner) >= 40
