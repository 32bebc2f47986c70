"""Pushed authorization requests (RFC 9126): checked already, sealed, and found by the digest of their reference."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, String, Table, bindparam, insert, select, update

from idp.domain.authorization import AuthorizationRequest
from idp.domain.secret import Digest, Sealer, base64url
from idp.storage.columns import UtcTime, metadata, open_json, seal_json
from idp.storage.database import Prepared, Transaction
from idp.storage.interactions import request_from_json, request_to_json

pushed_requests = Table(
    "pushed_requests",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("client_id", String(128), ForeignKey("clients.id", ondelete="CASCADE"), nullable=False),
    Column("sealed_request", LargeBinary, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("spent_at", UtcTime),
    Index("ix_pushed_requests_expires_at", "expires_at"),
    Index("ix_pushed_requests_client_id", "client_id"),
)


@dataclass(frozen=True, slots=True)
class PushedRequest:
    """A request that a client pushed; it may be begun until it expires, and is spent by its answer."""

    request: AuthorizationRequest
    expires_at: datetime
    is_spent: bool


class PushedRequestStore:
    """Pushed requests of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def add(self, digest: Digest, request: AuthorizationRequest, expires_at: datetime) -> None:
        """Store a request under the digest of its reference."""
        sealed = seal_json(
            self._sealer, request_to_json(request), table="pushed_requests", column="request", row=base64url(digest)
        )
        values = {"digest": digest, "client_id": request.client_id, "sealed": sealed, "expires_at": expires_at}
        await self._connection.execute(_ADD, values)

    async def find(self, digest: Digest) -> PushedRequest | None:
        """Return a request, spent or not, however old."""
        row = (await self._connection.execute(_FIND, {"digest": digest})).first()
        if row is None:
            return None
        members = open_json(
            self._sealer, row.sealed_request, table="pushed_requests", column="request", row=base64url(digest)
        )
        request = request_from_json(cast(dict[str, Any], members))
        return PushedRequest(request, row.expires_at, row.spent_at is not None)

    async def spend(self, digest: Digest, now: datetime) -> bool:
        """Spend a request with its answer; False if another answer was faster. One UPDATE decides the race."""
        return (await self._connection.execute(_SPEND, {"of": digest, "now": now})).first() is not None


_ADD = Prepared(
    insert(pushed_requests).values(
        digest=bindparam("digest"),
        client_id=bindparam("client_id"),
        sealed_request=bindparam("sealed"),
        expires_at=bindparam("expires_at", type_=UtcTime),
    )
)
_FIND = Prepared(select(pushed_requests).where(pushed_requests.c.digest == bindparam("digest")))
_SPEND = Prepared(
    update(pushed_requests)
    .where(pushed_requests.c.digest == bindparam("of"), pushed_requests.c.spent_at.is_(None))
    .values(spent_at=bindparam("now", type_=UtcTime))
    .returning(pushed_requests.c.digest)
)
