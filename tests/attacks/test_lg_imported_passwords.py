"""LG02, LG77, LG80, AD07: an account that came with a foreign hash gives itself away no more than any other."""

import json
from pathlib import Path

import pytest

from idp.flows.export import export
from idp.flows.user_import import Options, UserImport
from idp.flows.user_import_file import Form, PeopleFile
from idp.flows.user_import_report import ImportReport
from idp.oauth.context import Context
from idp.oauth.request import HttpRequest
from tests.factors.foreign_hashes.hashes import TEXTS
from tests.support.attacker import try_in
from tests.support.target import Target

HASH, PASSWORD = TEXTS[9]
DIGEST = HASH.rpartition("$")[2]


@pytest.fixture
async def imported(fresh: Target, tmp_path: Path) -> Target:
    """A provider with one imported person."""
    path = tmp_path / "people.jsonl"
    path.write_text(json.dumps({"email": "ada@example.org", "username": "ada", "password_hash": HASH}))
    with PeopleFile(path, Form.JSONL) as file, ImportReport(tmp_path / "report.jsonl") as report:
        importing = UserImport(fresh.site.transactions, fresh.site.hasher, fresh.clock)
        await importing.run(file, Options("jsonl"), report, again=False, progress=lambda _done: None)
    return fresh


async def test_lg02_a_wrong_password_is_answered_as_at_an_account_that_does_not_exist(imported: Target) -> None:
    known, unknown = await try_in(imported, "ada", "not this one"), await try_in(imported, "nobody", "not this one")

    assert known.status == unknown.status == 403
    assert known.text("login-error") == unknown.text("login-error")
    assert {name for name, _ in known.response.headers.items()} == {
        name for name, _ in unknown.response.headers.items()
    }


@pytest.mark.parametrize("password", ["", "lètmein\0", "lètmein\0x", "letmein", "lètmein ", "x" * 60_000, HASH, DIGEST])
async def test_lg77_only_the_very_password_opens_an_imported_account(imported: Target, password: str) -> None:
    assert (await try_in(imported, "ada", password)).status in (400, 403)
    assert [row["hash"][:3] for row in await imported.rows("credentials")] == ["f1$"]

    assert (await try_in(imported, "ada", PASSWORD)).status == 200


async def test_lg80_an_imported_hash_cannot_be_tried_with_the_database_alone(imported: Target) -> None:
    (row,) = await imported.rows("credentials")

    assert DIGEST.rstrip("=") not in row["hash"]


async def test_ad07_no_export_tells_a_hash(imported: Target) -> None:
    ada = await imported.site.users.find("ada")
    assert ada is not None
    (row,) = await imported.rows("credentials")

    async with imported.site.transactions.open(write=True) as stores:
        http = HttpRequest("CLI", {}, [], [], "test", "")
        told = json.dumps(dict(await export(Context(imported.site.engine, stores, http, imported.clock.now()), ada)))

    assert "f1$" not in told
    assert row["hash"] not in told
    assert DIGEST not in told
