"""Device authorization requests (RFC 8628): device code and user code as digests, and what came of them."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, Table, exists, select

from idp.domain.secret import Digest
from idp.domain.waiting import WaitingRequest, WaitingState
from idp.storage.columns import metadata
from idp.storage.waiting_requests import WaitingStore, waiting_columns

device_requests = Table(
    "device_requests",
    metadata,
    *waiting_columns(),
    Column("user_code_digest", LargeBinary(32), nullable=False, unique=True),
    Index("ix_device_requests_request_expires_at", "request_expires_at"),
    Index("ix_device_requests_user_id", "user_id"),
    Index("ix_device_requests_client_id", "client_id"),
    Index("ix_device_requests_session_id", "session_id"),
)


class DeviceRequestStore(WaitingStore):
    """Device requests of one transaction."""

    table = device_requests

    async def knows_user_code(self, user_code: Digest) -> bool:
        """Say whether a user code is in use, or was until lately."""
        query = select(exists().where(device_requests.c.user_code_digest == user_code))
        return bool((await self._connection.execute(query)).scalar_one())

    async def add(self, waiting: WaitingRequest, *, device_code: Digest, user_code: Digest, now: datetime) -> None:
        """Store a new request, which nobody has answered."""
        await self._connection.execute(self._new(waiting, device_code, now).values(user_code_digest=user_code))

    async def find_by_user_code(self, user_code: Digest, now: datetime) -> WaitingRequest | None:
        """Return the request of a user code while somebody may answer it."""
        table = device_requests.c
        pending = (table.state == WaitingState.PENDING.value, table.request_expires_at > now)
        return await self._first(table.user_code_digest == user_code, *pending)
