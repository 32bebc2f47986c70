"""A process that ends TLS itself tells of clients' certificates (RFC 8705 §2, ASGI TLS extension)."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from idp import settings
from idp.cli.http_protocol import BoundedProtocol
from idp.cli.serve import tls_of

Key = ec.EllipticCurvePrivateKey


def issued(name: str, folder: Path, by: tuple[x509.Name, Key] | None) -> tuple[x509.Name, Key]:
    """Write a certificate and its key, signed by an authority or, without one, by itself; it is then an authority."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signer = by or (subject, key)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )  # fmt: skip
    (folder / f"{name}.pem").write_bytes(builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM))
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.key").write_bytes(text)
    return subject, key


@asynccontextmanager
async def listening(folder: Path, seen: list[Any]) -> AsyncIterator[str]:
    """Serve over TLS as `idp serve` would with these settings, and note each scope's extensions."""

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        seen.append(scope.get("extensions", {}).get("tls"))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    options = settings.load(environment={
        "IDP_MODE": "test", "IDP_TLS_CERT_FILE": str(folder / "server.pem"),
        "IDP_TLS_KEY_FILE": str(folder / "server.key"), "IDP_TLS_CLIENT_CA_FILE": str(folder / "authority.pem"),
    })  # fmt: skip
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=BoundedProtocol, lifespan="off", log_config=None, **tls_of(options))
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    try:
        yield f"https://localhost:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        await task


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Certificates: an authority, its server and client, and a client of nobody."""
    authority = issued("authority", tmp_path, None)
    issued("server", tmp_path, authority)
    issued("client", tmp_path, authority)
    issued("stranger", tmp_path, None)
    return tmp_path


async def ask(url: str, folder: Path, name: str | None) -> int:
    """Ask with a certificate, or without."""
    context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    if name is not None:
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    async with httpx2.AsyncClient(verify=context, trust_env=False) as http:
        return (await http.get(url)).status_code


async def test_a_certificate_is_told_and_none_is_needed(folder: Path) -> None:
    """Who has none is let in all the same: most endpoints ask for none."""
    seen: list[Any] = []
    async with listening(folder, seen) as url:
        assert [await ask(url, folder, name) for name in ("client", None)] == [204, 204]

    assert seen[0]["client_cert_chain"] == [(folder / "client.pem").read_text()]
    assert seen[1]["client_cert_chain"] == []


async def test_a_chain_that_does_not_hold_ends_the_connection(folder: Path) -> None:
    """RFC 8705 §2.1: only what leads to the operator's roots is believed."""
    seen: list[Any] = []
    async with listening(folder, seen) as url:
        with pytest.raises(httpx2.HTTPError):
            await ask(url, folder, "stranger")

    assert seen == []


def test_without_a_certificate_a_proxy_ends_tls() -> None:
    assert tls_of(settings.load(environment={"IDP_MODE": "test"})) == {}
