"""A mail or SMS that is to leave, rendered already."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Channel(StrEnum):
    """How a message travels."""

    MAIL = "mail"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `html` only for mail. `code` is the one-time code that its text holds, if there is one."""

    id: str
    channel: Channel
    to: str
    subject: str | None
    text: str
    html: str | None
    created_at: datetime
    code: str | None = field(default=None, repr=False)
