"""Operations on webhooks: who may, what is refused, and that no secret is shown twice."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.permission import Permission
from idp.domain.user import Role
from idp.flows.admin.operation import Caller
from idp.flows.admin.problem import Code
from idp.flows.admin.webhooks import MOST
from idp.flows.alerts import WINDOW
from tests.support.databases import fresh_database
from tests.support.letters import letters
from tests.support.operators import COMMAND, Operators, operators
from tests.support.webhooks import Receiver, receiver, saying

SETTLED = timedelta(seconds=16)


@pytest.fixture(scope="module")
async def siren() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def desk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, siren: Receiver
) -> AsyncIterator[Operators]:
    folder = tmp_path_factory.mktemp("webhooks")
    async with (
        fresh_database(request.param, folder) as url,
        operators(folder, url, IDP_OUTBOUND_ALLOW=siren.place) as desk,
    ):
        yield desk


@pytest.fixture(autouse=True)
async def clean(desk: Operators, siren: Receiver) -> None:
    for each in (await desk.do("webhooks.list"))["items"]:
        await desk.do("webhooks.delete", id=each["id"])
    siren.received.clear()
    siren.answers.clear()


async def made(desk: Operators, siren: Receiver, caller: Caller = COMMAND, **members: Any) -> dict[str, Any]:
    return await desk.do("webhooks.create", caller, **({"name": "Siren", "url": siren.url} | members))


async def settle(desk: Operators) -> None:
    desk.provider.clock.advance(SETTLED)
    site = desk.provider.site
    await site.audit.chain.link()
    await site.webhooks.planner.plan()
    while await site.webhooks.worker.deliver():
        pass


async def test_a_secret_is_shown_when_it_is_made_and_never_again(desk: Operators, siren: Receiver) -> None:
    hook = await made(desk, siren)
    secret = hook["secret"]
    assert secret.startswith("whsec_")

    changed = await desk.do("webhooks.update", id=hook["id"], name="Horn")
    rotated = await desk.do("webhooks.rotate_secret", id=hook["id"])
    listed = (await desk.do("webhooks.list"))["items"]

    assert changed["secret"] is None
    assert [each["secret"] for each in listed] == [None]
    assert rotated["secret"] not in (None, secret)
    trail = str(await desk.events("webhook_changed"))
    shown = str(listed)
    for each in (secret, rotated["secret"]):
        assert each not in trail
        assert each not in shown


async def test_an_event_arrives_with_both_secrets_during_a_rotation(desk: Operators, siren: Receiver) -> None:
    hook = await made(desk, siren, kinds=["group_changed"])
    rotated = await desk.do("webhooks.rotate_secret", id=hook["id"], overlap_hours=1)
    await desk.do("groups.create", name="readers")
    await settle(desk)
    again = await desk.do("webhooks.rotate_secret", id=hook["id"], overlap_hours=0)
    await desk.do("groups.create", name="writers")
    await settle(desk)

    now, (both, one) = desk.provider.clock.now(), siren.received

    assert both.json["type"] == "group_changed"
    assert both.is_signed_by(hook["secret"], now)
    assert both.is_signed_by(rotated["secret"], now)
    assert not one.is_signed_by(rotated["secret"], now)
    assert one.is_signed_by(again["secret"], now)


async def test_what_happened_before_is_not_told(desk: Operators, siren: Receiver) -> None:
    await desk.do("groups.create", name="early")
    await settle(desk)
    await made(desk, siren, kinds=["group_changed"])
    await desk.do("groups.create", name="late")
    await settle(desk)

    assert [each.json["data"]["after"]["name"] for each in siren.received] == ["late"]


BAD_URLS = [
    "http://siren.example/in", "ftp://siren.example/", "https://user:pass@siren.example/", "https://127.0.0.1/",
    "https://[::1]/", "https://169.254.169.254/latest", "https://10.0.0.1/", "https://localhost/", "https://0x7f.1/",
    "https://2130706433/", "https://[::ffff:127.0.0.1]/", "https://siren.example/#x", "https://siren.example/\\x",
    "nonsense, but long", "https://siren.example:0/", "file:///etc/passwd",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_URLS)
async def test_dr02_an_inner_or_doubtful_url_is_refused_when_it_is_subscribed(
    desk: Operators, siren: Receiver, url: str
) -> None:
    hook = await made(desk, siren)

    assert await desk.refused("webhooks.create", name="Siren", url=url) is Code.INVALID
    assert await desk.refused("webhooks.update", id=hook["id"], url=url) is Code.INVALID


@pytest.mark.parametrize("kinds", [[], ["nothing_of_ours"], ["signed_in", "*", "x"], ["a" * 33], "signed_in"])
async def test_only_known_kinds_are_subscribed(desk: Operators, siren: Receiver, kinds: Any) -> None:
    assert await desk.refused("webhooks.create", name="S", url=siren.url, kinds=kinds) is Code.INVALID


@pytest.mark.parametrize("role", [Role.USER, Role.SUPPORT, Role.CLIENT_MANAGER, Role.AUDITOR])
async def test_only_administrators_and_owners_keep_webhooks(desk: Operators, siren: Receiver, role: Role) -> None:
    hook, caller = await made(desk, siren), await desk.of(role)

    assert await desk.refused("webhooks.create", caller, name="S", url=siren.url) is Code.FORBIDDEN
    for name in ("show", "update", "rotate_secret", "delete", "test", "deliveries"):
        assert await desk.refused(f"webhooks.{name}", caller, id=hook["id"]) is Code.FORBIDDEN
    assert await desk.refused("webhooks.list", caller) is Code.FORBIDDEN


async def test_what_shows_a_secret_or_leads_events_away_asks_for_a_fresh_proof(
    desk: Operators, siren: Receiver
) -> None:
    hook, caller = await made(desk, siren), await desk.of(Role.ADMINISTRATOR, is_fresh=False)

    for name in ("update", "rotate_secret", "delete"):
        assert await desk.refused(f"webhooks.{name}", caller, id=hook["id"]) is Code.STEP_UP_REQUIRED
    assert await desk.refused("webhooks.create", caller, name="S", url=siren.url) is Code.STEP_UP_REQUIRED


async def test_addresses_go_to_those_only_who_may_read_events(desk: Operators, siren: Receiver) -> None:
    administrator = await desk.of(Role.ADMINISTRATOR)
    narrow = Caller(administrator.actor, administrator.role, frozenset({Permission.WEBHOOKS_WRITE}), is_fresh=True)
    hook = await made(desk, siren, administrator, with_address=True)

    refused = await desk.refused("webhooks.create", narrow, name="S", url=siren.url, with_address=True)
    assert refused is Code.FORBIDDEN
    assert await desk.refused("webhooks.update", narrow, id=hook["id"], url=siren.url + "2") is Code.FORBIDDEN
    without = await desk.do("webhooks.update", narrow, id=hook["id"], with_address=False)
    assert without["with_address"] is False


async def test_an_administrator_who_became_somebody_else_has_no_addresses_sent(
    desk: Operators, siren: Receiver
) -> None:
    user = await desk.user(Role.ADMINISTRATOR)
    await made(desk, siren, desk.caller(user), with_address=True, kinds=["group_changed"])
    await desk.do("groups.create", await desk.of(Role.OWNER), name="addressed")
    await settle(desk)
    await desk.do("users.set_role", id=user.id, role="user")
    await desk.do("groups.create", await desk.of(Role.OWNER), name="plain")
    await settle(desk)

    first, second = (each.json["data"] for each in siren.received)

    assert first["address"] == "192.0.2.7"
    assert "address" not in second


async def test_a_test_is_sent_at_once_and_signed_and_stands_among_the_deliveries(
    desk: Operators, siren: Receiver
) -> None:
    hook = await made(desk, siren, kinds=["key_revoked"])
    siren.answers = [saying(204), saying(503)]

    well = await desk.do("webhooks.test", id=hook["id"])
    ill = await desk.do("webhooks.test", id=hook["id"])

    assert (well["is_taken"], well["status"]) == (True, 204)
    assert (ill["is_taken"], ill["status"], ill["reason"]) == (False, 503, "answered 503")
    assert all(each.is_signed_by(hook["secret"], desk.provider.clock.now()) for each in siren.received)
    assert siren.received[0].json["type"] == "webhook_test"
    listed = (await desk.do("webhooks.deliveries", id=hook["id"]))["items"]
    assert {each["id"]: each["state"] for each in listed} == {
        well["delivery_id"]: "sent", ill["delivery_id"]: "failed",
    }  # fmt: skip
    await settle(desk)
    assert len(siren.received) == 2


async def test_deliveries_are_listed_page_by_page_and_by_state(desk: Operators, siren: Receiver) -> None:
    hook = await made(desk, siren, kinds=["key_revoked"])
    sent = [(await desk.do("webhooks.test", id=hook["id"]))["delivery_id"] for _ in range(3)]

    first = await desk.do("webhooks.deliveries", id=hook["id"], limit=2)
    second = await desk.do("webhooks.deliveries", id=hook["id"], limit=2, cursor=first["next"])

    assert [each["id"] for each in (*first["items"], *second["items"])] == sent[::-1]
    assert (await desk.do("webhooks.deliveries", id=hook["id"], state="failed"))["items"] == []
    assert await desk.refused("webhooks.deliveries", id="nobody") is Code.NOT_FOUND


async def test_a_webhook_is_shown_as_it_is_listed(desk: Operators, siren: Receiver) -> None:
    hook = await made(desk, siren)

    assert await desk.do("webhooks.show", id=hook["id"]) == (await desk.do("webhooks.list"))["items"][0]
    assert await desk.refused("webhooks.show", id="nobody") is Code.NOT_FOUND


async def failed(desk: Operators, siren: Receiver) -> tuple[str, str]:
    """Return a webhook and a delivery of it that was given up."""
    hook = await made(desk, siren, kinds=["group_changed"])
    await desk.do("groups.create", name=f"lost {hook['id']}")
    siren.answers = [saying(503)]
    await settle(desk)
    (owed,) = (await desk.do("webhooks.deliveries", id=hook["id"]))["items"]
    async with desk.provider.site.transactions.open(write=True) as stores:
        await stores.webhook_deliveries.fail(owed["id"], desk.provider.clock.now(), status=503, reason="answered 503")
    return hook["id"], owed["id"]


async def test_a_delivery_that_was_given_up_is_sent_again_under_its_id(desk: Operators, siren: Receiver) -> None:
    hook_id, delivery_id = await failed(desk, siren)

    again = await desk.do("webhooks.resend", id=hook_id, delivery_id=delivery_id)
    await settle(desk)
    (taken,) = (await desk.do("webhooks.deliveries", id=hook_id))["items"]

    assert (again["state"], again["tries"], again["ended_at"], again["reason"]) == ("waiting", 0, None, None)
    assert [each.id for each in siren.received] == [delivery_id, delivery_id]
    assert siren.received[0].body == siren.received[1].body
    assert (taken["state"], taken["status"]) == ("sent", 204)


async def test_what_is_owed_already_is_not_owed_twice(desk: Operators, siren: Receiver) -> None:
    hook_id, delivery_id = await failed(desk, siren)
    await desk.do("webhooks.resend", id=hook_id, delivery_id=delivery_id)

    assert await desk.refused("webhooks.resend", id=hook_id, delivery_id=delivery_id) is Code.CONFLICT


async def test_a_delivery_of_another_webhook_and_a_test_are_not_sent_again(desk: Operators, siren: Receiver) -> None:
    hook_id, delivery_id = await failed(desk, siren)
    other = await made(desk, siren, kinds=["key_revoked"])
    test = (await desk.do("webhooks.test", id=hook_id))["delivery_id"]
    stranger = await desk.of(Role.AUDITOR)

    assert await desk.refused("webhooks.resend", id=other["id"], delivery_id=delivery_id) is Code.NOT_FOUND
    assert await desk.refused("webhooks.resend", id=hook_id, delivery_id="nothing") is Code.NOT_FOUND
    assert await desk.refused("webhooks.resend", id=hook_id, delivery_id=test) is Code.CONFLICT
    given = {"id": hook_id, "delivery_id": delivery_id}
    assert await desk.refused("webhooks.resend", stranger, **given) is Code.FORBIDDEN


async def test_a_paused_webhook_is_told_later_or_not_at_all(desk: Operators, siren: Receiver) -> None:
    hook = await made(desk, siren, kinds=["group_changed"])
    await desk.do("webhooks.update", id=hook["id"], is_active=False)
    await desk.do("groups.create", name="while paused")
    await settle(desk)
    assert siren.received == []
    await desk.do("webhooks.update", id=hook["id"], is_active=True)
    await settle(desk)
    assert [each.json["data"]["after"]["name"] for each in siren.received] == ["while paused"]

    await desk.do("webhooks.update", id=hook["id"], is_active=False)
    await desk.do("groups.create", name="skipped")
    await settle(desk)
    await desk.do("webhooks.update", id=hook["id"], is_active=True, skip=True)
    await settle(desk)

    assert len(siren.received) == 1


async def test_one_that_was_switched_off_goes_on_with_all_tries(desk: Operators, siren: Receiver) -> None:
    hook = await made(desk, siren, kinds=["group_changed"])
    siren.answers = [saying(410)]
    await desk.do("groups.create", name="gone")
    await settle(desk)
    (off,) = (await desk.do("webhooks.list"))["items"]
    assert (off["state"], off["waiting"]) == ("off", 1)

    on = await desk.do("webhooks.update", id=hook["id"], version=off["version"], is_active=True)
    await settle(desk)

    assert (on["state"], on["why"], on["failing_since"]) == ("active", None, None)
    assert [each.json["data"]["after"]["name"] for each in siren.received] == ["gone", "gone"]


async def test_a_change_of_what_was_changed_meanwhile_is_refused(desk: Operators, siren: Receiver) -> None:
    hook = await made(desk, siren)
    await desk.do("webhooks.update", id=hook["id"], version=hook["version"], name="Horn")

    for name in ("update", "rotate_secret", "delete"):
        refused = await desk.refused(f"webhooks.{name}", id=hook["id"], version=hook["version"])
        assert refused is Code.CHANGED_MEANWHILE


async def test_the_trail_tells_of_changes_and_of_a_url_only_its_host(desk: Operators, siren: Receiver) -> None:
    hook = await made(desk, siren)
    await desk.do("webhooks.update", id=hook["id"], url=siren.url + "/a-token-in-the-path")

    changed, created = (await desk.events("webhook_changed"))[:2]

    assert (created["detail"]["change"], created["target_id"]) == ("created", hook["id"])
    assert created["after"]["host"] == siren.place
    assert set(changed["after"]) == {"url_digest"}
    assert "a-token-in-the-path" not in str(changed)


async def test_the_trail_tells_of_a_test_and_of_what_was_sent_again(desk: Operators, siren: Receiver) -> None:
    hook_id, delivery_id = await failed(desk, siren)
    await desk.do("webhooks.test", id=hook_id)
    await desk.do("webhooks.resend", id=hook_id, delivery_id=delivery_id)

    rows = (await desk.events("webhook_changed"))[:2]

    assert {(row["detail"]["change"], row["target_id"]) for row in rows} == {
        ("tested", hook_id), ("sent again", hook_id),
    }  # fmt: skip


async def test_there_are_so_many_webhooks_and_no_more(desk: Operators, siren: Receiver) -> None:
    for _ in range(MOST):
        await made(desk, siren)

    assert await desk.refused("webhooks.create", name="S", url=siren.url) is Code.CONFLICT


async def test_unknown_webhooks_are_unknown(desk: Operators) -> None:
    for name in ("update", "rotate_secret", "delete", "test"):
        for hook_id in ("nobody", "\u00e9"):
            assert await desk.refused(f"webhooks.{name}", id=hook_id) is Code.NOT_FOUND


async def test_administrators_get_a_mail_when_a_webhook_is_switched_off(desk: Operators, siren: Receiver) -> None:
    desk.provider.clock.advance(2 * WINDOW)  # what else was switched off here lately is told in a digest
    administrator = await desk.user(Role.ADMINISTRATOR)
    hook = await made(desk, siren, kinds=["group_changed"])
    siren.answers = [saying(410)]
    await desk.do("groups.create", name="told by mail")
    await settle(desk)

    assert [hook["id"] in each for each in await letters(desk.provider, administrator.email or "")] == [True]
    off = [each for each in await desk.events("webhook_changed") if each["detail"]["change"] == "switched off"]
    assert (off[0]["target_id"], off[0]["actor_kind"]) == (hook["id"], "system")
