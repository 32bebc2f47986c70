"""A PostgreSQL that a test may stop and start: nobody else uses it."""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import postgres_server
from tests.support.postgres_server import Installation
from tests.support.session import free_port


@dataclass
class PrivatePostgres:
    """A server with one database."""

    base: Path
    installation: Installation
    port: int
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """The URL of its database."""
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/postgres"

    async def start(self) -> None:
        """Start it, with the data of last time."""
        self._process = postgres_server.launch(self.installation, self.base, self.port)
        await asyncio.to_thread(postgres_server.wait_until_ready, self.installation, self._process, self.port)

    async def stop(self) -> None:
        """Stop it; every connection ends."""
        if self._process is not None:
            await asyncio.to_thread(postgres_server.shut_down, self._process)
            self._process = None


@asynccontextmanager
async def private_postgres() -> AsyncIterator[PrivatePostgres]:
    """Yield a running server, and remove it afterwards."""
    base = Path(tempfile.mkdtemp(prefix="idp-private-pg-"))
    try:
        installation = await asyncio.to_thread(postgres_server.install, base)
        await asyncio.to_thread(postgres_server.create, installation, base)
        server = PrivatePostgres(base, installation, free_port())
        await server.start()
        try:
            yield server
        finally:
            await server.stop()
    finally:
        await asyncio.to_thread(shutil.rmtree, base, ignore_errors=True)
