"""What a sender of mail or SMS promises."""

from typing import Protocol

from idp.domain.message import Message


class MessageRejected(Exception):
    """The service will never accept this message."""


class MessageDelayed(Exception):
    """The service cannot take the message now; a later try may work."""


class MessageSender(Protocol):
    """Hands messages of one channel to the outside world."""

    async def send(self, message: Message) -> None:
        """Return once the service has accepted the message; never log its body.

        Raises MessageRejected if it never will, MessageDelayed if a later try may work.
        """
        ...
