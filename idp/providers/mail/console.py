"""Prints messages on standard error, for operators who pipe them elsewhere; and a sender that keeps them only."""

import sys

from idp.domain.message import Message


class ConsoleSender:
    """Writes each message, body and all, to standard error."""

    async def send(self, message: Message) -> None:
        """Print the message."""
        subject = f"Subject: {message.subject}\n" if message.subject else ""
        sys.stderr.write(f"--- {message.channel} to {message.to}\n{subject}\n{message.text}\n---\n")


class MailboxSender:
    """Accepts every message; it stays in the outbox, where the development mailbox shows it."""

    async def send(self, message: Message) -> None:
        """Accept the message."""
