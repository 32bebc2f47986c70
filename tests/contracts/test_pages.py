"""What pages do is what operations do: a case by a call and by the buttons of a page leaves the same in the trail.

Operations that only read, and those that no page has, stand in the other suite alone.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import pytest

from idp.flows.admin.catalog import OPERATIONS
from tests.support.careful import Visitor, careful_provider
from tests.support.console import administrator, visit
from tests.support.html_browser import Page
from tests.support.operation_cases import CALLBACK, CASES, Given, besides, fresh, person
from tests.support.operators import COMMAND, Operators
from tests.support.provider import Provider

Act = Callable[[Visitor, Given], Awaitable[Page]]
#: No page does these: they are made of others, or for programs.
WITHOUT_PAGE = frozenset({
    "configuration.apply",
    *(f"{table}.{act}" for table in ("resources", "detail_types", "exchange_rules", "assertion_issuers")
      for act in ("create", "update", "delete")),
})  # fmt: skip


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("pages")
    async with careful_provider(folder, IDP_OUTBOUND_ALLOW="127.0.0.1:9") as provider:
        yield provider


@pytest.fixture(scope="module")
async def keeper(provider: Provider) -> Visitor:
    return await administrator(provider)


def press(path: str, button: str, **typed: str | bool) -> Act:
    """Return the act of opening a page and pressing a button; `{id}` and the like are of what was prepared."""

    async def act(keeper: Visitor, given: Given) -> Page:
        await visit(keeper, f"/admin/{path.format_map(given)}")
        filled = {name: each.format_map(given) if isinstance(each, str) else each for name, each in typed.items()}
        return await keeper.browser.submit(button.format_map(given), **filled)

    return act


def danger(path: str) -> Act:
    """Return the act of confirming by the name of an account what cannot be undone."""

    async def act(keeper: Visitor, given: Given) -> Page:
        await visit(keeper, f"/admin/{path.format_map(given)}")
        async with keeper.provider.site.transactions.open(write=False) as stores:
            user = await stores.users.find(given["id"])
        assert user is not None
        return await keeper.browser.submit("danger-confirm", typed=user.label)

    return act


async def join(keeper: Visitor, given: Given) -> Page:
    """Put a person into a group by its name."""
    async with keeper.provider.site.transactions.open(write=False) as stores:
        group = await stores.groups.find(given["id"])
    assert group is not None
    await visit(keeper, f"/admin/users/{given['user_id']}")
    return await keeper.browser.submit("group-add", group=group.name)


async def first(keeper: Visitor, path: str, prefix: str) -> Page:
    """Press the first button whose id begins so."""
    page = await visit(keeper, f"/admin/{path}")
    found = next(name for name in page.document.attributes if name.startswith(prefix))
    return await keeper.browser.submit(found)


def first_of(path: str, prefix: str) -> Act:
    async def act(keeper: Visitor, given: Given) -> Page:
        return await first(keeper, path.format_map(given), prefix)

    return act


async def shut_out(keeper: Visitor, given: Given) -> Page:
    """Find a person in the list and shut out whoever is ticked there."""
    await visit(keeper, f"/admin/users?{urlencode({'group': given['group']})}")
    return await keeper.browser.submit("bulk-disable", **{f"pick-{given['ids'][0]}": True})


async def in_a_crowd(desk: Operators) -> Given:
    """Return what shuts out the only member of a group, as its list has them."""
    person, name = await desk.user(), f"crowd {next(_numbers)}"
    group = await desk.do("groups.create", name=name)
    await desk.do("groups.add_member", id=group["id"], user_id=person.id)
    return {"action": "disable", "ids": [person.id], "group": name}


_numbers = count(1)
#: What pages do in another manner than the cases of the other suite: a form has these members and no others.
PREPARED: Mapping[str, Callable[[Operators], Awaitable[Given]]] = {
    "users.bulk": in_a_crowd,
    "users.update": besides(person, claims={"name": "New Name"}),
    "clients.create": fresh(
        metadata={"client_name": "Books #", "redirect_uris": [CALLBACK], "scope": "openid profile email",
                  "grant_types": ["authorization_code", "refresh_token"]},
    ),
}  # fmt: skip
ACTS: Mapping[str, Act] = {
    "users.create": press("users/new", "user-create", email="{email}", name="New", groups="a", invite=True),
    "users.update": press("users/{id}", "user-save", name="New Name"),
    "users.bulk": shut_out,
    "groups.update": press("groups/{id}", "group-save", description="{description}"),
    "clients.create": press(
        "clients/new/web",
        "client-create",
        **{
            "client-name": "{metadata[client_name]}",
            "redirect-uris": "{metadata[redirect_uris][0]}",
            "scope": "{metadata[scope]}",
        },
    ),
    "clients.update": press("clients/{id}", "client-save", **{"client-uri": "{metadata[client_uri]}"}),
    "clients.add_manager": press("clients/{id}", "manager-add", manager="{user_id}"),
    "clients.remove_manager": press("clients/{id}", "manager-remove-{user_id}"),
    "users.disable": press("users/{id}", "user-disable"),
    "users.enable": press("users/{id}", "user-enable"),
    "users.send_reset": press("users/{id}", "user-send-reset"),
    "users.end_sessions": press("users/{id}", "user-end-sessions"),
    "users.unlock": press("users/{id}", "user-unlock"),
    "users.set_role": press("users/{id}/role", "role-save", role="support"),
    "users.reset_factors": danger("users/{id}/reset-factors"),
    "users.delete": danger("users/{id}/delete"),
    "groups.create": press("groups/new", "group-create", name="{name}", description="{description}"),
    "groups.delete": press("groups/{id}/delete", "danger-confirm"),
    "groups.add_member": join,
    "groups.remove_member": first_of("users/{user_id}", "leave-"),
    "clients.disable": press("clients/{id}", "client-disable"),
    "clients.enable": press("clients/{id}", "client-enable"),
    "clients.delete": press("clients/{id}/delete", "delete-confirm"),
    "clients.rotate_secret": press("clients/{id}/rotate", "rotate-confirm"),
    "sessions.end": press("sessions", "end-{id}"),
    "consents.revoke": first_of("users/{user_id}", "revoke-"),
    "resources.create": press(
        "resources/new", "resource-save", identifier="{identifier}", name="{name}", scopes="r {name}"
    ),
    "resources.delete": press("resources/{id}/delete", "danger-confirm"),
    "keys.rotate": press("keys/rotate", "danger-confirm"),
    "keys.retire": press("keys/{kid}/retire", "danger-confirm"),
    "keys.revoke": press("keys/{kid}/revoke", "danger-confirm"),
    "messages.resend": press("messages", "resend-{id}"),
    "invitations.create": press("invitations", "invitation-send", email="{email}"),
    "invitations.revoke": press("invitations", "revoke-{id}"),
    "registration_tokens.create": press("registration-tokens", "token-create", profile="oidc", uses="2"),
    "registration_tokens.revoke": press("registration-tokens", "revoke-{id}"),
    "upstreams.create": press(
        "upstreams/new",
        "upstream-save",
        id="{id}",
        name="{name}",
        issuer="{issuer}",
        client_id="{client_id}",
        client_secret="{client_secret}",
    ),
    "upstreams.update": press("upstreams/{id}/change", "upstream-save", scopes="openid", domains="example.org"),
    "upstreams.delete": press("upstreams/{id}/delete", "danger-confirm"),
    "upstreams.test": press("upstreams/{id}", "upstream-test"),
    "webhooks.create": press(
        "webhooks/new", "webhook-save", name="{name}", url="{url}", **{"kind-trail_restarted": True}
    ),
    "webhooks.update": press("webhooks/{id}/pause", "danger-confirm"),
    "webhooks.rotate_secret": press("webhooks/{id}/rotate", "danger-confirm"),
    "webhooks.delete": press("webhooks/{id}/delete", "danger-confirm"),
    "webhooks.test": press("webhooks/{id}", "webhook-test"),
    "webhooks.resend": press("webhooks/{id}", "resend-{delivery_id}"),
}


def test_every_operation_that_changes_something_has_its_page() -> None:
    changing = {name for name, each in OPERATIONS.items() if not each.is_reading}

    assert changing - ACTS.keys() - WITHOUT_PAGE == set()


@pytest.mark.parametrize("name", ACTS)
async def test_a_page_leaves_what_its_operation_leaves(provider: Provider, keeper: Visitor, name: str) -> None:
    desk, prepare = Operators(provider), PREPARED.get(name, CASES[name].prepare)
    given = await prepare(desk)
    before = await _trail(provider)
    await desk.do(name, COMMAND, **{member: each for member, each in given.items() if member in _members(name)})
    called = [row for id_, row in (await _trail(provider)).items() if id_ not in before]

    given = await prepare(desk)
    before = await _trail(provider)
    page = await ACTS[name](keeper, given)
    by_page = [row for id_, row in (await _trail(provider)).items() if id_ not in before]

    kinds = {kind for kind, *_ in called}  # what signing in on the way leaves is of other kinds
    assert page.status == 200, page.describe()
    assert {row for row in by_page if row[0] in kinds} == set(called), page.describe()
    assert called


def _members(name: str) -> Collection[str]:
    """Return what an operation takes; what else was prepared is for its page."""
    return OPERATIONS[name].takes.model_fields


async def _trail(provider: Provider) -> dict[str, tuple[str, ...]]:
    """Return what the trail says was done, by its id, without who did it."""
    async with provider.site.transactions.open(write=False) as stores:
        rows = await stores.events.list(limit=2000)
    parts = {row.id: (row.detail, row.before, row.after) for row in rows}
    return {
        row.id: (row.kind, row.result or "", *(" ".join(sorted(part or {})) for part in parts[row.id])) for row in rows
    }
