"""KY08, KY11, KY14: stolen databases, lost master keys, files that others could read (ASVS 11.5, 13.3)."""

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from idp.settings import load
from tests.support.attacker import signed_in, tokens_for
from tests.support.client_auth import Basic
from tests.support.provider import MINUTE
from tests.support.session import clean_environment
from tests.support.target import MASTER_KEY, Target


async def test_ky08_everything_in_a_stolen_database_is_useless(either: Target) -> None:
    """Codes, tokens, cookies, secrets and links are stored as keyed digests: no value opens the door it belongs to."""
    rp, person = await either.client(), await either.person()
    opaque = await either.client(access_token_format="opaque")
    link = await either.site.users.administrator_link()
    browser = await signed_in(either, person)
    await browser.authorize(rp)
    used = [await tokens_for(either, rp, person), await tokens_for(either, opaque, person)]
    await rp.refresh(used[0].refresh_token)
    assert isinstance(rp.auth, Basic)
    secrets_ = [link, rp.auth.secret, person.password, browser.cookies["__Host-idp_session"]]
    secrets_ += [token for answer in used for token in (answer.access_token, answer.refresh_token)]

    stolen = await _dump(either)

    everything = "\x00".join(stolen)
    for secret in (*secrets_, str(person.user.email), person.username):
        assert secret not in everything
    for text in [value for value in stolen if 20 <= len(value) <= 100]:
        assert (await rp.redeem(text)).status == 400
        assert (await rp.refresh(text)).status == 400
        assert not await opaque.is_active(text)
        assert (await rp.post("token_endpoint", {"grant_type": "x"}, auth=Basic(text))).status == 401


async def _dump(provider: Target) -> list[str]:
    """Return every value of every table, bytes in the encodings in which tokens travel."""
    tables = (
        "codes", "grants", "sessions", "access_tokens", "clients", "credentials", "links", "users", "interactions",
        "events", "data_keys", "replays", "consents", "attempts",
    )  # fmt: skip
    values = [value for table in tables for row in await provider.rows(table) for value in row.values()]
    found = [value for value in values if isinstance(value, str)]
    for raw in (value for value in values if isinstance(value, bytes)):
        found += [base64.urlsafe_b64encode(raw).decode().rstrip("="), raw.hex(), raw.decode("latin-1")]
    return list(dict.fromkeys(found))


async def test_ky08_a_refresh_token_differs_from_its_sealed_copy(fresh: Target) -> None:
    rp = await fresh.client()
    first = await tokens_for(fresh, rp, await fresh.person())
    second = await rp.refresh(first.refresh_token)

    sealed = (await fresh.rows("grants"))[0]["sealed_successor"]

    assert second.refresh_token.encode() not in sealed
    fresh.clock.advance(2 * MINUTE)


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command with a database in this folder."""
    environment = clean_environment() | {
        "IDP_MODE": "test", "IDP_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/var/idp.sqlite3",
        "IDP_KEYS_DIR": str(folder / "keys"), "IDP_MASTER_KEY": MASTER_KEY, "IDP_BIND": "127.0.0.1:1",
    }  # fmt: skip
    given = {name: value for name, value in (environment | settings).items() if value}
    command = [sys.executable, "-m", "idp", *arguments]
    return subprocess.run(command, env=given, cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database and keys, made under an umask that would let everybody read."""
    folder = tmp_path_factory.mktemp("installed")
    previous = os.umask(0)
    try:
        done = run(folder, "db", "upgrade")
        assert done.returncode == 0, done.stderr
        done = run(folder, "keys", "list", "--json")
        assert done.returncode == 0, done.stderr
    finally:
        os.umask(previous)
    return folder


PRODUCTION = {"IDP_MODE": "production", "IDP_ISSUER": "https://id.example"}


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "IDP_MASTER_KEY is missing"),
        ("b3RoZXIgbWFzdGVyIGtleSwgYWxzbyAzMiBieXRlcyE", "does not open this database"),
        ("c2hvcnQ", "needs 32 random bytes"),
        ("A" * 43, "needs 32 random bytes"),
        ("!!!", "not base64url"),
    ],
)
def test_ky11_a_missing_or_wrong_master_key_stops_the_start(installed: Path, key: str, reason: str) -> None:
    before = sorted(path.name for path in (installed / "keys").iterdir())

    done = run(installed, "serve", IDP_MASTER_KEY=key, **PRODUCTION)

    assert done.returncode == 2
    assert reason in done.stderr
    assert key not in done.stderr or not key
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in (installed / "keys").iterdir()) == before


def test_ky14_files_are_for_their_owner_alone(installed: Path) -> None:
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in installed.rglob("*")}

    assert len([path for path in modes if path.suffix == ".key"]) >= 3
    for path, mode in modes.items():
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_ky14_a_crash_leaves_no_memory_behind() -> None:
    code = "import resource as r; from idp.cli import keep_private; keep_private(); print(*r.getrlimit(r.RLIMIT_CORE))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean_environment(), capture_output=True, text=True, timeout=60
    )

    assert done.stdout.split() == ["0", "0"], done.stderr


def test_ky14_settings_do_not_print_their_secrets() -> None:
    given = {
        "IDP_MASTER_KEY": MASTER_KEY, "IDP_METRICS_TOKEN": "metrics-canary",
        "IDP_DATABASE_URL": "postgresql+asyncpg://idp:password-canary@db/idp",
    }  # fmt: skip
    settings = load(environment=given)

    for shown in (repr(settings), str(settings), str(settings.master_key), f"{settings.metrics_token!r}"):
        assert not [secret for secret in (MASTER_KEY, "metrics-canary", "password-canary") if secret in shown]
