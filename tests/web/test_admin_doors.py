"""Every page of the administration names a permission, and opens to the roles that have it and to nobody else."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from starlette.routing import Route

from idp.domain.permission import Permission
from idp.domain.user import Role
from idp.flows.admin.callers import role_may
from idp.web.admin.gate import Guard, guard_of
from idp.web.routes import routes
from tests.support.careful import careful_provider
from tests.support.console import helper, visit
from tests.support.provider import Provider

#: Spent by a link, before anybody has a role.
OPEN = {"/admin/first/{link}"}
VALUES = {"version": "1", "version:int": "1"}


def pages() -> Iterable[tuple[str, Route, Guard]]:
    """Yield every page of the administration with its guard."""
    for route in routes(is_dev=True):
        if isinstance(route, Route) and route.path.startswith("/admin") and route.path not in OPEN:
            guard = guard_of(route.endpoint)
            assert guard is not None, f"{route.path} names no permission"
            yield route.path, route, guard


def path_of(template: str) -> str:
    """Return an address at which there is nothing, but for the page itself."""
    parts = [
        part if not part.startswith("{") else VALUES.get(part.strip("{}"), "nothing") for part in template.split("/")
    ]
    return "/".join(part.replace("{decision}", "nothing") for part in parts)


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("doors")
    async with careful_provider(folder) as provider:
        yield provider


def test_every_page_names_its_permission() -> None:
    assert len(list(pages())) > 40


def test_a_page_that_is_dangerous_asks_for_a_fresh_proof() -> None:
    fresh = {path for path, _, guard in pages() if guard.is_fresh}

    assert fresh >= {
        "/admin/users/{id}/delete", "/admin/users/{id}/role", "/admin/users/{id}/reset-factors",
        "/admin/groups/{id}/delete", "/admin/keys/rotate", "/admin/keys/{kid}/retire", "/admin/keys/{kid}/revoke",
    }  # fmt: skip


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_opens_the_pages_of_its_permissions_and_no_others(provider: Provider, role: Role) -> None:
    somebody = await helper(provider, role)
    await visit(somebody, "/account/email")  # asks for everything that they have
    http, headers = somebody.browser._http, {"Sec-Fetch-Site": "same-origin"}
    wrong = list[tuple[str, int]]()

    for path, route, guard in pages():
        methods, url = route.methods or set(), f"{provider.issuer}{path_of(path)}"
        if "GET" in methods:
            page = await somebody.browser.open(url)
            expected = {200} if role_may(role, guard.permission) else {404}
            if "{" in path and role_may(role, guard.permission):
                expected |= {404}  # there is nobody and nothing of this name
            wrong += [(path, page.status)] if page.status not in expected else []
        if "POST" in methods and not role_may(role, guard.writing):
            answer = await http.post(url, data={"csrf": "x"}, headers=headers)
            wrong += [(f"POST {path}", answer.status_code)] if answer.status_code != 404 else []

    assert not wrong


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.USER])
async def test_the_navigation_leads_where_the_role_may_go(provider: Provider, role: Role) -> None:
    somebody = await helper(provider, role)
    start = "/admin" if role_may(role, Permission.DASHBOARD_READ) else "/admin/clients"

    page = await visit(somebody, start)

    paths = {link["href"] for link in page.document.links if link.get("id", "").startswith(("section-", "tab-"))}
    guards = {path: guard for path, _, guard in pages()}
    assert paths
    for path in paths:
        assert role_may(role, guards[path].permission), path
        assert (await somebody.browser.open(f"{provider.issuer}{path}")).status == 200, path


def test_every_page_without_a_parameter_stands_in_the_navigation() -> None:
    from idp.web.admin.navigation import SECTIONS

    told = {path: permission for _, entries in SECTIONS for path, permission in entries}
    guards = {path: guard.permission for path, _, guard in pages()}

    assert {path: guards.get(path) for path in told} == told


@pytest.mark.parametrize("role", list(Role))
async def test_an_account_leads_to_the_administration_if_its_owner_has_a_part_in_it(
    provider: Provider, role: Role
) -> None:
    somebody = await helper(provider, role)

    page = await visit(somebody, "/account/profile")

    assert page.has("to-console") is (role is not Role.USER)
    if role is not Role.USER:
        path = page.document.attributes["to-console"]["href"]
        assert (await visit(somebody, path)).status == 200
