"""Operations on people: who may do what to whom, what is refused leaves everything as it was, and the trail tells."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from idp.domain.permission import Permission
from idp.domain.user import Role
from idp.flows.admin.catalog import OPERATIONS
from idp.flows.admin.problem import Code, Problem
from idp.policy.administration import PERMISSIONS
from tests.support.databases import fresh_database
from tests.support.factors import attempt_of, catalog
from tests.support.letters import links, subjects
from tests.support.operators import COMMAND, Operators, operators

HIDDEN = "(not shown)"
#: Lists that only whoever may change them has any use for.
READING_BUT_FOR_WRITERS = (
    "invitations.list", "registration_tokens.list", "configuration.export", "webhooks.show",
    "webhooks.list", "webhooks.deliveries",
)  # fmt: skip
#: What is taken back and nobody loses anything by but a way that they were given.
TAKEN_BACK_AT_ONCE = (Permission.CONSENTS_REVOKE, Permission.INVITATIONS_WRITE, Permission.REGISTRATION_WRITE)
BIDI = "Ada \u202egnp.exe"


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Operators]:
    folder = tmp_path_factory.mktemp("people")
    async with fresh_database("sqlite", folder) as url, operators(folder, url) as desk:
        yield desk


@pytest.fixture
async def either(database_url: str, tmp_path: Path) -> AsyncIterator[Operators]:
    async with operators(tmp_path, database_url) as desk:
        yield desk


@pytest.mark.parametrize("role", Role)
async def test_a_role_may_what_its_table_says_and_nothing_else(desk: Operators, role: Role) -> None:
    caller = await desk.of(role)

    for operation in OPERATIONS.values():
        if operation.permission not in PERMISSIONS[role]:
            assert await desk.refused(operation.name, caller) is Code.FORBIDDEN


async def test_what_is_forbidden_leaves_a_row_with_who_tried_what(desk: Operators) -> None:
    caller = await desk.of(Role.AUDITOR)

    await desk.refused("users.create", caller, email="eve@example.org")

    (event, *_) = await desk.events("admin_refused")
    assert (event["actor_id"], event["actor_role"], event["result"]) == (caller.user_id, "auditor", "refused")
    assert event["detail"] == {"operation": "users.create", "reason": "forbidden"}
    assert event["address"] == "192.0.2.7"


async def test_dangerous_things_need_a_fresh_proof(desk: Operators) -> None:
    stale, person = await desk.of(Role.OWNER, is_fresh=False), await desk.user()

    for name, more in (("users.delete", {}), ("users.set_role", {"role": "support"}), ("users.reset_factors", {})):
        assert await desk.refused(name, stale, id=person.id, **more) is Code.STEP_UP_REQUIRED
    assert (await desk.do("users.show", id=person.id))["role"] == "user"


@pytest.mark.parametrize(
    "given",
    [
        {"role": "owner"}, {"password_hash": "x"}, {"status": "active"}, {"id": "x"}, {"email_verified": "yes"},
        {"claims": {"sub": "x"}}, {"claims": {"email_verified": True}}, {"claims": {"groups": ["admins"]}},
        {"claims": {"name": BIDI}}, {"claims": {"a\x00b": "x"}}, {"claims": {"deep": {"a": {"b": {"c": {}}}}}},
        {"claims": [["name", "Ada"]]}, {"groups": ["a\nb"]}, {"groups": [""]}, {"groups": "admins"},
        {"groups": ["a"] * 10_000}, {"claims": {"name": "x" * 5000}}, {"username": "a b"}, {"email": "nobody"},
        {"email": None}, {"invite": 1},
    ],
    ids=str,
)  # fmt: skip
async def test_an_account_takes_listed_members_of_their_own_type_only(desk: Operators, given: dict[str, Any]) -> None:
    """Case AD03: and nothing of a refused request is stored."""
    before = len((await desk.do("users.list", limit=100))["items"])

    assert await desk.refused("users.create", **({"email": "new@example.org"} | given)) is Code.INVALID

    assert len((await desk.do("users.list", limit=100))["items"]) == before


async def test_a_refusal_names_every_member_at_fault_and_repeats_no_value(desk: Operators) -> None:
    with pytest.raises(Problem) as refused:
        await desk.do("users.create", email=7, username=["secret-thing"], foo="secret-thing")

    assert {fault.member for fault in refused.value.faults} == {"email", "username", "foo"}
    assert "secret-thing" not in f"{refused.value.detail}{refused.value.faults}"


async def test_a_person_is_made_invited_and_found_by_what_they_are_called(desk: Operators) -> None:
    made = await desk.do(
        "users.create", email="Grace@example.org", username="grace", groups=["b", "a", "b"],
        claims={"name": "Grace Hopper", "phone_number": "+15550100"},
    )  # fmt: skip

    for text in ("grace@EXAMPLE.org", "GRACE", "+15550100", made["id"]):
        assert [each["id"] for each in (await desk.do("users.list", find=text))["items"]] == [made["id"]]
    for text in ("grac", "%", "+1555010", ""):
        found = (await desk.do("users.list", find=text, role="owner"))["items"]
        assert made["id"] not in [each["id"] for each in found]
    assert made["groups"] == ["a", "b"]
    assert await links(desk.provider, "Grace@example.org", "reset")
    assert await desk.refused("users.create", email="GRACE@example.org") is Code.TAKEN
    assert await desk.refused("users.create", username="Grace") is Code.TAKEN


async def test_support_sees_who_somebody_is_and_no_more(desk: Operators) -> None:
    person = await desk.user(name="Ada", birthdate="1815-12-10")
    support, administrator = await desk.of(Role.SUPPORT), await desk.of(Role.ADMINISTRATOR)

    seen = await desk.do("users.show", support, id=person.id)

    assert (seen["name"], seen["claims"]) == ("Ada", None)
    assert (await desk.do("users.show", administrator, id=person.id))["claims"]["birthdate"] == "1815-12-10"


async def test_a_change_is_refused_to_whoever_looked_at_something_older(desk: Operators) -> None:
    person = await desk.user()
    seen = await desk.do("users.show", id=person.id)
    after = await desk.do("users.update", id=person.id, version=seen["version"], claims={"nickname": "A"})

    again = await desk.refused("users.update", id=person.id, version=seen["version"], claims={"nickname": "B"})

    assert again is Code.CHANGED_MEANWHILE
    assert await desk.refused("users.disable", id=person.id, version=seen["version"]) is Code.CHANGED_MEANWHILE
    assert (await desk.do("users.show", id=person.id))["version"] == after["version"]


async def test_of_two_changes_at_once_to_the_same_version_one_counts(either: Operators) -> None:
    person = await either.user()
    version = (await either.do("users.show", id=person.id))["version"]

    done = await asyncio.gather(
        *(either.do("users.update", id=person.id, version=version, claims={"nickname": str(n)}) for n in range(5)),
        return_exceptions=True,
    )

    refused = [each for each in done if isinstance(each, Problem)]
    assert [each.code for each in refused] == [Code.CHANGED_MEANWHILE] * 4


async def test_the_trail_says_that_personal_data_changed_and_not_what_it_is(desk: Operators) -> None:
    person = await desk.user(nickname="Ada")

    await desk.do("users.update", id=person.id, claims={"nickname": None}, groups=["staff"])

    (event, *_) = await desk.events("user_changed")
    assert event["before"] == {"groups": [], "claims": HIDDEN}
    assert event["after"] == {"groups": ["staff"], "claims": HIDDEN}
    assert (event["actor_kind"], event["user_id"]) == ("command line", person.id)


async def test_a_new_address_is_unproved_tells_the_old_one_and_ends_sessions(desk: Operators) -> None:
    person = await desk.user()

    changed = await desk.do("users.update", id=person.id, email=f"new-{person.username}@example.org")

    assert changed["email_verified"] is False
    assert await links(desk.provider, person.email or "", "email/undo")
    assert await subjects(desk.provider, person.email or "")


@pytest.mark.parametrize("target", [Role.ADMINISTRATOR, Role.OWNER])
async def test_nobody_changes_an_equal_or_somebody_above(desk: Operators, target: Role) -> None:
    """Case AD04: not their profile, not their factors, not whether they may come in."""
    administrator, person = await desk.of(Role.ADMINISTRATOR), await desk.user(target)

    for name, more in (
        ("users.update", {"groups": ["x"]}), ("users.disable", {}), ("users.delete", {}), ("users.reset_factors", {}),
        ("users.send_reset", {}), ("users.end_sessions", {}), ("users.unlock", {}),
        ("users.set_role", {"role": "user"}),
    ):  # fmt: skip
        assert await desk.refused(name, administrator, id=person.id, **more) is Code.FORBIDDEN, name
    assert (await desk.do("users.show", id=person.id))["role"] == target


@pytest.mark.parametrize(("role", "given"), [(Role.ADMINISTRATOR, "administrator"), (Role.ADMINISTRATOR, "owner")])
async def test_nobody_gives_a_role_that_is_not_below_their_own(desk: Operators, role: Role, given: str) -> None:
    caller, person = await desk.of(role), await desk.user()

    assert await desk.refused("users.set_role", caller, id=person.id, role=given) is Code.FORBIDDEN
    assert await desk.refused("users.set_role", caller, id=caller.user_id, role=given) is Code.FORBIDDEN
    assert (await desk.do("users.set_role", caller, id=person.id, role="support"))["role"] == "support"


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.CLIENT_MANAGER, Role.AUDITOR, Role.USER])
async def test_nobody_raises_themselves(desk: Operators, role: Role) -> None:
    caller = await desk.of(role)

    assert await desk.refused("users.set_role", caller, id=caller.user_id, role="owner") is Code.FORBIDDEN


async def test_a_role_that_was_taken_ends_the_sessions_it_had(desk: Operators) -> None:
    keeper = await desk.user(Role.ADMINISTRATOR)
    version = (await desk.do("users.show", id=keeper.id))["version"]

    await desk.do("users.set_role", id=keeper.id, role="user", version=version)

    (event, *_) = await desk.events("role_changed")
    assert (event["before"], event["after"]) == ({"role": "administrator"}, {"role": "user"})
    assert await desk.refused("users.set_role", id=keeper.id, role="user", version=version) is Code.CHANGED_MEANWHILE
    assert await desk.refused("users.set_role", id=keeper.id, role="god") is Code.INVALID


async def test_the_last_owner_stays(either: Operators) -> None:
    owner = await either.of(Role.OWNER)
    for name, more in (("users.disable", {}), ("users.delete", {}), ("users.set_role", {"role": "user"})):
        assert await either.refused(name, COMMAND, id=owner.user_id, **more) is Code.LAST_OWNER, name

    other = await either.of(Role.OWNER)
    await either.do("users.disable", COMMAND, id=other.user_id)  # one that cannot come in does not count

    assert await either.refused("users.set_role", owner, id=owner.user_id, role="user") is Code.LAST_OWNER


async def test_of_two_owners_who_step_down_at_once_one_stays(either: Operators) -> None:
    first, second = await either.of(Role.OWNER), await either.of(Role.OWNER)

    await asyncio.gather(
        *(either.do("users.set_role", each, id=each.user_id, role="user") for each in (first, second)),
        return_exceptions=True,
    )

    assert len((await either.do("users.list", role="owner"))["items"]) == 1


async def test_nobody_shuts_themselves_out(desk: Operators) -> None:
    owner = await desk.of(Role.OWNER)

    for name in ("users.disable", "users.delete", "users.reset_factors"):
        assert await desk.refused(name, owner, id=owner.user_id) is Code.CONFLICT


async def test_a_disabled_person_is_out_and_comes_in_again(desk: Operators) -> None:
    person = await desk.user()

    assert (await desk.do("users.disable", id=person.id))["status"] == "disabled"
    assert await desk.refused("users.send_reset", id=person.id) is Code.CONFLICT
    assert (await desk.do("users.enable", id=person.id))["status"] == "active"


async def test_many_at_once_succeed_or_fail_each_by_itself(desk: Operators) -> None:
    administrator = await desk.of(Role.ADMINISTRATOR)
    one, above = await desk.user(), await desk.user(Role.OWNER)

    done = await desk.do("users.bulk", administrator, action="disable", ids=[one.id, above.id, "nobody", one.id])

    assert [(each["id"], each["problem"]) for each in done["items"]] == [
        (one.id, None), (above.id, "forbidden"), ("nobody", "not_found"),
    ]  # fmt: skip
    lines = [row for row in await desk.events("admin_refused") if row["actor_id"] == administrator.user_id]
    assert {(row["user_id"], row["detail"]["operation"], row["detail"]["reason"], row["result"]) for row in lines} == {
        (above.id, "users.disable", "forbidden", "refused"), (None, "users.disable", "not_found", "refused"),
    }  # fmt: skip
    assert await desk.refused("users.bulk", administrator, action="disable", ids=["x"] * 101) is Code.INVALID
    assert await desk.refused("users.bulk", administrator, action="delete", ids=["x"]) is Code.INVALID


async def test_the_ways_in_are_listed_without_what_proves_them(desk: Operators) -> None:
    person = await desk.user()
    async with desk.provider.site.transactions.open(write=True) as stores:
        attempt = attempt_of(stores, person, desk.provider.clock.now())
        await catalog(desk.provider.site.digester).recovery_codes.begin(attempt)

    shown = await desk.do("users.credentials", id=person.id)

    assert (shown["has_password"], shown["items"], shown["recovery_codes"]) == (True, [], 10)
    await desk.do("users.reset_factors", id=person.id)
    assert (await desk.do("users.credentials", id=person.id))["recovery_codes"] == 0


async def test_a_long_list_is_read_page_by_page_each_person_once(desk: Operators) -> None:
    made = [(await desk.user(groups=["reading circle"])).id for _ in range(7)]

    seen: list[str] = []
    cursor = None
    while True:
        page = await desk.do("users.list", group="reading circle", limit=3, **({"cursor": cursor} if cursor else {}))
        seen += [each["id"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert sorted(seen) == sorted(made)


async def test_a_cursor_is_good_for_its_own_list_only(desk: Operators) -> None:
    for _ in range(3):
        await desk.user(groups=["chess"])
    cursor = (await desk.do("users.list", group="chess", limit=1))["next"]

    for given in (
        {"group": "go", "cursor": cursor}, {"cursor": cursor}, {"group": "chess", "cursor": cursor[:-2] + "AA"},
        {"group": "chess", "cursor": "x"}, {"group": "chess", "cursor": ""}, {"limit": 0}, {"limit": 101},
    ):  # fmt: skip
        assert await desk.refused("users.list", **given) is Code.INVALID, given
    assert await desk.refused("sessions.list", cursor=cursor) is Code.INVALID


def test_every_operation_has_its_own_place_and_changes_nothing_where_it_only_reads() -> None:
    places = [(each.method, each.path) for each in OPERATIONS.values()]

    assert len(set(places)) == len(places)
    for each in OPERATIONS.values():
        assert each.is_reading is (each.permission.value.endswith(".read") or each.name in READING_BUT_FOR_WRITERS)
        if each.name.partition(".")[2] in ("delete", "set_role", "reset_factors", "rotate_secret", "revoke", "rotate"):
            assert each.is_dangerous or each.permission in TAKEN_BACK_AT_ONCE
