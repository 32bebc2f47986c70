"""A secret on its way from the form that made it to the page that shows it: sealed, for one session, read once, soon.

So the form is answered by a redirect: reloading what it led to makes no second secret, and shows the first to nobody.
"""

from dataclasses import dataclass
from datetime import datetime

from idp.domain.secret import Digest, Digester
from idp.policy import lifetimes
from idp.storage.stores import Stores

PURPOSE = "shown_once"
LONGEST = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret may be read: by whom, in which session, on which page, with which ticket in its address."""

    user_id: str
    session_id: str
    path: str
    ticket: str

    def digest(self, digester: Digester) -> Digest:
        """Return what a secret is found by; anywhere else there is nothing to find, and nothing to spend."""
        return digester.digest(PURPOSE, "|".join((self.user_id, self.session_id, self.path, self.ticket)))


async def keep(stores: Stores, digester: Digester, place: Place, secret: str, now: datetime) -> None:
    """Keep a secret for the page that will show it."""
    await stores.links.add(
        place.digest(digester), purpose=PURPOSE, expires_at=now + lifetimes.SHOWN_ONCE, now=now, user_id=place.user_id,
        content={"secret": secret}, spare=True,
    )  # fmt: skip


async def read(stores: Stores, digester: Digester, place: Place, now: datetime) -> str | None:
    """Return a secret and keep it no longer; None if it was read, has expired, or was kept for another place."""
    link = await stores.links.pull(place.digest(digester), purpose=PURPOSE, now=now)
    return link.text("secret") if link is not None else None
