"""Error codes that Authlib lacks or words otherwise, and errors that must not be redirected."""

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.base import invalid_error_characters


class InvalidClient(OAuth2Error):  # type: ignore[misc]
    """Client authentication failed: one answer for unknown clients, wrong secrets and wrong methods (RFC 6749 §5.2)."""

    error = "invalid_client"
    description = "client authentication failed"
    status_code = 401

    def __init__(self, *, used_header: bool) -> None:
        """Challenge with Basic only whoever tried the Authorization header."""
        super().__init__()
        self._used_header = used_header

    def get_headers(self) -> list[tuple[str, str]]:
        """Return the headers of the JSON answer."""
        headers: list[tuple[str, str]] = super().get_headers()
        return [*headers, ("WWW-Authenticate", 'Basic realm="token"')] if self._used_header else headers


class InvalidTarget(OAuth2Error):  # type: ignore[misc]
    """No access token for this resource: unknown, malformed, not granted or not for this client (RFC 8707 §2)."""

    error = "invalid_target"


class InvalidDetails(OAuth2Error):  # type: ignore[misc]
    """Authorization details that are malformed, unknown, not granted or not for this client (RFC 9396 §5, §6)."""

    error = "invalid_authorization_details"


class TooManyRequests(OAuth2Error):  # type: ignore[misc]
    """Too many unknown codes or tokens from one network (RFC 6585 §4)."""

    error = "invalid_request"
    description = "too many requests with unknown codes or tokens"
    status_code = 429

    def get_headers(self) -> list[tuple[str, str]]:
        """Return the headers of the JSON answer."""
        headers: list[tuple[str, str]] = super().get_headers()
        return [*headers, ("Retry-After", "60")]


class PageError(Exception):
    """An authorization request that may not be redirected: shown as a page at our own URL (RFC 6749 §4.1.2.1)."""

    def __init__(self, error: str, description: str) -> None:
        """Keep the OAuth code and a sentence for whoever builds the client."""
        super().__init__(error)
        self.error = error
        self.description = description


class UnregisteredRedirect(PageError):
    """A request of a client that exists, with a redirect URI that is none of its own: told like an unknown client."""

    def __init__(self, unknown: PageError, client_id: str) -> None:
        """Keep the words for an unknown client, and which one it is, for whoever looks after it."""
        super().__init__(unknown.error, unknown.description)
        self.client_id = client_id


class RedirectError(Exception):
    """An authorization request that is refused at the client's own redirect URI."""

    def __init__(self, error: str, description: str) -> None:
        """Keep the OAuth code and a printable ASCII sentence."""
        super().__init__(error)
        self.error = error
        self.description = plain(description)


def plain(text: str) -> str:
    """Replace what an error_description may not contain (RFC 6749 §5.2)."""
    forbidden = set(invalid_error_characters(text))
    return "".join("?" if character in forbidden else character for character in text)
