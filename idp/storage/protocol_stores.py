"""The stores of what operators define for the protocol: part of all stores of a transaction."""

from functools import cached_property

from idp.storage.database import Transaction
from idp.storage.definitions import DefinitionStore


class ProtocolStores:
    """Stores of definitions, on the connection of whoever inherits them."""

    connection: Transaction

    @cached_property
    def definitions(self) -> DefinitionStore:
        """Resource servers, types of details, rules of exchange, trusted issuers."""
        return DefinitionStore(self.connection)
