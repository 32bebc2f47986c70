"""The HTTP request as the protocol sees it, and as Authlib reads it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749 import OAuth2Payload

from idp.domain.certificate import ClientCertificate
from idp.domain.tokens import Confirmation

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """Method, headers (lower-case names) and decoded parameters; `address` is the client's network address.

    `path` is the path behind the issuer's. `certificate` is the client's, if the connection had one.
    """

    method: str
    headers: Mapping[str, str]
    query: Pairs
    form: Pairs
    address: str
    request_id: str | None = None
    path: str = ""
    certificate: ClientCertificate | None = None


def bearer_token(header: str | None) -> str | None:
    """Return the token of an Authorization header of the scheme Bearer, None for any other (RFC 6750 §2.1)."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint says; a mapping becomes JSON."""

    status: int
    body: Mapping[str, Any] | bytes | None
    headers: Sequence[tuple[str, str]] = field(default=())


def first_repeated(pairs: Pairs, *, except_for: frozenset[str] = frozenset()) -> str | None:
    """Return a parameter that was sent more than once (RFC 6749 §3.1), None if there is none."""
    seen: set[str] = set()
    for name, _value in pairs:
        if name in seen and name not in except_for:
            return name
        seen.add(name)
    return None


class Payload(OAuth2Payload):  # type: ignore[misc]
    """Parameters for Authlib; one without a value counts as absent (RFC 6749 §3.1)."""

    def __init__(self, pairs: Pairs) -> None:
        """Keep the values; repeats were refused before."""
        self._values = {name: value for name, value in pairs if value}

    @property
    def data(self) -> dict[str, str]:
        """Return the value of each parameter."""
        return self._values

    @property
    def datalist(self) -> "defaultdict[str, list[str]]":
        """Return the values of each parameter as a list."""
        return defaultdict(list, {name: [value] for name, value in self._values.items()})


class ProtocolRequest(OAuth2Request):  # type: ignore[misc]
    """A POST to the token, introspection or revocation endpoint: only the body counts, never the query."""

    def __init__(self, http: HttpRequest, issuer_path: str) -> None:
        """Wrap the request; the URI handed to Authlib is ours, whatever the Host header said."""
        # Authlib insists on https; TLS is checked where the issuer is configured, not per request.
        super().__init__(http.method, f"https://issuer.invalid{issuer_path}", headers=http.headers)
        self.http = http
        self.confirmation: Confirmation | None = None  # the key that this very request proved
        self.payload = Payload(http.form)

    @property
    def args(self) -> dict[str, str]:
        """Return nothing: credentials and tokens in a URL end up in logs (RFC 6749 §3.2)."""
        return {}

    @property
    def form(self) -> dict[str, str]:
        """Return the body's parameters."""
        data: dict[str, str] = self.payload.data
        return data
