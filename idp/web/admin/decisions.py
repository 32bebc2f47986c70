"""What was decided about sign-ins: a list, challenge rates by country, and each decision with all that explains it."""

import base64
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from idp.domain.event import EventKind
from idp.domain.permission import Permission
from idp.domain.user import MAX_IDENTIFIER
from idp.flows import decision_view, second_view
from idp.flows.decision_explained import Explained
from idp.flows.decision_view import BANDS, DECISIONS, Country, Wanted
from idp.flows.labels import Label
from idp.web.admin.bars import bars
from idp.web.admin.gate import Desk, admin
from idp.web.errors import NO_STORE
from idp.web.site import context_of, site_of


async def _list(desk: Desk) -> Response:
    transactions = site_of(desk.request).transactions
    if desk.is_post:
        return await _search(desk)
    asked = desk.request.query_params
    wanted = Wanted.read(
        band=asked.get("band", ""), decision=asked.get("decision", ""), user_id=asked.get("person", "")
    )
    lines = await decision_view.newest(transactions, wanted, before=asked.get("before", ""))
    is_full = len(lines) == decision_view.PAGE
    person = await decision_view.person_of(transactions, wanted.user_id)
    return _found(desk, wanted, lines, person, older=_query(wanted, lines[-1].stored.id) if is_full else None)


async def _search(desk: Desk) -> Response:
    """Lead to what is looked for; a name stays out of the address."""
    name = desk.fields.get("person", "").strip()[:MAX_IDENTIFIER]
    user_id = await decision_view.find_person(site_of(desk.request).transactions, name) if name else ""
    wanted = Wanted.read(
        band=desk.fields.get("band", ""), decision=desk.fields.get("decision", ""), user_id=user_id or ""
    )
    if user_id is None:
        return _found(desk, wanted, [], name)
    query = _query(wanted)
    return desk.go(f"/admin/decisions{f'?{query}' if query else ''}")


def _found(
    desk: Desk, wanted: Wanted, lines: list[decision_view.Line], person: str, older: str | None = None
) -> Response:
    return desk.page(
        "admin/decisions.html", lines=lines, person=person, band=wanted.band, decision=wanted.decision, bands=BANDS,
        decisions=DECISIONS, older=older,
    )  # fmt: skip


def _query(wanted: Wanted, before: str | None = None) -> str:
    named = {"band": wanted.band, "decision": wanted.decision, "person": wanted.user_id, "before": before}
    return urlencode({name: value for name, value in named.items() if value})


async def _countries(desk: Desk) -> Response:
    site = site_of(desk.request)
    found = await decision_view.countries(site.transactions, site.clock.now())
    return desk.page(
        "admin/countries.html",
        rows=[(row.name, str(row.sign_ins), _share(row.challenged, row), _share(row.denied, row)) for row in found],
    )


def _share(count: int, row: Country) -> str:
    return f"{count / row.sign_ins:.1%} ({count})"


async def _decision(desk: Desk) -> Response:
    decision_id = desk.request.path_params["decision"]
    site, was_labelled = site_of(desk.request), False
    said = next((word for word in Label if f"label-{word}" in desk.fields), None)
    if said is not None:
        async with site.transactions.open(write=True, request_id=desk.visit.request_id) as stores:
            context = context_of(desk.request, stores)
            was_labelled = not await decision_view.label(context, decision_id, said, by=desk.user.id)
        if not was_labelled:
            return desk.go(f"/admin/decisions/{decision_id}")
    view = await decision_view.one(site.transactions, desk.risk.policies.own, decision_id)
    if view is None:
        return desk.missing()
    second = None if view.explained is None else await second_view.second(site.transactions, view.stored)
    return desk.page(
        "admin/decision.html",
        second=second,
        status=409 if was_labelled else 200,
        stored=view.stored,
        person=view.person,
        explained=view.explained,
        parts=_parts(view.explained) if view.explained is not None else None,
        taught=view.taught,
        advice=view.advice,
        labelled_by=view.labelled_by,
        was_labelled=was_labelled,
    )


def _parts(explained: Explained) -> dict[str, object]:
    """Return the addends with their bars, and what they come to, written down."""
    nats = [part.nats for part in explained.parts]
    *drawn, total = bars(nats)
    return {
        "rows": [
            {"code": part.code, "nats": _signed(part.nats), "drawing": drawing}
            for part, drawing in zip(explained.parts, drawn, strict=True)
        ],
        "against": _signed(sum(each for each in nats if each > 0)),
        "owner": _signed(sum(each for each in nats if each < 0)),
        "sum": _signed(explained.llr),
        "drawing": total,
    }  # fmt: skip


def _signed(nats: float) -> str:
    return f"{round(nats, 2) + 0.0:+.2f}".replace("-", "−")


async def _record(desk: Desk) -> Response:
    """Return the record, byte for byte what its digest was made of; never one that was damaged."""
    decision_id = desk.request.path_params["decision"]
    stored = await decision_view.record_of(site_of(desk.request).transactions, decision_id)
    if stored is None:
        return desk.missing()
    if not decision_view.is_whole(stored):
        return JSONResponse({"error": "damaged"}, 409, headers=NO_STORE)
    digest = base64.b64encode(bytes.fromhex(stored.digest)).decode()
    headers = {**NO_STORE, "repr-digest": f"sha-256=:{digest}:"}  # RFC 9530 §3
    return Response(stored.record.encode(), media_type="application/json", headers=headers)


decisions = admin(_list, Permission.DECISIONS_READ, reading=EventKind.DECISION_READ)
countries = admin(_countries, Permission.DECISIONS_READ)
decision = admin(_decision, Permission.DECISIONS_READ, reading=EventKind.DECISION_READ)
record = admin(_record, Permission.DECISIONS_READ, reading=EventKind.DECISION_READ)
