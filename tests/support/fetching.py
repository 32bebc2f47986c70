"""The outside world for whoever fetches from it: a certificate authority, servers that misbehave, and a canary."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
DAY = timedelta(days=1)


def each(words: str) -> list[str]:
    """Return the words of a text, for tables that are too long for a line each."""
    return words.split()


@dataclass(frozen=True)
class Authority:
    """A certificate authority that nobody trusts unless told to."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def made(cls, folder: Path) -> "Authority":
        """Return a new one; `root.pem` in the folder is what to trust."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate("Test root", key.public_key(), "Test root", key, is_authority=True)
        (folder / "root.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(folder, key, certificate)

    @property
    def root(self) -> Path:
        """The file to trust."""
        return self.folder / "root.pem"

    def server_context(self, name: str) -> ssl.SSLContext:
        """Return what a server of that name speaks TLS with."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(name, key.public_key(), "Test root", self.key)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self.folder / f"{name}.pem"
        path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _certificate(
    name: str,
    public_key: ec.EllipticCurvePublicKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


@dataclass
class Outside:
    """A server on a loopback port; `seen` has the head of each request, `connections` counts all who knocked."""

    port: int = 0
    connections: int = 0
    seen: list[str] = field(default_factory=list)


@asynccontextmanager
async def outside(answer: Answer, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Outside]:
    """Serve on 127.0.0.1: read the head of a request, then answer as told."""
    server_side = Outside()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        server_side.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            server_side.seen.append((await reader.readuntil(b"\r\n\r\n")).decode())
            await answer(writer)
            await writer.drain()
        writer.close()
        tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    server_side.port = server.sockets[0].getsockname()[1]
    try:
        yield server_side
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def saying(
    body: bytes = b"hello", *, status: str = "200 OK", media_type: str | None = "text/plain", **headers: str
) -> Answer:
    """Return an answer with this body; headers are named with underscores."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if media_type is not None:
            given["content-type"] = media_type
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in given.items())]
        writer.write("\r\n".join([*lines, "connection: close", "", ""]).encode() + body)

    return answer
