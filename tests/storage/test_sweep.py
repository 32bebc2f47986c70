"""The sweep removes what has expired, in batches, and nothing else; and whatever grows is swept."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, String, Table, insert, inspect

from idp.domain.authorization import AuthorizationRequest, ResponseMode
from idp.domain.secret import make_id
from idp.storage.attempts import network_accounts
from idp.storage.client_tests import ClientTest
from idp.storage.columns import UtcTime, metadata
from idp.storage.database import Database
from idp.storage.logout_deliveries import KEPT as KEPT_DELIVERY
from idp.storage.maintenance import maintenance
from idp.storage.replays import replays
from idp.storage.signups import Signup
from idp.storage.stores import Stores, Transactions
from idp.storage.sweep import BATCH, EXPIRING
from idp.storage.webhook_deliveries import SENT_KEPT
from tests.support.builders import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    TICK,
    access_token,
    code,
    decision,
    digest,
    grant,
    initial_token,
    interaction,
    message,
    session,
)
from tests.support.storage import World, count
from tests.support.upstreams import arrival, upstream, upstream_request
from tests.support.waiting import waiting
from tests.support.webhooks import delivery, webhook

#: Tables that grow with people, clients and keys, or that must be kept; everything else expires.
KEPT = {
    "users", "credentials", "recovery_codes", "password_history", "clients", "consents", "epochs", "data_keys",
    "signing_keys", "events", "risk_profiles", "risk_population", "policies", "policy_changes", "user_groups", "drafts",
    "registrations", "event_chain", "event_links", "event_checkpoints", "event_removals", "user_imports",
    "groups", "client_managers", "webhooks", "webhook_subjects", "group_external_ids", "definitions", "upstreams",
    "upstream_identities", "pairwise_subjects", "client_id_documents",
}  # fmt: skip
BEYOND = {table.name: kept for table, _column, kept in EXPIRING}


async def fill(stores: Stores, world: World) -> dict[str, timedelta]:
    """Store one row of everything that expires; return when after NOW each may go."""
    lifetimes = {
        "codes": MINUTE,
        "interactions": 2 * MINUTE,
        "access_tokens": 3 * MINUTE,
        "revoked_tokens": 3 * MINUTE,
        "replays": 4 * MINUTE,
        "attempts": 5 * MINUTE,
        "network_accounts": 6 * MINUTE,
        "links": 7 * MINUTE,
        "outbox": 8 * MINUTE,
        "one_time_codes": 9 * MINUTE,
        "webauthn_challenges": 10 * MINUTE,
        "remembered_browsers": 11 * MINUTE,
        "signups": 12 * MINUTE,
        "adviser_answers": 13 * MINUTE,
        "shared_states": 14 * MINUTE,
        "decisions": 15 * MINUTE,
        "known_devices": 16 * MINUTE,
        "failure_hours": 17 * MINUTE,
        "initial_access_tokens": 18 * MINUTE,
        "idempotent_answers": 19 * MINUTE,
        "figure_hours": 20 * MINUTE,
        "client_tests": 20 * MINUTE,
        "upstream_requests": 21 * MINUTE,
        "upstream_arrivals": 22 * MINUTE,
        "device_requests": 23 * MINUTE,
        "ciba_requests": 24 * MINUTE,
        "pushed_requests": 25 * MINUTE,
        "webhook_deliveries": SENT_KEPT,
        "logout_deliveries": KEPT_DELIVERY,
        "grants": world.grant.expires_at - NOW,
        "sessions": world.session.expires_at - NOW,
    }
    until = {table: NOW + lifetime for table, lifetime in lifetimes.items()}
    token = access_token(world.grant, expires_at=until["access_tokens"])
    await stores.codes.add(code(grant(world.client.id, world.user.id), expires_at=until["codes"]))
    await stores.interactions.add(interaction(expires_at=until["interactions"]), digest(), keep=20)
    pushed = AuthorizationRequest(world.client.id, "https://rp.example/", ResponseMode.QUERY, ("openid",))
    await stores.pushed_requests.add(digest(), pushed, until["pushed_requests"])
    await stores.access_tokens.add(token, digest())
    await stores.access_tokens.revoke(token, NOW)
    await stores.replays.remember(digest(), until["replays"])
    await stores.adviser.keep_answer("key", {}, NOW, until["adviser_answers"])
    await stores.adviser.save_state("name", {}, after=0, expires_at=until["shared_states"])
    await stores.decisions.add(decision(world.user.id, expires_at=until["decisions"]))
    await stores.failure_hours.add(1, 0, expires_at=until["failure_hours"])
    await stores.known_devices.add("device", world.user.id, NOW, life=lifetimes["known_devices"], keep=2)
    await stores.attempts.add_in_window(digest(), NOW, window=lifetimes["attempts"])
    await stores.attempts.note_account(digest(), digest(), NOW, window=lifetimes["network_accounts"])
    await stores.links.add(digest(), purpose="administrator", expires_at=until["links"], now=NOW)
    await stores.outbox.add(message(), expires_at=until["outbox"])
    await stores.one_time_codes.put(
        "b", "p", user_id=None, digest=digest(), destination="x", now=NOW, expires_at=until["one_time_codes"]
    )
    await stores.webauthn_challenges.put("b", "p", bytes(32), user_id=None, expires_at=until["webauthn_challenges"])
    await stores.remembered_browsers.remember(
        world.user.id, digest(), device="x", now=NOW, expires_at=until["remembered_browsers"], keep=10
    )
    await stores.signups.put(Signup(make_id(), digest(), {}, until["signups"]), NOW)
    await stores.initial_access_tokens.add(initial_token(expires_at=until["initial_access_tokens"]), digest())
    await stores.figures.hours.keep(NOW, {}, expires_at=until["figure_hours"])
    await stores.idempotency.claim(digest(), digest(), expires_at=until["idempotent_answers"], now=NOW)
    await stores.client_tests.add(
        ClientTest(
            digest(), world.client.id, world.user.id, world.session.id, digest(), "v", "n", (), until["client_tests"]
        ),
        NOW,
    )
    await stores.upstreams.add(upstream())
    await stores.upstream_requests.add(upstream_request(expires_at=until["upstream_requests"]), NOW)
    await stores.upstream_requests.arrive(make_id(), arrival(), until["upstream_arrivals"])
    device = waiting(world.client.id, expires_at=until["device_requests"])
    await stores.device_requests.add(device, device_code=digest(), user_code=digest(), now=NOW)
    ciba = waiting(world.client.id, user_id=world.user.id, expires_at=until["ciba_requests"])
    await stores.ciba_requests.add(ciba, digest=digest(), now=NOW)
    await stores.webhooks.add(webhook())
    await stores.clients.save(replace(world.client, backchannel_logout_uri="https://rp.example/out"), NOW)
    await stores.logout_deliveries.owe([(world.session.id, world.user.id)], NOW)
    await stores.webhook_deliveries.add(delivery())
    await stores.webhook_deliveries.sent(delivery().id, NOW)
    return {table: lifetime + BEYOND[table] for table, lifetime in lifetimes.items()}


async def test_every_row_goes_when_its_time_has_come_and_not_before(
    database: Database, transactions: Transactions, world: World
) -> None:
    async with transactions.open(write=True) as stores:
        due = await fill(stores, world)
    assert set(due) == set(BEYOND)

    for table, moment in sorted(due.items(), key=lambda item: item[1]):
        async with transactions.open(write=True) as stores:
            assert (await stores.sweep.batch(NOW + moment - TICK))[table] == 0
            assert (await stores.sweep.batch(NOW + moment))[table] == 1

    for table in due:
        assert await count(database, table) == 0
    for table in ("users", "clients"):
        assert await count(database, table) == 1


async def test_a_sweep_of_nothing_removes_nothing(stores: Stores, world: World) -> None:
    await fill(stores, world)

    assert set((await stores.sweep.batch(NOW)).values()) == {0}


async def test_a_code_stays_long_enough_to_notice_its_replay(stores: Stores, world: World) -> None:
    """RFC 6749 §4.1.2."""
    made = code(grant(world.client.id, world.user.id))
    await stores.codes.add(made)
    await stores.codes.spend(made.digest, NOW)

    await stores.sweep.batch(NOW + MINUTE + 30 * MINUTE)

    assert await stores.codes.find(made.digest, NOW) is not None


async def test_a_living_session_and_grant_are_never_swept(stores: Stores, world: World) -> None:
    await stores.sessions.open(session(world.user.id, expires_at=NOW + 9 * DAY), digest(), device="")

    await stores.sweep.batch(world.session.expires_at - TICK)

    assert await stores.sessions.find(world.cookie, NOW) is not None
    assert await stores.grants.find_live(world.grant.id, NOW) is not None


@pytest.mark.parametrize("table", [replays, network_accounts], ids=lambda table: table.name)
async def test_a_batch_is_no_larger_than_promised(stores: Stores, table: Table) -> None:
    """At most 1,000 rows, so that no sweep holds a lock for long; also of one network that tried many accounts."""
    network, alive = digest(), digest()
    keys = [{"network": network, "account": digest()} if table is network_accounts else {"digest": digest()}
            for _ in range(2 * BATCH + 1)]  # fmt: skip
    await stores.connection.execute(insert(table).values([key | {"expires_at": NOW} for key in keys]))
    await stores.replays.remember(alive, NOW + DAY)

    removed = [(await stores.sweep.batch(NOW + HOUR))[table.name] for _ in range(4)]

    assert removed == [BATCH, BATCH, 1, 0]
    assert not await stores.replays.remember(alive, NOW + DAY)


def test_every_table_that_grows_is_swept() -> None:
    """A new table is put into one list or the other."""
    assert set(BEYOND) | KEPT == set(metadata.tables)
    assert not set(BEYOND) & KEPT


def test_a_row_is_swept_by_its_expiry() -> None:
    for table, column, kept in EXPIRING:
        assert column.table is table
        assert "expires_at" in column.name
        assert kept >= timedelta()


async def test_every_expiry_has_an_index_in_the_database(database: Database) -> None:
    """As migrated, not only as written here; and no index is missing or too many."""

    def indexes(connection: Connection) -> dict[str, set[str | None]]:
        look = inspect(connection)
        return {name: {index["column_names"][0] for index in look.get_indexes(name)} for name in metadata.tables}

    async with maintenance(database.url) as connection:
        first_columns = await connection.run_sync(indexes)

    for table, column, _kept in EXPIRING:
        assert column.name in first_columns[table.name]
    assert "at" in first_columns["events"]


@pytest.mark.parametrize("table", metadata.tables.values(), ids=lambda table: table.name)
def test_times_are_numbers_and_texts_have_an_end(table: Table) -> None:
    """No database compares times in its own way, and no text that comes from outside grows without a limit."""
    for column in table.columns:
        if column.name == "auth_time" or column.name.endswith("_at"):
            assert isinstance(column.type, UtcTime)
        if type(column.type) is String:
            assert column.type.length
