"""Forms that make a secret: they lead to a page that shows it, once, to the session that made it."""

from collections.abc import Callable
from urllib.parse import urlencode

from starlette.responses import Response

from idp.domain.secret import make_secret
from idp.flows import shown_once
from idp.flows.admin.operation import I, O, Operation, Output
from idp.flows.shown_once import LONGEST, Place
from idp.web.admin.gate import Desk
from idp.web.authorize import see_other
from idp.web.site import site_of
from idp.wiring import Stores

TICKET = "once"


async def lead(
    desk: Desk, operation: Operation[I, O], secret: Callable[[O], str | None], path: Callable[[O], str],
    **given: object,
) -> Response:  # fmt: skip
    """Do an operation that makes a secret and lead to the page that shows it; raise Problem if it is refused."""
    done, shown = await do(desk, operation, secret, path, **given)
    return shown if shown is not None else desk.go(path(done))


async def do(
    desk: Desk, operation: Operation[I, O], secret: Callable[[O], str | None], path: Callable[[O], str],
    **given: object,
) -> tuple[O, Response | None]:  # fmt: skip
    """Do an operation; return what it gave, and the way to the page that shows the secret, if it made one."""
    site, ticket = site_of(desk.request), make_secret()

    async def keep(stores: Stores, output: Output) -> None:
        assert isinstance(output, operation.gives)
        if (text := secret(output)) is not None:
            await shown_once.keep(stores, site.digester, _place(desk, path(output), ticket), text, site.clock.now())

    done = await site.administration.call(operation, desk.caller, given, keep=keep)
    if secret(done) is None:
        return done, None
    return done, see_other(f"{site.settings.issuer}{path(done)}?{urlencode({TICKET: ticket})}")


async def read(desk: Desk) -> str | None:
    """Return the secret that this page is to show now, None if there is none or it was shown before."""
    ticket = desk.request.query_params.get(TICKET, "")
    if desk.request.method != "GET" or not 0 < len(ticket) <= LONGEST:
        return None
    site = site_of(desk.request)
    place = _place(desk, desk.request.scope["idp.path"], ticket)
    async with site.transactions.open(write=True, request_id=desk.visit.request_id) as stores:
        return await shown_once.read(stores, site.digester, place, site.clock.now())


def _place(desk: Desk, path: str, ticket: str) -> Place:
    return Place(desk.user.id, desk.session_id, path, ticket)
