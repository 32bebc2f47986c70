"""Tests of a client that administrators have under way: each bound to a browser and a session, over once, and soon.

A test's code is kept here and nowhere else, so the token endpoint does not know it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, String, Table, insert, select, update

from idp.domain.secret import Digest, Sealer
from idp.storage.columns import AnyRow, UtcTime, metadata, open_json, seal_json
from idp.storage.database import Transaction

client_tests = Table(
    "client_tests",
    metadata,
    Column("state_digest", LargeBinary(32), primary_key=True),
    Column("client_id", String(128), ForeignKey("clients.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("session_id", String(32), nullable=False),
    Column("browser_digest", LargeBinary(32), nullable=False),
    Column("sealed_content", LargeBinary, nullable=False),
    Column("code_digest", LargeBinary(32)),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("spent_at", UtcTime),
    Index("ix_client_tests_expires_at", "expires_at"),
    Index("ix_client_tests_user_id", "user_id"),
)


@dataclass(frozen=True, slots=True)
class ClientTest:
    """A test under way: of which client, by whom, at which browser, what its request was; `code` once it is made."""

    state: Digest
    client_id: str
    user_id: str
    session_id: str
    browser: Digest
    verifier: str
    nonce: str
    scopes: tuple[str, ...]
    expires_at: datetime
    code: Digest | None = None


class ClientTestStore:
    """Tests of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def add(self, test: ClientTest, now: datetime) -> None:
        """Store a test that begins."""
        content = {"verifier": test.verifier, "nonce": test.nonce, "scopes": list(test.scopes)}
        sealed = seal_json(self._sealer, content, table="client_tests", column="content", row=test.state.hex())
        await self._connection.execute(
            insert(client_tests).values(
                state_digest=test.state, client_id=test.client_id, user_id=test.user_id, session_id=test.session_id,
                browser_digest=test.browser, sealed_content=sealed, created_at=now, expires_at=test.expires_at,
            )
        )  # fmt: skip

    async def find(self, state: Digest, now: datetime) -> ClientTest | None:
        """Return a test that is under way."""
        row = (await self._connection.execute(select(client_tests).where(*_open(state, now)))).first()
        return self._test(row) if row else None

    async def answer(self, state: Digest, code: Digest, now: datetime) -> bool:
        """Keep the code of a test; False if it has one, or is over."""
        done = await self._connection.execute(
            update(client_tests)
            .where(*_open(state, now), client_tests.c.code_digest.is_(None))
            .values(code_digest=code)
            .returning(client_tests.c.client_id)
        )
        return done.first() is not None

    async def spend(self, state: Digest, now: datetime) -> ClientTest | None:
        """End a test and return it; of several at once one wins, the others find nothing."""
        done = await self._connection.execute(
            update(client_tests).where(*_open(state, now)).values(spent_at=now).returning(*client_tests.c)
        )
        row = done.first()
        return self._test(row) if row else None

    def _test(self, row: AnyRow) -> ClientTest:
        state = Digest(bytes(row.state_digest))
        content = cast(
            dict[str, Any],
            open_json(self._sealer, row.sealed_content, table="client_tests", column="content", row=state.hex()),
        )
        return ClientTest(
            state=state, client_id=row.client_id, user_id=row.user_id, session_id=row.session_id,
            browser=Digest(bytes(row.browser_digest)), verifier=content["verifier"], nonce=content["nonce"],
            scopes=tuple(content["scopes"]), expires_at=row.expires_at,
            code=Digest(bytes(row.code_digest)) if row.code_digest is not None else None,
        )  # fmt: skip


def _open(state: Digest, now: datetime) -> tuple[Any, ...]:
    table = client_tests.c
    return table.state_digest == state, table.spent_at.is_(None), table.expires_at > now
