"""Webhooks at the console: made with a secret that is shown once, changed, paused, tested, and told again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.domain.user import Role
from idp.web.admin.webhooks import KINDS
from tests.support.careful import Visitor, careful_provider
from tests.support.console import helper, visit
from tests.support.html_browser import Page
from tests.support.operators import COMMAND, Operators
from tests.support.provider import MINUTE, Provider
from tests.support.webhooks import Receiver, receiver, saying


@pytest.fixture(scope="module")
async def siren() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory, siren: Receiver) -> AsyncIterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("webhooks")
    async with careful_provider(folder, IDP_OUTBOUND_ALLOW=siren.place) as provider:
        yield provider


@pytest.fixture
async def keeper(provider: Provider, siren: Receiver) -> Visitor:
    """An administrator who has just proved everything, at a provider without webhooks."""
    desk = Operators(provider)
    for each in (await desk.do("webhooks.list"))["items"]:
        await desk.do("webhooks.delete", id=each["id"])
    siren.received.clear()
    siren.answers.clear()
    keeper = await helper(provider, Role.ADMINISTRATOR)
    await visit(keeper, "/admin/policies")
    return keeper


async def look(visitor: Visitor, path: str = "") -> Page:
    return await visitor.browser.open(f"{visitor.provider.issuer}/admin/webhooks{path}")


async def make(keeper: Visitor, siren: Receiver, **typed: str | bool) -> Page:
    await look(keeper, "/new")
    given: dict[str, str | bool] = {"name": "Siren", "url": siren.url, "kind-group_changed": True}
    return await keeper.browser.submit("webhook-save", **(given | typed))


def path_of(page: Page) -> str:
    """Return what stands behind `/admin/webhooks` in the address of a webhook's page."""
    return "/" + page.url.partition("/admin/webhooks/")[2].partition("?")[0]


async def settle(provider: Provider) -> None:
    provider.clock.advance(MINUTE / 2)
    await provider.site.audit.chain.link()
    await provider.site.webhooks.planner.plan()
    while await provider.site.webhooks.worker.deliver():
        pass


async def test_a_webhook_is_made_and_its_secret_signs_what_is_delivered(
    provider: Provider, keeper: Visitor, siren: Receiver
) -> None:
    made = await make(keeper, siren)
    secret = made.text("webhook-secret")

    await Operators(provider).do("groups.create", name="readers")
    await settle(provider)

    assert made.name == "webhook"
    assert siren.received[0].is_signed_by(secret, provider.clock.now())
    shown = await look(keeper, path_of(made))
    assert "group_changed" in shown.text("deliveries-list")
    assert "Sent" in shown.text("deliveries-list")
    assert "Siren" in (await look(keeper)).text("webhooks-list")


async def test_a_page_that_is_loaded_again_neither_shows_the_secret_nor_makes_another(
    provider: Provider, keeper: Visitor, siren: Receiver
) -> None:
    made = await make(keeper, siren)
    secret = made.text("webhook-secret")

    again = await keeper.browser.open(made.url)

    assert (again.status, again.name) == (200, "webhook")
    assert secret not in again.response.text
    assert not again.has("webhook-secret")
    assert len((await Operators(provider).do("webhooks.list"))["items"]) == 1


async def test_without_a_kind_or_with_an_inner_address_nothing_is_made_and_all_that_was_typed_stands(
    provider: Provider, keeper: Visitor, siren: Receiver
) -> None:
    none = await make(keeper, siren, **{"kind-group_changed": False})
    inner = await make(keeper, siren, url="https://10.0.0.1/in", **{"with-address": True})

    assert (none.status, inner.status) == (400, 400)
    assert "Choose at least one." in none.text("kinds-said")
    assert "10.0.0.1" in inner.text("url-said")
    for page in (none, inner):
        assert page.document.attributes["name"]["value"] == "Siren"
    assert "checked" in inner.document.attributes["kind-group_changed"]
    assert "checked" in inner.document.attributes["with-address"]
    assert (await look(keeper)).has("nothing")


async def test_all_kinds_can_be_ticked_one_by_one_or_taken_as_they_come(
    provider: Provider, keeper: Visitor, siren: Receiver
) -> None:
    each = await make(keeper, siren, **{f"kind-{kind}": True for kind in KINDS})
    every = await make(keeper, siren, which="all")

    listed = (await Operators(provider).do("webhooks.list"))["items"]

    assert (each.status, every.status) == (200, 200)
    assert sorted(hook["kinds"] for hook in listed) == [["*"], list(KINDS)]


async def test_a_change_keeps_what_was_not_changed_and_refuses_what_is_stale(
    provider: Provider, keeper: Visitor, siren: Receiver
) -> None:
    path = path_of(await make(keeper, siren))
    await look(keeper, f"{path}/change")
    saved = await keeper.browser.submit("webhook-save", name="Horn", **{"kind-signed_in": True})
    form = await look(keeper, f"{path}/change")
    await Operators(provider).do("webhooks.update", id=path[1:], name="Whistle")
    keeper.browser.show(form)
    stale = await keeper.browser.submit("webhook-save", name="Bell")
    again = await keeper.browser.submit("webhook-save", name="Bell")

    assert saved.text("notice") == "Saved."
    assert "group_changed signed_in" in saved.text("webhook-facts")
    assert stale.status == 412
    assert "Stored now: Whistle" in stale.text("name-said")
    assert stale.document.attributes["name"]["value"] == "Bell"
    assert again.text("notice") == "Saved."


async def test_a_paused_webhook_goes_on_where_it_stopped_or_leaves_out_what_happened(
    provider: Provider, keeper: Visitor, siren: Receiver
) -> None:
    path, desk = path_of(await make(keeper, siren)), Operators(provider)
    for n, skip in enumerate((False, True)):
        await look(keeper, f"{path}/pause")
        paused = await keeper.browser.submit("danger-confirm")
        assert paused.text("webhook-state") == "Paused"
        await desk.do("groups.create", name=f"meanwhile {n}")
        await settle(provider)
        await look(keeper, f"{path}/resume")
        resumed = await keeper.browser.submit("danger-confirm", skip=skip)
        assert resumed.text("webhook-state") == "Active"
        await settle(provider)

    assert [each.json["data"]["after"]["name"] for each in siren.received] == ["meanwhile 0"]


async def test_a_new_secret_is_shown_once_and_both_sign_for_the_hours_that_were_said(
    provider: Provider, keeper: Visitor, siren: Receiver
) -> None:
    made = await make(keeper, siren)
    path, old = path_of(made), made.text("webhook-secret")
    await look(keeper, f"{path}/rotate")
    wrong = [await keeper.browser.submit("danger-confirm", overlap_hours=hours) for hours in ("169", "x")]
    page = await keeper.browser.submit("danger-confirm", overlap_hours="2")
    new = page.text("webhook-secret")
    await look(keeper, path)
    await keeper.browser.submit("webhook-test")

    assert [each.status for each in wrong] == [400, 400]
    assert wrong[0].has("overlap_hours-said")
    assert new != old
    assert all(siren.received[-1].is_signed_by(each, provider.clock.now()) for each in (old, new))
    assert "The old secret signs" in page.text("webhook-facts")
    assert not (await keeper.browser.open(page.url)).has("webhook-secret")


async def test_a_test_says_whether_it_was_taken_and_why_not(keeper: Visitor, siren: Receiver) -> None:
    path = path_of(await make(keeper, siren))
    siren.answers = [saying(204), saying(503)]

    well = await keeper.browser.submit("webhook-test")
    ill = await keeper.browser.submit("webhook-test")

    assert well.text("notice") == "The test was taken."
    assert "not taken" in ill.text("notice")
    assert "answer: 503" in ill.text("deliveries-list")
    assert not [id for id in ill.document.attributes if id.startswith("resend-")]
    assert path_of(ill) == path


async def test_a_delivery_that_was_given_up_is_found_and_sent_again(
    provider: Provider, keeper: Visitor, siren: Receiver
) -> None:
    path = path_of(await make(keeper, siren))
    siren.answers = [saying(503)]
    await Operators(provider).do("groups.create", name=f"lost {path}")
    await settle(provider)
    async with provider.site.transactions.open(write=True) as stores:
        (owed,) = await stores.webhook_deliveries.oldest(path[1:], limit=5)
        await stores.webhook_deliveries.fail(owed.id, provider.clock.now(), status=503, reason="answered 503")
    await look(keeper, path)
    found = await keeper.browser.submit("deliveries-show", state="failed")

    again = await keeper.browser.submit(f"resend-{owed.id}")
    await settle(provider)

    assert found.url.endswith("?state=failed")
    assert again.text("notice") == "The delivery is on its way again."
    assert [each.id for each in siren.received] == [owed.id, owed.id]
    none = await look(keeper, f"{path}?state=failed")
    assert none.has("nothing")
    keeper.browser.show(found)
    assert (await keeper.browser.submit(f"resend-{owed.id}")).status == 200  # it was taken: it may be told once more
    keeper.browser.show(found)
    assert (await keeper.browser.submit(f"resend-{owed.id}")).status == 409  # and is on its way


async def test_a_webhook_is_deleted_on_a_page_that_asks_again(keeper: Visitor, siren: Receiver) -> None:
    path = path_of(await make(keeper, siren))
    await look(keeper, f"{path}/delete")

    gone = await keeper.browser.submit("danger-confirm")

    assert gone.text("notice") == "Deleted for good."
    assert gone.has("nothing")
    assert (await look(keeper, path)).status == 404


@pytest.mark.parametrize("step", ["change", "rotate", "pause", "resume", "delete"])
async def test_what_leads_events_away_asks_for_a_fresh_proof_and_a_late_form_does_nothing(
    provider: Provider, keeper: Visitor, siren: Receiver, step: str
) -> None:
    path = path_of(await make(keeper, siren))
    before = await Operators(provider).do("webhooks.show", id=path[1:])
    await look(keeper, f"{path}/{step}")
    provider.clock.advance(6 * MINUTE)

    late = await keeper.browser.submit("webhook-save" if step == "change" else "danger-confirm")

    assert late.name in ("login", "step-up")
    assert await Operators(provider).do("webhooks.show", COMMAND, id=path[1:]) == before


async def test_a_webhook_that_was_switched_off_says_why(provider: Provider, keeper: Visitor, siren: Receiver) -> None:
    path = path_of(await make(keeper, siren))
    siren.answers = [saying(410)]
    await Operators(provider).do("groups.create", name=f"gone {path}")
    await settle(provider)

    page = await look(keeper, path)

    assert page.text("webhook-state") == "Switched off"
    assert "410" in page.text("webhook-why")
