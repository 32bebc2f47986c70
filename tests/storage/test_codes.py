"""Authorization codes: one use, one minute, five wrong verifiers; dead with their person and session."""

from dataclasses import replace
from datetime import datetime

import pytest

from idp.domain.authorization import ClaimRequest
from idp.domain.tokens import AuthorizationCode
from idp.domain.user import UserStatus
from idp.storage.codes import MAX_FAILURES
from idp.storage.stores import Stores
from tests.support.builders import DAY, MINUTE, NOW, TICK, client, code, digest, grant, session, user
from tests.support.storage import World


async def issued(stores: Stores, world: World, **changes: object) -> AuthorizationCode:
    made = code(grant(world.client.id, world.user.id, world.session.id), **changes)
    await stores.codes.add(made)
    return made


async def is_pending(stores: Stores, made: AuthorizationCode, now: datetime = NOW) -> bool:
    """Say whether a redemption could still succeed: found, its person alive, and spent by us."""
    found = await stores.codes.find(made.digest, now)
    return found is not None and found[1] is not None and await stores.codes.spend(made.digest, now)


async def test_a_code_is_read_as_it_was_issued(stores: Stores, world: World) -> None:
    rich = grant(
        world.client.id, world.user.id, world.session.id, userinfo_claims={"email": ClaimRequest(True, ("a",))}
    )
    for made in (code(rich), code(rich, nonce=None, code_challenge=None)):
        await stores.codes.add(made)

        assert await stores.codes.find(made.digest, NOW) == (made, world.user)


async def test_an_unknown_code_is_none(stores: Stores) -> None:
    assert await stores.codes.find(digest(), NOW) is None
    assert not await stores.codes.spend(digest(), NOW)


async def test_a_code_is_spent_once_and_stays_known(stores: Stores, world: World) -> None:
    """RFC 6749 §4.1.2: kept, so that its replay can revoke what it gave."""
    made = await issued(stores, world)

    assert await stores.codes.spend(made.digest, NOW)

    assert not await stores.codes.spend(made.digest, NOW)
    assert await stores.codes.find(made.digest, NOW) == (replace(made, is_spent=True), world.user)


async def test_a_code_dies_after_its_minute_to_the_tick(stores: Stores, world: World) -> None:
    early, late = await issued(stores, world), await issued(stores, world)

    assert await is_pending(stores, early, NOW + MINUTE - TICK)
    assert await stores.codes.find(late.digest, NOW + MINUTE) is None
    assert not await stores.codes.spend(late.digest, NOW + MINUTE)


async def test_the_fifth_wrong_verifier_burns_the_code(stores: Stores, world: World) -> None:
    made = await issued(stores, world)
    for failures in range(1, MAX_FAILURES):
        await stores.codes.count_failure(made.digest)
        found = await stores.codes.find(made.digest, NOW)
        assert found is not None
        assert found[0].failures == failures

    await stores.codes.count_failure(made.digest)

    assert not await stores.codes.spend(made.digest, NOW)


async def test_a_code_survives_four_wrong_verifiers(stores: Stores, world: World) -> None:
    made = await issued(stores, world)

    for _ in range(MAX_FAILURES - 1):
        await stores.codes.count_failure(made.digest)

    assert await is_pending(stores, made)


@pytest.mark.parametrize("change", ["user disabled", "session ended", "session expired"])
async def test_a_code_dies_with_its_person_and_session(stores: Stores, world: World, change: str) -> None:
    """Still found, so that the audit trail can tell it from an unknown one, but nobody stands behind it."""
    expired = session(world.user.id, expires_at=NOW)
    await stores.sessions.open(expired, digest(), device="")
    session_id = expired.id if change == "session expired" else world.session.id
    made = code(grant(world.client.id, world.user.id, session_id))
    await stores.codes.add(made)

    if change == "user disabled":
        await stores.users.set_status(world.user.id, UserStatus.DISABLED, NOW)
    if change == "session ended":
        await stores.sessions.end(world.session.id, NOW)

    assert await stores.codes.find(made.digest, NOW) == (made, None)


async def test_a_code_goes_with_a_deleted_person_or_client(stores: Stores, world: World) -> None:
    other = user()
    await stores.users.add(other)
    theirs = code(grant(world.client.id, other.id))
    await stores.codes.add(theirs)
    mine = await issued(stores, world)

    await stores.users.delete(other.id)
    assert await stores.codes.find(theirs.digest, NOW) is None
    await stores.clients.delete(world.client.id)

    assert await stores.codes.find(mine.digest, NOW) is None


@pytest.mark.parametrize("door", ["session", "user", "user and client"])
async def test_burning_takes_the_pending_codes_that_are_meant(stores: Stores, world: World, door: str) -> None:
    """Logout, disable, password change, withdrawn consent."""
    other_user, other_client, other_session = user(), client(), session(world.user.id)
    await stores.users.add(other_user)
    await stores.clients.add(other_client, NOW)
    await stores.sessions.open(other_session, digest(), device="")
    codes = {
        "mine": code(grant(world.client.id, world.user.id, world.session.id)),
        "another session": code(grant(world.client.id, world.user.id, other_session.id)),
        "another client": code(grant(other_client.id, world.user.id, world.session.id)),
        "another user": code(grant(world.client.id, other_user.id)),
    }
    for made in codes.values():
        await stores.codes.add(made)

    match door:
        case "session":
            await stores.codes.burn_of_session(world.session.id, NOW)
        case "user":
            await stores.codes.burn_of_user(world.user.id, NOW)
        case _:
            await stores.codes.burn_of_user(world.user.id, NOW, client_id=world.client.id)

    survivors = {name for name, made in codes.items() if await is_pending(stores, made)}
    assert (
        survivors
        == {
            "session": {"another session", "another user"},
            "user": {"another user"},
            "user and client": {"another client", "another user"},
        }[door]
    )


async def test_burning_leaves_a_spent_code_as_the_trace_it_is(stores: Stores, world: World) -> None:
    made = await issued(stores, world)
    await stores.codes.spend(made.digest, NOW)

    await stores.codes.burn_of_user(world.user.id, NOW + DAY)

    assert await stores.codes.find(made.digest, NOW) == (replace(made, is_spent=True), world.user)
