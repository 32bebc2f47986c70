"""Grants: alive while their person, session and self are; a refresh token is spent by one statement."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from idp.domain.authorization import ClaimRequest
from idp.domain.client import Client
from idp.domain.tokens import RefreshState
from idp.domain.user import UserStatus
from idp.storage.grants import LiveGrant
from idp.storage.stores import Stores
from tests.support.builders import DAY, MINUTE, NOW, TICK, client, digest, grant, make_id, refresh_state, user
from tests.support.storage import World


async def test_a_live_grant_comes_with_its_person_and_its_refresh_token(stores: Stores, world: World) -> None:
    assert await stores.grants.find_live(world.grant.id, NOW) == LiveGrant(world.grant, world.user, world.refresh)


async def test_a_grant_is_read_as_it_was_given(stores: Stores, world: World) -> None:
    rich = grant(
        world.client.id,
        world.user.id,
        world.session.id,
        scopes=("openid", "https://api.example/read"),
        audience=("https://a.example", "https://b.example"),
        amr=("pwd", "otp"),
        userinfo_claims={"email": ClaimRequest(essential=True)},
        id_token_claims={"acr": ClaimRequest(values=("a", 1)), "name": ClaimRequest()},
        is_offline=True,
    )
    bare = grant(world.client.id, world.user.id, auth_time=None, acr=None, amr=(), audience=())

    for given in (rich, bare):
        await stores.grants.add(given)
        assert await stores.grants.find_live(given.id, NOW) == LiveGrant(given, world.user, None)


async def test_a_grant_of_no_person_lives_by_itself(stores: Stores, world: World) -> None:
    """RFC 6749 §4.4: client_credentials."""
    machine = grant(world.client.id, auth_time=None, acr=None, amr=())
    await stores.grants.add(machine)

    assert await stores.grants.find_live(machine.id, NOW) == LiveGrant(machine, None, None)


@pytest.mark.parametrize("offline", [False, True])
@pytest.mark.parametrize(
    ("change", "online_alive", "offline_alive"),
    [
        ("nothing", True, True),
        ("user disabled", False, False),
        ("user deleted", False, False),
        ("client deleted", False, False),
        ("session ended", False, True),
        ("session expired", False, True),
        ("session a tick before its end", True, True),
        ("session swept", False, True),
        ("grant revoked", False, False),
        ("grants of the user revoked", False, False),
        ("grants of the user for this client revoked", False, False),
        ("grants of the user for another client revoked", True, True),
    ],
)
async def test_a_grant_lives_as_long_as_its_person_its_session_and_itself(
    stores: Stores, world: World, change: str, online_alive: bool, offline_alive: bool, offline: bool
) -> None:
    """Read at every use, so that disabling takes effect at once; only an offline grant outlives the session."""
    given = grant(world.client.id, world.user.id, world.session.id, is_offline=offline)
    await stores.grants.add(given, refresh_state())

    now = await apply(change, stores, world, given.id)

    assert (await stores.grants.find_live(given.id, now) is not None) is (offline_alive if offline else online_alive)


async def apply(change: str, stores: Stores, world: World, grant_id: str) -> datetime:
    """Change something, and return the time at which to look."""
    match change:
        case "user disabled":
            await stores.users.set_status(world.user.id, UserStatus.DISABLED, NOW)
        case "user deleted":
            await stores.users.delete(world.user.id)
        case "client deleted":
            await stores.clients.delete(world.client.id)
        case "session ended":
            await stores.sessions.end(world.session.id, NOW)
        case "session expired":
            return world.session.expires_at
        case "session a tick before its end":
            return world.session.expires_at - TICK
        case "session swept":
            await stores.sweep.batch(world.session.expires_at + 2 * DAY)
            return NOW
        case "grant revoked":
            await stores.grants.revoke(grant_id, NOW)
        case "grants of the user revoked":
            await stores.grants.revoke_of_user(world.user.id, NOW)
        case "grants of the user for this client revoked":
            await stores.grants.revoke_of_user(world.user.id, NOW, client_id=world.client.id)
        case "grants of the user for another client revoked":
            await stores.grants.revoke_of_user(world.user.id, NOW, client_id="another")
    return NOW


@pytest.mark.parametrize(("since_expiry", "alive"), [(-TICK, True), (timedelta(), False), (DAY, False)])
async def test_a_grant_dies_when_it_expires(stores: Stores, world: World, since_expiry: timedelta, alive: bool) -> None:
    given = grant(world.client.id, world.user.id, expires_at=NOW + DAY)
    await stores.grants.add(given)

    assert (await stores.grants.find_live(given.id, NOW + DAY + since_expiry) is not None) is alive


async def test_an_enabled_person_has_their_grants_back(stores: Stores, world: World) -> None:
    await stores.users.set_status(world.user.id, UserStatus.DISABLED, NOW)
    await stores.users.set_status(world.user.id, UserStatus.ACTIVE, NOW)

    assert await stores.grants.find_live(world.grant.id, NOW) is not None


async def rotate(stores: Stores, world: World, **changes: Any) -> bool:
    return await stores.grants.rotate(
        **{
            "grant_id": world.grant.id,
            "old": world.refresh.current,
            "new": digest(),
            "sealed_new": b"sealed",
            "now": NOW + MINUTE,
            "expires_at": NOW + 15 * DAY,
        }
        | changes
    )


async def test_a_refresh_token_is_spent_for_its_successor(stores: Stores, world: World) -> None:
    """RFC 9700 §4.14.2."""
    new = digest()

    assert await rotate(stores, world, new=new)

    live = await stores.grants.find_live(world.grant.id, NOW)
    assert live is not None
    assert live.refresh == RefreshState(
        current=new,
        expires_at=NOW + 15 * DAY,
        predecessor=world.refresh.current,
        rotated_at=NOW + MINUTE,
        sealed_successor=b"sealed",
    )


@pytest.mark.parametrize(
    "changes", [{"old": digest()}, {"grant_id": make_id()}, {"now": NOW + 14 * DAY}], ids=["token", "grant", "expired"]
)
async def test_anything_but_the_current_refresh_token_spends_nothing(
    stores: Stores, world: World, changes: dict[str, Any]
) -> None:
    assert not await rotate(stores, world, **changes)

    live = await stores.grants.find_live(world.grant.id, NOW)
    assert live is not None
    assert live.refresh == world.refresh


async def test_a_refresh_token_is_spent_until_its_last_moment(stores: Stores, world: World) -> None:
    assert await rotate(stores, world, now=world.refresh.expires_at - TICK)


async def test_a_spent_refresh_token_is_never_current_again(stores: Stores, world: World) -> None:
    assert await rotate(stores, world)

    assert not await rotate(stores, world)


async def test_a_revoked_family_gives_no_successor(stores: Stores, world: World) -> None:
    """Revocation beats grace: the sealed successor is gone with it."""
    successor = digest()
    await rotate(stores, world, new=successor)

    assert await stores.grants.revoke(world.grant.id, NOW)

    assert not await rotate(stores, world, old=successor)
    assert not await stores.grants.revoke(world.grant.id, NOW)
    row = await stores.grants._connection.exec_driver_sql("SELECT sealed_successor FROM grants")
    assert row.scalar_one() is None


async def test_the_successor_is_forgotten_after_its_grace(stores: Stores, world: World) -> None:
    await rotate(stores, world)

    await stores.grants.forget_successor(world.grant.id, digest())
    kept = await stores.grants.find_live(world.grant.id, NOW)
    await stores.grants.forget_successor(world.grant.id, world.refresh.current)
    dropped = await stores.grants.find_live(world.grant.id, NOW)

    assert kept is not None
    assert kept.refresh is not None
    assert kept.refresh.sealed_successor == b"sealed"
    assert dropped is not None
    assert dropped.refresh == replace(kept.refresh, sealed_successor=None)


async def test_only_the_grants_that_are_meant_are_revoked(stores: Stores, world: World) -> None:
    other_user, other_client = user(), client()
    await stores.users.add(other_user)
    await stores.clients.add(other_client, NOW)
    spared = [grant(world.client.id, other_user.id), grant(other_client.id, world.user.id), grant(world.client.id)]
    for given in spared:
        await stores.grants.add(given)

    await stores.grants.revoke_of_user(world.user.id, NOW, client_id=world.client.id)

    assert await stores.grants.find_live(world.grant.id, NOW) is None
    for given in spared:
        assert await stores.grants.find_live(given.id, NOW) is not None


async def test_a_grant_needs_a_client_and_a_person_that_exist(stores: Stores, world: World) -> None:
    unknown: list[tuple[Client, str]] = [(client(), world.user.id), (world.client, user().id)]

    for registered, user_id in unknown:
        with pytest.raises(Exception, match=r"(?i)foreign key"):
            async with stores.connection.begin_nested():
                await stores.grants.add(grant(registered.id, user_id))


async def test_what_a_code_stands_for_is_stored_once(stores: Stores, world: World) -> None:
    """RFC 6749 §4.1.2: a grant that did not begin before."""
    given, refresh = grant(world.client.id, world.user.id), refresh_state()

    assert await stores.grants.redeem(given, refresh)

    found = await stores.grants.find_live(given.id, NOW)
    assert found is not None
    assert (found.grant, found.refresh) == (given, refresh)


async def test_a_grant_that_began_at_authorize_gets_what_its_code_stands_for(stores: Stores, world: World) -> None:
    """OIDC Core §3.3: the same grant, from then on as long as the code says, with its refresh token."""
    given = grant(world.client.id, world.user.id, is_offline=True)
    refresh = refresh_state()
    await stores.grants.add(replace(given, is_offline=False, expires_at=NOW + MINUTE))

    assert await stores.grants.redeem(given, refresh)

    found = await stores.grants.find_live(given.id, NOW)
    assert found is not None
    assert (found.grant, found.refresh) == (given, refresh)


async def test_a_grant_that_was_revoked_stays_so_when_its_code_comes(stores: Stores, world: World) -> None:
    """RFC 7009 §2.1: nothing is given for it any more."""
    given = grant(world.client.id, world.user.id)
    await stores.grants.add(given)
    await stores.grants.revoke(given.id, NOW)

    assert not await stores.grants.redeem(given, refresh_state())

    assert await stores.grants.find_live(given.id, NOW) is None
