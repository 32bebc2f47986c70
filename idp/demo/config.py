"""What a relying party must be told before it can sign anybody in."""

import json
from dataclasses import dataclass, fields
from urllib.parse import SplitResult, urlsplit


class ConfigError(ValueError):
    """The configuration cannot be used; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Config:
    """The demo's registration at the provider, and where the demo itself listens."""

    issuer: str  #: the provider, exactly as it names itself in its tokens
    client_id: str
    client_secret: str
    bind: str  #: host:port to listen on
    base_url: str  #: the address people use, without a path
    cookie_secret: str  #: signs the demo's session cookie

    @classmethod
    def from_json(cls, text: str) -> "Config":
        """Read one JSON object whose members are the fields of this class.

        Raises ConfigError for anything missing, unknown or unusable.
        """
        try:
            given = json.loads(text)
        except ValueError as error:
            raise ConfigError("standard input must hold one JSON object") from error
        names = {field.name for field in fields(cls)}
        if not isinstance(given, dict) or set(given) != names:
            raise ConfigError(f"the configuration must have exactly the members {', '.join(sorted(names))}")
        for name, value in given.items():
            if not isinstance(value, str) or not value:
                raise ConfigError(f"{name} must be a text")
        return cls(**given)

    def __post_init__(self) -> None:
        if not _is_web_address(urlsplit(self.issuer)):
            raise ConfigError("issuer must be an http or https address")
        base = urlsplit(self.base_url)
        if not _is_web_address(base) or base.path or base.query or base.fragment:
            raise ConfigError("base_url must be an http or https address without a path")
        host, _, port = self.bind.rpartition(":")
        if not host or not port.isdecimal():
            raise ConfigError("bind must be host:port")

    @property
    def host(self) -> str:
        """The host part of `bind`, IPv6 without its brackets."""
        return self.bind.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port part of `bind`."""
        return int(self.bind.rpartition(":")[2])

    @property
    def issuer_origin(self) -> str:
        """Scheme, host and port of the issuer."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to after they signed in."""
        return self.base_url + "/callback"

    @property
    def post_logout_redirect_uri(self) -> str:
        """Where the provider sends people back to after they signed out."""
        return self.base_url + "/signed-out"


def _is_web_address(address: SplitResult) -> bool:
    return address.scheme in {"http", "https"} and bool(address.netloc)
