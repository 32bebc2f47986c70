"""What a registration points to: checked before anything is stored, fetched only through the guard.

Sector identifiers (OIDC Registration §5) must list every redirect URI. Logos are fetched once and served from our
origin. Key sets are not fetched here: a client's host may come up after its registration → oauth/remote_keys.py.
"""

from dataclasses import replace

from idp.domain.client import BadClient, Client
from idp.domain.image import MAX_LOGO, RASTER_TYPES, raster_type
from idp.domain.json import BadJson, read_json
from idp.providers.fetch.port import FetchDelayed, FetchRejected, Outbound

FETCHED = ("jwks_uri", "sector_identifier_uri", "logo_uri", "backchannel_logout_uri")
DEPENDING = frozenset({*FETCHED, "redirect_uris"})  # the members that what is fetched depends on
JSON_TYPES = frozenset({"application/json"})
Logo = tuple[bytes, str]


class Documents:
    """Fetches what registrations point to."""

    def __init__(self, fetch: Outbound) -> None:
        """Fetch through the guard only."""
        self._fetch = fetch

    async def gather(self, client: Client, before: Client | None = None) -> tuple[Client, Logo | None]:
        """Return the client as it can be stored, and its new logo; raise BadClient for a URL that may not be.

        A logo that cannot be had, or is no raster image, is left out; one that was fetched `before` is not again.
        """
        self._check(client)
        await self._check_sector(client)
        if client.logo_uri is None or (before is not None and before.has_logo and before.logo_uri == client.logo_uri):
            return client, None
        logo = await self.logo(client.logo_uri)
        return (client, logo) if logo is not None else (replace(client, logo_uri=None), None)

    def _check(self, client: Client) -> None:
        for name in FETCHED:
            url = getattr(client, name)
            if url is None:
                continue
            try:
                self._fetch.check(url)
            except FetchRejected as error:
                raise BadClient(f"{name} is not a public https URL") from error

    async def _check_sector(self, client: Client) -> None:
        if client.sector_identifier_uri is None:
            return
        try:
            fetched = await self._fetch.get(client.sector_identifier_uri, media_types=JSON_TYPES)
            listed = read_json(fetched.body.decode(), max_depth=4)
        except (FetchRejected, FetchDelayed, BadJson, UnicodeDecodeError) as error:
            raise BadClient("sector_identifier_uri cannot be fetched as a JSON array") from error
        if not isinstance(listed, list) or not set(client.redirect_uris) <= {uri for uri in listed if type(uri) is str}:
            raise BadClient("the document at sector_identifier_uri does not list every redirect URI")

    async def logo(self, url: str) -> Logo | None:
        """Return a raster image of a bearable size, None if there is none to be had."""
        try:
            image = (await self._fetch.get(url, media_types=RASTER_TYPES)).body
        except (FetchRejected, FetchDelayed):
            return None
        media_type = raster_type(image) if len(image) <= MAX_LOGO else None
        return (image, media_type) if media_type is not None else None
