"""AD02, AD04, AD06 and AD07 at the pages about clients: others' clients, one's own power, scripts, secrets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.domain.user import Role
from tests.support.careful import Visitor, careful_provider
from tests.support.client_pages import CALLBACK, give, go, make, somebody
from tests.support.html_browser import Page
from tests.support.provider import MINUTE, Provider

SCRIPT = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("clients")
    async with careful_provider(folder) as provider:
        yield provider


@pytest.fixture
async def keeper(provider: Provider) -> Visitor:
    """An owner who has just proved everything."""
    return await somebody(provider)


async def post(visitor: Visitor, path: str, page: Page, **fields: str) -> int:
    """Send a form that was never shown, with the token of a page that was; return the status."""
    sent = {"csrf": page.document.forms[0].hidden["csrf"], **fields}
    response = await visitor.browser._http.post(
        f"{visitor.provider.issuer}/admin/clients{path}", data=sent, headers={"Sec-Fetch-Site": "same-origin"}
    )
    return response.status_code


def is_inert(page: Page) -> bool:
    """Say whether a page runs nothing: no script, no handler, and a policy that would not let it."""
    policy = page.response.headers["content-security-policy"]
    text = page.response.text
    return "<script" not in text and "<img src=x" not in text and "default-src 'none'" in policy


@pytest.mark.parametrize("path", ["", "/rotate", "/delete", "/test", "/managers"])
async def test_ad02_a_client_manager_changes_nothing_of_another_s_client(
    provider: Provider, keeper: Visitor, path: str
) -> None:
    client_id = (await make(keeper)).text("client-id")
    helper = await somebody(provider, Role.CLIENT_MANAGER)
    form = await go(helper, "")
    before = await provider.site.clients.find(client_id)

    for fields in (
        {"client-save": "1", "client-name": "Mine"}, {"client-disable": "1"}, {"delete-confirm": "1"},
        {"rotate-confirm": "1"}, {"manager": helper.person.username}, {"test-begin": "1"},
    ):  # fmt: skip
        status = await post(helper, f"/{client_id}{path}", form, **fields)
        assert status in ((404, 303) if path in ("/rotate", "/delete") else (404,))  # these ask for a proof first

    assert await provider.site.clients.find(client_id) == before


async def test_ad02_the_id_of_a_form_opens_nobody_else_s_client(provider: Provider, keeper: Visitor) -> None:
    """A form's id that is taken leads to that client's page, which is not there for whoever may not see it."""
    theirs = await make(keeper)
    helper = await somebody(provider, Role.CLIENT_MANAGER)
    form = await go(helper, "/new/web")
    token = theirs.text("client-id").removeprefix("c-")
    response = await helper.browser._http.post(
        f"{provider.issuer}/admin/clients/new/web",
        data={
            "csrf": form.document.forms[0].hidden["csrf"], "form": token, "client-name": "Mine",
            "redirect-uris": CALLBACK,
        },
        headers={"Sec-Fetch-Site": "same-origin"},
    )  # fmt: skip

    followed = await helper.browser.open(response.headers["location"])

    assert followed.status == 404
    client = await provider.site.clients.find(theirs.text("client-id"))
    assert client is not None
    assert client.name == "Corner Shop"


@pytest.mark.parametrize(
    "fields",
    [
        {"first-party": "1", "client-save": "1"},
        {"profile": "oidc", "client-save": "1"},
        {"scope": "openid admin:users.write", "client-save": "1"},
    ],
)
async def test_ad04_a_client_manager_widens_nothing_of_their_own_client(
    provider: Provider, keeper: Visitor, fields: dict[str, str]
) -> None:
    client_id = (await make(keeper)).text("client-id")
    helper = await somebody(provider, Role.CLIENT_MANAGER)
    await give(provider, client_id, helper)
    page = await go(helper, f"/{client_id}")
    version = page.document.form_with_button("client-save")[0].hidden["version"]

    await post(helper, f"/{client_id}", page, **fields | {"version": version})

    client = await provider.site.clients.find(client_id)
    assert client is not None
    assert (client.is_first_party, client.profile.value) == (False, "oauth21")
    assert not any(scope.startswith("admin:") for scope in client.scopes)


async def test_ad04_a_client_manager_makes_nobody_a_manager(provider: Provider, keeper: Visitor) -> None:
    client_id = (await make(keeper)).text("client-id")
    helper = await somebody(provider, Role.CLIENT_MANAGER)
    await give(provider, client_id, helper)
    page = await go(helper, f"/{client_id}")

    assert not page.has("manager")
    assert await post(helper, f"/{client_id}/managers", page, manager=keeper.person.username) == 404


async def test_ad04_an_auditor_reads_and_changes_nothing(provider: Provider, keeper: Visitor) -> None:
    client_id = (await make(keeper)).text("client-id")
    auditor = await somebody(provider, Role.AUDITOR)

    page = await go(auditor, f"/{client_id}")

    assert page.name == "client"
    for button in ("client-save", "client-disable", "client-acts", "manager"):
        assert not page.has(button)
    listed = await go(auditor, "")
    assert await post(auditor, f"/{client_id}", listed, **{"client-disable": "1"}) == 404
    assert (await go(auditor, "/new")).status == 404


@pytest.mark.parametrize("role", [Role.USER, Role.SUPPORT])
async def test_ad04_for_others_there_are_no_such_pages(provider: Provider, keeper: Visitor, role: Role) -> None:
    client_id = (await make(keeper)).text("client-id")
    person = Visitor(provider, await provider.person()) if role is Role.USER else await somebody(provider, role)

    for path in ("", "/new", "/new/web", f"/{client_id}", f"/{client_id}/test"):
        assert (await go(person, path)).status == 404


async def test_ad06_a_script_in_a_name_runs_nowhere(provider: Provider, keeper: Visitor) -> None:
    made = await make(keeper, client_name=SCRIPT)
    client_id = made.text("client-id")
    paths = ("", f"/{client_id}", f"/{client_id}/rotate", f"/{client_id}/delete", f"/{client_id}/test")
    pages = [made, *[await go(keeper, path) for path in paths]]
    consent = await keeper.browser.submit("test-begin")
    pages += [consent, await keeper.browser.submit("consent-allow")]

    assert consent.name == "consent"
    assert [page.url for page in pages if not is_inert(page)] == []
    assert "&lt;script&gt;alert(1)" in pages[1].response.text


@pytest.mark.parametrize("name", ["Shop \u202egnp.exe", "Shop\x1b[31m", "Sh\u200bop", "\u2066Shop", " \t ", "x" * 101])
async def test_ad06_a_name_that_deceives_is_refused_at_its_field(keeper: Visitor, name: str) -> None:
    page = await make(keeper, client_name=name)

    assert page.status == 400
    assert "1 to 100 characters" in page.text("client-name-said")


async def test_ad06_what_no_text_has_is_refused(keeper: Visitor) -> None:
    page = await make(keeper, client_name="Shop\0")

    assert (page.status, page.has("client-refused")) == (400, True)


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        f"https://a.example/{SCRIPT}",
        "https://a.example/\u202e",
        "//evil.example",
    ],
)
async def test_ad06_what_was_refused_is_shown_and_runs_nothing(keeper: Visitor, uri: str) -> None:
    page = await make(keeper, redirect_uris=uri)

    assert page.status == 400
    assert page.has("redirect-uris-refused")
    assert is_inert(page)
    assert uri not in [link.get("href") for link in page.document.links]


@pytest.mark.parametrize("member", ["client-uri", "policy-uri", "tos-uri", "initiate-login-uri", "jwks-uri"])
async def test_ad06_no_address_of_a_client_can_run(keeper: Visitor, provider: Provider, member: str) -> None:
    client_id = (await make(keeper)).text("client-id")
    await go(keeper, f"/{client_id}")

    page = await keeper.browser.submit("client-save", **{member: "javascript:alert(1)"})

    assert page.status == 400


async def test_ad07_a_secret_is_in_no_list_no_error_and_no_second_answer(provider: Provider, keeper: Visitor) -> None:
    form = await go(keeper, "/new/web")
    made = await keeper.browser.submit("client-create", client_name="Shop", redirect_uris=CALLBACK)
    secret, client_id = made.text("client-secret"), made.text("client-id")
    keeper.browser.show(form)
    pages = [await keeper.browser.submit("client-create", client_name="Shop", redirect_uris=CALLBACK)]
    pages += [await go(keeper, path) for path in ("", f"?find={secret}", f"/{client_id}", f"/{client_id}/rotate")]
    await go(keeper, f"/{client_id}")
    pages.append(await keeper.browser.submit("client-save", redirect_uris="http://far.example/"))

    assert [page.url for page in pages[:1] + pages[3:] if secret in page.response.text] == []
    assert pages[2].has("clients-none")
    async with provider.site.transactions.open(write=False) as stores:
        rows = await stores.events.list(client_id=client_id)
    assert rows
    assert all(secret not in str((row.detail, row.before, row.after)) for row in rows)


async def test_ad07_a_dangerous_page_asks_for_a_fresh_proof(provider: Provider, keeper: Visitor) -> None:
    client_id = (await make(keeper)).text("client-id")
    provider.clock.advance(6 * MINUTE)

    for path in ("rotate", "delete"):
        page = await keeper.browser.open(f"{provider.issuer}/admin/clients/{client_id}/{path}")
        assert page.name in ("login", "step-up")
    assert (await keeper.browser.open(f"{provider.issuer}/admin/clients/{client_id}")).name == "client"
