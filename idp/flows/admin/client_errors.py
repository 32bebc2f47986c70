"""What was refused to a client in the last days, by reason, with what to change."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from idp.domain.event import EventKind
from idp.domain.json import Json
from idp.domain.permission import Permission as P
from idp.flows.admin.clients import reach
from idp.flows.admin.operation import Input, Operation, Output, Work
from idp.flows.admin.values import Id
from idp.policy.client_advice import SENTENCES, advise

MOST = 2000  # of the newest refusals are looked at
_ERRORS = frozenset({
    EventKind.AUTHORIZATION_REFUSED, EventKind.TOKEN_REFUSED, EventKind.CODE_REPLAYED, EventKind.REFRESH_REUSED,
    EventKind.CONSENT_DENIED, EventKind.CLIENT_REFUSED, EventKind.LOGOUT_UNDELIVERED,
})  # fmt: skip


class ErrorsWanted(Input):
    """One client, and how many days back."""

    id: Id
    days: Annotated[int, Field(ge=1, le=30)] = 7


class ErrorShown(Output):
    """One reason: how often, when last, and what to change; `refused_by` is the check that refused, if one did."""

    kind: str
    reason: str
    refused_by: str | None
    count: int
    last_at: datetime
    advice: str
    sentence: str


class ErrorsShown(Output):
    """All reasons, the most frequent first; `is_all` unless only the newest refusals could be looked at."""

    items: list[ErrorShown]
    is_all: bool


async def _errors(work: Work, wanted: ErrorsWanted) -> ErrorsShown:
    await reach(work, wanted.id)
    since = work.now - timedelta(days=wanted.days)
    rows = await work.stores.events.refused_of_client(wanted.id, since, limit=MOST)
    groups: dict[tuple[str, str, str | None], list[datetime]] = {}
    for kind, at, detail in rows:
        if kind in _ERRORS:
            reason = _text(detail.get("error")) or kind
            groups.setdefault((kind, reason, _text(detail.get("refused_by"))), []).append(at)
    return ErrorsShown(items=sorted(_shown(groups), key=lambda each: -each.count), is_all=len(rows) < MOST)


def _shown(groups: dict[tuple[str, str, str | None], list[datetime]]) -> Sequence[ErrorShown]:
    shown = []
    for (kind, reason, refused_by), times in groups.items():
        advice = advise(reason, refused_by)
        shown.append(
            ErrorShown(
                kind=kind, reason=reason, refused_by=refused_by, count=len(times), last_at=max(times),
                advice=advice.value, sentence=SENTENCES[advice],
            )
        )  # fmt: skip
    return shown


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


ERRORS = Operation(
    "clients.errors", "Say what was refused to a client, and what to change", P.CLIENTS_READ, ErrorsWanted, ErrorsShown,
    _errors, "GET", "/clients/{id}/errors",
)  # fmt: skip
OPERATIONS = (ERRORS,)
