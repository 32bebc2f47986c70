"""The stores of what operators define for the protocol: part of all stores of a transaction."""

from functools import cached_property

from idp.domain.secret import Sealer
from idp.storage.client_id_documents import ClientIdDocumentStore
from idp.storage.database import Transaction
from idp.storage.definitions import DefinitionStore
from idp.storage.pushed_requests import PushedRequestStore


class ProtocolStores:
    """Stores of definitions, on the connection of whoever inherits them."""

    connection: Transaction
    _sealer: Sealer

    @cached_property
    def definitions(self) -> DefinitionStore:
        """Resource servers, types of details, rules of exchange, trusted issuers."""
        return DefinitionStore(self.connection)

    @cached_property
    def client_id_documents(self) -> ClientIdDocumentStore:
        """Documents by which clients describe themselves."""
        return ClientIdDocumentStore(self.connection)

    @cached_property
    def pushed_requests(self) -> PushedRequestStore:
        """Authorization requests that clients pushed."""
        return PushedRequestStore(self.connection, self._sealer)
