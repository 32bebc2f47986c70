"""Response modes – OAuth 2.0 Multiple Response Types §2.1 and OAuth 2.0 Form Post Response Mode.

Carries success and error alike to the redirect URI by query, fragment or form_post; `iss` and `state` included.
Not here: which modes a client may use → policy/clients.py; the form_post page → templates/form_post.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from idp.domain.authorization import ResponseMode


@dataclass(frozen=True, slots=True)
class Delivery:
    """An authorization response on its way: a URL to redirect to, or fields for a self-posting page."""

    mode: ResponseMode
    redirect_uri: str
    fields: tuple[tuple[str, str], ...]

    @property
    def location(self) -> str:
        """Return the URL of a redirect; a registered query stays as it is (RFC 6749 §3.1.2)."""
        encoded = urlencode(self.fields)
        if self.mode is ResponseMode.FRAGMENT:
            return f"{self.redirect_uri}#{encoded}"
        return f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}{encoded}"


def deliver(
    mode: ResponseMode, redirect_uri: str, parameters: Sequence[tuple[str, str]], *, state: str | None
) -> Delivery:
    """Echo the state, if one was sent, and say how the parameters travel."""
    echoed = [("state", state)] if state is not None else []
    return Delivery(mode, redirect_uri, tuple([*parameters, *echoed]))
