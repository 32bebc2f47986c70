"""People at the console: found, made, changed, helped, shut out and let in again, several at once, as a file."""

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.domain.user import Role, User, UserStatus
from tests.support.careful import Visitor, careful_provider
from tests.support.console import events, helper, visit
from tests.support.html_browser import Page
from tests.support.provider import MINUTE, Person, Provider


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("people")
    async with careful_provider(folder) as provider:
        yield provider


@pytest.fixture
async def keeper(provider: Provider) -> Visitor:
    """An administrator who has just proved everything."""
    keeper = await helper(provider, Role.ADMINISTRATOR)
    await visit(keeper, "/admin/policies")
    return keeper


async def look(visitor: Visitor, path: str) -> Page:
    return await visitor.browser.open(f"{visitor.provider.issuer}/admin/{path}")


async def stored(provider: Provider, person: Person) -> User | None:
    async with provider.site.transactions.open(write=False) as stores:
        return await stores.users.find(person.id)


async def press(visitor: Visitor, person: Person, button: str, **typed: str | bool) -> Page:
    await look(visitor, f"users/{person.id}")
    return await visitor.browser.submit(button, **typed)


async def test_a_person_is_found_by_their_address_which_stays_out_of_the_url(
    provider: Provider, keeper: Visitor
) -> None:
    person = await provider.person()
    await look(keeper, "users")

    page = await keeper.browser.submit("users-show", find=person.user.email or "")

    assert page.url == f"{provider.issuer}/admin/users/{person.id}"
    assert page.text("user-label") == person.user.email


async def test_nobody_is_found_by_a_name_that_nobody_has_and_it_stays_in_the_form(keeper: Visitor) -> None:
    await look(keeper, "users")

    page = await keeper.browser.submit("users-show", find="nobody@example.org")

    assert page.has("nothing")
    assert "nobody@" not in page.url
    assert page.document.attributes["find"]["value"] == "nobody@example.org"


async def test_a_list_goes_on_where_its_page_ended_with_the_filters_that_were_set(
    provider: Provider, keeper: Visitor
) -> None:
    made = [await provider.person(groups=["pages"]) for _ in range(52)]
    await look(keeper, "users")

    first = await keeper.browser.submit("users-show", group="pages")
    second = await look(keeper, first.document.attributes["older"]["href"].removeprefix("/admin/"))

    shown = [id.removeprefix("pick-") for page in (first, second) for id in page.document.attributes if "pick-" in id]
    assert sorted(shown) == sorted(person.id for person in made)
    assert not second.has("older")


async def test_a_cursor_of_another_list_is_refused_and_not_followed(keeper: Visitor) -> None:
    page = await look(keeper, "users?cursor=AAAA")

    assert (page.status, page.name) == (400, "refused")


async def test_a_new_person_is_made_and_invited(provider: Provider, keeper: Visitor) -> None:
    await look(keeper, "users/new")

    page = await keeper.browser.submit(
        "user-create", email="Nora@Example.org", name="Nora", groups="crew, night shift", email_verified=True
    )

    assert page.text("notice").startswith("The account is made.")
    assert page.text("user-groups").split() == [
        "crew",
        "Take",
        "out",
        "crew",
        "night",
        "shift",
        "Take",
        "out",
        "night",
        "shift",
    ]
    async with provider.site.transactions.open(write=False) as stores:
        user = await stores.users.find_by_name("nora@example.org")
    assert user is not None
    assert user.email_verified
    assert len(await provider.mail_to(Person(user, "nora"))) == 1


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({"email": "nora at home"}, "email"),
        ({"username": "two words"}, "username"),
        ({}, "email"),
        ({"email": "x@example.org", "groups": "a\u202eb"}, "groups"),
        ({"email": "x@example.org", "name": "a\u202eb"}, "name"),
    ],
    ids=["address", "username", "neither", "group", "name"],
)
async def test_a_form_that_is_refused_says_so_at_the_field_and_keeps_everything(
    keeper: Visitor, typed: dict[str, str], fault: str
) -> None:
    await look(keeper, "users/new")

    page = await keeper.browser.submit("user-create", given_name="Nora", invite=False, **typed)

    assert page.status == 400
    assert page.document.attributes["given_name"]["value"] == "Nora"
    assert all(page.document.attributes[name]["value"] == value for name, value in typed.items())
    assert page.document.attributes[fault]["aria-invalid"] == "true"
    assert page.text(page.document.attributes[fault]["aria-describedby"])
    assert "checked" not in page.document.attributes["invite"]


async def test_an_address_that_another_account_has_is_refused_at_its_field(provider: Provider, keeper: Visitor) -> None:
    person = await provider.person()
    await look(keeper, "users/new")

    page = await keeper.browser.submit("user-create", email=person.user.email or "")

    assert page.status == 409
    assert page.text("email-said") == "This is taken."


async def test_a_profile_is_changed_and_what_was_emptied_is_gone(provider: Provider, keeper: Visitor) -> None:
    person = await provider.person(name="Ada", nickname="Countess")

    page = await press(keeper, person, "user-save", nickname="", name="Ada King", username="")

    assert page.text("notice") == "Saved."
    user = await stored(provider, person)
    assert user is not None
    assert (user.username, user.claims.get("name"), "nickname" in user.claims) == (None, "Ada King", False)


async def test_an_account_keeps_something_to_sign_in_with(provider: Provider, keeper: Visitor) -> None:
    person = await provider.person()

    page = await press(keeper, person, "user-save", email="", username="", name="Kept")

    assert page.status == 400
    assert page.text("email-said").startswith("An email address or a username is needed.")
    assert page.document.attributes["name"]["value"] == "Kept"
    assert await stored(provider, person) == person.user


async def test_a_form_that_became_stale_keeps_what_was_typed_and_shows_what_is_stored(
    provider: Provider, keeper: Visitor
) -> None:
    person = await provider.person(name="Ada")
    await look(keeper, f"users/{person.id}")
    other = await helper(provider, Role.OWNER)
    await visit(other, "/admin/policies")
    await press(other, person, "user-save", name="Ada King")

    page = await keeper.browser.submit("user-save", name="Ada Byron", nickname="Countess")

    assert page.status == 412
    assert page.document.attributes["name"]["value"] == "Ada Byron"
    assert "Ada King" in page.text("name-said")
    assert "Somebody else saved a change meanwhile." in page.text("user-refused")
    assert (await keeper.browser.submit("user-save")).text("notice") == "Saved."
    user = await stored(provider, person)
    assert user is not None
    assert (user.claims["name"], user.claims["nickname"]) == ("Ada Byron", "Countess")


async def test_an_account_is_shut_and_opened_again_by_the_notice(provider: Provider, keeper: Visitor) -> None:
    person = await provider.person()

    shut = await press(keeper, person, "user-disable")
    status = (await stored(provider, person) or person.user).status
    opened = await keeper.browser.submit("undo")

    assert shut.text("user-status") == "Disabled"
    assert status is UserStatus.DISABLED
    assert opened.text("user-status") == "Active"
    assert opened.text("notice").startswith("The account is open again.")


async def test_a_notice_is_not_shown_by_a_link_that_somebody_else_made(provider: Provider, keeper: Visitor) -> None:
    person, other = await provider.person(), await provider.person()
    said = (await press(keeper, person, "user-disable")).url.partition("?")[2]

    for path in (
        f"users/{other.id}?{said}",
        f"users/{person.id}?done=disabled&about={person.id}&tag=x",
        f"users?{said}",
    ):
        assert not (await look(keeper, path)).has("notice"), path


async def test_a_person_joins_a_group_and_leaves_it_each_way_and_back(provider: Provider, keeper: Visitor) -> None:
    person, _ = await provider.person(), await provider.person(groups=["harbour"])

    joined = await press(keeper, person, "group-add", group="harbour")
    left = await keeper.browser.submit("undo")
    again = await keeper.browser.submit("undo")

    assert "harbour" in joined.text("user-groups")
    assert not left.has("user-groups")
    assert "harbour" in again.text("user-groups")


async def test_a_group_that_there_is_not_is_refused_at_its_field(provider: Provider, keeper: Visitor) -> None:
    page = await press(keeper, await provider.person(), "group-add", group="harbor")

    assert page.status == 400
    assert page.text("group-said") == "There is no group of this name."
    assert page.document.attributes["group"]["value"] == "harbor"


@pytest.mark.parametrize(
    ("button", "said"),
    [
        ("user-send-reset", "A link to choose a new password is on its way."),
        ("user-unlock", "Failed attempts are forgotten."),
        ("user-end-sessions", "Signed out everywhere."),
    ],
)
async def test_support_helps_with_a_button(provider: Provider, button: str, said: str) -> None:
    support = await helper(provider, Role.SUPPORT)
    await visit(support, "/admin")

    page = await press(support, await provider.person(), button)

    assert page.text("notice") == said


async def test_support_sees_who_somebody_is_but_not_what_is_known_of_them(provider: Provider) -> None:
    support = await helper(provider, Role.SUPPORT)
    await visit(support, "/admin")
    person = await provider.person(name="Ada", birthdate="1815-12-10", phone_number="+441234567")

    page = await look(support, f"users/{person.id}")

    assert "Ada" in page.response.text
    assert "1815" not in page.response.text
    assert "+441234567" not in page.response.text
    assert not any(
        page.has(id) for id in ("user-save", "user-disable", "user-delete", "user-change-role", "user-events")
    )


async def test_a_page_that_asks_again_asks_for_a_proof_and_comes_back(provider: Provider, keeper: Visitor) -> None:
    person = await provider.person()
    provider.clock.advance(6 * MINUTE)

    page = await visit(keeper, f"/admin/users/{person.id}/delete")

    assert page.name == "user-danger"
    assert await stored(provider, person) is not None


async def test_an_account_is_deleted_only_by_its_name(provider: Provider, keeper: Visitor) -> None:
    person = await provider.person()
    await look(keeper, f"users/{person.id}/delete")

    page = await keeper.browser.submit("danger-confirm", typed="somebody else")
    kept = await stored(provider, person)
    done = await keeper.browser.submit("danger-confirm", typed=person.user.email or "")

    assert (page.status, page.document.attributes["typed"]["value"]) == (400, "somebody else")
    assert page.document.attributes["typed"]["aria-invalid"] == "true"
    assert kept is not None
    assert (done.name, done.text("notice")) == ("users", "Deleted for good.")
    assert await stored(provider, person) is None
    assert (await look(keeper, f"users/{person.id}")).status == 404


async def test_a_confirmation_whose_proof_became_old_does_nothing(provider: Provider, keeper: Visitor) -> None:
    person = await provider.person()
    await look(keeper, f"users/{person.id}/delete")
    provider.clock.advance(6 * MINUTE)

    page = await keeper.browser.submit("danger-confirm", typed=person.user.email or "")

    assert page.name in ("login", "step-up")
    assert await stored(provider, person) is not None


async def test_second_factors_are_removed_on_a_page_that_asks_again(provider: Provider, keeper: Visitor) -> None:
    person = await provider.person()
    await look(keeper, f"users/{person.id}/reset-factors")

    page = await keeper.browser.submit("danger-confirm", typed=(person.user.email or "").upper())

    assert page.text("notice").startswith("The second factors are removed.")


async def test_a_role_is_given_below_ones_own_and_not_above(provider: Provider, keeper: Visitor) -> None:
    person = await provider.person()
    await look(keeper, f"users/{person.id}/role")

    refused = await keeper.browser.submit("role-save", role="owner")
    given = await keeper.browser.submit("role-save", role="support")

    assert (refused.status, refused.name) == (403, "user-role")
    assert given.text("user-role") == "Support"


async def test_many_are_shut_out_at_once_and_each_says_what_came_of_it(provider: Provider, keeper: Visitor) -> None:
    people = [await provider.person(groups=["crowd"]) for _ in range(2)]
    owner = await helper(provider, Role.OWNER)
    await look(keeper, "users?group=crowd")
    form, _ = keeper.browser.page.document.form_with_button("bulk-disable")
    for control in form.controls:  # somebody above them, as if the page had listed them
        if control.name == f"pick-{people[1].id}":
            control.attributes["name"] = f"pick-{owner.person.id}"
            control.checked = True

    page = await keeper.browser.submit("bulk-disable", **{f"pick-{people[0].id}".replace("-", "_"): True})

    assert page.name == "users-bulk"
    assert "Done" in page.text("bulk-list")
    assert "Your role does not allow this" in page.text("bulk-list")
    assert [(await stored(provider, each) or each.user).status.value for each in (*people, owner.person)] == [
        "disabled", "active", "active",
    ]  # fmt: skip
    again = await keeper.browser.submit("bulk-enable")
    assert "Done" in again.text("bulk-list")
    assert (await stored(provider, people[0]) or people[0].user).status is UserStatus.ACTIVE


async def test_nobody_is_chosen_and_nothing_happens(keeper: Visitor) -> None:
    await look(keeper, "users")

    assert (await keeper.browser.submit("bulk-disable")).name == "users"


async def test_everybody_is_exported_page_by_page_and_no_cell_is_a_formula(provider: Provider, keeper: Visitor) -> None:
    evil = '=HYPERLINK("https://evil.example")'
    for n in range(102):
        await provider.person(name=evil if n == 0 else "Ada", groups=["exported"])

    table = (await look(keeper, "users/export?format=csv&group=exported")).response
    lines = (await look(keeper, "users/export?format=ndjson&group=exported")).response

    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert len(rows) == len(lines.text.splitlines()) == 102
    assert f"'{evil}" in [row["name"] for row in rows]
    assert evil in [json.loads(line)["name"] for line in lines.text.splitlines()]
    assert table.headers["content-disposition"] == 'attachment; filename="users.csv"'
    assert table.headers["cache-control"] == "no-store"
    assert len(await events(provider, "list_exported", keeper.person.id)) == 2
    assert (await look(keeper, "users/export?format=xlsx")).status == 404


async def test_a_proof_that_is_ten_minutes_old_still_reads_and_writes_what_is_not_dangerous(
    provider: Provider, keeper: Visitor
) -> None:
    person = await provider.person()
    provider.clock.advance(10 * MINUTE)

    page = await press(keeper, person, "user-save", name="Ada")

    assert page.text("notice") == "Saved."
