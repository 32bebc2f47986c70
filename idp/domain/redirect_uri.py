"""Why a redirect URI may not be registered: one reason for each URI, told the same way to pages, API and commands.

Whether one may be is said by `is_safe_uri` and `is_private_use_uri`, at registration and at use; this only explains.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from idp.domain.client import LOOPBACK_HOSTS, MAX_URIS, is_private_use_uri, is_safe_uri

LONGEST = 2048


class UriFault(StrEnum):
    """What is wrong with a redirect URI."""

    NO_SCHEME = "no_scheme"
    TOO_LONG = "too_long"
    WILDCARD = "wildcard"
    FRAGMENT = "fragment"
    CHARACTERS = "characters"
    USER_INFO = "user_info"
    HTTP = "http"
    HOST = "host"
    NATIVE_ONLY = "native_only"
    NO_DOT = "no_dot"
    SLASHES = "slashes"
    DUPLICATE = "duplicate"
    TOO_MANY = "too_many"


SENTENCES: Mapping[UriFault, str] = {
    UriFault.NO_SCHEME: "begins with https:// and a host",
    UriFault.TOO_LONG: "is longer than 2048 characters",
    UriFault.WILDCARD: "has a wildcard; each address is registered by itself, since it is compared as a whole",
    UriFault.FRAGMENT: "has a fragment (#…), which no answer can be put behind",
    UriFault.CHARACTERS: "has a space, a backslash or another character that a URI cannot have",
    UriFault.USER_INFO: "has a name before an @, which hides the host that it leads to",
    UriFault.HTTP: "is http on a host that others can reach; use https (http is for 127.0.0.1, [::1] and localhost)",
    UriFault.HOST: "has a host or a port that cannot be read: lower-case letters, digits, dots and hyphens",
    UriFault.NATIVE_ONLY: "has a scheme of its own, which only native applications have",
    UriFault.NO_DOT: "has a scheme without a dot; take a domain of yours, reversed: org.example.app:/callback",
    UriFault.SLASHES: "has // behind its scheme; a scheme of your own takes one slash: org.example.app:/callback",
    UriFault.DUPLICATE: "stands there twice",
    UriFault.TOO_MANY: f"is one too many: {MAX_URIS} at most",
}


@dataclass(frozen=True, slots=True)
class UriRefused:
    """One of several URIs, by its place in the list, and what is wrong with it."""

    index: int
    fault: UriFault

    @property
    def sentence(self) -> str:
        """Return what to say of it, without its value."""
        return SENTENCES[self.fault]


def faults_of(uris: Sequence[str], *, is_native: bool) -> list[UriRefused]:
    """Return which of these URIs may not be registered together, each with its first fault, in their order."""
    found = []
    for index, uri in enumerate(uris):
        fault = fault_of(uri, is_native=is_native)
        if fault is None and uri in uris[:index]:
            fault = UriFault.DUPLICATE
        if fault is None and index >= MAX_URIS:
            fault = UriFault.TOO_MANY
        if fault is not None:
            found.append(UriRefused(index, fault))
    return found


def fault_of(uri: str, *, is_native: bool) -> UriFault | None:
    """Return what is wrong with a redirect URI by itself, None if it may be registered."""
    if is_safe_uri(uri) or (is_native and is_private_use_uri(uri)):
        return None
    for sign, fault in (("*", UriFault.WILDCARD), ("#", UriFault.FRAGMENT)):
        if sign in uri:
            return fault
    if len(uri) > LONGEST:
        return UriFault.TOO_LONG
    scheme, colon, rest = uri.partition(":")
    if not colon or not scheme or not scheme[0].isalpha() or not scheme.isascii():
        return UriFault.NO_SCHEME
    return _of_web(scheme, rest) if scheme.lower() in ("http", "https") else _of_scheme(scheme, rest, is_native)


def _of_web(scheme: str, rest: str) -> UriFault:
    if scheme != scheme.lower() or not rest.startswith("//"):
        return UriFault.NO_SCHEME
    authority = rest[2:].replace("?", "/").partition("/")[0]
    if "@" in authority:
        return UriFault.USER_INFO
    if not is_safe_uri(f"https://{authority}/"):
        return UriFault.HOST if authority.isprintable() and not set(' "<>\\^`{|}') & set(authority) else _CHARACTERS
    if scheme == "http" and _host(authority) not in LOOPBACK_HOSTS:
        return UriFault.HTTP
    return _CHARACTERS


def _host(authority: str) -> str:
    host = urlsplit(f"//{authority}").hostname or ""
    return f"[{host}]" if ":" in host else host


def _of_scheme(scheme: str, rest: str, is_native: bool) -> UriFault:
    if not is_native:
        return UriFault.NATIVE_ONLY
    if "." not in scheme:
        return UriFault.NO_DOT
    return UriFault.SLASHES if rest.startswith("//") else _CHARACTERS


_CHARACTERS = UriFault.CHARACTERS
