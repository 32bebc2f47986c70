"""Back-Channel Logout 1.0: who is told that a session has ended, by which token, and how often it is tried."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from idp.domain.client import Profile
from idp.domain.user import Role
from idp.flows.housekeeping import delete_due
from idp.flows.logout_worker import LEASE, MAX_TRIES, PAUSES
from idp.policy.lifetimes import SESSIONS_PER_USER
from tests.support.attacker import post_form
from tests.support.builders import DAY, TICK
from tests.support.html_browser import HtmlBrowser
from tests.support.logouts import Logouts, logouts
from tests.support.provider import PASSWORD, SIGNED_OUT, Person
from tests.support.signals import claims_of
from tests.support.webhooks import RESET, saying

EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Logouts]:
    async with logouts(request.param, tmp_path_factory.mktemp("logouts")) as made:
        yield made


@pytest.fixture
def here(running: Logouts) -> Logouts:
    running.forget()
    running.provider.clock.advance(DAY)  # what a test before had left over is too old by now
    return running


async def test_the_token_says_who_left_which_session_and_nothing_else(here: Logouts) -> None:
    """§2.4: iss, sub, aud, iat, exp, jti, sid, events; no nonce; `typ` is logout+jwt. §2.5: alone, in a form."""
    rp = await here.client()
    async with here.inside() as (browser, person):
        tokens = await here.visit(browser, rp, nonce="n-1")
        await here.leave(browser)
    [claims] = await here.told()

    now = int(here.provider.clock.timestamp())
    jti = claims.pop("jti")
    assert claims == {
        "iss": here.provider.issuer, "sub": person.id, "aud": rp.client_id, "iat": now, "exp": now + 120,
        "sid": claims_of(tokens.id_token)["sid"], "events": {EVENT: {}},
    }  # fmt: skip
    assert len(jti) >= 20


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_it_is_signed_as_the_clients_id_tokens_are(here: Logouts, alg: str) -> None:
    """§2.4: with the same keys."""
    rp = await here.client(id_token_signed_response_alg=alg)
    async with here.inside(rp) as (browser, _person):
        await here.leave(browser)
    await here.deliver()

    assert (await here.read(here.ear.received[0])).header["alg"] == alg


async def test_a_client_that_knows_people_by_names_of_its_own_hears_that_name(here: Logouts) -> None:
    """OIDC Core §8.1."""
    rp = await here.client(subject_type="pairwise")
    async with here.inside() as (browser, person):
        tokens = await here.visit(browser, rp)
        await here.leave(browser)
    [claims] = await here.told()

    assert claims["sub"] == claims_of(tokens.id_token)["sub"] != person.id


async def test_all_clients_of_the_session_are_told_and_no_others(here: Logouts) -> None:
    """§2.3: those that signed in there; another session of the same person goes on."""
    mine, other, elsewhere, silent = [
        await here.client(here.ear), await here.client(here.ears[1]), await here.client(),
        await here.client(backchannel_logout_uri=None),
    ]  # fmt: skip
    async with here.inside(mine, other, silent, mine) as (browser, person), here.provider.browser(person) as phone:
        await here.visit(phone, elsewhere)
        await here.leave(browser)

    first, second = await here.told(), await here.told(here.ears[1])

    assert [each["aud"] for each in first] == [mine.client_id]
    assert [each["aud"] for each in second] == [other.client_id]
    assert first[0]["sid"] != second[0]["sid"]  # one per session and client


async def test_what_was_granted_for_longer_lives_on_and_the_rest_dies(here: Logouts) -> None:
    """§2.7: refresh tokens without offline_access end; both kinds of client are told."""
    rp = await here.client()
    async with here.inside() as (browser, _person):
        online = await here.visit(browser, rp, scope="openid")
        offline = await here.visit(browser, rp, scope="openid offline_access")
        await here.leave(browser)

    assert len(await here.told()) == 1
    assert (await rp.refresh(online.refresh_token)).error == "invalid_grant"
    assert (await rp.refresh(offline.refresh_token)).status == 200


async def test_only_offline_access_is_told_too(here: Logouts) -> None:
    """§2.3: the client signed the person in, whatever it got."""
    rp = await here.client(profile=Profile.OIDC)
    async with here.inside() as (browser, _person):
        await here.visit(browser, rp, scope="openid offline_access")
        await here.leave(browser)

    assert len(await here.told()) == 1


Ending = Callable[[Logouts, HtmlBrowser, Person], Awaitable[Any]]


async def _by_a_client(here: Logouts, browser: HtmlBrowser, _person: Person) -> None:
    rp = await here.client(backchannel_logout_uri=None)
    hint = (await here.visit(browser, rp)).id_token
    url = f"{here.provider.issuer}/end_session?id_token_hint={hint}&post_logout_redirect_uri={SIGNED_OUT}"
    page = await browser.open(url, came_from_elsewhere=True)
    assert page.location == SIGNED_OUT


async def _elsewhere(here: Logouts, _browser: HtmlBrowser, person: Person) -> None:
    """End it from the account page of another browser."""
    async with _account(here, person, "sessions") as other:
        form = next(each for each in other.page.document.forms if any(one.name == "session" for one in each.controls))
        chosen = next(one.value for one in form.controls if one.name == "session")
        await post_form(other, other.page.url, {**form.hidden, "session": chosen})


async def _everywhere_else(here: Logouts, _browser: HtmlBrowser, person: Person) -> None:
    async with _account(here, person, "sessions") as other:
        await other.submit("sessions-end-others")


@asynccontextmanager
async def _account(here: Logouts, person: Person, page: str) -> AsyncIterator[HtmlBrowser]:
    """Yield another browser of theirs, on a page of the account."""
    async with here.provider.browser(person) as other:
        await other.open(f"{here.provider.issuer}/account/sign-in")
        await other.sign_in()
        await other.open(f"{here.provider.issuer}/account/{page}")
        yield other


async def _another_person(here: Logouts, browser: HtmlBrowser, _person: Person) -> None:
    stranger, rp = await here.provider.person(), await here.client(backchannel_logout_uri=None)
    await browser.open((await rp.authorization_request(prompt="login")).url, came_from_elsewhere=True)
    await browser.submit("login-submit", username=stranger.username, password=PASSWORD)


async def _too_many(here: Logouts, _browser: HtmlBrowser, person: Person) -> None:
    rp = await here.client(backchannel_logout_uri=None)
    for _ in range(SESSIONS_PER_USER):
        here.provider.clock.advance(TICK)
        async with here.provider.browser(person) as other:
            await other.authorize(rp)


async def _by_an_administrator(here: Logouts, _browser: HtmlBrowser, person: Person) -> None:
    owner = await here.desk.of(Role.OWNER)
    [session] = (await here.desk.do("sessions.list", owner, user_id=person.id))["items"]
    await here.desk.do("sessions.end", owner, id=session["id"])


def _operation(name: str, **given: Any) -> Ending:
    async def act(here: Logouts, _browser: HtmlBrowser, person: Person) -> None:
        await here.desk.do(name, await here.desk.of(Role.OWNER), id=person.id, **given)

    return act


async def _role_taken(here: Logouts, _browser: HtmlBrowser, person: Person) -> None:
    await here.desk.do("users.set_role", await here.desk.of(Role.OWNER), id=person.id, role="user")


async def _deleted_by_wish(here: Logouts, _browser: HtmlBrowser, person: Person) -> None:
    site, clock = here.provider.site, here.provider.clock
    async with site.transactions.open(write=True) as stores:
        user = await stores.users.find(person.id)
        assert user is not None
        await stores.users.save(replace(user, deletes_at=clock.now()))
    clock.advance(TICK)
    assert await delete_due(site.transactions, clock) == 1


async def _by_command(here: Logouts, _browser: HtmlBrowser, person: Person) -> None:
    await here.provider.site.users.delete(person.user)


async def _password_changed(here: Logouts, _browser: HtmlBrowser, person: Person) -> None:
    async with _account(here, person, "password") as other:
        page = await other.submit("password-submit", **{"new-password": "another engine of numbers 7"})
        assert page.name != "password", page.describe()


ENDINGS: dict[str, Ending] = {
    "the person, here": lambda here, browser, _person: here.leave(browser),
    "a client": _by_a_client,
    "the person, elsewhere": _elsewhere,
    "the person, everywhere else": _everywhere_else,
    "somebody else signs in here": _another_person,
    "too many sessions": _too_many,
    "an administrator ends the session": _by_an_administrator,
    "an administrator ends all": _operation("users.end_sessions"),
    "disabled": _operation("users.disable"),
    "factors removed": _operation("users.reset_factors"),
    "deleted by an administrator": _operation("users.delete"),
    "deleted by a command": _by_command,
    "deleted by wish": _deleted_by_wish,
    "the password changed": _password_changed,
}


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)
async def test_whoever_ends_the_session_its_clients_are_told(here: Logouts, end: Ending) -> None:
    """§2.3: logged out by whatever."""
    rp = await here.client()
    async with here.inside() as (browser, person):
        tokens = await here.visit(browser, rp)
        assert await here.told() == []

        await end(here, browser, person)

    assert [each["sid"] for each in await here.told()] == [claims_of(tokens.id_token)["sid"]]


@pytest.mark.parametrize("answer", [saying(200), saying(204), saying(200, b"whatever" * 1000)], ids=[200, 204, "long"])
async def test_a_client_that_took_it_is_left_alone(here: Logouts, answer: bytes) -> None:
    """§2.8: 200; 204 is what some frameworks make of it. The body says nothing."""
    here.ear.usual = answer
    async with here.inside(await here.client()) as (browser, _person):
        await here.leave(browser)
    assert await here.deliver() == 1

    here.provider.clock.advance(DAY / 2)

    assert await here.deliver() == 0


async def test_a_client_that_will_not_have_it_is_not_asked_again(here: Logouts) -> None:
    """§2.8: 400 says that the request was invalid, or the sign-out failed."""
    here.ear.usual = saying(400, b'{"error":"invalid_request"}')
    rp = await here.client()
    async with here.inside(rp) as (browser, _person):
        await here.leave(browser)
    await here.deliver()
    here.provider.clock.advance(DAY / 2)

    assert await here.deliver() == 0
    [event] = [each for each in await here.desk.events("logout_undelivered") if each["client_id"] == rp.client_id]
    assert event["detail"] == {"reason": "answered 400", "tries": 1}
    errors = (await here.desk.do("clients.errors", id=rp.client_id))["items"]
    assert [(each["reason"], each["advice"]) for each in errors] == [("logout_undelivered", "logout")]


FAULTS = {
    "500": saying(500), "504": saying(504), "404": saying(404), "302": saying(302, location="/elsewhere"),
    "reset": RESET, "nonsense": b"nonsense\r\n\r\n", "too much": saying(200, b"x" * 100_000),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_anything_else_is_tried_three_times_with_a_new_token_each(here: Logouts, fault: bytes) -> None:
    """§2.8: redirects are no answer, and not followed; what comes with the status is ignored."""
    here.ear.usual = fault
    rp = await here.client()
    async with here.inside(rp) as (browser, _person):
        await here.leave(browser)

    for pause in (*PAUSES, DAY / 2):
        assert await here.deliver() == 1
        assert await here.deliver() == 0
        here.provider.clock.advance(pause - TICK)
        assert await here.deliver() == 0
        here.provider.clock.advance(TICK)

    assert await here.deliver() == 0
    assert {each.path for each in here.ear.received} == {"/in"}
    tokens = [(await here.read(each)).claims for each in here.ear.received]
    assert len({each["jti"] for each in tokens}) == len(tokens) == MAX_TRIES
    assert tokens[0]["iat"] < tokens[1]["iat"]
    events = [each for each in await here.desk.events("logout_undelivered") if each["client_id"] == rp.client_id]
    assert [each["detail"]["tries"] for each in events] == [MAX_TRIES]


async def test_a_second_try_may_succeed(here: Logouts) -> None:
    """§2.8: then it is done."""
    here.ear.answers = [saying(503)]
    async with here.inside(await here.client()) as (browser, _person):
        await here.leave(browser)
    await here.deliver()
    here.provider.clock.advance(PAUSES[0])

    assert await here.deliver() == 1
    here.provider.clock.advance(DAY / 2)
    assert await here.deliver() == 0


async def test_a_worker_that_died_is_followed_by_another(here: Logouts) -> None:
    """What it had begun is tried again when its lease is over, and given up after three."""
    async with here.inside(await here.client()) as (browser, _person):
        await here.leave(browser)
    site, clock = here.provider.site, here.provider.clock

    for _ in range(MAX_TRIES):
        async with site.transactions.open(write=True) as stores:
            assert len(await stores.logout_deliveries.claim(clock.now(), until=clock.now() + LEASE, limit=9)) == 1
        assert await here.deliver() == 0
        clock.advance(LEASE)

    await here.deliver()
    clock.advance(DAY / 2)
    assert (await here.deliver(), here.ear.received) == (0, [])


async def test_a_client_that_changed_its_mind_is_told_nothing(here: Logouts) -> None:
    """No address any more, disabled, or gone between the end and the word of it."""
    changed, disabled, gone = [await here.client() for _ in range(3)]
    owner = await here.desk.of(Role.OWNER)
    async with here.inside(changed, disabled, gone) as (browser, _person):
        await here.leave(browser)
    await here.desk.do("clients.update", owner, id=changed.client_id, metadata={"backchannel_logout_uri": None})
    await here.desk.do("clients.disable", owner, id=disabled.client_id)
    await here.desk.do("clients.delete", owner, id=gone.client_id)

    assert await here.told() == []
    here.provider.clock.advance(DAY / 2)
    assert await here.deliver() == 0


async def test_a_place_that_is_not_public_is_never_reached(here: Logouts) -> None:
    """The guard that all fetching goes through decides when it is sent, too."""
    rp = await here.client()
    async with here.inside(rp) as (browser, _person):
        await here.leave(browser)
    async with here.provider.site.transactions.open(write=True) as stores:
        client = await stores.clients.find(rp.client_id)
        assert client is not None
        await stores.clients.save(
            replace(client, backchannel_logout_uri="https://127.0.0.1:1/in"), here.provider.clock.now()
        )

    assert await here.told() == []


async def test_what_was_registered_is_kept(here: Logouts) -> None:
    """§2.2: backchannel_logout_session_required; sid is always there, so that it changes nothing."""
    rp = await here.client(backchannel_logout_session_required=True)

    assert (await here.provider.registration(rp)).backchannel_logout_session_required
    async with here.inside(rp) as (browser, _person):
        await here.leave(browser)
    [claims] = await here.told()
    assert {"sid", "sub"} <= claims.keys()


async def test_it_reaches_clients_at_once_by_itself(tmp_path: Path) -> None:
    """The end of a session wakes the worker of this very process."""
    async with logouts("sqlite", tmp_path, by_hand=False, ears=1) as live:
        async with live.inside(await live.client()) as (browser, person):
            await live.leave(browser)
        await live.arrived(1)

        assert (await live.read(live.ear.received[0])).claims["sub"] == person.id
