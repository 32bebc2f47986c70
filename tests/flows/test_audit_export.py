"""An export is verified by itself."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from idp.domain.event import Actor, ActorKind, Target
from idp.flows.audit_export import event_json, members_of, verify_export
from tests.support.audit_trail import KEPT, Trail, fault_in, pinned
from tests.support.builders import DAY


@pytest.fixture
async def trail(database_url: str, tmp_path: Path) -> AsyncIterator[Trail]:
    async with Trail.at(database_url, tmp_path) as trail:
        yield trail


@pytest.fixture
async def lines(sqlite_url: str, tmp_path: Path) -> list[str]:
    """An export of six events under two checkpoints: it begins, three events, a checkpoint, and so on."""
    async with Trail.at(sqlite_url, tmp_path) as trail:
        await trail.filled(3, 3)
        return await trail.lines()


async def test_an_export_is_sound_and_holds_what_was_signed(trail: Trail) -> None:
    first, _second = await trail.filled(3, 3)
    await trail.write(2)
    trail.clock.advance(DAY)
    await trail.chain.link()

    lines = await trail.lines()
    walk = verify_export(lines, pin=pinned(first))

    assert (walk.events, walk.checkpoints, walk.pinned, walk.signed) == (6, 2, True, True)
    assert "192.0.2.7" not in "".join(lines)
    assert json.loads(lines[-1]) == {"ends": {"seq": 6, "events": 6}}


async def test_an_event_says_all_that_it_says_in_the_database(trail: Trail) -> None:
    await trail.write(
        actor=Actor(ActorKind.USER, "grace", "owner"), target=Target("policy", "7"), before={"a": 1},
        after={"a": [1.5, "ä\u2028", None]},
    )  # fmt: skip
    await trail.sign()

    told = json.loads((await trail.lines(with_addresses=True))[1])

    event = told["event"]
    assert (event["actor_kind"], event["actor_id"], event["actor_role"]) == ("user", "grace", "owner")
    assert (event["target_kind"], event["target_id"], event["result"]) == ("policy", "7", "done")
    assert (event["before"], event["after"]) == ({"a": 1}, {"a": [1.5, "ä\u2028", None]})
    assert (event["address"], event["request_id"], event["user_id"]) == ("192.0.2.7", "request", "ada")
    assert verify_export(await trail.lines(with_addresses=True)).events == 1


async def test_an_export_may_begin_at_a_checkpoint_or_behind_a_removal(trail: Trail) -> None:
    await trail.filled(3, 3, 3)

    later = verify_export(await trail.lines(start=5))
    trail.clock.advance(2 * KEPT)
    await trail.retention.remove_due()
    rest = verify_export(await trail.lines())

    assert (later.events, later.seq) == (6, 9)
    assert (rest.events, rest.seq) == (3, 9)


async def test_an_export_of_nothing_is_sound(trail: Trail) -> None:
    assert verify_export(await trail.lines()).events == 0


def changed(line: str, **members: Any) -> str:
    document = json.loads(line)
    document["event"] |= members
    return json.dumps(document)


@pytest.mark.parametrize("member", ["id", "at", "kind", "user_id", "detail", "address_mark", "request_id", "new"])
def test_a_changed_member_is_found(lines: list[str], member: str) -> None:
    lie = "2030-01-02T03:04:05+00:00" if member == "at" else {"number": 7} if member == "detail" else "lie"
    lines[2] = changed(lines[2], **{member: lie})

    assert fault_in(lines)[0] == 2


@pytest.mark.parametrize(
    ("taken", "seq"), [(1, 1), (2, 2), (4, 4), (5, 4), (8, 6), (9, 6), (0, None)],
    ids=["first", "second", "a checkpoint", "fourth", "the last checkpoint", "the end", "the beginning"],
)  # fmt: skip
def test_a_removed_line_is_found(lines: list[str], taken: int, seq: int | None) -> None:
    del lines[taken]

    found = fault_in(lines)[0]

    assert (found is None) is (seq is None)


def test_swapped_inserted_and_unreadable_lines_are_found(lines: list[str]) -> None:
    swapped = [*lines[:2], lines[3], lines[2], *lines[4:]]
    twice = [*lines[:3], lines[2], *lines[3:]]
    broken = [*lines[:3], "{", *lines[4:]]
    strange = [*lines[:3], '{"event": 5}', *lines[4:]]
    behind = [*lines, lines[2]]

    assert [fault_in(each)[0] for each in (swapped, twice, broken, strange, behind)] == [2, 3, 3, 3, 7]


def test_a_file_that_is_no_export_is_refused() -> None:
    assert fault_in([])[1] == fault_in(["[]"])[1] == "its line cannot be read"
    assert "no export" in fault_in(['{"format": "other", "begins": {}}'])[1]


def test_an_export_that_ends_before_a_known_checkpoint_is_found(lines: list[str]) -> None:
    from idp.oauth import statements

    jws = json.loads(lines[8])["checkpoint"]
    known = statements.read(jws, typ=statements.CHECKPOINT)
    assert known is not None
    short = [*lines[:5], '{"ends": {"seq": 3, "events": 3}}']

    assert verify_export(short).seq == 3
    assert fault_in(short, pin=(known, jws))[0] == 4


async def test_an_export_by_somebody_elses_key_is_found_by_a_known_checkpoint(sqlite_url: str, tmp_path: Path) -> None:
    async with Trail.at(sqlite_url, tmp_path) as trail:
        (kept,) = await trail.filled(3)
        await trail.execute("DELETE FROM event_links", "DELETE FROM event_checkpoints", "DELETE FROM event_chain")
        await trail.new_key()
        again = trail.again()
        await again.sign()

        lines = await again.lines()

    assert verify_export(lines).events == 3, "sound in itself"
    assert "another checkpoint" in fault_in(lines, pin=pinned(kept))[1]


def test_an_exported_event_goes_back_to_what_is_hashed() -> None:
    members: dict[str, str | int | None] = {
        "id": "x", "at": 1_900_000_000_123_456, "kind": "k", "detail": '{"b":1,"a":"ü"}', "address": "keyed:m",
    }  # fmt: skip

    assert members_of(event_json(members)) == members
    whole = members | {"at": 1_900_000_000_000_000, "address": None}
    assert members_of(event_json(whole)) == whole
