"""The demo relying party as `make run` starts it: a process of its own, told its secret over standard input."""

import asyncio
import json
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.server import ServerFault, ServerProcess
from tests.support.session import clean_environment, free_port

START_SECONDS = 20
STOP_SECONDS = 10


@asynccontextmanager
async def running_demo(server: ServerProcess, *client_options: str) -> AsyncIterator[str]:
    """Register the demo at the server, run it, and yield the address of its home page.

    `client_options` are further options of `idp client create`.
    """
    port = free_port()
    base_url = f"http://localhost:{port}"
    grants = ("--grant", "authorization_code", "--grant", "refresh_token")
    logout = ("--post-logout-redirect-uri", f"{base_url}/signed-out")
    client = await server.create_client([f"{base_url}/callback"], *grants, *logout, *client_options, name="Demo")
    facts = {
        "issuer": server.issuer,
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
        "bind": f"127.0.0.1:{port}",
        "base_url": base_url,
        "cookie_secret": secrets.token_urlsafe(32),
    }
    process = subprocess.Popen([sys.executable, "-m", "idp.demo"], env=clean_environment(), stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps(facts).encode())
    process.stdin.close()
    try:
        await _wait_until_listening(process, port)
        yield base_url
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, STOP_SECONDS)


async def _wait_until_listening(process: "subprocess.Popen[bytes]", port: int) -> None:
    async with asyncio.timeout(START_SECONDS):
        while process.poll() is None:
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return
    raise ServerFault(f"the demo ended with {process.returncode}")
