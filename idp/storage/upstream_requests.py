"""People who are away at another provider, and identities that came back from there and are nobody's here yet."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, String, Table, insert, select, update

from idp.domain.json import Json
from idp.domain.secret import Digest, Sealer
from idp.domain.upstream import Arrival
from idp.storage.columns import AnyRow, UtcTime, is_key, metadata, open_json, seal_json
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

upstream_requests = Table(
    "upstream_requests",
    metadata,
    Column("state_digest", LargeBinary(32), primary_key=True),
    Column("upstream_id", String(40), ForeignKey("upstreams.id", ondelete="CASCADE"), nullable=False),
    Column("browser_digest", LargeBinary(32), nullable=False),
    Column("interaction_id", String(32)),  # a sign-in; else somebody who is signed in links an identity
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE")),
    Column("session_id", String(32)),
    Column("sealed_content", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("spent_at", UtcTime),
    Index("ix_upstream_requests_expires_at", "expires_at"),
)
upstream_arrivals = Table(
    "upstream_arrivals",
    metadata,
    Column("id", String(32), primary_key=True),  # that of the interaction
    Column("upstream_id", String(40), ForeignKey("upstreams.id", ondelete="CASCADE"), nullable=False),
    Column("sealed_content", LargeBinary, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("settled_at", UtcTime),
    Index("ix_upstream_arrivals_expires_at", "expires_at"),
)


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """A request to another provider: from which browser, for which sign-in, or for whose account."""

    state: Digest
    upstream_id: str
    browser: Digest
    verifier: str
    nonce: str
    issuer: str
    expires_at: datetime
    interaction_id: str | None = None
    user_id: str | None = None
    session_id: str | None = None


class UpstreamRequestStore:
    """Requests and arrivals of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def add(self, request: UpstreamRequest, now: datetime) -> None:
        """Store a request that leaves."""
        content = {"verifier": request.verifier, "nonce": request.nonce, "issuer": request.issuer}
        sealed = seal_json(
            self._sealer, content, table="upstream_requests", column="content", row=request.state.hex()
        )  # fmt: skip
        await self._connection.execute(
            insert(upstream_requests).values(
                state_digest=request.state, upstream_id=request.upstream_id, browser_digest=request.browser,
                interaction_id=request.interaction_id, user_id=request.user_id, session_id=request.session_id,
                sealed_content=sealed, created_at=now, expires_at=request.expires_at,
            )
        )  # fmt: skip

    async def spend(
        self, state: Digest, *, upstream_id: str, browser: Digest, now: datetime
    ) -> UpstreamRequest | None:  # fmt: skip
        """Spend a request: once, at the upstream that it went to, in the browser that it left from, and in time.

        Anybody else finds nothing, and spends nothing.
        """
        table = upstream_requests.c
        done = await self._connection.execute(
            update(upstream_requests)
            .where(
                table.state_digest == state, table.upstream_id == upstream_id, table.browser_digest == browser,
                table.spent_at.is_(None), table.expires_at > now,
            )
            .values(spent_at=now)
            .returning(*table)
        )  # fmt: skip
        row = done.first()
        return self._request(row) if row is not None else None

    async def arrive(self, interaction_id: str, arrival: Arrival, expires_at: datetime) -> None:
        """Keep who came back until they say what they want; the newest of an interaction counts."""
        content = _arrival_to_json(arrival)
        sealed = seal_json(self._sealer, content, table="upstream_arrivals", column="content", row=interaction_id)
        changed = {
            "upstream_id": arrival.upstream_id, "sealed_content": sealed, "expires_at": expires_at, "settled_at": None,
        }  # fmt: skip
        row = upsert(self._connection, upstream_arrivals).values(id=interaction_id, **changed)
        await self._connection.execute(
            row.on_conflict_do_update(index_elements=[upstream_arrivals.c.id], set_=changed)
        )  # fmt: skip

    async def arrived(self, interaction_id: str, now: datetime) -> Arrival | None:
        """Return who waits in an interaction to be linked, or to get an account."""
        if not is_key(interaction_id):
            return None
        query = select(upstream_arrivals).where(*_waiting(interaction_id, now))
        row = (await self._connection.execute(query)).first()
        return self._arrival(row) if row is not None else None

    async def settle(self, interaction_id: str, now: datetime) -> Arrival | None:
        """Take who waits in an interaction, once."""
        if not is_key(interaction_id):
            return None
        done = await self._connection.execute(
            update(upstream_arrivals)
            .where(*_waiting(interaction_id, now))
            .values(settled_at=now)
            .returning(*upstream_arrivals.c)
        )
        row = done.first()
        return self._arrival(row) if row is not None else None

    def _request(self, row: AnyRow) -> UpstreamRequest:
        state = Digest(bytes(row.state_digest))
        sealed = open_json(
            self._sealer, row.sealed_content, table="upstream_requests", column="content", row=state.hex()
        )  # fmt: skip
        content = cast(dict[str, Any], sealed)
        return UpstreamRequest(
            state=state, upstream_id=row.upstream_id, browser=Digest(bytes(row.browser_digest)),
            verifier=content["verifier"], nonce=content["nonce"], issuer=content["issuer"], expires_at=row.expires_at,
            interaction_id=row.interaction_id, user_id=row.user_id, session_id=row.session_id,
        )  # fmt: skip

    def _arrival(self, row: AnyRow) -> Arrival:
        sealed = open_json(self._sealer, row.sealed_content, table="upstream_arrivals", column="content", row=row.id)
        return _arrival_from_json(cast(dict[str, Any], sealed))


def _waiting(interaction_id: str, now: datetime) -> tuple[Any, ...]:
    table = upstream_arrivals.c
    return table.id == interaction_id, table.settled_at.is_(None), table.expires_at > now


def _arrival_to_json(arrival: Arrival) -> dict[str, Json]:
    return {
        "upstream_id": arrival.upstream_id, "iss": arrival.iss, "sub": arrival.sub,
        "auth_time": arrival.auth_time.timestamp() if arrival.auth_time is not None else None,
        "email": arrival.email, "email_verified": arrival.email_verified, "label": arrival.label,
        "told": list(arrival.told), "claims": dict(arrival.claims), "groups": list(arrival.groups),
    }  # fmt: skip


def _arrival_from_json(content: dict[str, Any]) -> Arrival:
    at = content["auth_time"]
    return Arrival(
        **content
        | {
            "auth_time": None if at is None else datetime.fromtimestamp(at, UTC),
            "told": tuple(content["told"]),
            "groups": tuple(content["groups"]),
        }
    )
