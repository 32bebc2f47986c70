"""No adviser: every question is turned away at once."""

from idp.domain.advice import Payload
from idp.providers.adviser.port import AdviserRejected, RawAnswer


class NoAdviser:
    """Stands where an adviser could."""

    model = "none"
    is_outside = False

    async def ask(self, _payload: Payload) -> RawAnswer:
        """Raise AdviserRejected."""
        raise AdviserRejected("no adviser is set")

    async def close(self) -> None:
        """Hold nothing, so let go of nothing."""
