"""The npm relying party as a process: tests/clients/installed/openid_client.mjs, told what to do line by line."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.session import REPOSITORY, clean_environment

FOLDER = REPOSITORY / "tests" / "clients" / "installed"
SCRIPT = FOLDER / "openid_client.mjs"
FIRST_WITH_WEB_CRYPTO = 20  # older ones need to be asked for what jose uses
ANSWER_SECONDS = 30
STOP_SECONDS = 10
LONGEST_LINE = 1024 * 1024


class ClientFault(Exception):
    """The relying party refused to go on; `error` is the OAuth code, if the provider gave one."""

    def __init__(self, fault: dict[str, Any]) -> None:
        super().__init__(f"{fault['name']} {fault['code']} {fault['error']}: {fault['message']}")
        self.error: str | None = fault["error"]
        self.code: str | None = fault["code"]


class NodeClient:
    """One relying party."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def tell(self, command: str, **options: Any) -> Any:
        """Let it do one thing and return what came out. Raises ClientFault."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"command": command, **options}).encode() + b"\n")
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._process.stdin.drain()
            line = await self._process.stdout.readline()
        assert line, f"the relying party ended during {command}"
        answer = json.loads(line)
        if "error" in answer:
            raise ClientFault(answer["error"])
        return answer["result"]


@asynccontextmanager
async def node_client() -> AsyncIterator[NodeClient]:
    """Start the relying party, and end it afterwards."""
    process = await asyncio.create_subprocess_exec(
        *node_command(),
        str(SCRIPT),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
        env=clean_environment(),
    )
    try:
        yield NodeClient(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()  # it ends when nobody can tell it anything more
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()


def node_command() -> list[str]:
    """Return how Node is started; fails with what to do if something is missing."""
    node = shutil.which("node")
    assert node is not None, "node is missing: run tests/clients/install.sh"
    assert Path(FOLDER, "node_modules").is_dir(), "npm packages are missing: run tests/clients/install.sh"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    is_old = int(version.removeprefix("v").split(".")[0]) < FIRST_WITH_WEB_CRYPTO
    return [node, "--experimental-global-webcrypto"] if is_old else [node]
