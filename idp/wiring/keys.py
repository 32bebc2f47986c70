"""The secrets of a deployment: master keys, data keys, signing keys, and the pepper of passwords."""

import hashlib
import os
from collections.abc import Mapping

from pydantic import SecretStr

from idp.domain.probe import Probe
from idp.domain.secret import SealBroken, base64url, random_bytes
from idp.factors.password import PasswordHasher
from idp.hooks import ProbedKeyStore
from idp.providers.keystore.local import LocalKeyStore
from idp.providers.keystore.port import KeyStore
from idp.providers.keystore.sealing import AesSealer
from idp.settings import BadSettings, Settings
from idp.storage.data_keys import DataKeyStore
from idp.storage.database import Database

DATA_KEYS = ("digest", "pepper", "pairwise")
MASTER_KEY_FILE = "master.key"


def master_keys(settings: Settings) -> tuple[bytes, ...]:
    """Return the master keys; in dev one is made at the first use and kept beside the signing keys.

    Raises BadSettings when there is none and none may be made.
    """
    given = settings.master_keys()
    if given:
        return given
    path = settings.keys_dir / MASTER_KEY_FILE
    if not settings.is_dev:
        raise BadSettings(["IDP_MASTER_KEY is missing; make one with: idp keys master"])
    settings.keys_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return settings.model_copy(update={"master_key": SecretStr(path.read_text().strip())}).master_keys()
    with os.fdopen(handle, "w") as file:
        file.write(base64url(random_bytes(32)))
    return master_keys(settings)


async def data_keys(database: Database, masters: tuple[bytes, ...]) -> Mapping[str, bytes]:
    """Return the deployment's data keys, made at the first use.

    Raises BadSettings if the master key does not open them. A key sealed under an older master key of the list is
    sealed anew under the first.
    """
    sealer = AesSealer(masters, purpose="data keys")
    async with database.transaction(write=True) as connection:
        store = DataKeyStore(connection)
        known = await store.all()
        for name in DATA_KEYS:
            if name not in known:
                await store.add(name, sealer.seal(random_bytes(32), place=f"data_keys|sealed|{name}"))
        opened: dict[str, bytes] = {}
        for name, sealed in (await store.all()).items():
            try:
                opened[name] = sealer.open(sealed, place=f"data_keys|sealed|{name}")
            except SealBroken as error:
                raise BadSettings(["IDP_MASTER_KEY does not open this database; was it changed?"]) from error
            if not sealer.is_current(sealed):
                await store.replace(name, sealer.seal(opened[name], place=f"data_keys|sealed|{name}"))
    return opened


def make_keystore(settings: Settings, masters: tuple[bytes, ...], probe: Probe | None) -> KeyStore:
    """Return where signing keys live."""
    local = LocalKeyStore(settings.keys_dir, AesSealer(masters, purpose="signing keys"))
    return local if probe is None else ProbedKeyStore(local, probe)


def make_hasher(settings: Settings, pepper: bytes, probe: Probe | None) -> PasswordHasher:
    """Return who hashes passwords."""
    return PasswordHasher(
        pepper,
        pepper_id=hashlib.sha256(pepper).hexdigest()[:8],
        rounds=settings.bcrypt_rounds,
        threads=settings.hash_threads or os.cpu_count() or 1,
        queue=settings.hash_queue,
        probe=probe,
    )
