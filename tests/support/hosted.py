"""A client's own web server: documents by path, changed at will, and a note of every request that came."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


@dataclass
class Hosted:
    """What the server has; a path that it has not is 404, and while it is `down` no request is answered."""

    port: int = 0
    down: bool = False
    scheme: str = "http"
    host: str = "127.0.0.1"
    headers: dict[str, str] = field(default_factory=dict)
    documents: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Host and port, as an operator allows them."""
        return f"{self.host}:{self.port}"

    def url(self, path: str) -> str:
        """Return the URL of a path."""
        return f"{self.scheme}://{self.place}{path}"

    def put(self, path: str, body: bytes, media_type: str = "application/json") -> str:
        """Serve a document from now on, and return its URL."""
        self.documents[path] = (media_type, body)
        return self.url(path)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
            self.asked.append(path)
            if not self.down:
                status = "200 OK" if path in self.documents else "404 Not Found"
                media_type, body = self.documents.get(path, ("text/plain", b"no"))
                more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
                head = f"HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\n{more}connection: close\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def hosted(tls: ssl.SSLContext | None = None) -> AsyncIterator[Hosted]:
    """Serve on a loopback port until the block ends; with `tls`, a certificate for localhost, over https."""
    site = Hosted() if tls is None else Hosted(scheme="https", host="localhost")
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
