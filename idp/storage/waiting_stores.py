"""The stores of requests that are answered on another device: part of all stores of a transaction."""

from functools import cached_property

from idp.domain.approval import Channel
from idp.domain.secret import Sealer
from idp.storage.ciba_requests import CibaRequestStore
from idp.storage.database import Transaction
from idp.storage.device_requests import DeviceRequestStore
from idp.storage.waiting_requests import WaitingStore


class WaitingStores:
    """Stores of waiting requests, on the connection of whoever inherits them."""

    connection: Transaction
    _sealer: Sealer

    @cached_property
    def device_requests(self) -> DeviceRequestStore:
        """Device authorization requests."""
        return DeviceRequestStore(self.connection, self._sealer)

    @cached_property
    def ciba_requests(self) -> CibaRequestStore:
        """Authentication requests of CIBA."""
        return CibaRequestStore(self.connection, self._sealer)

    def waiting(self, channel: Channel) -> WaitingStore:
        """Return the store of the requests that came this way."""
        return self.device_requests if channel is Channel.DEVICE else self.ciba_requests

    async def burn_waiting_of_session(self, session_id: str) -> None:
        """Make worthless what a session approved and no client has fetched."""
        for store in (self.device_requests, self.ciba_requests):
            await store.burn_of_session(session_id)

    async def burn_waiting_of_user(self, user_id: str, *, client_id: str | None = None) -> None:
        """Make worthless what a person approved and no client has fetched; or that of one client."""
        for store in (self.device_requests, self.ciba_requests):
            await store.burn_of_user(user_id, client_id=client_id)
