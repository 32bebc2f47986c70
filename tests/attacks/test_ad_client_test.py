"""A test of a client gives nothing to anybody: not its address, not its code, not its tokens, and not twice."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import func, select

from idp.domain.user import Role
from idp.storage.access_tokens import access_tokens
from idp.storage.codes import codes
from idp.storage.consents import consents
from idp.storage.grants import grants
from tests.support.careful import Visitor, careful_provider
from tests.support.client_pages import go, somebody
from tests.support.console import events
from tests.support.financial import bank
from tests.support.html_browser import Page
from tests.support.provider import MINUTE, SECOND, Provider
from tests.support.relying_party import RelyingParty


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("client-test")
    async with careful_provider(folder) as provider:
        yield provider


@pytest.fixture
async def keeper(provider: Provider) -> Visitor:
    """An owner who has just proved everything."""
    return await somebody(provider)


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    """A client whose people are asked for consent."""
    return await provider.client()


async def counted(provider: Provider, client_id: str) -> list[int]:
    """Return how many codes, grants, opaque tokens and consents a client has."""
    async with provider.site.transactions.open(write=False) as stores:
        tables = (codes, grants, access_tokens, consents)
        queries = [select(func.count()).select_from(each).where(each.c.client_id == client_id) for each in tables]
        return [int((await stores.connection.execute(query)).scalar_one()) for query in queries]


async def to_consent(keeper: Visitor, rp: RelyingParty) -> Page:
    """Begin a test; return the page that asks for consent."""
    await go(keeper, f"/{rp.client_id}/test")
    page = await keeper.browser.submit("test-begin")
    assert page.name == "consent", page.describe()
    return page


async def answer(keeper: Visitor, rp: RelyingParty) -> str:
    """Agree, without following the answer; return where it leads."""
    form, control = keeper.browser.page.document.form_with_button("consent-allow")
    response = await keeper.browser._http.post(
        str(keeper.browser.page.url), data=dict(form.pressed(control)), headers={"Sec-Fetch-Site": "same-origin"}
    )
    location = response.headers["location"]
    assert location.startswith(f"{rp.issuer}/admin/clients/{rp.client_id}/test/callback?")
    return str(location)


def parameter(url: str, name: str) -> str:
    return parse_qs(urlsplit(url).query)[name][0]


async def test_a_test_shows_each_step_and_no_token(provider: Provider, keeper: Visitor, rp: RelyingParty) -> None:
    await to_consent(keeper, rp)

    page = await keeper.browser.submit("consent-allow")

    assert page.name == "client-test"
    assert page.has("test-code")
    assert keeper.person.id in page.text("test-id-token")
    assert f'"aud": "{rp.client_id}"' in page.text("test-id-token")
    assert f'"email": "{keeper.person.user.email}"' in page.text("test-userinfo")
    assert "••••••••" in page.text("test-tokens")
    assert "eyJ" not in page.response.text


async def test_nothing_of_a_test_is_kept(provider: Provider, keeper: Visitor, rp: RelyingParty) -> None:
    await to_consent(keeper, rp)
    await keeper.browser.submit("consent-allow")

    assert await counted(provider, rp.client_id) == [0, 0, 0, 0]


async def test_a_test_asks_for_consent_every_time(keeper: Visitor, rp: RelyingParty) -> None:
    for _ in range(2):
        await to_consent(keeper, rp)
        assert (await keeper.browser.submit("consent-allow")).has("test-code")


async def test_the_address_of_a_test_is_no_redirect_uri_before_while_and_after_one(
    keeper: Visitor, rp: RelyingParty
) -> None:
    uri = f"{rp.issuer}/admin/clients/{rp.client_id}/test/callback"
    url = (await rp.authorization_request(redirect_uri=uri)).url

    before = await keeper.browser.open(url)
    consent = await to_consent(keeper, rp)
    meanwhile = await keeper.browser.open(url)
    keeper.browser.show(consent)
    await keeper.browser.submit("consent-allow")
    after = await keeper.browser.open(url)

    assert [page.name for page in (before, meanwhile, after)] == ["error"] * 3


async def test_the_code_of_a_test_is_unknown_at_the_token_endpoint(keeper: Visitor, rp: RelyingParty) -> None:
    await to_consent(keeper, rp)
    location = await answer(keeper, rp)

    for redirect_uri in (location.partition("?")[0], rp.redirect_uri):
        for verifier in ("v" * 43, None):
            refused = await rp.redeem(parameter(location, "code"), redirect_uri=redirect_uri, code_verifier=verifier)
            assert (refused.status, refused.error) == (400, "invalid_grant")
    assert (await keeper.browser.open(location)).has("test-code")


async def test_an_answer_counts_once(keeper: Visitor, rp: RelyingParty) -> None:
    await to_consent(keeper, rp)
    location = await answer(keeper, rp)
    first = await keeper.browser.open(location)

    second = await keeper.browser.open(location)

    assert first.has("test-code")
    assert second.status == 410
    assert second.has("test-over")


async def test_an_answer_counts_in_the_browser_that_began_the_test_only(
    provider: Provider, keeper: Visitor, rp: RelyingParty
) -> None:
    await to_consent(keeper, rp)
    location = await answer(keeper, rp)
    elsewhere = Visitor(provider, keeper.person)
    await go(elsewhere, "")

    assert (await elsewhere.browser.open(location)).status == 410
    assert (await keeper.browser.open(location)).has("test-code")


async def test_a_copied_session_is_not_the_browser_that_began_the_test(
    provider: Provider, keeper: Visitor, rp: RelyingParty
) -> None:
    await to_consent(keeper, rp)
    location = await answer(keeper, rp)
    thief = Visitor(provider, keeper.person)
    session = keeper.browser.cookies.get("__Host-idp_session") or ""
    thief.browser.cookies.set("__Host-idp_session", session, domain="id.example")
    assert (await thief.browser.open(f"{provider.issuer}/admin/clients")).name == "clients"

    assert (await thief.browser.open(location)).has("test-over")
    assert (await keeper.browser.open(location)).has("test-code")


async def test_another_administrator_cannot_end_a_test(provider: Provider, keeper: Visitor, rp: RelyingParty) -> None:
    await to_consent(keeper, rp)
    location = await answer(keeper, rp)
    other = await somebody(provider)
    for name in ("__Host-idp_browser", "__Host-idp_device"):
        if (value := keeper.browser.cookies.get(name)) is not None:
            other.browser.cookies.set(name, value, domain="id.example")

    assert (await other.browser.open(location)).status == 410
    assert (await keeper.browser.open(location)).has("test-code")


async def test_who_signs_in_in_the_middle_of_somebody_else_s_test_gets_nothing_of_it(
    provider: Provider, keeper: Visitor, rp: RelyingParty
) -> None:
    """The browser is the same, and both are administrators; the account and the session are not."""
    other = await somebody(provider)
    consent = await to_consent(keeper, rp)
    keeper.browser.cookies.delete("__Host-idp_session")
    keeper.browser.username, keeper.browser.password = other.person.username, other.person.password
    page = await keeper.browser.open(consent.url)
    assert page.name == "login"
    page = await keeper.browser.sign_in()
    while page.name in ("consent", "step-up"):
        stranger = Visitor(provider, other.person)
        stranger.browser = keeper.browser
        page = await (keeper.browser.submit("consent-allow") if page.name == "consent" else stranger.mailed_code())

    assert "error=access_denied" in page.url
    assert "code=" not in page.url
    assert page.has("test-over")


@pytest.mark.parametrize(("minutes", "is_over"), [(9, False), (11, True)])
async def test_a_test_is_over_after_ten_minutes(
    provider: Provider, keeper: Visitor, rp: RelyingParty, minutes: int, is_over: bool
) -> None:
    await to_consent(keeper, rp)
    location = await answer(keeper, rp)
    provider.clock.advance(minutes * MINUTE)

    page = await keeper.browser.open(location)

    assert page.has("test-over") == is_over
    assert page.has("test-code") != is_over


async def test_a_page_of_a_test_that_is_over_leads_nowhere(
    provider: Provider, keeper: Visitor, rp: RelyingParty
) -> None:
    await to_consent(keeper, rp)
    provider.clock.advance(11 * MINUTE)

    page = await keeper.browser.submit("consent-allow")

    assert page.location is None
    assert page.name == "notice"


@pytest.mark.parametrize("change", [{"code": "guessed"}, {"code": ""}, {"iss": "https://evil.example"}, {"iss": ""}])
async def test_an_answer_that_was_changed_ends_the_test(
    keeper: Visitor, rp: RelyingParty, change: dict[str, str]
) -> None:
    await to_consent(keeper, rp)
    location = await answer(keeper, rp)
    path, _, query = location.partition("?")
    sent = {name: values[0] for name, values in parse_qs(query).items()} | change

    page = await keeper.browser.open(f"{path}?{urlencode(sent)}")
    again = await keeper.browser.open(location)

    assert page.has("test-error")
    assert not page.has("test-tokens")
    assert again.has("test-over")


@pytest.mark.parametrize("query", ["", "state=x&code=y", "state=&code=y", "code=y&error=%3Cscript%3E"])
async def test_an_answer_that_nobody_waits_for_is_told_so(keeper: Visitor, rp: RelyingParty, query: str) -> None:
    page = await go(keeper, f"/{rp.client_id}/test/callback?{query}")

    assert (page.status, page.has("test-over")) == (410, True)


async def test_a_code_of_one_client_is_none_of_another_s(provider: Provider, keeper: Visitor, rp: RelyingParty) -> None:
    other = await provider.client()
    await to_consent(keeper, rp)
    location = await answer(keeper, rp)

    page = await keeper.browser.open(location.replace(rp.client_id, other.client_id))

    assert page.has("test-over")
    assert (await keeper.browser.open(location)).has("test-code")


async def test_who_says_no_is_told_what_the_client_would_be_told(keeper: Visitor, rp: RelyingParty) -> None:
    await to_consent(keeper, rp)

    page = await keeper.browser.submit("consent-deny")

    assert "access_denied" in page.text("test-error")
    assert not page.has("test-tokens")


async def test_a_client_without_scopes_learns_why_it_is_refused(provider: Provider, keeper: Visitor) -> None:
    rp = await provider.client(scope="offline_access")
    await go(keeper, f"/{rp.client_id}/test")

    page = await keeper.browser.submit("test-begin")

    assert "invalid_scope" in page.text("test-error")
    assert "Ask only for scopes" in page.text("test-error")


@pytest.mark.parametrize("is_financial", [False, True])
async def test_a_token_of_a_client_that_must_prove_a_key_is_bound_to_one_that_nobody_holds(
    provider: Provider, keeper: Visitor, is_financial: bool
) -> None:
    """The page says what was left out, and what it shows is no token that could be presented."""
    if is_financial:
        rp = (await bank(provider, require_signed_request_object=True)).rp
    else:
        rp = await provider.client(dpop_bound_access_tokens=True)
    await to_consent(keeper, rp)

    page = await keeper.browser.submit("consent-allow")

    assert not page.has("test-error"), page.describe()
    assert page.text("test-demands").endswith("PAR, JAR, DPoP" if is_financial else "DPoP")
    assert '"token_type": "DPoP"' in page.text("test-tokens")
    assert "jkt" in page.text("test-access-token")


async def test_scopes_of_administration_are_never_asked_for(provider: Provider, keeper: Visitor) -> None:
    rp = await provider.client(scope="openid admin:users.read offline_access")

    page = await to_consent(keeper, rp)

    assert "admin:" not in page.response.text
    assert "admin:" not in (await keeper.browser.submit("consent-allow")).text("test-steps")


async def test_a_form_without_our_token_begins_no_test(keeper: Visitor, rp: RelyingParty) -> None:
    url = f"{rp.issuer}/admin/clients/{rp.client_id}/test"

    for site, fields in (("same-origin", {}), ("same-origin", {"csrf": "guessed"}), ("cross-site", {"csrf": "x"})):
        response = await keeper.browser._http.post(url, data=fields or {"x": "1"}, headers={"Sec-Fetch-Site": site})
        assert response.status_code == 403


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.CLIENT_MANAGER])
async def test_whoever_may_not_change_a_client_cannot_test_it(provider: Provider, rp: RelyingParty, role: Role) -> None:
    visitor = await somebody(provider, role)

    assert (await go(visitor, f"/{rp.client_id}/test")).status == 404


async def test_a_disabled_client_is_not_tested(provider: Provider, keeper: Visitor, rp: RelyingParty) -> None:
    await go(keeper, f"/{rp.client_id}/test")
    await provider.site.clients.set_active(await provider.registration(rp), is_active=False)
    await provider.settle()

    page = await keeper.browser.submit("test-begin")

    assert page.status == 409


async def test_a_client_that_is_disabled_meanwhile_ends_its_test(
    provider: Provider, keeper: Visitor, rp: RelyingParty
) -> None:
    await to_consent(keeper, rp)
    location = await answer(keeper, rp)
    await provider.site.clients.set_active(await provider.registration(rp), is_active=False)
    await provider.settle()

    assert not (await keeper.browser.open(location)).has("test-code")


async def test_a_test_leaves_its_beginning_and_its_end_in_the_trail(
    provider: Provider, keeper: Visitor, rp: RelyingParty
) -> None:
    await to_consent(keeper, rp)
    provider.clock.advance(SECOND)  # so that events have an order
    await keeper.browser.submit("consent-allow")

    async with provider.site.transactions.open(write=False) as stores:
        rows = await stores.events.list(kind="client_tested", client_id=rp.client_id)
    assert [(row.detail, row.actor_id, row.result) for row in rows] == [
        ({"outcome": "redeemed"}, keeper.person.id, "done"),
        ({"outcome": "begun"}, keeper.person.id, "done"),
    ]
    assert await events(provider, "code_issued", keeper.person.id) == []
