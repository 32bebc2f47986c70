"""Imports point down, and each library lives in its own room (docs/architecture.md)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

IDP = Path(__file__).parents[2] / "idp"
FLOORS: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("cli",),
    ("app",),
    ("web",),
    ("wiring",),
    ("hooks", "password_wiring"),
    ("flows",),
    ("oauth",),
    ("factors", "risk", "messages"),
    ("storage", "providers"),
    ("policy",),
    ("domain",),
    ("templating",),
    ("settings", "clock", "resources", "logs", "metrics"),
    ("risk_settings",),
    ("account_settings", "adviser_settings", "client_settings", "message_settings", "password_settings"),
)
# Strangers to everybody: a relying party that shares nothing with the provider but the wire.
STRANGERS = frozenset({"demo"})
LEVEL = {room: level for level, rooms in enumerate(reversed(FLOORS)) for room in rooms}

# Library → the only modules that may import it, as prefixes.
HOMES: dict[str, tuple[str, ...]] = {
    "authlib": ("oauth", "demo"),
    "joserfc": ("oauth", "providers/keystore", "demo"),
    "starlette": ("web", "app", "cli/serve", "demo"),
    "sqlalchemy": ("storage", "oauth/bridge"),
    "maxminddb": ("providers/geo",),
    "jinja2": ("templating", "demo"),
    "markupsafe": ("templating",),
    "babel": ("templating",),
    "alembic": ("storage/schema", "cli"),
    "uvicorn": ("cli", "demo"),
    "click": ("cli",),
    "bcrypt": ("factors/password", "factors/foreign_hashes/blowfish"),
    "zxcvbn": ("factors/password",),
    "idp_guard": ("demo",),
    "httpx2": ("providers/fetch", "providers/sms/twilio", "providers/adviser/openai", "demo"),
    "openai": ("providers/adviser/openai",),
    "aiosmtplib": ("providers/mail/smtp",),
    "sendgrid": ("providers/mail/sendgrid",),
    "python_http_client": ("providers/mail/sendgrid",),
    "pydantic": (
        "settings",
        "account_settings",
        "adviser_settings",
        "client_settings",
        "message_settings",
        "password_settings",
        "risk_settings",
        "wiring",
        "flows/admin",
    ),
    "scim2_models": ("flows/admin/scim", "web/scim"),
    "prometheus_client": ("metrics",),
    "secrets": ("domain/secret", "demo"),
    "random": (),
    "uuid": (),
}
POLICY_MAY_NOT = frozenset({"clock", "settings"})


def modules() -> list[Path]:
    return sorted(path for path in IDP.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(IDP).with_suffix("").as_posix().removesuffix("/__init__")


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_used_by(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports_of(path) if name.startswith("idp.")}


def test_every_first_level_module_has_a_floor() -> None:
    present = {name_of(path).split("/")[0] for path in modules()} - {"", "."}

    assert present - STRANGERS - {"__init__"} <= LEVEL.keys()


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_point_down(path: Path) -> None:
    room = name_of(path).split("/")[0]
    used = rooms_used_by(path) - {room}
    if room in STRANGERS:
        assert not used
        return
    for other in used:
        assert other not in STRANGERS, f"{name_of(path)} imports the stranger {other}"
        if room in LEVEL and other in LEVEL:
            assert LEVEL[other] < LEVEL[room], f"{name_of(path)} imports {other}, which is not below it"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_each_library_stays_in_its_room(path: Path) -> None:
    name = name_of(path)
    for used in {imported.split(".")[0] for imported in imports_of(path)}:
        homes = HOMES.get(used)
        assert homes is None or name.startswith(homes), f"{name} imports {used}"


@pytest.mark.parametrize(
    "path", [path for path in modules() if name_of(path).startswith(("policy", "domain"))], ids=name_of
)
def test_policy_and_domain_take_time_and_options_as_arguments(path: Path) -> None:
    assert not rooms_used_by(path) & POLICY_MAY_NOT


@pytest.mark.parametrize("path", [path for path in modules() if name_of(path).startswith("web")], ids=name_of)
def test_web_decides_nothing_and_writes_no_sql(path: Path) -> None:
    assert not rooms_used_by(path) & {"policy", "storage", "providers"}


@pytest.mark.parametrize(
    "path", [path for path in modules() if name_of(path).startswith("oauth/extensions/")], ids=name_of
)
def test_extensions_never_import_their_siblings(path: Path) -> None:
    assert not [name for name in imports_of(path) if name.startswith("idp.oauth.extensions")]


CLOUDS = frozenset(
    {
        "idp.providers.adviser.openai",
        "idp.providers.mail.smtp",
        "idp.providers.mail.sendgrid",
        "idp.providers.sms.twilio",
    }
)
VENDORS = CLOUDS | {"idp.providers.keystore.local", "idp.providers.mail.console"}


def test_only_wiring_imports_vendors() -> None:
    for path in modules():
        if not name_of(path).startswith("wiring") and not name_of(path).startswith("providers"):
            assert not VENDORS & set(imports_of(path)), name_of(path)


def test_a_vendor_that_was_not_chosen_is_not_loaded() -> None:
    """Wiring names it inside the function that makes it."""
    top = [node for path in (IDP / "wiring").glob("*.py") for node in ast.parse(path.read_text()).body]
    named = {node.module for node in top if isinstance(node, ast.ImportFrom)}

    assert not CLOUDS & named


def calls(path: Path, wanted: set[str]) -> bool:
    tree = ast.parse(path.read_text())
    return any(isinstance(node, ast.Attribute) and ast.unparse(node) in wanted for node in ast.walk(tree))


def test_only_the_clock_reads_the_time_and_only_settings_read_the_environment() -> None:
    for path in modules():
        name = name_of(path)
        if name != "clock" and not name.startswith("demo"):
            assert not calls(path, {"datetime.now", "datetime.utcnow", "time.time"}), name
        if name not in ("settings", "metrics", "cli/serve") and not name.startswith("demo"):
            assert not calls(path, {"os.environ", "os.getenv"}), name


def test_the_deprecated_jose_of_authlib_is_never_used() -> None:
    """joserfc is used directly; authlib.jose goes away."""
    for path in modules():
        assert not [name for name in imports_of(path) if name.startswith("authlib.jose")], name_of(path)
