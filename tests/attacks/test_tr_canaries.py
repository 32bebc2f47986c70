"""TR19: nothing secret stands in the log at DEBUG, in the audit trail, or plain in the database (ASVS 16.2.5)."""

import base64
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.support.attacker import FORM
from tests.support.client_auth import Basic
from tests.support.html_browser import HtmlBrowser
from tests.support.relying_party import RelyingParty
from tests.support.served import Served, served

WRONG = "canary-wrong-password-7Gd2"


@pytest.fixture(scope="session")
async def talkative(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A server that logs everything it may."""
    async with served("sqlite", tmp_path_factory.mktemp("talkative"), log_level="DEBUG") as running:
        yield running


def spellings(secret: str) -> set[bytes]:
    """Return how a secret could look in a file."""
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {text.encode() for text in (secret, quote(secret), quote_plus(secret), encoded, json.dumps(secret)[1:-1])}


async def live(running: Served, rp: RelyingParty) -> list[str]:
    """Go through everything that handles secrets, rightly and wrongly, and return them all."""
    person = await running.office.person("canary-person-8Kq1")
    browser = running.browser(person)
    await browser.open((await rp.authorization_request()).url)
    page = await browser.submit("login-submit", username=person.username, password=WRONG)
    csrf = page.document.forms[0].hidden["csrf"]
    code = (await browser.finish(rp, await browser.sign_in())).code
    verifier = rp.codes[code].verifier
    tokens = await rp.redeem(code)
    renewed = await rp.refresh(tokens.refresh_token)
    assert isinstance(rp.auth, Basic)
    secrets_ = [
        person.password, WRONG, person.username, person.email, csrf, code, verifier, rp.auth.secret,
        tokens.access_token, tokens.refresh_token, tokens.id_token, renewed.access_token, renewed.refresh_token,
        f"{rp.client_id}:{rp.auth.secret}", await running.office.site.users.administrator_link(),
        *(cookie.value or "" for cookie in browser.cookies.jar),
    ]  # fmt: skip
    await misuse(running, rp, browser, secrets_)
    return secrets_


async def misuse(running: Served, rp: RelyingParty, browser: HtmlBrowser, secrets_: list[str]) -> None:
    """Send every secret where it does not belong, and let things break while it is on its way."""
    http, code, refresh_token = running.http, secrets_[5], secrets_[12]
    for secret in secrets_:
        await rp.redeem(secret)
        await rp.refresh(secret)
        await rp.introspect(secret)
        await rp.userinfo(secret)
        quoted = quote(secret, safe="")
        await http.get(f"{running.issuer}/{quoted}?token={quoted}&access_token={quoted}")
        await http.get(f"{running.issuer}/login/{quoted}")
        await http.get(
            f"{running.issuer}/authorize", params={"client_id": secret, "redirect_uri": secret, "state": secret}
        )
        await http.get(f"{running.issuer}/end_session", params={"id_token_hint": secret})
        await http.get(f"{running.issuer}/jwks", headers={"Authorization": f"Bearer {quoted}", "User-Agent": quoted})
        await http.post(f"{running.issuer}/token", content=f"{quoted}={quoted}&{quoted}", headers=FORM)
        await http.post(f"{running.issuer}/token", content=secret, headers={"Content-Type": "text/plain"})
        await http.request("BREW", f"{running.issuer}/token", headers={"Cookie": f"__Host-idp_session={quoted}"})
    for label in ("db.begin", "db.insert.events", "db.commit", "keystore.sign"):
        (running.hooks / "fail").write_text(label)
        await rp.redeem(code)
        await rp.refresh(refresh_token)


async def test_tr19_no_secret_is_in_log_trail_or_database(talkative: Served) -> None:
    rp = await talkative.client()

    secrets_ = await live(talkative, rp)

    log = talkative.server.log.read_bytes()
    trail = json.dumps([{name: str(value) for name, value in row.items()} for row in await talkative.rows("events")])
    stored = b"".join(path.read_bytes() for path in talkative.folder.glob("target.sqlite3*"))
    assert log.count(b'"event": "request"') > 100
    assert len(await talkative.rows("events")) > 20
    assert b"SQLite format 3" in stored
    for secret in secrets_:
        for spelling in spellings(secret):
            assert spelling not in log, secret
            assert spelling not in trail.encode(), secret
            assert spelling not in stored, secret
            assert spelling[::-1] not in stored, secret


@contextmanager
def renamed(database: Path, table: str, column: str) -> Iterator[None]:
    """Make our statements wrong for a while."""
    for change in (f"{column} TO gone", f"gone TO {column}"):
        with closing(sqlite3.connect(database, timeout=10)) as connection:
            connection.execute(f"ALTER TABLE {table} RENAME COLUMN {change}")
            connection.commit()
        if change.endswith("gone"):
            yield


async def test_tr19_a_fault_of_ours_shows_no_secret_either(talkative: Served) -> None:
    """A trace holds what the database was asked; its parameters must not stand in it."""
    rp = await talkative.client()
    code = (await talkative.codes(rp, 1))[0]
    with renamed(talkative.folder / "target.sqlite3", "grants", "refresh_digest"):
        answer = await rp.redeem(code)

    log = talkative.server.log.read_text()
    assert answer.status == 500
    assert answer.body == {"error": "server_error"}
    assert "Traceback" in log
    assert isinstance(rp.auth, Basic)
    for secret in (code, rp.codes[code].verifier, rp.auth.secret, rp.codes[code].parameters["nonce"]):
        assert secret not in log
        assert secret not in answer.text


async def test_tr19_every_line_of_the_log_is_one_json_object(talkative: Served) -> None:
    """No text from outside can begin a line or colour a terminal."""
    evil = 'x\r\n{"event":"forged"}\x1b[31m\u202e'
    for name in ("User-Agent", "Referer", "X-Request-Id"):
        await talkative.http.get(f"{talkative.issuer}/jwks", headers={name: quote(evil)})
    await talkative.http.get(f"{talkative.issuer}/{quote(evil)}", params={"state": evil})

    lines = talkative.server.log.read_text().splitlines()

    events = [json.loads(line) for line in lines]
    assert not [event for event in events if event.get("event") == "forged"]
    assert all(line.isascii() and line.isprintable() for line in lines)
