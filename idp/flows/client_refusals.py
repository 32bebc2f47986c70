"""What is refused in the name of a client before anybody has proved to be it, told to whoever looks after it.

Anybody can send such requests, so only some of an hour leave a row, counted in the store: a flood fills no trail. What
is refused commits in a transaction of its own, since the request's may only read, or ends without effect.
"""

from datetime import datetime

from idp.domain.event import Event, EventKind
from idp.domain.secret import Digester
from idp.policy.lockout import CLIENT_REFUSALS_TOLD, CLIENT_REFUSALS_WINDOW
from idp.storage.stores import Stores

UNREGISTERED = "unregistered_redirect_uri"


async def tell(
    stores: Stores, digester: Digester, client_id: str, error: str, now: datetime, *, address: str,
    refused_by: str | None = None,
) -> bool:  # fmt: skip
    """Leave a row, unless there were enough of this client within an hour; say whether there is one."""
    subject, attempts = digester.digest("client_refusals", client_id), stores.attempts
    if await attempts.count(subject, now) >= CLIENT_REFUSALS_TOLD:
        return False
    counted = await attempts.add_in_window(subject, now, window=CLIENT_REFUSALS_WINDOW)
    if counted > CLIENT_REFUSALS_TOLD:  # others came at the same moment
        return False
    detail = {"error": error, "refused_by": refused_by}
    await stores.events.add(Event(EventKind.CLIENT_REFUSED, client_id=client_id, address=address, detail=detail), now)
    return True
