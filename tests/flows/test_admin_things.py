"""Operations on groups, clients, sessions, consents, keys, messages and the provider itself."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from idp import metrics
from idp.domain.consent import Consent
from idp.domain.permission import SCOPE_PREFIX
from idp.domain.user import Role
from idp.flows.admin.operation import Caller
from idp.flows.admin.problem import Code
from idp.flows.figures import add_answers, keep_hours
from tests.support.builders import message
from tests.support.databases import fresh_database
from tests.support.letters import links
from tests.support.operators import COMMAND, Operators, operators

CALLBACK = "https://books.example/callback"
MEMBERS = {"client_name": "Harbour Books", "redirect_uris": [CALLBACK]}


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Operators]:
    folder = tmp_path_factory.mktemp("things")
    settings = {"IDP_SENDGRID_API_KEY": "SG.a-secret", "IDP_BRAND_NAME": "Harbour"}
    async with fresh_database("sqlite", folder) as url, operators(folder, url, **settings) as desk:
        yield desk


@pytest.fixture
async def either(database_url: str, tmp_path: Path) -> AsyncIterator[Operators]:
    async with operators(tmp_path, database_url) as desk:
        yield desk


async def group(desk: Operators, name: str) -> dict[str, Any]:
    return await desk.do("groups.create", name=name)


async def client(desk: Operators, caller: Caller = COMMAND, **members: Any) -> dict[str, Any]:
    return await desk.do("clients.create", caller, metadata=MEMBERS | members)


async def test_a_group_follows_its_members_and_its_members_follow_it(either: Operators) -> None:
    person, circle = await either.user(groups=["chess"]), await group(either, "reading circle")
    await either.do("groups.add_member", id=circle["id"], user_id=person.id)
    await either.do("groups.add_member", id=circle["id"], user_id=person.id)

    renamed = await either.do("groups.update", id=circle["id"], version=circle["version"], name="readers")

    assert (await either.do("users.show", id=person.id))["groups"] == ["chess", "readers"]
    assert [each["name"] for each in (await either.do("groups.list"))["items"]] == ["chess", "readers"]
    assert await either.refused("groups.update", id=circle["id"], version=circle["version"]) is Code.CHANGED_MEANWHILE
    assert await either.refused("groups.update", id=circle["id"], name="chess") is Code.TAKEN
    await either.do("groups.remove_member", id=circle["id"], user_id=person.id)
    assert await either.refused("groups.remove_member", id=circle["id"], user_id=person.id) is Code.NOT_FOUND
    await either.do("groups.add_member", id=renamed["id"], user_id=person.id)
    await either.do("groups.delete", id=renamed["id"])
    assert (await either.do("users.show", id=person.id))["groups"] == ["chess"]
    assert await either.refused("groups.delete", id=renamed["id"]) is Code.NOT_FOUND


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 101, "\u202eevil", 7])
async def test_a_group_has_a_name_that_can_be_read(desk: Operators, name: Any) -> None:
    assert await desk.refused("groups.create", name=name) is Code.INVALID


async def test_an_administrator_puts_nobody_above_them_into_a_group(desk: Operators) -> None:
    """Case AD04: groups are what policies ask for."""
    administrator, owner, circle = (
        await desk.of(Role.ADMINISTRATOR),
        await desk.user(Role.OWNER),
        await group(desk, "g"),
    )

    for name in ("groups.add_member", "groups.remove_member"):
        assert await desk.refused(name, administrator, id=circle["id"], user_id=owner.id) is Code.FORBIDDEN


async def test_a_secret_is_shown_when_it_is_made_and_never_again(desk: Operators) -> None:
    made = await client(desk)
    assert made["client_secret"]

    shown = [await desk.do("clients.show", id=made["id"]), *(await desk.do("clients.list", find=made["id"]))["items"]]
    changed = await desk.do("clients.update", id=made["id"], metadata={"client_name": "Books"})
    rotated = await desk.do("clients.rotate_secret", id=made["id"], version=changed["version"])

    assert {each["client_secret"] for each in (*shown, changed)} == {None}
    assert rotated["client_secret"] not in (None, made["client_secret"])
    trail = str((await desk.do("events.list", client_id=made["id"], limit=100))["items"])
    assert made["client_secret"] not in trail
    assert rotated["client_secret"] not in trail


@pytest.mark.parametrize(
    "given",
    [
        {"metadata": {"redirect_uris": [CALLBACK]}}, {"metadata": MEMBERS | {"client_name": "a\u202eb"}},
        {"metadata": MEMBERS | {"redirect_uris": ["http://books.example/"]}},
        {"metadata": MEMBERS | {"redirect_uris": ["https://a.example/#x"]}},
        {"metadata": MEMBERS | {"first_party": True}}, {"metadata": MEMBERS | {"profile": "oidc"}},
        {"metadata": MEMBERS | {"client_secret": "mine"}}, {"metadata": MEMBERS, "profile": "admin"},
        {"metadata": MEMBERS, "client_id": "a b"}, {"metadata": MEMBERS, "secret_digests": []}, {"metadata": []},
        {"metadata": MEMBERS | {"client_name": "x" * 101}}, {},
    ],
    ids=str,
)  # fmt: skip
async def test_a_registration_that_may_not_be_is_refused_whole(desk: Operators, given: dict[str, Any]) -> None:
    before = (await desk.do("clients.list", limit=100))["items"]

    assert await desk.refused("clients.create", **given) is Code.INVALID

    assert (await desk.do("clients.list", limit=100))["items"] == before


async def test_a_client_manager_reaches_their_own_clients_and_nobody_elses(desk: Operators) -> None:
    """Case AD02: what is not theirs looks like what does not exist."""
    manager, other = await desk.of(Role.CLIENT_MANAGER), await client(desk)
    own = await client(desk, manager)

    assert [each["id"] for each in (await desk.do("clients.list", manager))["items"]] == [own["id"]]
    for name, more in (
        ("clients.show", {}), ("clients.update", {"metadata": {}}), ("clients.rotate_secret", {}),
        ("clients.disable", {}), ("clients.delete", {}), ("clients.managers", {}),
    ):  # fmt: skip
        assert await desk.refused(name, manager, id=other["id"], **more) is Code.NOT_FOUND, name
    assert (await desk.do("clients.show", id=other["id"]))["active"] is True
    await desk.do("clients.add_manager", id=other["id"], user_id=manager.user_id)
    assert (await desk.do("clients.show", manager, id=other["id"]))["id"] == other["id"]
    await desk.do("clients.remove_manager", id=other["id"], user_id=manager.user_id)
    assert await desk.refused("clients.show", manager, id=other["id"]) is Code.NOT_FOUND


async def test_a_client_manager_gives_no_client_what_administrators_give(desk: Operators) -> None:
    manager = await desk.of(Role.CLIENT_MANAGER)
    own = await client(desk, manager)

    for more in (
        {"profile": "oidc"},
        {"first_party": True},
        {"metadata": {"scope": f"openid {SCOPE_PREFIX}users.read"}},
    ):
        assert await desk.refused("clients.update", manager, id=own["id"], **more) is Code.FORBIDDEN
        given = {"metadata": MEMBERS} | more
        given["metadata"] = MEMBERS | more.get("metadata", {})  # type: ignore[dict-item]
        assert await desk.refused("clients.create", manager, **given) is Code.FORBIDDEN


async def test_owners_alone_let_a_client_ask_for_scopes_of_administration(desk: Operators) -> None:
    administrator, owner, made = await desk.of(Role.ADMINISTRATOR), await desk.of(Role.OWNER), await client(desk)
    wish = {"id": made["id"], "metadata": {"scope": f"openid {SCOPE_PREFIX}users.read"}}

    assert await desk.refused("clients.update", administrator, **wish) is Code.FORBIDDEN
    await desk.do("clients.update", owner, **wish)
    kept = await desk.do("clients.update", administrator, id=made["id"], metadata={"client_name": "Books"})

    assert f"{SCOPE_PREFIX}users.read" in kept["metadata"]["scope"]


async def test_a_client_that_is_removed_is_gone_and_its_id_stays_in_the_trail(desk: Operators) -> None:
    made = await client(desk, contacts=["ada@example.org"])

    await desk.do("clients.delete", id=made["id"])

    assert await desk.refused("clients.show", id=made["id"]) is Code.NOT_FOUND
    (event, *_) = (await desk.do("events.list", client_id=made["id"]))["items"]
    assert (event["detail"], event["before"]["redirect_uris"]) == ({"change": "deleted"}, [CALLBACK])
    assert "ada@example.org" not in str(event)


async def test_a_session_is_seen_and_ended_and_consents_are_taken_back(either: Operators) -> None:
    person, made = await either.user(), await client(either)
    browser = either.provider.browser()
    await browser.open(f"{either.provider.issuer}/account/sign-in")
    browser.username, browser.password = person.username or "", "an engine of numbers"
    await browser.sign_in()
    async with either.provider.site.transactions.open(write=True) as stores:
        consent = Consent(person.id, made["id"], frozenset({"openid"}), frozenset())
        await stores.consents.save(consent, either.provider.clock.now())

    (session,) = (await either.do("sessions.list", user_id=person.id))["items"]
    (consented,) = (await either.do("consents.list", client_id=made["id"]))["items"]
    await either.do("sessions.end", id=session["id"])
    await either.do("consents.revoke", user_id=person.id, client_id=made["id"])

    assert (session["amr"], consented["scopes"]) == (["pwd"], ["openid"])
    assert (await either.do("sessions.list"))["items"] == (await either.do("consents.list"))["items"] == []
    assert await either.refused("sessions.end", id=session["id"]) is Code.NOT_FOUND
    assert await either.refused("consents.revoke", user_id=person.id, client_id=made["id"]) is Code.NOT_FOUND


async def test_support_ends_no_session_of_somebody_above(desk: Operators) -> None:
    owner, support = await desk.user(Role.OWNER), await desk.of(Role.SUPPORT)
    browser = desk.provider.browser()
    await browser.open(f"{desk.provider.issuer}/account/sign-in")
    browser.username, browser.password = owner.username or "", "an engine of numbers"
    await browser.sign_in()
    (session,) = (await desk.do("sessions.list", user_id=owner.id))["items"]

    assert await desk.refused("sessions.end", support, id=session["id"]) is Code.FORBIDDEN


async def test_keys_are_shown_without_their_private_half_and_turned_over_in_the_callers_name(desk: Operators) -> None:
    owner = await desk.of(Role.OWNER)
    before = (await desk.do("keys.list"))["items"]

    done = await desk.do("keys.rotate", owner)

    assert done["published"]
    assert {"private_ref", "d", "public_jwk"}.isdisjoint(before[0])
    (event, *_) = await desk.events("key_rotated")
    assert event["actor_id"] == owner.user_id
    assert await desk.refused("keys.retire", kid="none") is Code.NOT_FOUND
    young = done["published"][0]
    await desk.do("keys.revoke", kid=young)
    assert [each["state"] for each in (await desk.do("keys.list"))["items"] if each["kid"] == young] == ["revoked"]


async def test_what_a_message_says_is_not_shown_and_only_a_failed_one_goes_again(desk: Operators) -> None:
    now = desk.provider.clock.now()
    code, note, late = (message(created_at=now), message(created_at=now), message(created_at=now))
    async with desk.provider.site.transactions.open(write=True) as stores:
        for each, ends_in in ((code, 1), (note, 1), (late, 1)):
            await stores.outbox.add(each, expires_at=now + timedelta(hours=ends_in), due_at=now + timedelta(days=1))
        await stores.outbox.fail(note.id, now)

    listed = (await desk.do("messages.list", state="failed"))["items"]

    assert [each["id"] for each in listed] == [note.id]
    assert note.text not in str(listed)
    assert note.to not in str(listed)
    assert await desk.refused("messages.resend", id=late.id) is Code.CONFLICT
    await desk.do("messages.resend", id=note.id)
    assert await desk.refused("messages.resend", id=note.id) is Code.CONFLICT
    assert await desk.refused("messages.resend", id="none") is Code.NOT_FOUND


async def test_an_invitation_can_be_taken_back_until_it_is_used(desk: Operators) -> None:
    support = await desk.of(Role.SUPPORT)
    await desk.do("invitations.create", support, email="guest@example.org", name="Guest")
    (open_one,) = (await desk.do("invitations.list", support))["items"]
    assert (open_one["email"], open_one["name"]) == ("guest@example.org", "Guest")
    (link,) = await links(desk.provider, "guest@example.org", "invitation")

    await desk.do("invitations.revoke", support, id=open_one["id"])

    assert await desk.refused("invitations.revoke", support, id=open_one["id"]) is Code.NOT_FOUND
    assert (await desk.do("invitations.list"))["items"] == []
    assert (await desk.provider.browser().open(link)).status >= 400
    assert await desk.refused("invitations.create", email="nobody") is Code.INVALID
    assert await desk.refused("invitations.create", email=(await desk.user()).email) is Code.TAKEN


async def test_settings_are_shown_as_they_were_read_and_of_secrets_only_that_they_are_set(desk: Operators) -> None:
    shown = {each["name"]: each for each in (await desk.do("settings.list"))["items"]}

    assert shown["IDP_BRAND_NAME"]["value"] == "Harbour"
    assert not shown["IDP_BRAND_NAME"]["is_default"]
    assert (shown["IDP_SENDGRID_API_KEY"]["value"], shown["IDP_SENDGRID_API_KEY"]["is_secret"]) == ("(set)", True)
    assert (shown["IDP_DATABASE_URL"]["value"], shown["IDP_SMTP_URL"]["value"]) == ("(set)", "")
    assert "a-secret" not in str(shown)


async def test_the_trail_is_read_by_kind_person_and_time(desk: Operators) -> None:
    person = await desk.user()
    desk.provider.clock.advance(timedelta(seconds=1))
    begin = desk.provider.clock.now()
    await desk.do("users.disable", id=person.id)
    desk.provider.clock.advance(timedelta(seconds=1))
    end = desk.provider.clock.now()
    desk.provider.clock.advance(timedelta(seconds=1))
    await desk.do("users.enable", id=person.id)

    found = (await desk.do("events.list", user_id=person.id, since=begin.isoformat(), until=end.isoformat()))["items"]

    assert [each["detail"]["change"] for each in found] == ["disabled"]
    for given in ({"kind": "nothing"}, {"since": "2026-01-01T00:00:00"}, {"since": "yesterday"}):
        assert await desk.refused("events.list", **given) is Code.INVALID


@pytest.mark.parametrize("span", ["day", "week", "month"])
async def test_the_dashboard_counts_what_happened_in_its_slices(either: Operators, span: str) -> None:
    person = await either.user()
    browser = either.provider.browser()
    await browser.open(f"{either.provider.issuer}/account/sign-in")
    browser.username, browser.password = person.username or "", "wrong"
    await browser.sign_in()
    browser.password = "an engine of numbers"
    await browser.sign_in()

    shown = await either.do("dashboard.show", span=span)

    assert (shown["totals"]["refused"], shown["totals"]["signed_in"]) == (1, 1)
    assert sum(shown["totals"][f"risk_{band}"] for band in ("low", "medium", "high", "critical")) >= 1
    assert len(shown["slices"]) * shown["slice_seconds"] == {"day": 1, "week": 7, "month": 30}[span] * 86400
    assert shown["slices"][-1]["counts"]["signed_in"] == 1
    assert await either.refused("dashboard.show", span="year") is Code.INVALID


async def test_hours_that_are_over_are_counted_once_and_the_dashboard_says_the_same(either: Operators) -> None:
    person, clock = await either.user(), either.provider.clock
    browser = either.provider.browser()
    browser.username, browser.password = person.username or "", "wrong"
    for _ in range(2):
        await browser.open(f"{either.provider.issuer}/account/sign-in")
        await browser.sign_in()
        clock.advance(timedelta(hours=1))
    live = await either.do("dashboard.show", span="day")

    transactions = either.provider.site.transactions
    first = [await keep_hours(transactions, clock) for _ in range(40)]
    again = await keep_hours(transactions, clock)
    kept = await either.do("dashboard.show", span="day")

    assert (sum(first) > 24 * 29, again) == (True, 0)
    assert kept["totals"] == live["totals"]
    assert kept["totals"]["refused"] == 2
    await asyncio.gather(*(keep_hours(transactions, clock) for _ in range(3)))
    clock.advance(timedelta(hours=2))
    assert sum(await asyncio.gather(*(keep_hours(transactions, clock) for _ in range(3)))) >= 1
    assert (await either.do("dashboard.show", span="day"))["totals"]["refused"] == 2


async def test_how_fast_answers_were_is_added_up_over_processes(either: Operators) -> None:
    transactions, clock = either.provider.site.transactions, either.provider.clock
    metrics.take_answers()
    for seconds, status in ((0.05, 200), (0.051, 200), (0.3, 503), (7.0, 200)):
        metrics.count("/token", "POST", status, seconds)
    metrics.count("/health/live", "GET", 200, 9.0)
    taken = metrics.take_answers()

    await asyncio.gather(*(add_answers(transactions, clock, taken) for _ in range(2)))

    totals = (await either.do("dashboard.show"))["totals"]
    assert {name: totals[name] for name in taken} == {
        "answers_fast": 2, "answers_middle": 2, "answers_slow": 2, "answers_late": 2, "answers_failed": 2,
    }  # fmt: skip
    assert metrics.take_answers() == {}
