"""The options of client registration: who may register a client, and whose word about software counts."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field


class ClientRegistrationMode(StrEnum):
    """Who may register a client without an operator."""

    OFF = "off"
    TOKEN = "token"
    OPEN = "open"


class ImplicitAndHybrid(StrEnum):
    """Whether answers may carry tokens through the browser's address."""

    OFF = "off"
    ON = "on"


class ClientSettings(BaseModel):
    """How clients register themselves, and what they may register."""

    client_registration: ClientRegistrationMode = Field(
        ClientRegistrationMode.TOKEN,
        description="dynamic client registration: `off`, `token` (with an initial access token of yours) or `open`",
    )
    software_statement_issuers: Path | None = Field(
        None,
        description='JSON file with the issuers whose software statements are believed: `{ISSUER: {"keys": […]}, …}`',
    )
    mtls_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#\s]+(/[^?#\s]*[^/?#\s])?$",
        description="base URL of the listener that asks clients for certificates (RFC 8705); with the issuer's path",
    )
    tls_cert_file: Path | None = Field(
        None,
        description="PEM file with the certificate chain of a process that ends TLS itself, as at the mTLS URL",
    )
    tls_key_file: Path | None = Field(None, description="PEM file with its private key")
    tls_client_ca_file: Path | None = Field(
        None,
        description="PEM file of the roots that certificates of clients must lead to; asks each connection for one",
    )
    client_id_documents: str = Field(
        "off",
        pattern=r"^(on|off|[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(\s*,\s*[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?)*)$",
        description="clients whose id is the https URL of a document that describes them: `off`, a list of hosts (as "
        "`HOST` or `HOST:PORT`, comma-separated) or `on`",
    )
    implicit_and_hybrid: ImplicitAndHybrid = Field(
        ImplicitAndHybrid.OFF,
        description="`on` lets clients of profile oidc register response types other than `code`; for old clients only",
    )
