"""The stores of other providers: part of all stores of a transaction."""

from functools import cached_property

from idp.domain.secret import Sealer
from idp.storage.database import Transaction
from idp.storage.upstream_identities import UpstreamIdentityStore
from idp.storage.upstream_requests import UpstreamRequestStore
from idp.storage.upstreams import UpstreamStore


class UpstreamStores:
    """Stores of other providers and of who people are there, on the connection of whoever inherits them."""

    connection: Transaction
    _sealer: Sealer

    @cached_property
    def upstreams(self) -> UpstreamStore:
        """Other providers as ways to sign in."""
        return UpstreamStore(self.connection, self._sealer)

    @cached_property
    def upstream_identities(self) -> UpstreamIdentityStore:
        """Who people are there."""
        return UpstreamIdentityStore(self.connection, self._sealer)

    @cached_property
    def upstream_requests(self) -> UpstreamRequestStore:
        """Who is on the way there, or has just come back."""
        return UpstreamRequestStore(self.connection, self._sealer)
