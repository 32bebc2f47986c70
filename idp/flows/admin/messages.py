"""Mails and SMS on their way: to whom, how far, and once more. What they say, and codes above all, is not shown."""

from datetime import datetime
from typing import Literal

from idp.domain.event import EventKind
from idp.domain.message import Channel
from idp.domain.permission import Permission as P
from idp.factors.email_otp import masked_email
from idp.factors.sms_otp import masked_number
from idp.flows.admin.listing import Listing, Page, paged, place_of, read_place
from idp.flows.admin.operation import Input, Nothing, Operation, Output, Work
from idp.flows.admin.problem import Code, Problem, missing
from idp.flows.admin.values import Id
from idp.flows.notices import NOTICE_LIFE
from idp.storage.outbox import Listed, State


class MessageShown(Output):
    """A message; its address is cut short, and its subject left out where a code may stand in it."""

    id: str
    channel: str
    to: str
    subject: str | None
    state: str
    tries: int
    created_at: datetime
    expires_at: datetime
    sent_at: datetime | None
    failed_at: datetime | None


class MessagesWanted(Listing):
    """A page of messages, newest first."""

    state: Literal["waiting", "sent", "failed"] | None = None


class MessageWanted(Input):
    """One message."""

    id: Id


def _shown(found: Listed) -> MessageShown:
    message = found.message
    to = masked_email(message.to) if message.channel is Channel.MAIL else masked_number(message.to)
    return MessageShown(
        id=message.id, channel=message.channel.value, to=to, subject=None if message.code else message.subject,
        state=found.state.value, tries=found.tries, created_at=message.created_at, expires_at=found.expires_at,
        sent_at=found.sent_at, failed_at=found.failed_at,
    )  # fmt: skip


async def _list(work: Work, wanted: MessagesWanted) -> Page[MessageShown]:
    digester = work.tools.engine.digester
    before = read_place(digester, wanted)
    state = State(wanted.state) if wanted.state is not None else None
    rows = await work.stores.outbox.page(state=state, before=before, limit=wanted.limit + 1)
    keys = [place_of(each.message.created_at, each.message.id) for each in rows]
    return paged(digester, wanted, [_shown(each) for each in rows], keys)


async def _resend(work: Work, wanted: MessageWanted) -> Nothing:
    found = await work.stores.outbox.find(wanted.id)
    if found is None:
        raise missing("message")
    if found.message.code is not None or found.expires_at <= work.now:
        raise Problem(Code.CONFLICT, "what it says is no longer good; let a new one be sent")
    if not await work.stores.outbox.send_again(wanted.id, expires_at=work.now + NOTICE_LIFE, now=work.now):
        raise Problem(Code.CONFLICT, "only a message that failed is sent again")
    await work.record(EventKind.MESSAGE_CHANGED, message=wanted.id, change="sent again")
    return Nothing()


LIST = Operation(
    "messages.list", "List messages", P.MESSAGES_READ, MessagesWanted, Page[MessageShown], _list, "GET", "/messages"
)
RESEND = Operation(
    "messages.resend", "Send a message again that failed", P.MESSAGES_SEND, MessageWanted, Nothing, _resend, "POST",
    "/messages/{id}/resend", status=204,
)  # fmt: skip
OPERATIONS = (LIST, RESEND)
