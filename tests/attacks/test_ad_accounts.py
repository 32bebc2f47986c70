"""AD03–AD15: what no form may set, script in names, first accounts, names that come back (ASVS 6.3.2, 15.3.3)."""

import asyncio
import re
from datetime import timedelta

import pytest

from idp.domain.client import BadClient
from idp.domain.user import Role, User
from idp.flows.user_administration import NewUser
from idp.web.pages import BASE_POLICY
from tests.support.attacker import post_form, signed_in, tokens_for, try_in
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.provider import HOUR, PASSWORD, SECOND
from tests.support.target import Target

PRIVILEGES = {
    "role": "owner", "is_admin": "true", "email_verified": "true", "mfa_required": "false", "tenant": "x",
    "password_hash": "v1$x$2b$04$", "sub": "aaaaaaaaaaaaaaaaaaaaaaaaaa", "user_id": "x", "claims": '{"role":"owner"}',
    "acr": "urn:idp:loa:3", "amr": "otp", "next": "https://evil.example", "interaction": "x", "_method": "DELETE",
}  # fmt: skip
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}${7*7}"


async def at_first_page(fresh: Target) -> tuple[HtmlBrowser, Page]:
    """Open the page that makes the first administrator."""
    browser = fresh.browser()
    link = await fresh.site.users.administrator_link()
    return browser, await browser.open(f"{fresh.issuer}/admin/first/{link}")


def first_fields(page: Page, **more: str) -> dict[str, str]:
    token = page.document.forms[0].hidden["csrf"]
    return {"csrf": token, "email": "root@example.org", "name": "Root", "new-password": PASSWORD, **more}


async def test_ad03_a_form_sets_its_own_fields_and_nothing_else(fresh: Target) -> None:
    browser, page = await at_first_page(fresh)

    await post_form(browser, page.url, first_fields(page, **PRIVILEGES))

    user = await fresh.site.users.find("root@example.org")
    assert isinstance(user, User)
    assert (user.email_verified, dict(user.claims), user.role) == (False, {"name": "Root"}, Role.OWNER)
    assert user.id != PRIVILEGES["sub"]


async def test_ad03_signing_in_raises_nobody(fresh: Target) -> None:
    person, rp = await fresh.account(), await fresh.client()
    browser = fresh.browser(person)
    page = await browser.open((await rp.authorization_request()).url)
    sent = {"csrf": page.document.forms[0].hidden["csrf"], "username": person.username, "password": person.password}

    answer = await browser.finish(rp, await post_form(browser, page.url, sent | PRIVILEGES))

    claims = (await rp.decode((await rp.redeem(answer.code)).id_token)).claims
    user = await fresh.site.users.find(person.id)
    assert (claims["acr"], claims["amr"], claims["sub"]) == ("urn:idp:loa:1", ["pwd"], person.id)
    assert user is not None
    assert (user.role, user.email_verified) == (Role.USER, False)


@pytest.mark.parametrize(
    "name",
    ["A\nB", "A\u202eB", "A\u200bB", "A\x00B", "", " ", "x" * 101],
)
async def test_ad06_a_clients_name_shows_what_it_is(provider: Target, name: str) -> None:
    with pytest.raises(BadClient):
        await provider.client(client_name=name)


async def test_ad06_script_in_names_is_inert_on_every_page(provider: Target) -> None:
    rp = await provider.client(client_name=SCRIPT, initiate_login_uri="https://rp.example/login")
    person = await provider.account(claims={"name": SCRIPT, "nickname": SCRIPT})
    browser = provider.browser(person, **{"User-Agent": SCRIPT, "Accept-Language": SCRIPT[:80]})

    login = await browser.open((await rp.authorization_request(login_hint=SCRIPT, ui_locales=SCRIPT)).url)
    wrong = await browser.submit("login-submit", username=SCRIPT, password="wrong")
    consent = await browser.sign_in()
    await browser.submit("consent-allow")
    pages = [
        login, wrong, consent, await browser.open((await rp.authorization_request(prompt="select_account")).url),
        await browser.open(f"{provider.issuer}/account"), await browser.open(f"{provider.issuer}/account/apps"),
        await browser.open(f"{provider.issuer}/end_session?client_id={rp.client_id}"),
        await browser.open(f"{provider.issuer}/authorize?client_id={SCRIPT}"),
        await browser.open(f"{provider.issuer}/{SCRIPT}"),
    ]  # fmt: skip

    assert [page.name for page in pages[:7]] == ["login", "login", "consent", "accounts", "home", "apps", "logout"]
    for page in pages:
        assert "<script" not in re.sub(r'<script type="module" nonce="[\w-]+" src="/static/', "", page.response.text)
        assert "<img src=x" not in page.response.text
        assert "49" not in "".join(page.document.texts.values()).replace(page.response.headers["x-request-id"], "")
        policy = page.response.headers["content-security-policy"]
        assert policy.startswith(BASE_POLICY)
        assert "unsafe" not in policy
        assert "unsafe" not in policy
        assert "script-src" not in policy or "script-src 'nonce-" in policy


async def test_ad06_script_in_an_answer_to_a_form_is_inert(provider: Target) -> None:
    """form_post is the one page with a script of its own; its values are text."""
    rp = await provider.client()
    state = "</script><script>alert(1)</script>\"'>"

    page = await provider.browser().open(
        (await rp.authorization_request(state=state, response_mode="form_post", prompt="none")).url
    )

    assert page.document.forms[0].hidden["state"] == state
    assert page.response.text.count("<script") == 1
    nonce = page.response.text.partition('nonce="')[2].partition('"')[0]
    assert f"script-src 'nonce-{nonce}'" in page.response.headers["content-security-policy"]
    assert len(nonce) >= 22


async def test_ad14_a_fresh_installation_has_nobody_in_it(fresh: Target) -> None:
    assert await fresh.rows("users") == []
    assert await fresh.rows("clients") == []
    for name in ("admin", "administrator", "root", "demo", "alice@example.com"):
        for password in ("admin", "password", "", "changeme"):
            page = await try_in(fresh, name, password)
            assert page.status in (400, 403)


async def test_ad14_the_administrators_link_works_once(fresh: Target) -> None:
    browser, page = await at_first_page(fresh)
    other = fresh.browser()
    same = await other.open(page.url)

    first = await post_form(browser, page.url, first_fields(page))
    second = await post_form(other, page.url, first_fields(same, email="second@example.org"))

    assert first.status in (200, 303)
    assert second.status == 410
    assert len(await fresh.rows("users")) == 1
    assert (await fresh.browser().open(page.url)).status == 410


async def test_ad14_of_parallel_uses_of_the_link_one_wins(either: Target) -> None:
    link = await either.site.users.administrator_link()
    new = [NewUser(f"root{n}@example.org", None, PASSWORD, {}, role=Role.OWNER) for n in range(10)]

    made = await asyncio.gather(*(either.site.users.create(each, link=link) for each in new))

    assert sum(isinstance(each, User) for each in made) == 1
    assert len(await either.rows("users")) == 1


@pytest.mark.parametrize("after", [HOUR - SECOND, HOUR])
async def test_ad14_the_administrators_link_expires(fresh: Target, after: timedelta) -> None:
    browser, page = await at_first_page(fresh)
    fresh.clock.advance(after)

    await post_form(browser, page.url, first_fields(page))

    assert len(await fresh.rows("users")) == (1 if after < HOUR else 0)


async def test_ad14_looking_at_the_link_spends_nothing_and_a_newer_one_ends_it(fresh: Target) -> None:
    browser, page = await at_first_page(fresh)
    for method in ("GET", "HEAD", "GET"):
        await fresh.http.request(method, page.url)
    _, newer = await at_first_page(fresh)

    assert (await browser.reload()).status == 410
    assert (await fresh.browser().open(newer.url)).status == 200


@pytest.mark.parametrize("link", ["x", "null", "%20", "A" * 43, "é" * 20, "A" * 4000])
async def test_ad14_a_guessed_link_is_like_a_spent_one(fresh: Target, link: str) -> None:
    browser, page = await at_first_page(fresh)

    answer = await post_form(browser, f"{fresh.issuer}/admin/first/{link}", first_fields(page))

    assert answer.status in (404, 410)
    assert not await fresh.rows("users")
    assert len((await fresh.rows("links"))[0]["digest"]) == 32, "the link itself is stored nowhere"


async def test_ad15_a_name_that_comes_back_is_somebody_new(fresh: Target) -> None:
    old, rp = await fresh.account(email="ada@example.org", username="ada"), await fresh.client()
    browser, tokens = await signed_in(fresh, old), await tokens_for(fresh, rp, old)
    code = await browser.authorize(rp)
    await fresh.site.users.delete(old.user)

    new = await fresh.account(email="ada@example.org", username="ada")

    assert new.id != old.id
    assert (await browser.answer(rp, prompt="none")).error == "login_required"
    assert (await rp.redeem(code)).error == "invalid_grant"
    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"
    assert (await rp.userinfo(tokens.access_token)).status == 401
    consent = await (await signed_in(fresh, new)).answer(rp, prompt="none")
    assert consent.error == "consent_required"


async def test_ad15_nothing_of_a_deleted_person_stays_but_the_trail(fresh: Target) -> None:
    old, rp = await fresh.account(email="ada@example.org"), await fresh.client()
    await tokens_for(fresh, rp, old)

    await fresh.site.users.delete(old.user)

    for table in ("users", "credentials", "sessions", "codes", "grants", "consents"):
        assert await fresh.rows(table) == [], table
    assert {row["user_id"] for row in await fresh.rows("events")} <= {old.id, None}
