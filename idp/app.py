"""create_app: middleware from the outside in, routes, and what happens when a process starts and stops."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.types import ASGIApp

from idp.clock import Clock
from idp.flows.discovery import DiscoveryDocument
from idp.oauth.openid.discovery import Facts, Reading
from idp.settings import Settings
from idp.web.cookies import CookieJar
from idp.web.cors import Origins
from idp.web.errors import HANDLERS
from idp.web.middleware.limits import Limits
from idp.web.middleware.request_id import RequestId
from idp.web.middleware.security_headers import SecurityHeaders
from idp.web.routes import routes
from idp.web.static_files import read_static
from idp.wiring import Site, build

log = structlog.get_logger("app")


def create_app(settings: Settings, *, clock: Clock | None = None) -> ASGIApp:
    """Return the ASGI application; it opens the database when its lifespan starts."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        site = await build(settings, clock=clock)
        app.state.site = site
        await _make_ready(app, site)
        site.housekeeping.start()
        # What exists now lives as long as the process: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        log.info("ready", issuer=settings.issuer, mode=settings.mode.value)
        try:
            yield
        finally:
            await site.housekeeping.stop()
            await site.close()

    app = Starlette(routes=routes(is_dev=settings.is_dev), exception_handlers=HANDLERS, lifespan=lifespan)
    app.router.redirect_slashes = False
    app.state.jar = CookieJar(settings.is_secure)
    app.state.origins = Origins()
    app.state.static = read_static()
    wrapped: ASGIApp = SecurityHeaders(app, is_secure=settings.is_secure)
    wrapped = RequestId(wrapped)
    return Limits(wrapped, issuer=settings.issuer, trusted=settings.trusted_proxies, mtls_url=settings.mtls_url)


async def _make_ready(app: Starlette, site: Site) -> None:
    """Make keys at the first start and prepare the public documents."""
    await site.keys.ensure()
    await site.documents.drop_unlisted()
    await site.watch.refresh()
    await site.engine.keyring.refresh()
    settings = site.settings
    facts = Facts(
        settings.issuer, site.templates.locales, site.engine.rules.acrs, site.engine.offers,
        Reading(settings.docs_url, settings.policy_url, settings.terms_url), settings.mtls_url,
        registers_clients=site.registration is not None, takes_documents=site.engine.document_hosts.are_any,
    )  # fmt: skip
    app.state.discovery = DiscoveryDocument(site.transactions, site.watch, site.clock, facts)
    await app.state.discovery.current()
