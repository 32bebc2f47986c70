"""How webhooks go: what was delivered and what was not, one of these sent again, and a delivery for a try."""

from datetime import datetime
from typing import Literal

from idp.domain.permission import Permission as P
from idp.domain.secret import make_id
from idp.flows.admin.listing import Listing, Page, paged, place_of, read_place
from idp.flows.admin.operation import Input, Operation, Output, Work
from idp.flows.admin.problem import Code, Problem, missing
from idp.flows.admin.values import Id
from idp.flows.admin.webhooks import WebhookActedOn, find, locked, record
from idp.flows.webhook_body import TEST, test_body
from idp.flows.webhook_sender import End
from idp.storage.webhook_deliveries import Delivery, DeliveryState


class DeliveryShown(Output):
    """One delivery: `status` and `reason` of the last try, `due_at` of the next one."""

    id: str
    seq: int | None
    kind: str
    state: str
    tries: int
    status: int | None
    reason: str | None
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None


class DeliveriesWanted(Listing):
    """A page of a webhook's deliveries, newest first."""

    id: Id
    state: Literal["waiting", "sent", "failed"] | None = None


class DeliveryWanted(Input):
    """One delivery of a webhook."""

    id: Id
    delivery_id: Id


class Tested(Output):
    """What a test was answered: `is_taken` for any status of success."""

    delivery_id: str
    is_taken: bool
    status: int | None
    reason: str


def _shown(delivery: Delivery) -> DeliveryShown:
    return DeliveryShown(
        id=delivery.id, seq=delivery.seq, kind=delivery.kind, state=delivery.state.value, tries=delivery.tries,
        status=delivery.status, reason=delivery.reason, created_at=delivery.created_at, due_at=delivery.due_at,
        ended_at=delivery.ended_at,
    )  # fmt: skip


async def _deliveries(work: Work, wanted: DeliveriesWanted) -> Page[DeliveryShown]:
    await find(work, wanted.id)
    digester = work.tools.engine.digester
    before = read_place(digester, wanted)
    state = DeliveryState(wanted.state) if wanted.state is not None else None
    rows = await work.stores.webhook_deliveries.page(wanted.id, state=state, before=before, limit=wanted.limit + 1)
    keys = [place_of(each.created_at, each.id) for each in rows]
    return paged(digester, wanted, [_shown(each) for each in rows], keys)


async def _test(work: Work, wanted: WebhookActedOn) -> Tested:
    """Send once, between two transactions; the delivery stands in the list, and nothing waits for it."""
    async with work.opening(write=False) as opened:
        hook = await find(opened, wanted.id)
    delivery = Delivery(make_id(), hook.id, None, TEST, test_body(hook.id, work.now), work.now, work.now, tries=1)
    outcome = await work.tools.webhooks.send(hook, delivery)
    is_taken, now = outcome.end is End.TAKEN, work.tools.clock.now()
    async with work.opening() as opened:
        await record(opened, await find(opened, wanted.id), "tested")
        deliveries = opened.stores.webhook_deliveries
        await deliveries.add(delivery)
        if is_taken:
            await deliveries.sent(delivery.id, now, status=outcome.status)
        else:
            await deliveries.fail(delivery.id, now, status=outcome.status, reason=outcome.reason)
    return Tested(delivery_id=delivery.id, is_taken=is_taken, status=outcome.status, reason=outcome.reason)


async def _resend(work: Work, wanted: DeliveryWanted) -> DeliveryShown:
    """Owe a delivery once more, under the id that it has: whoever took it before can tell."""
    hook, deliveries = await locked(work, wanted.id), work.stores.webhook_deliveries
    delivery = await deliveries.find(hook.id, wanted.delivery_id)
    if delivery is None:
        raise missing("delivery")
    if delivery.seq is None:
        raise Problem(Code.CONFLICT, "a test is not sent again; send a new one")
    if not await deliveries.owe_again(delivery.id, work.now):
        raise Problem(Code.CONFLICT, "this delivery is on its way already")
    await work.stores.webhooks.wake(hook.id, work.now)
    await record(work, hook, "sent again")
    again = await deliveries.find(hook.id, delivery.id)
    assert again is not None, "nobody else removes it, since its webhook is locked"
    return _shown(again)


TEST_IT = Operation(
    "webhooks.test", "Send a test to a webhook, now", P.WEBHOOKS_WRITE, WebhookActedOn, Tested, _test, "POST",
    "/webhooks/{id}/test", opens_its_own=True,
)  # fmt: skip
DELIVERIES = Operation(
    "webhooks.deliveries", "List a webhook's deliveries", P.WEBHOOKS_WRITE, DeliveriesWanted, Page[DeliveryShown],
    _deliveries, "GET", "/webhooks/{id}/deliveries",
)  # fmt: skip
RESEND = Operation(
    "webhooks.resend", "Send a delivery again that was taken or given up", P.WEBHOOKS_WRITE, DeliveryWanted,
    DeliveryShown, _resend, "POST", "/webhooks/{id}/deliveries/{delivery_id}/resend",
)  # fmt: skip
OPERATIONS = (TEST_IT, DELIVERIES, RESEND)
