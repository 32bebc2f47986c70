"""What a sender of mail or SMS promises."""

from typing import Protocol, runtime_checkable

from idp.domain.message import Message


class MessageRejected(Exception):
    """The service will never accept this message; the words, which are logged, name no person and no secret."""


class MessageDelayed(Exception):
    """The service cannot take the message now; a later try may work. The words name no person and no secret."""


class MessageSender(Protocol):
    """Hands messages of one channel to the outside world."""

    async def send(self, message: Message) -> None:
        """Return once the service has accepted the message; never log its body.

        Raises MessageRejected if it never will, MessageDelayed if a later try may work.
        """
        ...


@runtime_checkable
class Reachable(Protocol):
    """A sender that can be tried without sending anything."""

    async def reach(self) -> None:
        """Return if the service answers and lets us in; raise MessageDelayed, saying why, if not."""
        ...
