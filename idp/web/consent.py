"""The consent page."""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.approval import Channel
from idp.domain.definitions import Definitions
from idp.domain.detail_type import DetailType
from idp.domain.json import JsonObject
from idp.flows import authorization, consent
from idp.flows.authorization import Outcome, Standing, Step, Stuck
from idp.flows.visit import Visit
from idp.web import csrf, pages
from idp.web.authorize import redirect_target, stuck, to_response, ui_locales
from idp.web.login import proceed, receive, stand
from idp.web.site import context_of, site_of, visit_of
from idp.wiring import Stores

TEMPLATES = {None: "consent/consent.html", Channel.DEVICE: "device/consent.html", Channel.CIBA: "ciba/consent.html"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A request of another device as its page shows it."""

    message: str | None
    address: str
    place: str
    asked_at: datetime


async def show(request: Request) -> Response:
    """Show what a client asks for, or go where this interaction really stands."""
    visit, _ = visit_of(request)
    standing = await stand(request, visit)
    if isinstance(standing, Stuck):
        return stuck(request, standing.why, standing.retry_path)
    if standing.step is not Step.CONSENT:
        return await proceed(request, visit)
    return _page(request, visit, standing)


def _page(request: Request, visit: Visit, standing: Standing) -> Response:
    asked, client, defined = standing.request, standing.client, site_of(request).engine.definitions.known
    assert asked is not None
    assert client is not None
    return pages.page(
        request,
        TEMPLATES[asked.approves.channel if asked.approves else None],
        brand_of=client,
        ui_locales=ui_locales(standing),
        form_target=redirect_target(standing),
        action=f"{site_of(request).settings.base_path}/consent/{standing.interaction.id}",
        csrf=csrf.token(request, visit, standing.interaction.id),
        client=pages.party(request, client, redirect_target(standing)),
        approval=_approval(request, standing),
        account=pages.account(standing.user),
        scopes=list(asked.scopes),
        scope_texts=defined.texts(asked.resources),
        resources=[(each.name, each.identifier) for name, each in defined.resources.items() if name in asked.resources],
        details=[_told(defined, each) for each in asked.details],
        claims=sorted(asked.extra_claims),
        remembered=standing.is_remembered,
    )


def _approval(request: Request, standing: Standing) -> Shown | None:
    """Return what the page says of the request of another device that is answered here."""
    approval = standing.request.approves if standing.request is not None else None
    if approval is None or standing.user is None:
        return None
    place = site_of(request).notices.place_of(approval.address, standing.user)
    return Shown(approval.message, approval.address, place, approval.asked_at)


def _told(defined: Definitions, detail: JsonObject) -> tuple[str, list[tuple[str, str]]]:
    """Return the sentence for what is asked for, and every value that it does not say (RFC 9396 §5)."""
    name = str(detail["type"])
    known = defined.detail_types.get(name) or DetailType("", name, {}, name)
    return known.line(detail), known.remaining(detail)


async def submit(request: Request) -> Response:
    """Take the person's answer; what is granted is the stored request, whatever the form says."""
    visit, fields, standing = await receive(request)
    if isinstance(standing, Stuck):
        return stuck(request, standing.why, standing.retry_path)
    site = site_of(request)
    if standing.step is not Step.CONSENT or not ("consent-allow" in fields or "consent-deny" in fields):
        return await proceed(request, visit)

    async def work(stores: Stores) -> Outcome | str:
        context = context_of(request, stores)
        now = await authorization.stand(context, visit, request.path_params["interaction"])
        if isinstance(now, Stuck):
            return now
        if "consent-deny" in fields:
            return await consent.deny(context, now)
        await consent.allow(context, now)
        return await authorization.resume(context, visit, now.interaction.id)

    return to_response(request, await site.transactions.run(work, write=True, request_id=visit.request_id))
