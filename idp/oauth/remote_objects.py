"""Request objects that a client keeps at a URL it registered – OIDC Core §6.2, RFC 9101 §5.2.

Fetched through the guard before a transaction begins, and never kept: whoever signed the object may have changed it.
"""

from idp.domain.client import Client
from idp.oauth.keyring import MAX_TOKEN
from idp.policy.profiles import rules_for
from idp.providers.fetch.port import Fetch, FetchDelayed, FetchRejected

MEDIA_TYPES = frozenset({"application/oauth-authz-req+jwt", "application/jwt", "text/plain"})


class RemoteObjects:
    """Fetches request objects."""

    def __init__(self, fetch: Fetch) -> None:
        """Fetch through the guard."""
        self._fetch = fetch

    async def fetch(self, client: Client, url: str) -> str | None:
        """Return what stands at a registered URL, asked for without its fragment; None if it is not to be had."""
        if not rules_for(client).objects_by_reference or url not in client.request_uris:
            return None
        try:
            fetched = await self._fetch.get(url.partition("#")[0], media_types=MEDIA_TYPES)
            text = fetched.body.decode("ascii").strip()
        except (FetchRejected, FetchDelayed, UnicodeDecodeError):
            return None
        return text if len(text) <= MAX_TOKEN else None
