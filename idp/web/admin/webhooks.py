"""Webhooks: who is told of which events, how their deliveries go, and what is done about both."""

from collections.abc import Mapping

from starlette.responses import Response

from idp.domain.event import EventKind
from idp.domain.permission import Permission
from idp.flows.admin import webhooks, webhooks_deliveries
from idp.flows.admin.problem import Code, Problem
from idp.flows.admin.webhooks import LONGEST_OVERLAP, WebhookShown
from idp.flows.webhook_planner import EVERYTHING
from idp.web.admin import once
from idp.web.admin.filters import filters, going_on, lead
from idp.web.admin.gate import Desk, Page, admin
from idp.web.admin.sessions import names
from idp.web.admin.typed import Typed, refused

BACK = "/admin/webhooks"
FIELDS = ("name", "url", "kinds")
STATES = ("waiting", "sent", "failed")
KINDS = tuple(sorted(EventKind))
ALL, SOME = "all", "some"


def _path(hook_id: str) -> str:
    return f"{BACK}/{hook_id}"


def _id(desk: Desk) -> str:
    wanted: str = desk.request.path_params["id"]
    return wanted


async def _list(desk: Desk) -> Response:
    return desk.page("admin/webhooks.html", webhooks=(await desk.do(webhooks.LIST)).items)


async def _new(desk: Desk) -> Response:
    if not desk.is_post:
        return _form(desk, Typed({"which": SOME}))
    try:
        return await once.lead(
            desk, webhooks.CREATE, lambda made: made.secret, lambda made: _path(made.id), **_given(desk.fields)
        )
    except Problem as problem:
        return _form(desk, refused(desk.fields, problem, FIELDS), status=problem.status)


def _given(fields: Mapping[str, str]) -> dict[str, object]:
    chosen = [kind.value for kind in KINDS if f"kind-{kind}" in fields]
    return {
        "name": fields.get("name", "").strip(), "url": fields.get("url", "").strip(),
        "kinds": [EVERYTHING] if fields.get("which") == ALL else chosen, "with_address": "with-address" in fields,
    }  # fmt: skip


def _form(
    desk: Desk, form: Typed, hook: WebhookShown | None = None, *, version: str = "", status: int = 200
) -> Response:
    return desk.page(
        "admin/webhook_form.html", status=status, form=form, hook=hook, version=version, kinds=KINDS,
        back=BACK if hook is None else _path(hook.id),
    )  # fmt: skip


async def _one(desk: Desk) -> Response:
    wanted = filters(desk, ("state",))
    if desk.is_post:
        return lead(desk, _path(_id(desk)), wanted)
    hook = await desk.do(webhooks.SHOW, id=_id(desk))
    cursor = desk.request.query_params.get("cursor")
    found = await desk.do(webhooks_deliveries.DELIVERIES, id=hook.id, **wanted, cursor=cursor)
    maker = hook.made_by.removeprefix("user ")
    return desk.page(
        "admin/webhook.html", hook=hook, secret=await once.read(desk), deliveries=found.items, states=STATES,
        state=wanted.get("state", ""), older=going_on(wanted, found.next),
        made_by=(await names(desk, [maker])).get(maker, hook.made_by),
    )  # fmt: skip


async def _change(desk: Desk) -> Response:
    hook = await desk.do(webhooks.SHOW, id=_id(desk))
    if not desk.is_post:
        return _form(desk, Typed(_typed(hook)), hook, version=hook.version)
    version = desk.fields.get("version", "")
    try:
        await desk.do(webhooks.UPDATE, id=hook.id, version=version, **_given(desk.fields))
    except Problem as problem:
        is_stale = problem.code is Code.CHANGED_MEANWHILE
        now = {"name": hook.name, "url": hook.url, "kinds": " ".join(hook.kinds)} if is_stale else None
        form = refused(desk.fields, problem, FIELDS, now=now)
        return _form(desk, form, hook, version=hook.version if is_stale else version, status=problem.status)
    return desk.go(_path(hook.id), done="saved")


def _typed(hook: WebhookShown) -> dict[str, str]:
    typed = {"name": hook.name, "url": hook.url, "which": ALL if EVERYTHING in hook.kinds else SOME}
    typed |= {f"kind-{kind}": "1" for kind in hook.kinds}
    return typed | ({"with-address": "1"} if hook.with_address else {})


async def _test(desk: Desk) -> Response:
    if not desk.is_post:
        return desk.go(_path(_id(desk)))
    tested = await desk.do(webhooks_deliveries.TEST_IT, id=_id(desk))
    return desk.go(_path(_id(desk)), done="webhook-tested" if tested.is_taken else "webhook-test-failed")


async def _resend(desk: Desk) -> Response:
    back = _path(_id(desk))
    if not desk.is_post:
        return desk.go(back)
    try:
        await desk.do(webhooks_deliveries.RESEND, id=_id(desk), delivery_id=desk.request.path_params["delivery"])
    except Problem as problem:
        return desk.refused(problem, back=back)
    return desk.go(back, done="delivery-resent")


async def _rotated(desk: Desk, hook: WebhookShown, version: str) -> Response:
    hours = desk.fields.get("overlap_hours", "").strip()
    overlap = int(hours) if hours.isascii() and hours.isdigit() and len(hours) < 10 else hours
    return await once.lead(
        desk, webhooks.ROTATE, lambda made: made.secret, lambda made: _path(made.id), id=hook.id, version=version,
        overlap_hours=overlap,
    )  # fmt: skip


async def _paused(desk: Desk, hook: WebhookShown, version: str) -> Response:
    await desk.do(webhooks.UPDATE, id=hook.id, version=version, is_active=False)
    return desk.go(_path(hook.id), done="webhook-paused")


async def _resumed(desk: Desk, hook: WebhookShown, version: str) -> Response:
    await desk.do(webhooks.UPDATE, id=hook.id, version=version, is_active=True, skip="skip" in desk.fields)
    return desk.go(_path(hook.id), done="webhook-resumed")


async def _deleted(desk: Desk, hook: WebhookShown, version: str) -> Response:
    await desk.do(webhooks.DELETE, id=hook.id, version=version)
    return desk.go(BACK, done="deleted")


ACTS = {"rotate": _rotated, "pause": _paused, "resume": _resumed, "delete": _deleted}


def _asking(word: str) -> Page:
    """Return the endpoint of a page that asks again, after a fresh proof, whether something shall be done."""

    async def handler(desk: Desk) -> Response:
        hook = await desk.do(webhooks.SHOW, id=_id(desk))
        form, status = Typed({"overlap_hours": "24"}), 200
        if desk.is_post:
            try:
                return await ACTS[word](desk, hook, desk.fields.get("version", ""))
            except Problem as problem:
                form, status = refused(desk.fields, problem, ("overlap_hours",)), problem.status
        return desk.page(
            "admin/webhook_danger.html", status=status, hook=hook, word=word, form=form, back=_path(hook.id),
            longest=LONGEST_OVERLAP,
        )  # fmt: skip

    return admin(handler, Permission.WEBHOOKS_WRITE)


listed = admin(_list, Permission.WEBHOOKS_WRITE, fresh=False)
new = admin(_new, Permission.WEBHOOKS_WRITE)
webhook = admin(_one, Permission.WEBHOOKS_WRITE, fresh=False)
change = admin(_change, Permission.WEBHOOKS_WRITE)
test = admin(_test, Permission.WEBHOOKS_WRITE, fresh=False)
resend = admin(_resend, Permission.WEBHOOKS_WRITE, fresh=False)
rotate, pause, resume, delete = (_asking(word) for word in ACTS)
