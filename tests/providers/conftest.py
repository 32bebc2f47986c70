"""Key stores for tests, and key pairs that are made once, since an RSA key takes its time."""

from pathlib import Path

import pytest
from hypothesis import settings

from idp.domain.json import JsonObject
from idp.providers.keystore.local import LocalKeyStore
from idp.providers.keystore.sealing import AesSealer

MASTER_KEY = bytes(range(32))

settings.register_profile("idp", deadline=None, database=None, derandomize=True)
settings.load_profile("idp")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> LocalKeyStore:
    """A key store that all tests share; nobody deletes what another made."""
    return LocalKeyStore(tmp_path_factory.mktemp("keys"), AesSealer([MASTER_KEY], purpose="keys"))


@pytest.fixture(scope="session")
def pairs(store: LocalKeyStore) -> dict[str, tuple[str, JsonObject]]:
    """A reference and public JWK of every kind."""
    return {kind: store.make(kind) for kind in ("RSA", "P-256", "Ed25519")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for keys that does not exist yet."""
    return tmp_path / "var" / "keys"
