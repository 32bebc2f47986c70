"""Webhooks: who is told of which events, and how that goes. A secret is shown when it is made, and never again."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from idp.domain.change import difference
from idp.domain.event import Event, EventKind, Target
from idp.domain.json import JsonObject
from idp.domain.permission import Permission as P
from idp.domain.secret import make_id
from idp.flows.admin.operation import Input, Nothing, Operation, Output, Work
from idp.flows.admin.problem import Code, Problem, invalid, missing
from idp.flows.admin.provider import Everything
from idp.flows.admin.values import Id, Name, Version, version_of
from idp.flows.webhook_planner import EVERYTHING
from idp.flows.webhook_signature import new_secret
from idp.policy import lifetimes
from idp.providers.fetch.port import FetchRejected
from idp.storage.event_links import BadHead
from idp.storage.webhooks import Form, HookState, Webhook

MOST = 50
LONGEST_OVERLAP = 168
Url = Annotated[str, Field(min_length=9, max_length=2048)]
Kinds = Annotated[list[Annotated[str, Field(min_length=1, max_length=32)]], Field(min_length=1, max_length=200)]
_OVERLAP = int(lifetimes.SECRET_OVERLAP.total_seconds()) // 3600


class WebhookShown(Output):
    """A subscription; `state` is `off` when nobody took its events for days, `missed` counts events that were lost."""

    id: str
    name: str
    url: str
    kinds: list[str]
    with_address: bool
    state: str
    why: str | None
    failing_since: datetime | None
    waiting: int
    behind: int
    missed: int
    made_by: str
    created_at: datetime
    changed_at: datetime
    old_secret_ends_at: datetime | None
    version: str
    secret: str | None = None


class Webhooks(Output):
    """All subscriptions, the oldest first."""

    items: list[WebhookShown]


class WebhookMade(Input):
    """A new subscription: to all kinds of events unless some are named, from now on."""

    name: Name
    url: Url
    kinds: Kinds = Field(default_factory=lambda: [EVERYTHING])
    with_address: bool = False


class WebhookChanged(Input):
    """What is to be different; with `skip` what happened while it was paused or off is left out."""

    id: Id
    version: Version | None = None
    name: Name | None = None
    url: Url | None = None
    kinds: Kinds | None = None
    with_address: bool | None = None
    is_active: bool | None = None
    skip: bool = False


class WebhookWanted(Input):
    """One subscription, to be looked at."""

    id: Id


class WebhookActedOn(Input):
    """One subscription."""

    id: Id
    version: Version | None = None


class Rotation(Input):
    """Which secret to replace, and for how many hours the old one signs beside the new one."""

    id: Id
    version: Version | None = None
    overlap_hours: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP)] = _OVERLAP


async def shown(work: Work, hook: Webhook, secret: str | None = None) -> WebhookShown:
    """Return a subscription as its keepers see it."""
    end = await _end_of_trail(work)
    return WebhookShown(
        id=hook.id, name=hook.name, url=hook.url, kinds=list(hook.kinds), with_address=hook.wants_address,
        state=hook.state.value, why=hook.why, failing_since=hook.failing_since,
        waiting=await work.stores.webhook_deliveries.waiting(hook.id), behind=max(0, end - hook.cursor),
        missed=hook.missed, made_by=" ".join(filter(None, hook.maker)), created_at=hook.created_at,
        changed_at=hook.changed_at, version=version_of(_facts(hook)), secret=secret,
        old_secret_ends_at=hook.old_secret_ends_at if len(hook.signing(work.now)) > 1 else None,
    )  # fmt: skip


async def _end_of_trail(work: Work) -> int:
    try:
        head = await work.stores.event_links.head()
    except BadHead:
        return 0
    return 0 if head is None else head.seq


def _facts(hook: Webhook) -> JsonObject:
    """Return what a change is told by; of the URL only its host, since its path may be a secret."""
    return {
        "label": hook.name, "host": urlsplit(hook.url).netloc, "kinds": list(hook.kinds), "state": hook.state.value,
        "with_address": hook.wants_address, "url_digest": version_of({"url": hook.url}),
        "secret_digest": version_of({"secrets": list(hook.secrets)}),
    }  # fmt: skip


async def find(work: Work, hook_id: str) -> Webhook:
    """Return a webhook; raise Problem if there is none."""
    hook = await work.stores.webhooks.find(hook_id)
    if hook is None or hook.form is not Form.WEBHOOK:
        raise missing("webhook")
    return hook


async def locked(work: Work, hook_id: str, version: str | None = None) -> Webhook:
    """Return a webhook that nobody else changes meanwhile; raise Problem if there is none or it was changed."""
    hook = await work.stores.webhooks.lock(hook_id)
    if hook is None or hook.form is not Form.WEBHOOK:
        raise missing("webhook")
    if version is not None and version != version_of(_facts(hook)):
        raise Problem(Code.CHANGED_MEANWHILE, "somebody has changed this webhook meanwhile")
    return hook


def _check(work: Work, *, url: str | None, kinds: list[str] | None, with_address: bool) -> None:
    if url is not None:
        try:
            work.tools.webhooks.post.check(url)
        except FetchRejected as error:
            raise invalid("url", str(error)) from None
    known = {*EventKind, EVERYTHING}
    if unknown := sorted(set(kinds or ()) - known):
        raise invalid("kinds", f"{unknown[0]!r} is no kind of event")
    if with_address and not work.caller.may(P.EVENTS_READ):
        raise Problem(Code.FORBIDDEN, f"addresses are told to those only who have the permission {P.EVENTS_READ}")


async def _list(work: Work, _wanted: Everything) -> Webhooks:
    return Webhooks(items=[await shown(work, each) for each in await work.stores.webhooks.list(Form.WEBHOOK)])


async def _show(work: Work, wanted: WebhookWanted) -> WebhookShown:
    return await shown(work, await find(work, wanted.id))


async def _create(work: Work, made: WebhookMade) -> WebhookShown:
    _check(work, url=made.url, kinds=made.kinds, with_address=made.with_address)
    if len(await work.stores.webhooks.list(Form.WEBHOOK)) >= MOST:
        raise Problem(Code.CONFLICT, f"there are {MOST} webhooks at most")
    secret, actor = new_secret(), work.caller.actor
    hook = Webhook(
        id=make_id(), form=Form.WEBHOOK, name=made.name, url=made.url, kinds=tuple(dict.fromkeys(made.kinds)),
        secrets=(secret,), maker=(actor.kind.value, actor.id), cursor=await _end_of_trail(work),
        created_at=work.now, changed_at=work.now, wants_address=made.with_address,
    )  # fmt: skip
    await work.stores.webhooks.add(hook)
    await record(work, hook, "created", after=_facts(hook))
    return await shown(work, hook, secret)


async def _update(work: Work, changed: WebhookChanged) -> WebhookShown:
    hook = await locked(work, changed.id, changed.version)
    keeps_address = hook.wants_address if changed.with_address is None else changed.with_address
    _check(work, url=changed.url, kinds=changed.kinds, with_address=keeps_address)
    actor = work.caller.actor
    after = replace(
        hook, name=changed.name or hook.name, url=changed.url or hook.url, wants_address=keeps_address,
        kinds=tuple(dict.fromkeys(changed.kinds)) if changed.kinds is not None else hook.kinds,
        maker=(actor.kind.value, actor.id), changed_at=work.now,
    )  # fmt: skip
    after = await _switched(work, after, changed)
    await work.stores.webhooks.save(after)
    before, is_now = difference(_facts(hook), _facts(after))
    await record(work, hook, "updated", before=before, after=is_now)
    return await shown(work, after)


async def _switched(work: Work, hook: Webhook, changed: WebhookChanged) -> Webhook:
    """Return a subscription switched on or off as was asked; what waits has all its tries again."""
    if changed.skip:
        await work.stores.webhook_deliveries.give_up(hook.id, work.now, "skipped")
        hook = replace(hook, cursor=max(hook.cursor, await _end_of_trail(work)))
    if changed.is_active is None:
        return hook
    if not changed.is_active:
        return replace(hook, state=HookState.PAUSED, why=None)
    await work.stores.webhook_deliveries.make_due(hook.id, work.now, anew=True)
    await work.stores.webhooks.wake(hook.id, work.now)
    return replace(hook, state=HookState.ACTIVE, why=None, failing_since=None, failures=0)


async def _rotate(work: Work, rotation: Rotation) -> WebhookShown:
    hook = await locked(work, rotation.id, rotation.version)
    secret = new_secret()
    after = replace(
        hook, secrets=(secret, hook.secrets[0]), changed_at=work.now,
        old_secret_ends_at=work.now + timedelta(hours=rotation.overlap_hours),
    )  # fmt: skip
    await work.stores.webhooks.save(after)
    await record(work, hook, "secret rotated")
    return await shown(work, after, secret)


async def _delete(work: Work, acted: WebhookActedOn) -> Nothing:
    hook = await locked(work, acted.id, acted.version)
    await work.stores.webhooks.delete(hook.id)
    await record(work, hook, "deleted", before=_facts(hook))
    return Nothing()


async def record(
    work: Work, hook: Webhook, change: str, *, before: JsonObject | None = None, after: JsonObject | None = None
) -> None:
    """Append to the trail what was done to a subscription."""
    event = Event(
        EventKind.WEBHOOK_CHANGED, address=work.caller.address, detail={"change": change}, actor=work.caller.actor,
        target=Target("webhook", hook.id), before=before or None, after=after or None,
    )  # fmt: skip
    await work.stores.events.add(event, work.now)


LIST = Operation(
    "webhooks.list", "List webhooks", P.WEBHOOKS_WRITE, Everything, Webhooks, _list, "GET", "/webhooks"
)  # fmt: skip
SHOW = Operation(
    "webhooks.show", "Show a webhook", P.WEBHOOKS_WRITE, WebhookWanted, WebhookShown, _show, "GET", "/webhooks/{id}"
)
CREATE = Operation(
    "webhooks.create", "Subscribe a URL to events; its secret is shown this once", P.WEBHOOKS_WRITE, WebhookMade,
    WebhookShown, _create, "POST", "/webhooks", is_dangerous=True, status=201,
)  # fmt: skip
UPDATE = Operation(
    "webhooks.update", "Change a webhook, pause it, or let it go on", P.WEBHOOKS_WRITE, WebhookChanged, WebhookShown,
    _update, "PATCH", "/webhooks/{id}", is_dangerous=True,
)  # fmt: skip
ROTATE = Operation(
    "webhooks.rotate_secret", "Give a webhook a new secret; both sign for a while", P.WEBHOOKS_WRITE, Rotation,
    WebhookShown, _rotate, "POST", "/webhooks/{id}/secret", is_dangerous=True,
)  # fmt: skip
DELETE = Operation(
    "webhooks.delete", "End a subscription, and what it is owed", P.WEBHOOKS_WRITE, WebhookActedOn, Nothing, _delete,
    "DELETE", "/webhooks/{id}", is_dangerous=True, status=204,
)  # fmt: skip
OPERATIONS = (LIST, SHOW, CREATE, UPDATE, ROTATE, DELETE)
