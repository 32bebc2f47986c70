"""The configurations that the console shows, tried with the programs themselves: openid-client and Apache."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, KeySet

from idp.domain.client import Profile
from idp.flows.admin.clients import client_of
from idp.web.admin.clients_snippets import connection
from tests.support.apache import MODULES, PROGRAM
from tests.support.back_office import BackOffice, Person
from tests.support.html_browser import HtmlBrowser

pytestmark = pytest.mark.xdist_group("foreign-clients")
REDIRECT_URI = "https://rp.example/callback"
HALF = "// At the redirect URI:"
WAIT = """
import { createInterface } from "node:readline";
console.log(url.href);
const answer = await new Promise((resolve) => createInterface({ input: process.stdin }).once("line", resolve));
const currentUrl = new URL(answer);
"""


async def snippet(office: BackOffice, name: str, **members: Any) -> str:
    """Return a configuration of a new client."""
    given = {"client_name": "Shop", "redirect_uris": [REDIRECT_URI], "scope": "openid profile email"} | members
    client, secret = await office.site.clients.create(given)
    found = connection(office.site, client_of(client), secret)
    return next(each.text for each in found.snippets if each.name == name)


async def running(folder: Path, text: str) -> asyncio.subprocess.Process:
    """Run a script beside the installed packages."""
    (folder / "node_modules").symlink_to(Path(__file__).parent / "node_modules")
    script = folder / "snippet.mjs"
    script.write_text(text)
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec("node", str(script), stdin=pipe, stdout=pipe, stderr=pipe)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt", "none"])
async def test_openid_client_signs_a_person_in_with_its_snippet(
    office: BackOffice, person: Person, browser: HtmlBrowser, tmp_path: Path, method: str
) -> None:
    text = await snippet(office, "openid_client", token_endpoint_auth_method=method)
    assert HALF in text
    process = await running(tmp_path, text.replace(HALF, WAIT) + "\nconsole.log(person.email);\nprocess.exit(0);\n")
    assert process.stdin is not None
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()

    page = await browser.leave(await browser.open(url, came_from_elsewhere=True))
    out, errors = await process.communicate(f"{page.location}\n".encode())

    assert out.decode().strip() == person.email, errors.decode()


async def test_openid_client_pushes_and_proves_a_key_with_its_snippet(
    office: BackOffice, person: Person, browser: HtmlBrowser, tmp_path: Path
) -> None:
    """A client of profile fapi2, as the console shows how to connect it; its private key is its own."""
    key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"})
    members = {"token_endpoint_auth_method": "private_key_jwt", "jwks": KeySet([key]).as_dict(private=False)}
    given = {"client_name": "Bank", "redirect_uris": [REDIRECT_URI], "scope": "openid profile email"} | members
    client, _secret = await office.site.clients.create(given, profile=Profile.FAPI2)
    found = connection(office.site, client_of(client))
    text = next(each.text for each in found.snippets if each.name == "openid_client")
    private = json.dumps({**key.as_dict(private=True), "alg": "ES256"})
    ended = "\nconsole.log(person.email, tokens.token_type);\nprocess.exit(0);\n"
    process = await running(tmp_path, f"const privateJwk = {private};\n" + text.replace(HALF, WAIT) + ended)
    assert process.stdin is not None
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    if not url:
        raise AssertionError((await process.communicate())[1].decode())

    page = await browser.leave(await browser.open(url, came_from_elsewhere=True))
    out, errors = await process.communicate(f"{page.location}\n".encode())

    assert "request_uri=urn" in url
    assert out.decode().split() == [person.email, "dpop"], errors.decode()


async def test_a_machine_gets_its_token_with_openid_client(office: BackOffice, tmp_path: Path) -> None:
    text = await snippet(
        office, "openid_client", redirect_uris=[], grant_types=["client_credentials"], scope="orders.read"
    )
    process = await running(tmp_path, text + "\nconsole.log(tokens.scope);\n")

    out, errors = await process.communicate()

    assert out.decode().strip() == "orders.read", errors.decode()


async def test_auth_js_can_be_parsed(office: BackOffice, tmp_path: Path) -> None:
    script = tmp_path / "auth.mjs"
    script.write_text(await snippet(office, "authjs"))

    checked = await asyncio.to_thread(subprocess.run, ["node", "--check", str(script)], capture_output=True)

    assert checked.returncode == 0, checked.stderr.decode()


@pytest.mark.parametrize(
    "members", [{}, {"redirect_uris": [], "grant_types": ["client_credentials"], "scope": "", "audiences": ["x"]}]
)
async def test_apache_takes_its_configuration(office: BackOffice, tmp_path: Path, members: dict[str, Any]) -> None:
    text = (await snippet(office, "mod_auth_openidc", **members)).replace("http://localhost", "https://localhost")
    needed = ("mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc")
    loaded = [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in needed]
    conf = tmp_path / "apache.conf"
    conf.write_text(
        "\n".join(
            [
                *loaded,
                "ServerName localhost",
                f"ServerRoot {tmp_path}",
                "Listen 127.0.0.1:1",
                f"ErrorLog {tmp_path}/error.log",
                text,
            ]
        )
    )

    checked = await asyncio.to_thread(
        subprocess.run, [PROGRAM, "-t", "-f", str(conf)], capture_output=True,
        env={"OIDC_CRYPTO_PASSPHRASE": "a long random text of your own"},
    )  # fmt: skip

    assert checked.returncode == 0, checked.stderr.decode()
