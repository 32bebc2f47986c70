"""Of many at once one wins: every state change that can race is one statement (invariants I1, I2, I3, I5, I7).

`crowd.race` opens all transactions before the first one works, on three engines that stand for three processes.
"""

from datetime import timedelta

import pytest

from idp.domain.consent import Consent
from idp.policy.lockout import PASSWORD_MEMORY, PASSWORD_WAITS
from idp.storage.attempts import Blocked
from idp.storage.database import Database
from idp.storage.signing_keys import KeyState, SigningKey
from idp.storage.stores import Stores, Transactions
from idp.storage.users import IdentifierTaken
from tests.support.builders import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    code,
    digest,
    grant,
    interaction,
    make_id,
    message,
    user,
)
from tests.support.storage import Crowd, World, count

MANY = 50


async def test_a_code_is_spent_by_one_of_fifty(crowd: Crowd, transactions: Transactions, world: World) -> None:
    """Invariant I1; RFC 6749 §4.1.2."""
    made = code(grant(world.client.id, world.user.id, world.session.id))
    async with transactions.open(write=True) as stores:
        await stores.codes.add(made)

    outcomes = await crowd.race(MANY, lambda stores: stores.codes.spend(made.digest, NOW))

    assert sorted(outcomes) == [False] * (MANY - 1) + [True]


async def test_no_wrong_verifier_goes_uncounted(crowd: Crowd, transactions: Transactions, world: World) -> None:
    made = code(grant(world.client.id, world.user.id, world.session.id))
    async with transactions.open(write=True) as stores:
        await stores.codes.add(made)

    await crowd.race(4, lambda stores: stores.codes.count_failure(made.digest))

    async with transactions.open(write=False) as stores:
        found = await stores.codes.find(made.digest, NOW)
    assert found is not None
    assert found[0].failures == 4


async def test_a_refresh_token_is_rotated_by_one_of_fifty(
    crowd: Crowd, transactions: Transactions, world: World
) -> None:
    """Invariant I2: one live leaf; the winner's successor is the one that is stored."""

    async def rotate(stores: Stores) -> bytes | None:
        new = digest()
        won = await stores.grants.rotate(
            world.grant.id,
            old=world.refresh.current,
            new=new,
            sealed_new=b"sealed " + new,
            now=NOW,
            expires_at=NOW + DAY,
        )
        return new if won else None

    outcomes = await crowd.race(MANY, rotate)

    (winner,) = [new for new in outcomes if new is not None]
    async with transactions.open(write=False) as stores:
        live = await stores.grants.find_live(world.grant.id, NOW)
    assert live is not None
    assert live.refresh is not None
    assert (live.refresh.current, live.refresh.sealed_successor) == (winner, b"sealed " + winner)
    assert live.refresh.predecessor == world.refresh.current


async def test_a_family_that_is_revoked_while_it_rotates_is_dead(
    crowd: Crowd, transactions: Transactions, world: World
) -> None:
    """Invariant I8, whichever comes first."""

    async def revoke_or_rotate(stores: Stores) -> None:
        if not await stores.grants.revoke(world.grant.id, NOW):
            await stores.grants.rotate(
                world.grant.id, old=world.refresh.current, new=digest(), sealed_new=b"", now=NOW, expires_at=NOW + DAY
            )

    await crowd.race(10, revoke_or_rotate)

    async with transactions.open(write=False) as stores:
        assert await stores.grants.find_live(world.grant.id, NOW) is None


async def test_an_interaction_is_answered_by_one_of_fifty(crowd: Crowd, transactions: Transactions) -> None:
    waiting = interaction()
    async with transactions.open(write=True) as stores:
        await stores.interactions.add(waiting, digest(), keep=20)

    answered = await crowd.race(MANY, lambda stores: stores.interactions.complete(waiting.id, NOW))

    assert sorted(answered) == [False] * (MANY - 1) + [True]


async def test_a_consent_form_counts_once(crowd: Crowd, transactions: Transactions) -> None:
    waiting = interaction()
    async with transactions.open(write=True) as stores:
        await stores.interactions.add(waiting, digest(), keep=20)

    given = await crowd.race(MANY, lambda stores: stores.interactions.note_consent(waiting.id))

    assert sorted(given) == [False] * (MANY - 1) + [True]


async def test_a_link_opens_for_one_of_fifty(crowd: Crowd, transactions: Transactions) -> None:
    link = digest()
    async with transactions.open(write=True) as stores:
        await stores.links.add(link, purpose="administrator", expires_at=NOW + HOUR, now=NOW)

    opened = await crowd.race(MANY, lambda stores: stores.links.spend(link, purpose="administrator", now=NOW))

    assert sorted(opened) == [False] * (MANY - 1) + [True]


async def test_a_jti_is_new_to_one_of_fifty(crowd: Crowd) -> None:
    jti = digest()

    new = await crowd.race(MANY, lambda stores: stores.replays.remember(jti, NOW + MINUTE))

    assert sorted(new) == [False] * (MANY - 1) + [True]


async def test_of_fifty_guesses_at_once_five_are_made_and_all_are_counted(
    crowd: Crowd, transactions: Transactions
) -> None:
    """Invariant I5: reserved before they are verified, so that nobody guesses faster by guessing in parallel."""
    subject = digest()

    outcomes = await crowd.race(
        MANY, lambda stores: stores.attempts.reserve(subject, NOW, waits=PASSWORD_WAITS, memory=PASSWORD_MEMORY)
    )

    made = sorted(outcome for outcome in outcomes if isinstance(outcome, int))
    refused = [outcome for outcome in outcomes if isinstance(outcome, Blocked)]
    assert made == [1, 2, 3, 4, 5]
    assert refused == [Blocked(NOW + timedelta(seconds=30))] * (MANY - 5)
    async with transactions.open(write=False) as stores:
        assert await stores.attempts.count(subject, NOW) == 5


async def test_a_window_counts_fifty_at_once(crowd: Crowd) -> None:
    network = digest()

    counts = await crowd.race(MANY, lambda stores: stores.attempts.add_in_window(network, NOW, window=HOUR))

    assert sorted(counts) == list(range(1, MANY + 1))


async def test_a_network_that_tries_one_account_fifty_times_tried_one(crowd: Crowd) -> None:
    network, account = digest(), digest()

    counts = await crowd.race(MANY, lambda stores: stores.attempts.note_account(network, account, NOW, window=HOUR))

    assert counts == [1] * MANY


@pytest.mark.parametrize("rotators", [2, 20])
async def test_two_that_rotate_at_once_end_with_one_active_key(
    crowd: Crowd, transactions: Transactions, rotators: int
) -> None:
    """Invariant I7: each has a next key of its own, one of them takes over."""
    jwk = {"kty": "EC"}
    old = SigningKey(make_id(), "ES256", KeyState.ACTIVE, jwk, "ref", NOW)
    waiting = [SigningKey(make_id(), "ES256", KeyState.NEXT, jwk, "ref", NOW) for _ in range(rotators)]
    async with transactions.open(write=True) as stores:
        for key in (old, *waiting):
            await stores.signing_keys.add(key)
    mine = iter(waiting)

    won = await crowd.race(
        rotators,
        lambda stores: stores.signing_keys.promote(kid=next(mine).kid, alg="ES256", old=old.kid, now=NOW),
    )

    async with transactions.open(write=False) as stores:
        keys = await stores.signing_keys.list()
    assert sorted(won) == [False] * (rotators - 1) + [True]
    assert [key.state for key in keys].count(KeyState.ACTIVE) == 1
    assert [key.kid for key in keys if key.state is KeyState.RETIRED] == [old.kid]


async def test_two_that_start_at_once_make_one_active_key(crowd: Crowd, transactions: Transactions) -> None:
    def add(stores: Stores) -> object:
        return stores.signing_keys.add(SigningKey(make_id(), "ES256", KeyState.ACTIVE, {"kty": "EC"}, "ref", NOW))

    made = await crowd.race(20, add)  # type: ignore[arg-type]

    assert made.count(True) == 1
    async with transactions.open(write=False) as stores:
        assert len(await stores.signing_keys.list()) == 1


async def test_two_that_start_at_once_agree_on_the_data_key(crowd: Crowd, transactions: Transactions) -> None:
    async def add(stores: Stores) -> bytes:
        await stores.data_keys.add("digest", make_id().encode())
        return (await stores.data_keys.all())["digest"]

    seen = await crowd.race(20, add)

    async with transactions.open(write=False) as stores:
        assert set(seen) == {(await stores.data_keys.all())["digest"]}


async def test_one_of_fifty_gets_the_name(crowd: Crowd, database: Database) -> None:
    async def add(stores: Stores) -> bool:
        try:
            await stores.users.add(user(email="same@example.com"))
        except IdentifierTaken:
            return False
        return True

    added = await crowd.race(MANY, add)

    assert sorted(added) == [False] * (MANY - 1) + [True]
    assert await count(database, "users") == 2  # and the person who was there before


async def test_a_first_password_set_twice_at_once_is_set(crowd: Crowd, world: World, database: Database) -> None:
    await crowd.race(10, lambda stores: stores.credentials.set_password(world.user.id, make_id(), NOW))

    assert await count(database, "credentials") == 1


async def test_a_password_is_upgraded_by_one_of_fifty(crowd: Crowd, transactions: Transactions, world: World) -> None:
    async with transactions.open(write=True) as stores:
        await stores.credentials.set_password(world.user.id, "old", NOW)

    upgraded = await crowd.race(
        MANY, lambda stores: stores.credentials.upgrade_password(world.user.id, old="old", new=make_id())
    )

    assert upgraded.count(True) == 1


async def test_a_message_is_claimed_by_one_worker(crowd: Crowd, transactions: Transactions) -> None:
    messages = [message() for _ in range(30)]
    async with transactions.open(write=True) as stores:
        for each in messages:
            await stores.outbox.add(each, expires_at=NOW + DAY)

    claimed = await crowd.race(10, lambda stores: stores.outbox.claim(NOW, lease=MINUTE, limit=5))

    ids = [one.message.id for batch in claimed for one in batch]
    assert all(len(batch) <= 5 for batch in claimed)
    assert len(ids) == len(set(ids))
    async with transactions.open(write=True) as stores:
        rest = await stores.outbox.claim(NOW, lease=MINUTE, limit=30)
    assert {*ids, *(one.message.id for one in rest)} == {each.id for each in messages}


async def test_a_session_gets_one_new_cookie(crowd: Crowd, world: World) -> None:
    raised = await crowd.race(
        MANY, lambda stores: stores.sessions.raise_proofs(world.session, old=world.cookie, new=digest())
    )

    assert raised.count(True) == 1


async def test_a_session_ends_once(crowd: Crowd, world: World) -> None:
    ended = await crowd.race(MANY, lambda stores: stores.sessions.end(world.session.id, NOW))

    assert ended.count(True) == 1


async def test_no_bump_of_an_epoch_is_lost(crowd: Crowd, transactions: Transactions) -> None:
    await crowd.race(MANY, lambda stores: stores.epochs.bump("test"))

    async with transactions.open(write=False) as stores:
        assert (await stores.epochs.all())["test"] == MANY


async def test_a_consent_that_is_given_twice_at_once_is_given(crowd: Crowd, world: World, database: Database) -> None:
    consent = Consent(world.user.id, world.client.id, frozenset({"openid"}), frozenset())

    await crowd.race(10, lambda stores: stores.consents.save(consent, NOW))

    assert await count(database, "consents") == 1
