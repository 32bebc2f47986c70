"""Importing people: all checks of a single account, nobody twice, hashes replaced at the first sign-in."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from idp.flows import user_import
from idp.flows.user_import import ImportStopped, Options, Outcome, UserImport
from idp.flows.user_import_file import BadFile, Form, PeopleFile
from idp.flows.user_import_report import BadReport, ImportReport
from idp.flows.user_import_trial import ImportTrial
from tests.factors.foreign_hashes.hashes import FIREBASE, FIREBASE_HASH, TEXTS, keycloak, keycloak_argon2
from tests.support.attacker import try_in
from tests.support.databases import KINDS
from tests.support.target import Row, Target, target

SHA_CRYPT, PASSWORD = TEXTS[15]
ID, OTHER_ID = "abcdefghijklmnopqrstuvwxyz", "bcdefghijklmnopqrstuvwxyza"


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Target]:
    async with target("sqlite", tmp_path) as running:
        yield running


@pytest.fixture(params=KINDS)
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Target]:
    async with target(request.param, tmp_path) as running:
        yield running


@pytest.fixture
def in_twos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of two, so that a handful of lines are several."""
    monkeypatch.setattr(user_import, "BATCH", 2)


def write(folder: Path, people: Sequence[dict[str, Any] | str], name: str = "people.jsonl") -> Path:
    path = folder / name
    path.write_text("".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in people))
    return path


async def bring(
    at: Target, path: Path, *, again: bool = False, trial: bool = False, report: str = "report.jsonl", **options: Any
) -> tuple[Outcome, list[tuple[int, str, str]]]:
    """Import a file; return the outcome, and line, field and reason of each entry of the report."""
    understood = Options("jsonl", **options)
    entries, seen = path.with_name(report), []
    with PeopleFile(path, Form.JSONL) as file, ImportReport(entries) as written:
        if trial:
            outcome = await ImportTrial(at.site.transactions, at.clock).run(
                file, understood, written, progress=seen.append
            )
        else:
            outcome = await UserImport(at.site.transactions, at.site.hasher, at.clock).run(
                file, understood, written, again=again, progress=seen.append
            )
    assert seen == sorted(seen)
    lines = entries.read_text().splitlines() if entries.exists() else []
    return outcome, [(e["line"], e["field"], e["reason"]) for e in map(json.loads, lines)]


async def changes(at: Target) -> list[Row]:
    found = [row | {"detail": json.loads(row["detail"] or "{}")} for row in await at.events("user_changed")]
    return [row for row in found if row["detail"].get("change") in ("imported", "import")]


def people(count: int) -> list[dict[str, Any]]:
    return [{"email": f"p{number}@example.org", "name": f"Person {number}"} for number in range(count)]


FORMATS = {
    "bcrypt": TEXTS[0], "argon2": TEXTS[7], "django": TEXTS[9], "scrypt": TEXTS[11], "sha-crypt": TEXTS[15],
    "keycloak": (keycloak("tulips in the rain"), "tulips in the rain"),
    "keycloak argon2": (keycloak_argon2(), "password"), "firebase": (FIREBASE_HASH, "user1password"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
async def test_the_first_sign_in_with_an_imported_password_replaces_its_hash(
    fresh: Target, tmp_path: Path, name: str
) -> None:
    written, password = FORMATS[name]
    path = write(tmp_path, [{"email": "ada@example.org", "email_verified": True, "password_hash": written}])
    assert await bring(fresh, path, project=FIREBASE) == (Outcome(1, 0, 1), [])
    (before,) = await fresh.rows("credentials")

    assert (await try_in(fresh, "ada@example.org", password + "x")).status == 403
    assert await fresh.rows("credentials") == [before]
    assert (await try_in(fresh, "ada@example.org", password)).status == 200
    (after,) = await fresh.rows("credentials")
    assert before["hash"].startswith("f1$")
    assert after["hash"].startswith("v1$")
    assert after | {"hash": ""} == before | {"hash": ""}

    assert (await try_in(fresh, "ada@example.org", password + "x")).status == 403
    assert (await try_in(fresh, "ada@example.org", password)).status == 200
    assert await fresh.rows("credentials") == [after]


async def test_two_first_sign_ins_at_once_both_pass_and_one_replaces_the_hash(either: Target, tmp_path: Path) -> None:
    await bring(either, write(tmp_path, [{"email": "ada@example.org", "password_hash": SHA_CRYPT}]))

    pages = await asyncio.gather(*(try_in(either, "ada@example.org", PASSWORD) for _ in range(2)))

    assert [page.status for page in pages] == [200, 200]
    assert [row["hash"][:3] for row in await either.rows("credentials")] == ["v1$"]
    assert (await try_in(either, "ada@example.org", PASSWORD)).status == 200


async def test_a_disabled_person_is_imported_and_may_not_come_in(fresh: Target, tmp_path: Path) -> None:
    person = {"email": "ada@example.org", "password_hash": SHA_CRYPT, "disabled": True}
    await bring(fresh, write(tmp_path, [person]))

    assert (await try_in(fresh, "ada@example.org", PASSWORD)).status == 403
    assert [row["status"] for row in await fresh.rows("users")] == ["disabled"]
    assert [row["hash"][:3] for row in await fresh.rows("credentials")] == ["f1$"]


async def test_who_is_imported_without_a_hash_has_no_password(fresh: Target, tmp_path: Path) -> None:
    await bring(fresh, write(tmp_path, people(1)))

    assert await fresh.rows("credentials") == []
    assert (await try_in(fresh, "p0@example.org", "anything at all")).status == 403


@pytest.mark.usefixtures("in_twos")
async def test_refused_lines_are_reported_in_order_and_leave_nothing(either: Target, tmp_path: Path) -> None:
    """Duplicates within the file and against the store, broken lines, hashes nobody can verify."""
    known = await either.account()
    lines = [
        {"email": "p0@example.org", "username": "p0"},
        "{",
        {"email": "P0@EXAMPLE.org"},
        {"email": "p1@example.org", "username": "P0"},
        {"email": known.user.email},
        {"email": "p1@example.org", "password_hash": "5f4dcc3b5aa765d61d8327deb882cf99"},
        {"email": "p1@example.org"},
        {"e-mail": "p2@example.org"},
    ]

    outcome, report = await bring(either, write(tmp_path, lines))

    assert outcome == Outcome(2, 6, 1)
    assert report == [
        (2, "", "not_json"), (3, "email", "email_taken"), (4, "username", "username_taken"),
        (5, "email", "email_taken"), (6, "password_hash", "hash_unverifiable"), (8, "", "unknown_field"),
    ]  # fmt: skip
    assert len(await either.rows("users")) == 3
    assert len(await either.rows("credentials")) == 1
    assert len(await changes(either)) == 3


@pytest.mark.usefixtures("in_twos")
async def test_a_trial_says_what_the_import_will_say_and_stores_nothing(fresh: Target, tmp_path: Path) -> None:
    await fresh.account(email="known@example.org")
    lines = [
        {"email": "p0@example.org", "id": ID}, {"email": "known@example.org"}, {"email": "p1@example.org", "id": ID},
        {"email": "p1@example.org"}, {"email": "P1@example.org"}, {"username": "p2", "id": "x"}, {"username": "p2"},
        {"username": "P2", "email": "p3@example.org"}, {"email": "p3@example.org"},
    ]  # fmt: skip
    path = write(tmp_path, lines)

    tried = await bring(fresh, path, trial=True, keep_ids=True, report="trial.jsonl")

    assert len(await fresh.rows("users")) == 1
    assert await fresh.rows("user_imports") == []
    assert tried == await bring(fresh, path, keep_ids=True)
    assert tried[0] == Outcome(4, 5, 1)


async def test_each_person_and_the_whole_run_leave_an_event(fresh: Target, tmp_path: Path) -> None:
    path = write(tmp_path, [*people(2), "{"])

    await bring(fresh, path)

    found = await changes(fresh)
    single = [row for row in found if row["detail"]["change"] == "imported"]
    (whole,) = [row for row in found if row not in single]
    assert {row["user_id"] for row in single} == {row["id"] for row in await fresh.rows("users")}
    assert [row["detail"] for row in single] == [{"change": "imported"}] * 2
    assert whole["user_id"] is None
    assert whole["detail"] == {"change": "import", "imported": 2, "refused": 1}
    with PeopleFile(path, Form.JSONL) as file:
        assert any(file.digest in str(value) for value in whole.values())


async def test_the_same_file_again_imports_nobody(fresh: Target, tmp_path: Path) -> None:
    path = write(tmp_path, [*people(3), "{"])
    first = await bring(fresh, path)

    again = await bring(fresh, path)
    anew, report = await bring(fresh, path, again=True)

    assert again == (Outcome(3, 1, 5, was_finished=True), first[1])
    assert anew == Outcome(0, 4, 1)
    assert [reason for _, _, reason in report] == ["email_taken"] * 3 + ["not_json"]
    assert len(await fresh.rows("users")) == 3


@pytest.mark.usefixtures("in_twos")
async def test_what_failed_half_way_goes_on_from_there(
    fresh: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was reported for a transaction that never committed is not reported twice."""
    path = write(tmp_path, [*people(3), "{", "[", *people(6)[3:]])
    real, calls = UserImport._store, 0

    async def failing(self: UserImport, *arguments: Any) -> None:
        nonlocal calls
        calls += 1
        await real(self, *arguments)
        if calls == 3:
            raise RuntimeError("the light went out")

    monkeypatch.setattr(UserImport, "_store", failing)
    with pytest.raises(RuntimeError):
        await bring(fresh, path)
    assert len(await fresh.rows("users")) == 3
    entries = (tmp_path / "report.jsonl").read_text().splitlines()
    assert [json.loads(entry)["line"] for entry in entries] == [4]
    with (tmp_path / "report.jsonl").open("a") as report:  # as a kill between report and commit leaves it
        report.write('{"line": 5, "field": "", "reason": "not_json", "message": "x"}\n{"line": 5, "fie')

    assert await bring(fresh, path) == (Outcome(6, 2, 5), [(4, "", "not_json"), (5, "", "not_json")])
    assert len(await fresh.rows("users")) == 6
    assert len(await changes(fresh)) == 7


@pytest.mark.usefixtures("in_twos")
async def test_an_import_does_not_go_on_with_other_options(fresh: Target, tmp_path: Path) -> None:
    path = write(tmp_path, people(3))
    await bring(fresh, path)

    for options in ({"keep_ids": True}, {"project": FIREBASE}):
        with pytest.raises(ImportStopped, match="again"):
            await bring(fresh, path, **options)


@pytest.mark.usefixtures("in_twos")
async def test_of_two_imports_of_a_file_at_once_one_goes_on_and_nobody_comes_twice(
    either: Target, tmp_path: Path
) -> None:
    path = write(tmp_path, people(9))

    outcomes = await asyncio.gather(
        *(bring(either, path, report=f"{number}.jsonl") for number in range(3)), return_exceptions=True
    )

    stopped = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert {type(error) for error in stopped} <= {ImportStopped}
    assert await bring(either, path, report="after.jsonl") == (Outcome(9, 0, 10, was_finished=True), [])
    assert len(await either.rows("users")) == 9
    assert [row["detail"]["change"] for row in await changes(either)].count("import") == 1


@pytest.mark.usefixtures("in_twos")
async def test_two_files_with_the_same_people_at_once_import_each_once(either: Target, tmp_path: Path) -> None:
    one, other = write(tmp_path, people(6), "a.jsonl"), write(tmp_path, people(6)[::-1], "b.jsonl")

    (first, _), (second, _) = await asyncio.gather(
        bring(either, one, report="a.report"), bring(either, other, report="b.report")
    )

    assert first.imported + second.imported == first.refused + second.refused == 6
    assert len(await either.rows("users")) == 6


@pytest.mark.usefixtures("in_twos")
async def test_a_file_that_changes_stops_the_import(
    fresh: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, people(4))
    real = UserImport._commit

    async def meddling(self: UserImport, *arguments: Any) -> None:
        await real(self, *arguments)
        path.write_text(path.read_text() + "{}\n")

    monkeypatch.setattr(UserImport, "_commit", meddling)

    with pytest.raises(BadFile):
        await bring(fresh, path)
    assert len(await fresh.rows("users")) == 2


async def test_a_kept_id_is_free_and_never_was_a_deleted_accounts(fresh: Target, tmp_path: Path) -> None:
    path = write(tmp_path, [{"username": "ada", "id": ID}, {"username": "bo", "id": ID}])
    assert await bring(fresh, path, keep_ids=True) == (Outcome(1, 1, 1), [(2, "id", "id_taken")])
    ada = await fresh.site.users.find("ada")
    assert ada is not None
    assert ada.id == ID

    await fresh.site.users.delete(ada)
    path = write(tmp_path, [{"username": "ada", "id": ID}, {"username": "bo", "id": OTHER_ID}])

    tried = await bring(fresh, path, trial=True, keep_ids=True, report="trial.jsonl")
    assert await bring(fresh, path, keep_ids=True) == tried == (Outcome(1, 1, 1), [(1, "id", "id_taken")])


async def test_a_kept_id_is_free_even_where_the_trail_was_cleared(fresh: Target, tmp_path: Path) -> None:
    await bring(fresh, write(tmp_path, [{"username": "ada", "id": ID}]), keep_ids=True)
    await fresh.execute("DELETE FROM events")

    outcome = await bring(fresh, write(tmp_path, [{"username": "bo", "id": ID}]), keep_ids=True)

    assert outcome == (Outcome(0, 1, 1), [(1, "id", "id_taken")])


async def test_an_import_that_another_process_finished_is_not_finished_twice(fresh: Target, tmp_path: Path) -> None:
    path = write(tmp_path, people(1))
    await bring(fresh, path)

    with PeopleFile(path, Form.JSONL) as file, pytest.raises(ImportStopped):
        await UserImport(fresh.site.transactions, fresh.site.hasher, fresh.clock)._finish(file.digest, 2)

    assert [row["detail"]["change"] for row in await changes(fresh)].count("import") == 1


async def test_an_import_makes_nobody_an_administrator(fresh: Target, tmp_path: Path) -> None:
    """AD03: what nobody may say of themselves, no file says either."""
    await bring(fresh, write(tmp_path, [{"email": "a@example.org", "role": "owner"}, {"email": "b@example.org"}]))

    assert [row["role"] for row in await fresh.rows("users")] == ["user"]


def test_a_report_never_takes_the_place_of_another_file(tmp_path: Path) -> None:
    precious, link = tmp_path / "notes.txt", tmp_path / "link.jsonl"
    precious.write_text("do not lose me\n")
    link.symlink_to(precious)

    for path in (precious, link, tmp_path / "no such folder" / "report.jsonl"):
        with pytest.raises(BadReport):
            ImportReport(path)

    assert precious.read_text() == "do not lose me\n"


def test_a_report_has_one_writer_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    with ImportReport(tmp_path / "report.jsonl") as report:
        assert report.path.stat().st_mode & 0o077 == 0
        with pytest.raises(BadReport, match="another import"):
            ImportReport(report.path)

    assert not report.path.exists()
