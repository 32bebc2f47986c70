"""Invitations: a link by which one person makes an account."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from idp.domain.event import EventKind
from idp.domain.permission import Permission as P
from idp.domain.refusal import Refusal
from idp.domain.secret import Digest
from idp.flows.admin.operation import Input, Nothing, Operation, Output, Work
from idp.flows.admin.problem import Code, Problem, invalid, missing
from idp.flows.admin.provider import Everything
from idp.flows.admin.values import Text
from idp.flows.signup import INVITATION


class InvitationShown(Output):
    """An invitation that was not used yet."""

    id: str
    email: str
    name: str
    expires_at: datetime


class Invitations(Output):
    """The invitations that are open, the newest first."""

    items: list[InvitationShown]


class InvitationMade(Input):
    """Whom to invite, and in which language."""

    email: Annotated[str, Field(min_length=3, max_length=254)]
    name: Text = ""
    locale: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)] = "en"


class InvitationWanted(Input):
    """One invitation."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


async def _list(work: Work, _wanted: Everything) -> Invitations:
    found = await work.stores.links.open_ones(INVITATION, work.now)
    return Invitations(
        items=[
            InvitationShown(id=digest, email=link.text("email"), name=link.text("name"), expires_at=ends_at)
            for digest, ends_at, link in found
        ]
    )


async def _create(work: Work, made: InvitationMade) -> Nothing:
    context = work.tools.context(work.stores, address=work.caller.address, request_id=work.caller.request_id)
    refused = await work.tools.signup.invite(context, made.email, name=made.name, locale=made.locale)
    if refused is None:
        return Nothing()
    if refused.reason is Refusal.EMAIL_TAKEN:
        raise Problem(Code.TAKEN, "there is an account with this address already")
    raise invalid("email", "is not an e-mail address that can be written to")


async def _revoke(work: Work, wanted: InvitationWanted) -> Nothing:
    digest = Digest(bytes.fromhex(wanted.id))
    if not await work.stores.links.close(digest, purpose=INVITATION, now=work.now):
        raise missing("invitation")
    await work.record(EventKind.INVITED, change="taken back")
    return Nothing()


LIST = Operation(
    "invitations.list", "List open invitations", P.INVITATIONS_WRITE, Everything, Invitations, _list, "GET",
    "/invitations",
)  # fmt: skip
CREATE = Operation(
    "invitations.create", "Invite somebody", P.INVITATIONS_WRITE, InvitationMade, Nothing, _create, "POST",
    "/invitations", status=204,
)  # fmt: skip
REVOKE = Operation(
    "invitations.revoke", "Take an invitation back", P.INVITATIONS_WRITE, InvitationWanted, Nothing, _revoke, "DELETE",
    "/invitations/{id}", status=204,
)  # fmt: skip
OPERATIONS = (LIST, CREATE, REVOKE)
