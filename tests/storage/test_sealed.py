"""Whoever gets hold of the database learns nothing about people, and can move nothing to another place (case KY08)."""

import gc
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import text

from idp.domain.authorization import ClaimRequest
from idp.domain.event import Event, EventKind
from idp.domain.secret import SealBroken, make_secret
from idp.storage.columns import metadata
from idp.storage.database import Database
from idp.storage.stores import Stores, Transactions
from tests.support.builders import DAY, NOW, client, code, digest, grant, interaction, message, request, session, user
from tests.support.storage import DIGESTER, SEALER, rows, sqlite_path

CANARIES = {
    "address": "canary.mail@example.com",
    "username": "canary.username",
    "name": "Canary Ünsal",
    "phone": "+49301234567890",
    "street": "Canary Row 7",
    "pending state": "canary-state-of-the-redirect",
    "nonce of a request": "canary-nonce-of-the-request",
    "login hint": "canary.hint@example.com",
    "return path": "/account/canary-path",
    "device": "CanaryBrowser/1.0",
    "network address": "192.0.2.77",
    "mail text": "canary: your code is 271828",
    "mail subject": "Canary subject",
    "recipient": "canary.recipient@example.com",
    "shared secret": "canary-shared-secret-of-a-client",
    "successor": "canary-successor-refresh-token",
}


async def write_everything(stores: Stores) -> dict[str, str]:
    """Store the canaries in every way there is; return the secrets of which only digests may stay."""
    person = user(
        email=CANARIES["address"],
        username=CANARIES["username"],
        claims={
            "name": CANARIES["name"],
            "phone_number": CANARIES["phone"],
            "address": {"street_address": CANARIES["street"]},
        },
    )
    rp, visit = client(hmac_secret=CANARIES["shared secret"]), session(person.id)
    asked = request(
        state=CANARIES["pending state"], nonce=CANARIES["nonce of a request"], login_hint=CANARIES["login hint"],
        userinfo_claims={"email": ClaimRequest(values=(CANARIES["address"],))},
    )  # fmt: skip
    secrets = {purpose: make_secret() for purpose in ("code", "session", "refresh", "link", "jti", "browser")}
    digests = {purpose: DIGESTER.digest(purpose, secret) for purpose, secret in secrets.items()}
    given = grant(rp.id, person.id, visit.id)
    sealed = SEALER.seal(CANARIES["successor"].encode(), place=f"grants|successor|{given.id}")

    await stores.users.add(person)
    await stores.clients.add(rp, NOW)
    await stores.sessions.open(visit, digests["session"], device=CANARIES["device"])
    await stores.interactions.add(interaction(request=asked), digests["browser"], keep=20)
    path = CANARIES["return path"]
    await stores.interactions.add(interaction(request=None, return_path=path), digests["browser"], keep=20)
    await stores.codes.add(code(given, digest=digests["code"]))
    await stores.grants.add(given)
    await stores.connection.execute(text("UPDATE grants SET sealed_successor = :sealed"), {"sealed": sealed})
    await stores.links.add(digests["link"], purpose="administrator", expires_at=NOW + DAY, now=NOW)
    await stores.replays.remember(digests["jti"], NOW + DAY)
    await stores.events.add(Event(EventKind.SIGNED_IN, user_id=person.id, address=CANARIES["network address"]), NOW)
    mail = message(to=CANARIES["recipient"], subject=CANARIES["mail subject"], text=CANARIES["mail text"])
    await stores.outbox.add(mail, expires_at=NOW + DAY)
    return secrets


async def dump(database: Database) -> bytes:
    """Return all that the database keeps: every row, and on SQLite the files themselves."""
    content = [repr(await rows(database, table)).encode() for table in metadata.tables]
    content += [bytes(value) for table in metadata.tables for row in await rows(database, table)
                for value in row.values() if isinstance(value, bytes | memoryview)]  # fmt: skip
    if database.is_sqlite:
        gc.collect()
        content += [path.read_bytes() for path in sqlite_path(database).parent.glob("*.sqlite3*")]
    return b"\n".join(content)


async def test_a_stolen_database_names_nobody_and_holds_no_secret(
    database: Database, transactions: Transactions
) -> None:
    async with transactions.open(write=True) as stores:
        secrets = await write_everything(stores)

    stolen = await dump(database)

    assert b"rp.example" in stolen  # the dump does show what is there in clear
    for what, canary in (CANARIES | secrets).items():
        for spelling in (canary, canary.upper(), canary.encode().hex(), json.dumps(canary), repr(canary.encode())):
            assert spelling.strip("b'\"").encode() not in stolen, what


async def test_what_was_sealed_is_read_again(transactions: Transactions) -> None:
    async with transactions.open(write=True) as stores:
        await write_everything(stores)
        person = await stores.users.find_by_name(CANARIES["address"].upper())

    assert person is not None
    assert person.claims["address"] == {"street_address": CANARIES["street"]}


async def two_people(stores: Stores) -> Callable[[], Awaitable[object]]:
    alice, bob = user(), user()
    for person in (alice, bob):
        await stores.users.add(person)
    return lambda: stores.users.find(alice.id)


async def two_clients(stores: Stores) -> Callable[[], Awaitable[object]]:
    one, other = client(hmac_secret="1" * 32), client(hmac_secret="2" * 32)
    for rp in (one, other):
        await stores.clients.add(rp, NOW)
    return lambda: stores.clients.find(one.id)


async def two_interactions(stores: Stores) -> Callable[[], Awaitable[object]]:
    one, other = interaction(), interaction()
    for waiting in (one, other):
        await stores.interactions.add(waiting, digest(), keep=20)
    return lambda: stores.interactions.find(one.id)


async def two_messages(stores: Stores) -> Callable[[], Awaitable[object]]:
    for each in (message(), message()):
        await stores.outbox.add(each, expires_at=NOW + DAY)
    return lambda: stores.outbox.claim(NOW, lease=timedelta(), limit=2)


@pytest.mark.parametrize(
    ("table", "column", "store_two"),
    [
        ("users", "sealed_profile", two_people),
        ("clients", "sealed_hmac_secret", two_clients),
        ("interactions", "sealed_request", two_interactions),
        ("outbox", "sealed_content", two_messages),
    ],
)
async def test_a_sealed_value_does_not_open_in_another_row(
    transactions: Transactions,
    table: str,
    column: str,
    store_two: Callable[[Stores], Awaitable[Callable[[], Awaitable[object]]]],
) -> None:
    """Whoever can write to the database cannot give one person what belongs to another."""
    async with transactions.open(write=True) as stores:
        read = await store_two(stores)
        await read()
        swap = text(
            f"UPDATE {table} SET {column} = (SELECT o.{column} FROM {table} AS o WHERE o.id <> {table}.id LIMIT 1)"
        )

        await stores.connection.execute(swap)

        with pytest.raises(SealBroken):
            await read()


async def test_the_same_value_looks_different_in_every_row(database: Database, transactions: Transactions) -> None:
    async with transactions.open(write=True) as stores:
        for number in range(5):
            await stores.users.add(user(email=f"p{number}@example.com", claims={"name": "Same"}))

    sealed = {bytes(row["sealed_profile"]) for row in await rows(database, "users")}  # type: ignore[call-overload]
    looked_up = {bytes(row["email_digest"]) for row in await rows(database, "users")}  # type: ignore[call-overload]

    assert len(sealed) == len(looked_up) == 5


async def test_look_up_digests_are_keyed(transactions: Transactions, database: Database) -> None:
    """Else a stolen database could be asked whether somebody has an account."""
    async with transactions.open(write=True) as stores:
        await stores.users.add(user(email="guess@example.com"))

    (row,) = await rows(database, "users")
    for guess in ("guess@example.com", "name|guess@example.com"):
        assert row["email_digest"] != sha256(guess.encode()).digest()
