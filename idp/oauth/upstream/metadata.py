"""What another provider says of itself – OIDC Discovery §3, §4: fetched through the guard, and kept for a while.

Its document must name the issuer that the operator named, byte for byte; every endpoint is one that may be fetched.
Document and keys count for ten minutes, and while its host is down for an hour. Not here: clients' keys → remote_keys.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from idp.clock import Clock
from idp.domain.json import BadJson, Json, JsonObject, read_object
from idp.domain.upstream import Upstream
from idp.oauth.remote_keys import RemoteKeys
from idp.oauth.upstream.fault import UpstreamFault
from idp.providers.fetch.port import FetchDelayed, FetchRejected, Outbound

WELL_KNOWN = "/.well-known/openid-configuration"
FRESH = timedelta(minutes=10)
USABLE = timedelta(hours=1)
PAUSE = timedelta(seconds=10)  # between two tries at a host that is down
MOST = 200
LONGEST_URL = 2048
MEDIA_TYPES = frozenset({"application/json"})


@dataclass(frozen=True, slots=True)
class UpstreamMetadata:
    """What we need to know of another provider, with the member names of OIDC Discovery §3."""

    id: str
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    sends_iss: bool = False  # authorization_response_iss_parameter_supported, RFC 9207 §3
    assertion_algs: tuple[str, ...] = ()

    @property
    def jwks(self) -> JsonObject | None:
        """Return no keys: they are at `jwks_uri`."""
        return None


@dataclass(slots=True)
class _Kept:
    issuer: str
    metadata: UpstreamMetadata | None = None
    fetched_at: datetime | None = None
    failed: tuple[datetime, UpstreamFault] | None = None
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)


class UpstreamDirectory:
    """Other providers as one process knows them."""

    def __init__(self, fetch: Outbound, clock: Clock) -> None:
        """Start with none."""
        self._fetch = fetch
        self._clock = clock
        self._keys = RemoteKeys(fetch, clock)
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def metadata(self, upstream: Upstream, *, anew: bool = False) -> UpstreamMetadata:
        """Return what a provider says of itself, fetched now if it is old or `anew`; raise UpstreamFault."""
        kept = self._kept.get(upstream.id)
        if kept is None or kept.issuer != upstream.issuer:
            kept = self._kept[upstream.id] = _Kept(upstream.issuer)
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)
        self._kept.move_to_end(upstream.id)
        async with kept.fetching:  # of many people at once, one fetches and the others wait for it
            if anew or not self._is_within(kept, FRESH):
                await self._renew(upstream, kept, anew=anew)
        assert kept.metadata is not None, "a failure that leaves none was raised"
        return kept.metadata

    async def keys(self, metadata: UpstreamMetadata, kid: str | None) -> JsonObject:
        """Return a provider's keys, fetched anew if they are old or lack this one; raise UpstreamFault."""
        await self._keys.learn(metadata, kid)
        found = self._keys.of(metadata)
        if found is None:
            raise UpstreamFault("keys", "its keys cannot be had", is_away=True)
        return found

    def check(self, url: str) -> None:
        """Raise UpstreamFault for a URL that nobody is sent to and nothing is fetched from."""
        try:
            self._fetch.check(url)
        except FetchRejected as error:
            raise UpstreamFault("url", str(error)) from error

    def _is_within(self, kept: _Kept, age: timedelta) -> bool:
        return kept.fetched_at is not None and self._clock.now() < kept.fetched_at + age

    async def _renew(self, upstream: Upstream, kept: _Kept, *, anew: bool) -> None:
        now = self._clock.now()
        try:
            if not anew and kept.failed is not None and now < kept.failed[0] + PAUSE:
                raise UpstreamFault(kept.failed[1].reason, str(kept.failed[1]), is_away=kept.failed[1].is_away)
            metadata = await self._fetched(upstream)
        except UpstreamFault as fault:
            if kept.failed is None or now >= kept.failed[0] + PAUSE:
                kept.failed = (now, fault)
            if anew or not fault.is_away or not self._is_within(kept, USABLE):
                raise
        else:
            kept.metadata, kept.fetched_at, kept.failed = metadata, now, None

    async def _fetched(self, upstream: Upstream) -> UpstreamMetadata:
        try:
            fetched = await self._fetch.get(upstream.issuer.rstrip("/") + WELL_KNOWN, media_types=MEDIA_TYPES)
            document = read_object(fetched.body.decode(), max_depth=8)
        except FetchDelayed as error:
            raise UpstreamFault("metadata", str(error), is_away=True) from error
        except (FetchRejected, BadJson, UnicodeDecodeError) as error:
            raise UpstreamFault("metadata", str(error)) from error
        if document.get("issuer") != upstream.issuer:  # OIDC Discovery §4.3: else one could speak for another
            raise UpstreamFault("issuer", "its document names another issuer")
        return UpstreamMetadata(
            id=upstream.id,
            issuer=upstream.issuer,
            authorization_endpoint=self._endpoint(document, "authorization_endpoint"),
            token_endpoint=self._endpoint(document, "token_endpoint"),
            jwks_uri=self._endpoint(document, "jwks_uri"),
            userinfo_endpoint=self._endpoint(document, "userinfo_endpoint")
            if "userinfo_endpoint" in document
            else None,
            sends_iss=document.get("authorization_response_iss_parameter_supported") is True,
            assertion_algs=_words(document.get("token_endpoint_auth_signing_alg_values_supported")),
        )

    def _endpoint(self, document: Mapping[str, Json], name: str) -> str:
        url = document.get(name)
        if not isinstance(url, str) or len(url) > LONGEST_URL or "#" in url:
            raise UpstreamFault("metadata", f"its document has no {name}")
        self.check(url)
        return url


def _words(value: Json) -> tuple[str, ...]:
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()
