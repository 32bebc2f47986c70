"""An outbox on a real database, for workers that tests set up themselves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.storage.stores import Transactions
from tests.support.storage import migrated_database, opened, transactions_on


@pytest.fixture
async def transactions(tmp_path: Path) -> AsyncIterator[Transactions]:
    """Transactions on a database with all tables and no rows."""
    async with migrated_database("sqlite", tmp_path) as url, opened(url) as database:
        yield transactions_on(database)
