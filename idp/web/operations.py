"""For whoever runs the server: liveness, readiness, metrics, and the development mailbox."""

from hmac import compare_digest
from ipaddress import ip_address
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp import metrics
from idp.oauth.keyring import NoSigningKey
from idp.web import pages
from idp.web.site import address_of, site_of
from idp.wiring import DatabaseAway

NO_STORE = {"cache-control": "no-store"}


async def live(_request: Request) -> Response:
    """Say that the process answers."""
    return JSONResponse({"status": "live"}, headers=NO_STORE)


async def ready(request: Request) -> Response:
    """Say whether database, keys and schema are right; 503 with reasons when they are not."""
    site = site_of(request)
    faults: dict[str, str] = {}
    try:
        await site.watch.refresh()
        snapshot = await site.engine.keyring.refresh()
        if not snapshot.active:
            faults["keys"] = "there is no active signing key"
    except DatabaseAway as error:
        faults["database"] = str(error)
    except NoSigningKey as error:
        faults["keys"] = str(error)
    status = 503 if faults else 200
    return JSONResponse({"status": "unready" if faults else "ready", "faults": faults}, status, headers=NO_STORE)


async def exposition(request: Request) -> Response:
    """Return the metrics to this machine or to whoever knows the token."""
    token = site_of(request).settings.metrics_token
    header = request.headers.get("authorization", "")
    has_token = token is not None and compare_digest(header.encode(), f"Bearer {token.get_secret_value()}".encode())
    if not has_token and not _is_loopback(address_of(request)):
        raise HTTPException(404)
    return Response(metrics.exposition(), headers={**NO_STORE, "content-type": metrics.CONTENT_TYPE})


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


async def mailbox(request: Request) -> Response:
    """Show every mail and SMS that was sent, in development."""
    sent = await _sent(request)
    return pages.page(request, "dev/mailbox.html", messages=sent)


async def mailbox_json(request: Request) -> Response:
    """Return what was sent to one address, or to all, as JSON."""
    to = request.query_params.get("to")
    sent = [message for message in await _sent(request) if to is None or message["to"] == to]
    listed = [{**message, "sent_at": message["sent_at"].isoformat()} for message in sent]
    return JSONResponse(listed, headers=NO_STORE)


async def _sent(request: Request) -> list[dict[str, Any]]:
    site = site_of(request)
    async with site.transactions.open(write=False) as stores:
        sent = await stores.outbox.sent_messages()
    return [
        {
            "id": message.id,
            "channel": message.channel.value,
            "to": message.to,
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "sent_at": sent_at,
        }
        for message, sent_at in sent
    ]
