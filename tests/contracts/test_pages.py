"""What pages do is what operations do: a case by a call and by the buttons of a page leaves the same in the trail.

Operations that only read, and those that no page has, stand in the other suite alone.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from idp.flows.admin.catalog import OPERATIONS
from tests.support.careful import Visitor, careful_provider
from tests.support.console import administrator, visit
from tests.support.html_browser import Page
from tests.support.operation_cases import CASES, Given
from tests.support.operators import COMMAND, Operators
from tests.support.provider import Provider

Act = Callable[[Visitor, Given], Awaitable[Page]]
#: No page does these: they are made of others, or for programs.
WITHOUT_PAGE = frozenset({
    "users.bulk", "users.update", "users.create", "clients.create", "clients.update", "configuration.apply",
    "groups.update", "clients.add_manager", "clients.remove_manager", "resources.update",
    *(f"{table}.{act}" for table in ("detail_types", "exchange_rules", "assertion_issuers")
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


ACTS: Mapping[str, Act] = {
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
    "keys.rotate": press("keys/rotate", "danger-confirm"),
    "keys.retire": press("keys/{kid}/retire", "danger-confirm"),
    "keys.revoke": press("keys/{kid}/revoke", "danger-confirm"),
    "messages.resend": press("messages", "resend-{id}"),
    "invitations.create": press("invitations", "invitation-send", email="{email}"),
    "invitations.revoke": press("invitations", "revoke-{id}"),
    "registration_tokens.create": press("registration-tokens", "token-create", profile="oidc", uses="2"),
    "registration_tokens.revoke": press("registration-tokens", "revoke-{id}"),
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
    desk, prepare = Operators(provider), CASES[name].prepare
    given = await prepare(desk)
    before = await _trail(provider)
    await desk.do(name, COMMAND, **given)
    called = [row for id_, row in (await _trail(provider)).items() if id_ not in before]

    given = await prepare(desk)
    before = await _trail(provider)
    page = await ACTS[name](keeper, given)
    by_page = [row for id_, row in (await _trail(provider)).items() if id_ not in before]

    kinds = {kind for kind, *_ in called}  # what signing in on the way leaves is of other kinds
    assert page.status == 200, page.describe()
    assert {row for row in by_page if row[0] in kinds} == set(called), page.describe()
    assert called


async def _trail(provider: Provider) -> dict[str, tuple[str, ...]]:
    """Return what the trail says was done, by its id, without who did it."""
    async with provider.site.transactions.open(write=False) as stores:
        rows = await stores.events.list(limit=2000)
    parts = {row.id: (row.detail, row.before, row.after) for row in rows}
    return {
        row.id: (row.kind, row.result or "", *(" ".join(sorted(part or {})) for part in parts[row.id])) for row in rows
    }
