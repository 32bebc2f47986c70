"""AD02–AD19 at the console: foreign ids, power over those above, scripts, secrets, passwords, old proofs, cookies."""

import json
from typing import Any

import pytest
from starlette.routing import Route

from idp.domain.user import Role, User
from idp.web.admin.gate import guard_of
from idp.web.routes import routes
from tests.support.careful import Visitor
from tests.support.console import helper, visit
from tests.support.factors import with_totp
from tests.support.html_browser import Page
from tests.support.provider import MINUTE, Person
from tests.support.target import Target

EVIL = "<script>alert(1)</script><img/src=x/onerror=alert(1)>"
SAME = {"Sec-Fetch-Site": "same-origin"}
ACTS = ("disable", "enable", "send-reset", "unlock", "end-sessions", "groups", "role", "reset-factors", "delete")


async def enter(provider: Target, role: Role) -> Visitor:
    """Return somebody of a role who has just proved everything."""
    somebody = await helper(provider, role)
    await visit(somebody, "/account/email")
    return somebody


@pytest.fixture
async def keeper(provider: Target) -> Visitor:
    """An administrator."""
    return await enter(provider, Role.ADMINISTRATOR)


async def look(visitor: Visitor, path: str) -> Page:
    return await visitor.browser.open(f"{visitor.provider.issuer}/admin{path}")


async def send(visitor: Visitor, path: str, **fields: str) -> Any:
    """Send a form as a page of the console would, whether it shows one or not."""
    token = visitor.browser.page.document.forms[0].hidden["csrf"]
    return await visitor.browser._http.post(
        f"{visitor.provider.issuer}/admin{path}", data={"csrf": token, **fields}, headers=SAME
    )


async def stored(provider: Target, person: Person) -> User | None:
    async with provider.site.transactions.open(write=False) as stores:
        return await stores.users.find(person.id)


async def session_of(provider: Target, person: Person) -> list[str]:
    async with provider.site.transactions.open(write=False) as stores:
        found = await stores.sessions.page(provider.clock.now(), user_id=person.id, before=None, limit=5)
        return [each.session.id for each in found]


async def test_ad02_support_ends_no_session_of_somebody_above_them(provider: Target) -> None:
    support, owner = await enter(provider, Role.SUPPORT), await enter(provider, Role.OWNER)
    (session,) = await session_of(provider, owner.person)
    await look(support, "/users")

    answer = await send(support, f"/sessions/{session}/end")

    assert answer.status_code == 403
    assert await session_of(provider, owner.person) == [session]


async def test_ad02_an_id_of_another_kind_or_of_nobody_is_told_nothing(provider: Target, keeper: Visitor) -> None:
    (session,) = await session_of(provider, keeper.person)
    await look(keeper, "/users")

    for path in (f"/users/{session}", "/users/nobody", f"/groups/{keeper.person.id}", f"/users/{session}/role"):
        assert (await look(keeper, path)).status == 404, path
    await look(keeper, "/users")
    for path in (f"/sessions/{keeper.person.id}/end", f"/users/{session}/disable", "/messages/x/resend"):
        assert (await send(keeper, path)).status_code == 404, path


async def test_ad02_what_a_form_names_besides_is_not_what_is_changed(provider: Target, keeper: Visitor) -> None:
    """The address says who; an id among the fields says nothing."""
    person, other = await provider.account(), await provider.account()
    await look(keeper, f"/users/{person.id}")

    await send(keeper, f"/users/{person.id}/disable", id=other.id, user_id=other.id)

    assert await stored(provider, other) == other.user


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.OWNER])
async def test_ad04_an_administrator_does_nothing_to_those_who_are_not_below_them(
    provider: Target, keeper: Visitor, role: Role
) -> None:
    above = await enter(provider, role)
    name, before = above.person.user.email or "", await stored(provider, above.person)
    await look(keeper, "/groups/new")
    group = f"of {above.person.id}"
    await keeper.browser.submit("group-create", name=group)
    await look(keeper, f"/users/{above.person.id}")

    answers = [
        await send(
            keeper, f"/users/{above.person.id}/{act}", typed=name, version="x", role="user", group=group
        )
        for act in ACTS
    ]  # fmt: skip
    answers.append(await send(keeper, f"/users/{above.person.id}", username="mine", version="x"))

    assert {answer.status_code for answer in answers} == {403}
    assert await stored(provider, above.person) == before
    assert await session_of(provider, above.person)


async def test_ad04_nobody_raises_themselves_or_gives_what_they_do_not_have(provider: Target, keeper: Visitor) -> None:
    person = await provider.account()
    await look(keeper, f"/users/{person.id}")

    answers = [
        await send(keeper, f"/users/{keeper.person.id}/role", role="owner", version="x"),
        await send(keeper, f"/users/{person.id}/role", role="owner", version="x"),
        await send(keeper, f"/users/{person.id}/role", role="administrator", version="x"),
    ]
    await send(
        keeper, f"/users/{person.id}", email=person.user.email or "", role="owner", status="disabled", groups="x"
    )

    assert [answer.status_code for answer in answers] == [403] * 3
    after = await stored(provider, person)
    assert after is not None
    assert (after.role, after.is_active, after.groups) == (Role.USER, True, person.user.groups)


@pytest.mark.parametrize(
    "path", [route.path for route in routes(is_dev=False) if isinstance(route, Route) and guard_of(route.endpoint)]
)
async def test_ad05_a_form_without_our_token_or_from_elsewhere_is_refused(
    provider: Target, keeper: Visitor, path: str
) -> None:
    """Whatever method a page takes, a foreign form reaches none of them."""
    await look(keeper, "/users")
    token = keeper.browser.page.document.forms[0].hidden["csrf"]
    url = provider.issuer + path.replace("{version:int}", "1").replace("{decision}", "x")
    for fields, site in (({"x": "1"}, "same-origin"), ({"csrf": "x"}, "same-origin"), ({"csrf": token}, "cross-site")):
        answer = await keeper.browser._http.post(url, data=fields, headers={"Sec-Fetch-Site": site})

        assert answer.status_code in (403, 405), fields


async def test_ad06_a_script_is_text_wherever_the_console_shows_it(provider: Target) -> None:
    owner = await enter(provider, Role.OWNER)
    rp = await provider.client(client_name=EVIL)
    person = await provider.account(
        username=EVIL, email=None, claims={"name": EVIL, "nickname": EVIL, "groups": [EVIL]}
    )
    await Visitor(provider, person, agent=EVIL).sign_in(rp)
    await look(owner, f"/users/{person.id}")

    for path in (
        f"/users/{person.id}", "/users", f"/users/{person.id}/delete", f"/users/{person.id}/role", "/groups",
        "/sessions", "/consents", f"/events?user_id={person.id}", f"/users?group={EVIL}", f"/events?kind={EVIL}",
        f"/events?client_id={EVIL}", f"?span={EVIL}", f"/users?cursor={EVIL}", f"/users/{person.id}?done={EVIL}",
    ):  # fmt: skip
        page = await look(owner, path)
        assert page.status in (200, 400), path
        assert "<script>alert" not in page.response.text, path
        assert "<img" not in page.response.text.lower(), path
        policy = page.response.headers["content-security-policy"]
        assert "default-src 'none'" in policy, path
        assert "script-src" not in policy, path


async def test_ad07_no_page_and_no_file_has_what_proves_a_person(provider: Target) -> None:
    owner, person = await enter(provider, Role.OWNER), await provider.account()
    app = await with_totp(provider, person)
    secrets = [
        value for row in await provider.rows("credentials") for value in row.values() if isinstance(value, bytes)
    ]
    hidden = [app.seed, *(each.hex() for each in secrets if len(each) > 15)]

    for path in (
        f"/users/{person.id}", "/users", "/users/export?format=csv", "/users/export?format=ndjson",
        f"/events?user_id={person.id}", "/events/export?format=ndjson", "/messages", "/keys", "/settings",
        "/users/export?format=ndjson&password_hash=x&sort=secret", "/users/export?status=active&totp=1",
    ):  # fmt: skip
        text = (await look(owner, path)).response.text
        assert not [each for each in hidden if each in text], path
        assert "$2b$" not in text, path
        assert "v1$" not in text, path
        assert "/reset/" not in text, path


async def test_ad07_a_session_in_the_list_is_not_what_opens_it(provider: Target, keeper: Visitor) -> None:
    secret = keeper.browser.cookies.get("__Host-idp_session") or ""

    page = await look(keeper, "/sessions")

    assert secret
    assert secret not in page.response.text


async def test_ad10_nobody_sets_somebody_elses_password(provider: Target, keeper: Visitor) -> None:
    person = await provider.account()
    before = await provider.rows("credentials")
    page = await look(keeper, f"/users/{person.id}")
    fields = dict.fromkeys(("password", "new-password", "password_hash"), "an own word for them")

    await send(keeper, f"/users/{person.id}", email=person.user.email or "", **fields)

    assert 'type="password"' not in page.response.text
    assert await provider.rows("credentials") == before


@pytest.mark.parametrize("step", ["delete", "role", "reset-factors"])
async def test_ad11_what_is_dangerous_asks_again_when_the_proof_is_old_and_does_nothing(
    provider: Target, keeper: Visitor, step: str
) -> None:
    person = await provider.account()
    await look(keeper, f"/users/{person.id}/{step}")
    provider.clock.advance(6 * MINUTE)

    answer = await send(keeper, f"/users/{person.id}/{step}", typed=person.user.email or "", role="support")

    assert answer.status_code == 303
    assert "/users/" not in answer.headers["location"]
    assert await stored(provider, person) == person.user


async def test_ad11_opening_an_address_does_nothing(provider: Target, keeper: Visitor) -> None:
    person = await provider.account()

    for act in ACTS:
        await look(keeper, f"/users/{person.id}/{act}")

    assert await stored(provider, person) == person.user


async def test_ad11_what_was_done_leaves_who_did_it_and_what_was_before(provider: Target, keeper: Visitor) -> None:
    person = await provider.account()
    await look(keeper, f"/users/{person.id}/role")
    await keeper.browser.submit("role-save", role="auditor")
    await look(keeper, f"/users/{person.id}")
    await keeper.browser.submit("user-disable")

    rows = [row for row in await provider.rows("events") if row["user_id"] == person.id]

    told = {row["kind"]: row for row in rows if row["actor_id"] == keeper.person.id}
    assert json.loads(told["user_changed"]["before"]) == {"status": "active"}
    assert json.loads(told["user_changed"]["after"]) == {"status": "disabled"}
    assert json.loads(told["role_changed"]["after"]) == {"role": "auditor"}
    assert {row["actor_role"] for row in told.values()} == {"administrator"}


async def test_ad19_neither_a_person_s_cookie_nor_an_access_token_opens_the_console(provider: Target) -> None:
    person, keeper = await enter(provider, Role.USER), await enter(provider, Role.OWNER)
    rp = await provider.client(is_first_party=True)
    answer = await keeper.browser.answer(rp)
    token = (await rp.redeem(answer.code)).body["access_token"]

    assert (await look(person, "/users")).status == 404
    by_token = await provider.http.get(f"{provider.issuer}/admin/users", headers={"Authorization": f"Bearer {token}"})
    assert (by_token.status_code, "/login/" in by_token.headers["location"]) == (303, True)


async def test_ad19_an_administrator_s_cookie_opens_nothing_at_the_api(provider: Target, keeper: Visitor) -> None:
    answer = await keeper.browser._http.get(f"{provider.issuer}/api/admin/v1/users", headers=SAME)

    assert answer.status_code == 401
