"""docs/mcp.md, followed to the letter: from nothing to a protected MCP server, an agent, and a call that goes on."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.client_auth import Public
from tests.support.fetching import Authority
from tests.support.hosted import Hosted, hosted
from tests.support.html_browser import HtmlBrowser
from tests.support.relying_party import Answer, RelyingParty
from tests.support.session import REPOSITORY, clean_environment, free_port, tail

pytestmark = pytest.mark.xdist_group("foreign-clients")
PAGE = (REPOSITORY / "docs" / "mcp.md").read_text()
START_SECONDS = 60
PASSWORD = "a tide of numbers"


@dataclass
class Reader:
    """Somebody who does what the page says, in a folder of their own, at other ports and hosts."""

    folder: Path
    website: Hosted
    environment: dict[str, str]
    places: dict[str, str]
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def block(self, language: str, beginning: str) -> str:
        """Return the one block of code on the page that begins so, with this reader's places in it."""
        found = [text for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.S) if text.startswith(beginning)]
        assert len(found) == 1, f"{len(found)} blocks begin with {beginning}"
        return self.here(found[0])

    def line(self, beginning: str) -> str:
        """Return the one indented line that begins so."""
        found = [line.strip() for line in PAGE.splitlines() if line.startswith(f"    {beginning}")]
        assert len(found) == 1, found
        return self.here(found[0])

    def here(self, text: str) -> str:
        """Put this reader's places in the place of the page's."""
        for theirs, ours in self.places.items():
            text = text.replace(theirs, ours)
        return text

    async def do(self, commands: str, **variables: str) -> list[str]:
        """Run commands in the shell, which must succeed, and return the lines that they print."""
        done = await asyncio.to_thread(
            subprocess.run, ["bash", "-euc", commands], cwd=self.folder, env={**self.environment, **variables},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout.splitlines()

    async def start(self, command: str, port: str) -> None:
        """Run a command that goes on, until it listens."""
        log = self.folder / f"{port}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                ["bash", "-c", re.sub(r"^((?:\w+=\S+ )*)", r"\1exec ", command)], cwd=self.folder,
                env=self.environment, stdout=file, stderr=file,
            )  # fmt: skip
        self.processes.append(process)
        async with asyncio.timeout(START_SECONDS):
            while True:
                assert process.poll() is None, tail(log)
                try:
                    _reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
                except ConnectionRefusedError:
                    await asyncio.sleep(0.1)
                    continue
                writer.close()
                return


@asynccontextmanager
async def reading(folder: Path) -> AsyncIterator[Reader]:
    """Prepare what the page takes for granted: commands on the path, an agent with a web server, a free port or two."""
    authority = await asyncio.to_thread(Authority.made, folder)
    idp = folder / "bin" / "idp"
    idp.parent.mkdir()
    idp.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m idp "$@"\n')
    idp.chmod(0o755)
    path = os.pathsep.join([str(idp.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    provider, server = str(free_port()), str(free_port())
    async with hosted(authority.server_context("localhost")) as website:
        environment = clean_environment() | {
            "PATH": path, "IDP_ISSUER": f"http://localhost:{provider}", "IDP_BIND": f"127.0.0.1:{provider}",
            "IDP_OUTBOUND_ALLOW": website.place, "IDP_OUTBOUND_CA_FILE": str(authority.root), "IDP_MODE": "dev",
        }  # fmt: skip
        places = {
            "localhost:8000": f"localhost:{provider}", "localhost:9000": f"localhost:{server}",
            "--port 9000": f"--port {server}", "https://agent.example": website.url(""),
        }  # fmt: skip
        reader = Reader(folder, website, environment, places)
        try:
            await reader.start(reader.line("IDP_CLIENT_ID_DOCUMENTS=on"), provider)
            yield reader
        finally:
            for process in reader.processes:
                process.terminate()
            for process in reader.processes:
                await asyncio.to_thread(process.wait, 20)


async def rpc(
    http: httpx2.AsyncClient, url: str, method: str, token: str | None = None, **params: Any
) -> httpx2.Response:
    """Call an MCP server over streamable HTTP."""
    headers = {"Accept": "application/json, text/event-stream"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return await http.post(url, json=body, headers=headers)


async def discover(http: httpx2.AsyncClient, url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Find the resource's metadata by its challenge, and its provider's by that (RFC 9728 §5, RFC 8414 §3)."""
    refused = await rpc(http, url, "initialize")
    assert refused.status_code == 401
    found = re.search(r'resource_metadata="([^"]+)"', refused.headers["www-authenticate"])
    assert found is not None
    resource = (await http.get(found[1])).json()
    issuer = resource["authorization_servers"][0]
    metadata = (await http.get(f"{issuer}/.well-known/oauth-authorization-server")).json()
    assert metadata["issuer"] == issuer
    return resource, metadata


async def allowed(reader: Reader, http: httpx2.AsyncClient, metadata: dict[str, Any], resource: str) -> Answer:
    """Go through an authorization as the agent and its person, who is told whose word there is about the agent."""
    client_id = json.loads(reader.block("json", "{"))["client_id"]
    rp = RelyingParty(http, metadata["issuer"], client_id, Public(), "http://127.0.0.1:45678/callback")
    async with HtmlBrowser(metadata["issuer"], username="ada", password=PASSWORD) as browser:
        asked = await rp.authorization_request(scope="tides.read", resource=resource)
        await browser.open(asked.url, came_from_elsewhere=True)
        page = await browser.sign_in()
        assert page.name == "consent", page.describe()
        assert page.text("client-vouched-by") == reader.website.place
        assert page.has("client-on-this-device")
        code = (await browser.finish(rp, page)).code
    return await rp.redeem(code, resource=resource)


async def test_the_page_leads_from_nothing_to_a_protected_server(tmp_path: Path) -> None:
    """RFC 9728, RFC 8414, RFC 8707, RFC 8693 and the client ID metadata document, as agents use them."""
    async with reading(tmp_path) as reader, httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        person = "--email ada@example.org --username ada --verified"
        await reader.do(f"printf %s '{PASSWORD}' | idp user create {person} --password-stdin")
        await reader.do(reader.block("sh", "idp admin do resources.create"))
        (tmp_path / "server.py").write_text(reader.block("python", "# server.py"))
        command = reader.line("uvicorn server:app")
        await reader.start(command, command.rpartition(" ")[2])
        url = reader.here("http://localhost:9000/mcp")

        told = await reader.do(reader.block("sh", "curl -si"))
        assert told[0].startswith("HTTP/1.1 401")
        assert reader.line("www-authenticate: ") in told
        listed = await reader.do(reader.block("sh", "curl -s http://localhost:9000/.well-known"))
        assert '"client_id_metadata_document_supported":true' in "".join(listed)

        document = reader.block("json", "{")
        reader.website.put("/mcp-client.json", document.encode())
        resource, metadata = await discover(http, url)
        assert (resource["resource"], metadata["client_id_metadata_document_supported"]) == (url, True)
        tokens = await allowed(reader, http, metadata, url)
        assert (tokens.status, tokens.body["expires_in"]) == (200, 300), tokens.text

        begun = await rpc(http, url, "initialize", tokens.access_token)
        assert begun.json()["result"]["serverInfo"]["name"] == "harbour"
        tools = (await rpc(http, url, "tools/list", tokens.access_token)).json()["result"]["tools"]
        said = await rpc(http, url, "tools/call", tokens.access_token, name=tools[0]["name"], arguments={})
        assert said.json()["result"]["content"][0]["text"].startswith("High water at noon, ")

        made = await reader.do(reader.block("sh", "idp admin do clients.create"))
        secret = json.JSONDecoder().raw_decode("\n".join(made))[0]["client_secret"]
        traded = await reader.do(reader.block("sh", "actor="), SECRET=secret, TOKEN=tokens.access_token)
        passed_on = json.loads("".join(traded))["access_token"]
        claims = (await RelyingParty(http, metadata["issuer"], "", Public()).decode(passed_on)).claims
        assert (claims["aud"], claims["act"]["sub"]) == ("https://tides.example", "harbour-tools")
        assert claims["sub"] in said.json()["result"]["content"][0]["text"]

        for token in (passed_on, tokens.access_token[:-4] + "AAAA", None):  # for another resource, forged, none
            assert (await rpc(http, url, "tools/list", token)).status_code == 401
