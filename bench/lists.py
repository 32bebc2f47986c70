"""`python -m bench.lists`: how fast the administrators' long lists open on PostgreSQL, with a million rows in each.

The rows are made here and copied in; operations are called as pages and the API call them. The bar is 200 ms a page.
"""

import argparse
import asyncio
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import make_url

from idp.domain.secret import make_user_id
from idp.domain.user import normalise_email
from idp.flows.figures import keep_hours
from idp.providers.keystore.sealing import AesSealer
from idp.storage.columns import place, seal_json, to_micros
from idp.wiring import Site, master_keys
from tests.support import postgres, session
from tests.support.builders import NOW
from tests.support.databases import fresh_database
from tests.support.operators import COMMAND, Operators, operators

ROWS = 1_000_000
BATCH = 20_000
TIMES = 20
BAR_MILLISECONDS = 200


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("bench.lists", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    session.begin()
    try:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(_measure(Path(folder), parser.parse_args().rows))
    finally:
        postgres.stop_shared()
        session.end()


async def _measure(folder: Path, rows: int) -> None:
    async with fresh_database("postgresql", folder) as url, operators(folder, url) as desk:
        began = time.perf_counter()
        people = await _fill(url, desk.provider.site, rows)
        print(f"{rows:,} people, sessions, consents and events in {time.perf_counter() - began:.0f} s")
        began = time.perf_counter()
        while await keep_hours(desk.provider.site.transactions, desk.provider.clock):  # as the server does by itself
            pass
        print(f"hours counted in {time.perf_counter() - began:.1f} s")
        for name, operation, given in _asked(people, rows):
            await _time(desk, name, operation, given)


def _asked(people: list[str], rows: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    somebody = people[rows // 2]
    yield "people, first page", "users.list", {"limit": 100}
    yield "people, found by address", "users.list", {"find": f"person{rows // 2}@example.org"}
    yield "people, disabled", "users.list", {"status": "disabled"}
    yield "people, owners", "users.list", {"role": "owner"}
    yield "people, of a group", "users.list", {"group": "staff"}
    yield "sessions, first page", "sessions.list", {"limit": 100}
    yield "sessions of a person", "sessions.list", {"user_id": somebody}
    yield "consents of a client", "consents.list", {"client_id": "books", "limit": 100}
    yield "consents of a person", "consents.list", {"user_id": somebody}
    yield "events, first page", "events.list", {"limit": 100}
    yield "events of a person", "events.list", {"user_id": somebody}
    yield "events of a rare kind", "events.list", {"kind": "key_rotated"}
    yield "dashboard of a day", "dashboard.show", {"span": "day"}
    yield "dashboard of a month", "dashboard.show", {"span": "month"}


async def _time(desk: Operators, name: str, operation: str, given: dict[str, Any]) -> None:
    found = await desk.do(operation, COMMAND, **given)
    for _ in range(3 if found.get("next") else 0):  # further pages cost what the first does
        found = await desk.do(operation, COMMAND, **given, cursor=found["next"])
        if not found.get("next"):
            break
    deep = {"cursor": found["next"]} if found.get("next") else {}
    taken = []
    for _ in range(TIMES):
        before = time.perf_counter()
        await desk.do(operation, COMMAND, **given, **deep)
        taken.append((time.perf_counter() - before) * 1000)
    median, worst = statistics.median(taken), max(taken)
    met = "met" if median < BAR_MILLISECONDS else "MISSED"
    print(f"  {name:26} median {median:7.1f} ms, worst {worst:7.1f} ms   {met}")


async def _fill(url: str, site: Site, rows: int) -> list[str]:
    """Copy the rows in; return the ids of the people."""
    await site.clients.create({"client_name": "Books", "redirect_uris": ["https://b.example/"]}, client_id="books")
    sealer = AesSealer(master_keys(site.settings), purpose="records")
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(plain)
    people: list[str] = []
    try:
        for start in range(0, rows, BATCH):
            numbers = range(start, min(start + BATCH, rows))
            made = [make_user_id() for _ in numbers]
            people += made
            await _copy(connection, site, sealer, list(zip(numbers, made, strict=True)), rows)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    return people


async def _copy(
    connection: "asyncpg.Connection[Any]", site: Site, sealer: AesSealer, people: list[tuple[int, str]], rows: int
) -> None:
    digest, end = site.digester.digest, to_micros(NOW)
    step = int(timedelta(days=30).total_seconds() * 1e6) // rows

    def at(number: int) -> int:
        return end - (rows - number) * step

    def user(number: int, id_: str) -> tuple[Any, ...]:
        email = f"person{number}@example.org"
        profile = {"email": email, "username": None, "claims": {"name": f"Person {number}"}}
        sealed = seal_json(sealer, profile, table="users", column="profile", row=id_)
        status, role = "disabled" if number % 500 == 0 else "active", "owner" if number % 100_000 == 0 else "user"
        return (id_, status, role, digest("name", normalise_email(email)), True, sealed, at(number), at(number))

    def opened(number: int, id_: str) -> tuple[Any, ...]:
        key = f"s{number}"
        device, address = (
            sealer.seal(text, place=place("sessions", column, key))
            for column, text in (("device", b"Firefox"), ("address", b"192.0.2.1"))
        )
        times = (at(number), at(number), at(number), end + 10**12, end + 10**12)
        return (key, secrets.token_bytes(32), id_, "[]", *times, device, address, 0)

    def event(number: int, id_: str) -> tuple[Any, ...]:
        kind = "key_rotated" if number % 10_000 == 0 else "signed_in" if number % 3 else "sign_in_refused"
        return (f"{at(number):014x}000{secrets.token_hex(11)}", at(number), kind, id_, "done")

    tables: list[tuple[str, list[str], list[tuple[Any, ...]]]] = [
        ("users", ["id", "status", "role", "email_digest", "email_verified", "sealed_profile", "created_at",
                   "updated_at"], [user(*each) for each in people]),
        ("user_groups", ["user_id", "group_digest"],
         [(id_, digest("group", "staff")) for number, id_ in people if number % 10 == 0]),
        ("sessions", ["id", "digest", "user_id", "proofs", "created_at", "auth_time", "seen_at", "idle_expires_at",
                      "expires_at", "sealed_device", "sealed_address", "risk"], [opened(*each) for each in people]),
        ("consents", ["user_id", "client_id", "scopes", "claims", "created_at", "updated_at"],
         [(id_, "books", "openid", "", at(number), at(number)) for number, id_ in people]),
        ("events", ["id", "at", "kind", "user_id", "result"], [event(*each) for each in people]),
    ]  # fmt: skip
    for table, columns, records in tables:
        await connection.copy_records_to_table(table, records=records, columns=columns)


if __name__ == "__main__":
    main()
