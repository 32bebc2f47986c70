"""What may go wrong with a database, in our own words; and how long anything may wait for it."""

LOCK_WAIT_SECONDS = 2.0
POOL_WAIT_SECONDS = 2.0
STATEMENT_SECONDS = 5.0


class DatabaseAway(Exception):
    """The database cannot be reached or is too busy; a later try may work."""


class DuplicateKey(Exception):
    """Somebody else's row has this key already."""


class FailedStatement(Exception):
    """A statement failed and somebody went on as if it had not, so all is lost; a mistake of ours."""


class OpenedToRead(Exception):
    """A transaction that was opened to read is to write: nothing would take that back, nor wait its turn for it."""


class Conflict(Exception):
    """The database gave up this transaction in favour of another (deadlock, serialization); run it again."""
