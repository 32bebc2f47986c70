"""A probe sees every statement under what it does, and to which table."""

import pytest

from idp.storage.probing import label_of


@pytest.mark.parametrize(
    ("statement", "label"),
    [
        ("SELECT grants.id \nFROM grants", "db.select.grants"), ("SELECT 1", None), ("PRAGMA foreign_keys=ON", None),
        ('INSERT INTO "grants" (id) VALUES (?)', "db.insert.grants"), ("UPDATE grants SET id=?", "db.update.grants"),
        ("DELETE FROM grants", "db.delete.grants"),
        ("WITH RECURSIVE family(id) AS \n(SELECT grants.id FROM grants) UPDATE grants SET id=?", "db.update.grants"),
        ("WITH due AS (SELECT a.id FROM a FOR UPDATE SKIP LOCKED) UPDATE b SET id=1", "db.update.b"),
        ("WITH RECURSIVE up AS (SELECT grants.id FROM grants) SELECT up.id FROM up", "db.select.grants"),
    ],
)  # fmt: skip
def test_a_statement_has_the_label_of_what_it_does(statement: str, label: str | None) -> None:
    assert label_of(statement) == label
