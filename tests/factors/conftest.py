"""Factors run on the real stores, on SQLite and on PostgreSQL; time is what a test says it is."""

import pytest

from idp.domain.user import User
from idp.factors.catalog import Catalog
from idp.storage.stores import Stores
from tests.storage.conftest import (  # noqa: F401 - the same databases as in the tests of what is stored
    crowd,
    database,
    kind,
    one_postgres,
    stores,
    transactions,
    url,
    world,
)
from tests.support.builders import user
from tests.support.factors import catalog
from tests.support.storage import DIGESTER, World


@pytest.fixture
def factors() -> Catalog:
    """All factors of a deployment."""
    return catalog(DIGESTER)


@pytest.fixture
def person(world: World) -> User:  # noqa: F811
    """Somebody with an account."""
    return world.user


@pytest.fixture
async def other(stores: Stores) -> User:  # noqa: F811
    """Somebody else."""
    somebody = user()
    await stores.users.add(somebody)
    return somebody
