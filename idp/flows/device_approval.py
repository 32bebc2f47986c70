"""A person types the code that a device shows them – RFC 8628 §3.3.

Who is signed in types; the interaction that follows is that of /authorize, with the policy asked about a device
approval, and it always ends on the consent page: neither a link nor a code alone allows anything (§5.4).
"""

from dataclasses import replace

from idp.domain.approval import read_user_code
from idp.domain.client import Client
from idp.domain.event import EventKind
from idp.domain.refusal import Refusal, Refused
from idp.domain.waiting import WaitingRequest
from idp.flows import authorization, judging, throttle
from idp.flows.authorization import Outcome
from idp.flows.self_service import Owner
from idp.flows.visit import Visit
from idp.oauth.authorization import Accepted
from idp.oauth.context import Context
from idp.oauth.extensions import device
from idp.policy import lockout

PATH = "/device"


async def begin(
    context: Context, visit: Visit, owner: Owner, typed: str, *, tell: judging.Tell | None = None
) -> Outcome | Refused:
    """Begin the approval of the request behind a user code, or say why not; the guess is counted before."""
    refused = await _count_guess(context, owner)
    if refused is not None:
        return refused
    code = read_user_code(typed)
    found = await _find(context, code) if code is not None else None
    if code is None or found is None:
        return Refused(Refusal.CODE_WRONG)
    waiting, client = found
    request = replace(waiting.request, approves=device.with_user_code(waiting, code))
    return await authorization.begin_checked(context, visit, Accepted(request, client), path=PATH, tell=tell)


async def _find(context: Context, code: str) -> tuple[WaitingRequest, Client] | None:
    digest = device.user_code_digest(context.engine.digester, code)
    waiting = await context.stores.device_requests.find_by_user_code(digest, context.now)
    client = await context.client(waiting.client_id) if waiting is not None else None
    return (waiting, client) if waiting is not None and client is not None else None


async def _count_guess(context: Context, owner: Owner) -> Refused | None:
    """Count what was typed before it is checked; say how long to wait if it may not be tried (RFC 8628 §5.1).

    A right one clears nothing: whoever guesses the codes of others can always type one of their own.
    """
    limits = [
        ("user_codes_session", owner.session.id, lockout.USER_CODES_OF_SESSION),
        ("user_codes_account", owner.user.id, lockout.USER_CODES_OF_ACCOUNT),
    ]
    if context.engine.limits_floods:
        network = throttle.network_of(context.http.address)
        limits.append(("user_codes_network", network, lockout.USER_CODES_OF_NETWORK))
    for purpose, who, (most, window) in limits:
        subject = context.engine.digester.digest(purpose, who)
        if await context.stores.attempts.add_in_window(subject, context.now, window=window) > most:
            await context.record(EventKind.THROTTLED, user_id=owner.user.id, door="device")
            return Refused(Refusal.THROTTLED, window)
    return None
