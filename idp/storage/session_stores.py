"""The stores of browser sessions and of what their end means for others: part of all stores of a transaction."""

from functools import cached_property

from idp.domain.secret import Sealer
from idp.storage.database import Transaction
from idp.storage.logout_deliveries import LogoutDeliveryStore
from idp.storage.pairwise_subjects import PairwiseSubjectStore
from idp.storage.sessions import SessionStore


class SessionStores:
    """Sessions, and the clients to be told when they end, on the connection of whoever inherits them."""

    connection: Transaction
    _sealer: Sealer

    @cached_property
    def sessions(self) -> SessionStore:
        """Browser sessions; whoever ends one, its clients are told."""
        return SessionStore(self.connection, self._sealer, on_end=self.logout_deliveries.owe)

    @cached_property
    def logout_deliveries(self) -> LogoutDeliveryStore:
        """Which clients are still to be told of the end of a session."""
        return LogoutDeliveryStore(self.connection)

    @cached_property
    def pairwise_subjects(self) -> PairwiseSubjectStore:
        """Whom the subjects stand for that only one client knows."""
        return PairwiseSubjectStore(self.connection)

    @property
    def has_news(self) -> bool:
        """Say whether clients are to be told of something as soon as this transaction is committed."""
        store = vars(self).get("logout_deliveries")
        return store is not None and store.has_new
