"""Every option: its type, default and meaning. The only reader of the environment.

Options come from the environment (IDP_NAME), a `.env` file, or `--config FILE.toml` (names in lower case without
IDP_); the environment wins. A secret may also come as IDP_NAME_FILE. Unknown names are an error.
"""

import base64
import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from idp.account_settings import AccountSettings, Duration, Registration
from idp.adviser_settings import ADVISER_SECRETS, AdviserSettings
from idp.client_settings import ClientSettings
from idp.message_settings import MESSAGE_SECRETS, MessageSettings
from idp.password_settings import PasswordSettings
from idp.risk_settings import RiskSettings

PREFIX = "IDP_"
CONFIG_VARIABLE = "IDP_CONFIG"
_NOT_OPTIONS = frozenset({CONFIG_VARIABLE, "IDP_TEST_BROWSER", "IDP_TEST_DATABASE_URL"})
MASTER_KEY_BYTES = 32


class BadSettings(Exception):
    """The configuration cannot be used; `faults` has one line for each thing that is wrong."""

    def __init__(self, faults: list[str]) -> None:
        """Keep one line per fault."""
        super().__init__("; ".join(faults))
        self.faults = faults


class Mode(StrEnum):
    """`dev` for one's own machine, `test` for test runs, `production` for everybody else."""

    DEV = "dev"
    TEST = "test"
    PRODUCTION = "production"


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


def _networks(text: object) -> object:
    if not isinstance(text, str):
        return text
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _words(text: object) -> object:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if isinstance(text, str) else text


def _issuer(text: object) -> object:
    if not isinstance(text, str):
        return text
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must be an http(s) URL without user, query and fragment")
    if text.endswith("/") or text != text.strip() or text.lower()[: len(parts.scheme)] != parts.scheme:
        raise ValueError("must not end with a slash")
    return text


Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_networks)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Issuer = Annotated[str, BeforeValidator(_issuer)]


class Settings(MessageSettings, PasswordSettings, AccountSettings, ClientSettings, AdviserSettings, RiskSettings):
    """All options of one process; immutable once read."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    mode: Mode = Field(Mode.PRODUCTION, description="`dev`, `test` or `production`")
    issuer: Issuer = Field("http://localhost:8000", description="issuer URL; may carry a path")
    bind: str = Field(
        "127.0.0.1:8000", pattern=r"^(\[[0-9a-fA-F:]+\]|[^:\s]+):[0-9]{1,5}$", description="where to listen"
    )
    workers: int = Field(1, ge=1, le=256, description="server processes; in production one for each core by default")
    database_url: str = Field(
        "sqlite+aiosqlite:///var/idp.sqlite3",
        pattern=r"^(sqlite|postgresql)",
        repr=False,  # it may hold a password
        description="SQLite or PostgreSQL",
    )
    database_pool: int = Field(10, ge=2, le=200, description="database connections of one worker")
    keys_dir: Path = Field(Path("keys"), description="folder of the local signing keys")
    master_key: SecretStr | None = Field(
        None,
        description="32 bytes, base64url; seals keys and personal data. A comma-separated list rotates: the first one "
        "seals, all open. Made on first use in dev",
    )
    trusted_proxies: Networks = Field((), description="networks whose Forwarded and X-Forwarded-* headers count")
    allow_console_messages: bool = Field(False, description="lets production print messages to its console")
    bcrypt_rounds: int = Field(12, ge=4, le=16, description="cost of a password hash; below 10 refused in production")
    hash_threads: int = Field(0, ge=0, le=256, description="threads that hash passwords; 0 means one for each core")
    hash_queue: int = Field(
        64, ge=0, le=10000, description="sign-ins that may wait for a thread before 503 is answered"
    )
    rate_limits: Switch = Field(Switch.ON, description="`off` for load and conformance runs, refused in production")
    test_hooks: Path | None = Field(None, description="folder with fault hooks; mode `test` only")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="least severe log line written")
    metrics_token: SecretStr | None = Field(None, description="bearer token that opens /metrics from anywhere")
    brand_name: str = Field(
        "", max_length=60, description="your product's name on the pages; the issuer's host if empty"
    )
    brand_logo: Path | None = Field(None, description="PNG, JPEG or WebP file shown beside the name")
    brand_color: str | None = Field(None, pattern="^#[0-9a-fA-F]{6}$", description="accent colour of the pages")
    drain: Duration = Field(timedelta(seconds=30), description="how long a stopping server finishes what it has begun")
    docs_url: str | None = Field(None, description="URL of documentation for client developers, for the metadata")
    policy_url: str | None = Field(None, description="URL of what clients may do with data, for the metadata")
    terms_url: str | None = Field(None, description="URL of the terms of service for clients, for the metadata")

    @property
    def is_dev(self) -> bool:
        """Say whether development helpers (mailbox, first keys, insecure issuer) are allowed."""
        return self.mode in (Mode.DEV, Mode.TEST)

    @property
    def is_secure(self) -> bool:
        """Say whether browsers reach us over TLS."""
        return self.issuer.startswith("https://")

    @property
    def base_path(self) -> str:
        """Return the issuer's path, empty when it has none."""
        return urlsplit(self.issuer).path

    def master_keys(self) -> tuple[bytes, ...]:
        """Return the master keys, the sealing one first; raise BadSettings if one is not 32 bytes."""
        if self.master_key is None:
            return ()
        try:
            keys = tuple(_decode(text.strip()) for text in self.master_key.get_secret_value().split(","))
        except ValueError as error:
            raise BadSettings([f"{PREFIX}MASTER_KEY is not base64url without padding"]) from error
        if any(len(key) != MASTER_KEY_BYTES or len(set(key)) < 8 for key in keys):
            raise BadSettings([f"{PREFIX}MASTER_KEY needs 32 random bytes"])
        return keys


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


SECRETS = ("master_key", "metrics_token", "database_url", *MESSAGE_SECRETS, *ADVISER_SECRETS)


def load(
    *, config: Path | None = None, mode: str | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Read all options; raise BadSettings with every fault found.

    `mode` is what the command implies (`idp dev`); an explicit IDP_MODE wins.
    """
    env = os.environ if environment is None else environment
    config = config or (Path(env[CONFIG_VARIABLE]) if CONFIG_VARIABLE in env else None)
    faults: list[str] = []
    given = _from_file(config, faults) | _from_env(_dotenv(faults) if environment is None else {}, faults)
    given |= _from_env(env, faults)
    given.setdefault("mode", mode or Mode.PRODUCTION.value)
    for name, value in _defaults(str(given["mode"])).items():
        given.setdefault(name, value)
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise BadSettings(faults + [_fault(item) for item in error.errors()]) from None
    faults += settings.message_faults()
    if faults:
        raise BadSettings(faults)
    return settings


def _defaults(mode: str) -> dict[str, Any]:
    if mode in (Mode.DEV, Mode.TEST):
        return {"mail": "mailbox", "sms": "mailbox", "registration": Registration.OPEN}
    return {"workers": os.cpu_count() or 1}


def _from_file(config: Path | None, faults: list[str]) -> dict[str, Any]:
    if config is None:
        return {}
    try:
        values = tomllib.loads(config.read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.append(f"{config}: {error}")
        return {}
    return {name: value if not isinstance(value, list) else ",".join(map(str, value)) for name, value in values.items()}


def _dotenv(faults: list[str]) -> dict[str, str]:
    from dotenv import dotenv_values

    try:
        return {name: value for name, value in dotenv_values(".env").items() if value is not None}
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f".env: {error}")
        return {}


def _from_env(env: Mapping[str, str], faults: list[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, value in env.items():
        if not name.startswith(PREFIX) or name in _NOT_OPTIONS:
            continue
        option = name[len(PREFIX) :].lower()
        if option.endswith("_file") and option[:-5] in SECRETS:
            try:
                given[option[:-5]] = Path(value).read_text().strip()
            except OSError as error:
                faults.append(f"{name}: {error}")
        elif option in Settings.model_fields:
            given[option] = value
        else:
            faults.append(f"{name} is not an option (see docs/settings.md)")
    return {name: value for name, value in given.items() if value != ""}


def _fault(item: Any) -> str:
    name = ".".join(str(part) for part in item["loc"])
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        return f"{name} is not an option (see docs/settings.md)"
    return f"{PREFIX}{name.upper()}: {message}"


def production_faults(settings: Settings) -> list[str]:
    """Return why these settings may not serve people, one line for each fault; nothing outside production."""
    if settings.mode is not Mode.PRODUCTION:
        return (
            [f"{PREFIX}TEST_HOOKS works in mode test only"] if settings.test_hooks and settings.mode is Mode.DEV else []
        )
    console = {"console", "mailbox"}
    checks = (
        (not settings.is_secure, f"{PREFIX}ISSUER must be an https URL"),
        (settings.master_key is None, f"{PREFIX}MASTER_KEY is missing; make one with: idp keys master"),
        (
            settings.mail in console and not settings.allow_console_messages,
            f"{PREFIX}MAIL={settings.mail} does not reach people; set {PREFIX}ALLOW_CONSOLE_MESSAGES=1 if you mean it",
        ),
        (
            settings.sms in console and not settings.allow_console_messages,
            f"{PREFIX}SMS={settings.sms} does not reach people; set {PREFIX}ALLOW_CONSOLE_MESSAGES=1 if you mean it",
        ),
        (settings.test_hooks is not None, f"{PREFIX}TEST_HOOKS works in mode test only"),
        (settings.bcrypt_rounds < 10, f"{PREFIX}BCRYPT_ROUNDS must be at least 10"),
        (settings.rate_limits is Switch.OFF, f"{PREFIX}RATE_LIMITS must be on"),
        ("AUTHLIB_INSECURE_TRANSPORT" in os.environ, "AUTHLIB_INSECURE_TRANSPORT must not be set"),
    )
    return [fault for failed, fault in checks if failed]


def hand_down(*, config: Path | None, mode: str | None) -> None:
    """Leave to worker processes, in the environment, what the command line said."""
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config.absolute())
    if mode is not None:
        os.environ.setdefault(f"{PREFIX}MODE", mode)
