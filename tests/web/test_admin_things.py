"""Groups, sessions, consents, keys, messages, events, invitations and tokens at the console."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import update

from idp.domain.user import Role
from idp.storage.outbox import outbox
from tests.support.careful import Visitor, careful_provider
from tests.support.console import helper, visit
from tests.support.html_browser import Page
from tests.support.provider import DAY, Provider


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("things")
    async with careful_provider(folder) as provider:
        yield provider


@pytest.fixture
async def keeper(provider: Provider) -> Visitor:
    """An administrator who has just proved everything."""
    keeper = await helper(provider, Role.ADMINISTRATOR)
    await visit(keeper, "/admin/policies")
    return keeper


async def look(visitor: Visitor, path: str) -> Page:
    return await visitor.browser.open(
        f"{visitor.provider.issuer}/admin/{path}".replace("/admin/?", "/admin?").removesuffix("/")
    )


def button(page: Page, prefix: str) -> str:
    """Return the one button whose id begins so."""
    (found,) = (id for id in page.document.attributes if id.startswith(prefix))
    return found


async def make_group(keeper: Visitor, name: str) -> Page:
    await look(keeper, "groups/new")
    return await keeper.browser.submit("group-create", name=name, description="Everybody on board")


async def test_a_group_is_made_renamed_with_its_members_and_removed(provider: Provider, keeper: Visitor) -> None:
    person = await provider.person(groups=["deck hands"])
    await look(keeper, "groups")
    listed = await keeper.browser.submit("groups-show", find="deck")
    path = next(link["href"] for link in listed.document.links if link.get("href", "").startswith("/admin/groups/") and
                "new" not in link["href"])  # fmt: skip

    shown = await look(keeper, path.removeprefix("/admin/"))
    renamed = await keeper.browser.submit("group-save", name="crew")
    await look(keeper, f"{path.removeprefix('/admin/')}/delete")
    gone = await keeper.browser.submit("danger-confirm")

    assert (person.user.email or "") in shown.text("group-members")
    assert renamed.text("notice") == "Saved."
    assert (person.user.email or "") in renamed.text("group-members")
    assert gone.text("notice") == "Deleted for good."
    assert not (await look(keeper, f"users/{person.id}")).has("user-groups")


async def test_a_group_whose_name_is_taken_is_refused_at_its_field(keeper: Visitor) -> None:
    await make_group(keeper, "taken")

    page = await make_group(keeper, "taken")

    assert page.status == 409
    assert "This is taken." in page.text("name-said")
    assert page.document.attributes["description"]["value"] == "Everybody on board"


async def test_a_group_that_became_stale_keeps_what_was_typed(provider: Provider, keeper: Visitor) -> None:
    page = await make_group(keeper, "stale")
    other = await helper(provider, Role.OWNER)
    await visit(other, "/admin/policies")
    await look(other, page.url.partition("/admin/")[2].partition("?")[0])
    await other.browser.submit("group-save", description="Nobody")

    page = await keeper.browser.submit("group-save", description="Somebody")

    assert page.status == 412
    assert page.document.attributes["description"]["value"] == "Somebody"
    assert "Nobody" in page.text("description-said")


async def test_a_session_is_ended_from_the_list_and_its_browser_is_signed_out(
    provider: Provider, keeper: Visitor
) -> None:
    somebody = Visitor(provider, await provider.person())
    await visit(somebody, "/account/sessions")
    page = await look(keeper, f"sessions?user_id={somebody.person.id}")

    done = await keeper.browser.submit(button(page, "end-"))

    assert done.text("notice") == "The session is over."
    assert (await somebody.browser.open(f"{provider.issuer}/account/sessions")).name == "login"


async def test_what_somebody_allowed_is_taken_back_from_their_page(provider: Provider, keeper: Visitor) -> None:
    somebody, rp = Visitor(provider, await provider.person()), await provider.client()
    await somebody.sign_in(rp)
    page = await look(keeper, f"users/{somebody.person.id}")

    done = await keeper.browser.submit(button(page, "revoke-"))

    assert done.url.startswith(f"{provider.issuer}/admin/users/{somebody.person.id}?")
    assert done.text("notice").startswith("Taken back.")
    assert not done.has("user-consents")


async def test_a_button_leads_back_to_no_page_but_ours(provider: Provider, keeper: Visitor) -> None:
    somebody = Visitor(provider, await provider.person())
    await visit(somebody, "/account/sessions")
    page = await look(keeper, f"users/{somebody.person.id}")
    form, _ = page.document.form_with_button(button(page, "end-"))
    next(each for each in form.controls if each.name == "person").value = "//evil.example/"

    done = await keeper.browser.submit(button(page, "end-"))

    assert done.url.startswith(f"{provider.issuer}/admin/sessions?")


async def test_keys_move_on_and_one_is_revoked_each_on_a_page_that_asks_again(keeper: Visitor) -> None:
    await look(keeper, "keys/rotate")

    moved = await keeper.browser.submit("danger-confirm")
    next_key = next(id for id in moved.document.attributes if id.startswith("retire-")).removeprefix("retire-")
    await look(keeper, f"keys/{next_key}/revoke")
    revoked = await keeper.browser.submit("danger-confirm")

    assert moved.text("notice") == "The keys moved on."
    assert revoked.text("notice") == "Nothing counts any more that the key signed."
    assert (await look(keeper, "keys/nothing/revoke")).status == 404


async def test_a_message_that_failed_is_sent_again(provider: Provider, keeper: Visitor) -> None:
    person = await provider.person()
    await look(keeper, f"users/{person.id}")
    async with provider.site.transactions.open(write=True) as stores:
        await provider.site.administration.tools.notices.tell(
            stores, person.user, "recovery_done", provider.clock.now()
        )  # fmt: skip
        await stores.connection.execute(
            update(outbox).values(failed_at=provider.clock.now()).where(outbox.c.sent_at.is_(None))
        )
    await look(keeper, "messages")
    page = await keeper.browser.submit("messages-show", state="failed")

    done = await keeper.browser.submit(next(id for id in page.document.attributes if id.startswith("resend-")))

    assert (person.user.email or "") not in page.response.text
    assert done.text("notice") == "The message is on its way again."


async def test_events_are_filtered_by_a_person_whose_name_stays_out_of_the_url(
    provider: Provider, keeper: Visitor
) -> None:
    person = await provider.person()
    await look(keeper, "events")

    page = await keeper.browser.submit("events-show", user_id=person.user.email or "", kind="user_changed")

    assert f"user_id={person.id}" in page.url
    assert "person" not in page.url
    assert page.text("events-list").count("user_changed") >= 1
    lines = (await look(keeper, f"events/export?format=ndjson&user_id={person.id}")).response.text.splitlines()
    assert {json.loads(line)["user_id"] for line in lines} == {person.id}


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [("since", "yesterday", "This is no date"), ("user_id", "nobody@example.org", "There is no person")],
)
async def test_a_filter_that_cannot_be_read_is_refused_at_its_field(
    keeper: Visitor, field: str, typed: str, said: str
) -> None:
    await look(keeper, "events")

    page = await keeper.browser.submit("events-show", client_id="books", **{field: typed})

    assert page.status == 400
    assert said in page.text(f"{field}-said")
    assert page.document.attributes["client_id"]["value"] == "books"


async def test_events_of_a_span_are_those_between_its_ends(provider: Provider, keeper: Visitor) -> None:
    provider.clock.advance(DAY)
    await visit(keeper, "/admin/policies")
    day = provider.clock.now().date().isoformat()

    inside = await look(keeper, f"events?since={day}T00:00&kind=signed_in")
    outside = await look(keeper, f"events?until={day}T00:00&kind=client_changed&client_id=nobody")

    assert inside.has("events-list")
    assert outside.has("nothing")


async def test_an_invitation_is_sent_and_taken_back(provider: Provider, keeper: Visitor) -> None:
    await look(keeper, "invitations")

    sent = await keeper.browser.submit("invitation-send", email="guest@example.org", name="Guest", locale="de")
    back = await keeper.browser.submit(button(sent, "revoke-"))

    assert sent.text("notice") == "The invitation is on its way."
    assert back.text("notice") == "Taken back."
    assert not back.has("invitations-list")


async def test_an_invitation_that_is_refused_keeps_what_was_typed(provider: Provider, keeper: Visitor) -> None:
    person = await provider.person()
    await look(keeper, "invitations")

    page = await keeper.browser.submit("invitation-send", email=person.user.email or "", name="Guest")

    assert page.status == 409
    assert page.text("email-said") == "This is taken."
    assert page.document.attributes["name"]["value"] == "Guest"


async def test_a_registration_token_is_shown_once(keeper: Visitor) -> None:
    await look(keeper, "registration-tokens")

    page = await keeper.browser.submit("token-create", uses="2", days="3", scopes="openid email")
    secret = page.text("token-secret")
    again = await keeper.browser.open(page.url)

    assert "2 clients left" in page.text("tokens-list")
    assert secret not in again.response.text
    assert again.text("tokens-list") == page.text("tokens-list")  # loading it again made no other
    revoked = await keeper.browser.submit(button(again, "revoke-"))
    assert not revoked.has("tokens-list")


@pytest.mark.parametrize(("field", "typed"), [("uses", "many"), ("uses", "0"), ("days", "999"), ("scopes", 'a"b')])
async def test_a_token_that_may_not_be_is_refused_and_none_is_made(keeper: Visitor, field: str, typed: str) -> None:
    await look(keeper, "registration-tokens")

    page = await keeper.browser.submit("token-create", **{field: typed})

    assert page.status == 400
    assert page.document.attributes[field]["value"] == typed
    assert not page.has("token-made")
    assert not page.has("tokens-list")


async def test_settings_say_of_a_secret_only_that_it_is_set(provider: Provider, keeper: Visitor) -> None:
    page = await look(keeper, "settings")

    assert "IDP_MASTER_KEY" in page.text("settings-list")
    master = provider.site.settings.master_key
    assert master is not None
    assert master.get_secret_value() not in page.response.text


@pytest.mark.parametrize("span", ["day", "week", "month", "century"])
async def test_the_dashboard_shows_a_span_as_pictures_and_as_figures(keeper: Visitor, span: str) -> None:
    page = await look(keeper, f"?span={span}" if span != "day" else "")

    assert page.name == "overview"
    assert int(page.text("total-signed_in")) >= 1
    assert page.response.text.count('<svg class="columns"') == 7
