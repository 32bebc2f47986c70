"""Files of people are read strictly: a broken line is refused with its number and reason, and spoils no other."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.user import UserStatus
from idp.flows.user_import_fault import Fault, Faulty
from idp.flows.user_import_file import LONGEST_LINE, BadFile, Form, PeopleFile
from idp.flows.user_import_person import FIELDS, Candidate, Reading, candidate_of
from tests.factors.foreign_hashes.hashes import FIREBASE, FIREBASE_HASH, TEXTS, keycloak

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
READING = Reading(keep_ids=False, project=None, now=NOW)
ID = "abcdefghijklmnopqrstuvwxyz"


def read(folder: Path, content: str | bytes, form: Form = Form.CSV, *, after: int = 0) -> list[tuple[int, Any]]:
    """Return number and content of each record; of a fault, its field and reason."""
    path = folder / "people"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with PeopleFile(path, form) as file:
        lines = list(file.lines(after=after))
        assert [line.end for line in lines] == sorted(line.end for line in lines)
        assert not lines or lines[-1].end <= file.size
    return [
        (line.number, (line.content.field, line.content.reason) if isinstance(line.content, Fault) else line.content)
        for line in lines
    ]


def person(reading: Reading = READING, **fields: Any) -> Candidate:
    return candidate_of({"email": "ada@example.org"} | fields, reading)


def refusal(reading: Reading = READING, **fields: Any) -> tuple[str, str]:
    with pytest.raises(Faulty) as refused:
        person(reading, **fields)
    return refused.value.fault.field, refused.value.fault.reason.value


def test_csv_is_read_by_the_names_of_its_first_line(tmp_path: Path) -> None:
    content = (
        "\ufeffname,email,email_verified,groups,address\r\n"
        '"Ada ""Countess"" Lovelace, née Byron",ada@example.org,TRUE,staff; ops,"{""country"":""UK""}"\r\n'
        "\r\n"
        "Bo,,false,,"
    )

    ada, bo = read(tmp_path, content)

    assert ada == (2, {
        "name": 'Ada "Countess" Lovelace, née Byron', "email": "ada@example.org", "email_verified": True,
        "groups": ["staff", "ops"], "address": {"country": "UK"},
    })  # fmt: skip
    assert bo == (4, {"name": "Bo", "email_verified": False})


def test_json_lines_are_read_one_by_one(tmp_path: Path) -> None:
    content = '\ufeff{"email":"a@b.example"}\n\n   \n{"email":null}'

    assert read(tmp_path, content, Form.JSONL) == [(1, {"email": "a@b.example"}), (4, {"email": None})]
    assert read(tmp_path, content, Form.JSONL, after=1) == [(4, {"email": None})]


@pytest.mark.parametrize(
    "line", ['a"b,', '"a,', '"a"b,', '"a""b', 'a,"b', 'a,"b"c', 'a,b,c', "a", '"a" ,b'],
)  # fmt: skip
def test_quotes_that_do_not_fit_spoil_their_line_alone(tmp_path: Path, line: str) -> None:
    found = read(tmp_path, f"email,name\n{line}\nada@example.org,Ada\n")

    assert found == [(2, ("", "not_csv")), (3, {"email": "ada@example.org", "name": "Ada"})]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"email":"\xff@example.org"}', "not_utf8"),
        (b'{"email":"\xed\xa0\x80"}', "not_utf8"),
        (b'{"email":"a@b.example","email":"c@d.example"}', "not_json"),
        (b'{"name":"\\ud800"}', "not_json"),
        (b'{"email":"a\x00@b.example"}', "not_json"),
        (b'{"groups":[[[[[[[]]]]]]]}', "not_json"),
        (b'{"email":NaN}', "not_json"),
        (b'["email"]', "not_json"),
        (b'{"email":"a@b.example"} {}', "not_json"),
        (b"email,name", "not_json"),
        (b'{"e-mail":"a@b.example"}', "unknown_field"),
        (b'{"sub":"x"}', "unknown_field"),
        (b'{"role":"owner"}', "unknown_field"),
        (b'{"updated_at":1}', "unknown_field"),
        (b'{"name":"' + b"x" * LONGEST_LINE + b'"}', "line_too_long"),
        (b"x" * (5 * LONGEST_LINE), "line_too_long"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_broken_line_is_refused_and_the_next_one_read(tmp_path: Path, raw: bytes, reason: str) -> None:
    content = b'{"name":"before"}\n' + raw + b'\n{"name":"after"}\n'

    before, broken, after = read(tmp_path, content, Form.JSONL)

    assert (before[1], after[1]) == ({"name": "before"}, {"name": "after"})
    assert broken == (2, ("", reason))


def test_the_longest_line_is_taken_and_one_byte_more_is_not(tmp_path: Path) -> None:
    longest = b'{"name":"' + b"x" * (LONGEST_LINE - 11) + b'"}'

    assert len(longest) == LONGEST_LINE
    assert isinstance(read(tmp_path, longest + b"\r\n", Form.JSONL)[0][1], dict)
    assert read(tmp_path, longest + b" \n", Form.JSONL) == [(1, ("", "line_too_long"))]


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("", "empty"), ("email,e-mail,nickname,passwd", "e-mail, passwd"), ("email,email", "twice"),
        ('"email', "quotes"), ("Email", "Email"), ("email,", "number 2"),
        ("a@b.example,$2b$12$abcdefghijklmnopqrstuv", "number 1, number 2"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "number 1"),
        (",".join(f"x{'y' * number}" for number in range(8)), "and 3 more"),
    ],
)  # fmt: skip
def test_a_header_that_names_other_fields_refuses_the_file(tmp_path: Path, header: str, named: str) -> None:
    """What is no plain word is not repeated: a file without a header begins with somebody's hash."""
    with pytest.raises(BadFile, match=named) as refused:
        read(tmp_path, header)
    assert "$2b$" not in str(refused.value)
    assert "5f4dcc" not in str(refused.value)


def test_json_in_a_cell_is_as_strict_as_json_anywhere(tmp_path: Path) -> None:
    content = 'email,address\na@b.example,"{""country"":""UK"",""country"":""FR""}"\na@b.example,{\n'

    assert read(tmp_path, content) == [(2, ("address", "not_json")), (3, ("address", "not_json"))]


def test_what_is_no_plain_file_is_not_read() -> None:
    """Its digest could not be taken before it is imported."""
    with pytest.raises(BadFile, match="not a regular file"):
        PeopleFile(Path("/dev/null"), Form.JSONL)


def test_a_file_that_changes_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "people"
    path.write_text("email\na@example.org\n")

    with PeopleFile(path, Form.CSV) as file:
        file.check_unchanged()
        path.write_text("email\nb@example.org\nc@example.org\n")
        with pytest.raises(BadFile):
            file.check_unchanged()


def test_a_line_becomes_an_account() -> None:
    made = person(
        username="Ada", email_verified=True, name="  Ada   Lovelace ", birthdate="1815-12-10", zoneinfo="Europe/London",
        website="https://ada.example", phone_number="+442071234567", phone_number_verified=True, groups=["b", "a"],
        address={"formatted": "12 St James's Square\nLondon", "country": "UK"}, created_at="2020-02-29T23:59:59+01:00",
        disabled=True, nickname="", given_name="  ", middle_name=None, id="ext|7",
    )  # fmt: skip

    user = made.user
    assert (user.email, user.username, user.email_verified) == ("ada@example.org", "Ada", True)
    assert (user.status, user.groups, made.foreign) == (UserStatus.DISABLED, ("a", "b"), None)
    assert (user.created_at, user.updated_at) == (datetime(2020, 2, 29, 22, 59, 59, tzinfo=UTC), NOW)
    assert user.claims == {
        "name": "Ada Lovelace", "birthdate": "1815-12-10", "zoneinfo": "Europe/London", "groups": ["b", "a"],
        "website": "https://ada.example", "phone_number": "+442071234567", "phone_number_verified": True,
        "address": {"formatted": "12 St James's Square\nLondon", "country": "UK"}, "external_id": "ext|7",
    }  # fmt: skip
    assert len(user.id) == 26


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "A\0da"), ("name", "A\u202eda"), ("name", "A\u2066da"), ("name", "A\nda"), ("name", "A\u2028da"),
        ("name", "A\x1fda"), ("name", "A\u200bda"), ("name", "\ue000"), ("name", "x" * 201), ("name", 7),
        ("birthdate", "10.12.1815"), ("zoneinfo", "Europe/Atlantis"), ("website", "javascript:alert(1)"),
        ("picture", "data:,x"), ("profile", "https://x.example/" + "x" * 1000), ("phone_number", "030 123456"),
        ("phone_number", "+0301234567"), ("phone_number_verified", "true"), ("phone_number_verified", True),
        ("email_verified", "yes"), ("email_verified", 1), ("disabled", "no"), ("groups", "staff"), ("groups", [1]),
        ("groups", [""]), ("groups", ["a", "a"]), ("groups", ["a"] * 101), ("groups", ["a\0"]),
        ("address", "12 St James's Square"), ("address", {"planet": "Earth"}), ("address", {"country": 44}),
        ("address", {"country": "U\nK"}), ("created_at", "2020-02-30T00:00:00Z"), ("created_at", "2020-01-01"),
        ("created_at", 1577836800), ("created_at", "2030-01-02T03:04:06Z"), ("created_at", "1969-12-31T23:59:59Z"),
        ("created_at", "0001-01-01T00:00:00+23:59"), ("id", 7), ("id", "x" * 201), ("id", "a\0"),
    ],
    ids=lambda value: str(value)[:30].encode("ascii", "backslashreplace").decode(),
)  # fmt: skip
def test_a_field_that_cannot_be_is_refused_by_name(field: str, value: Any) -> None:
    assert refusal(**{field: value}) == (field, "invalid")


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"email": "not an address"}, "email", "email_invalid"),
        ({"email": "a\u202e@b.example"}, "email", "email_invalid"),
        ({"email": 7}, "email", "invalid"), ({"username": "a@b"}, "username", "username_invalid"),
        ({"username": "a\0"}, "username", "username_invalid"), ({"email": None}, "email", "missing_fields"),
        ({"email": "", "username": ""}, "email", "missing_fields"),
        ({"email": "", "username": "ada", "email_verified": True}, "email_verified", "invalid"),
        ({"password_hash": "5f4dcc3b5aa765d61d8327deb882cf99"}, "password_hash", "hash_unverifiable"),
        ({"password_hash": "tulips in the rain"}, "password_hash", "hash_unverifiable"),
        ({"password_hash": {"passwordHash": "AAAA", "salt": "AAAA"}}, "password_hash", "hash_unverifiable"),
        ({"password_hash": 7}, "password_hash", "hash_unverifiable"),
    ],
    ids=str,
)  # fmt: skip
def test_an_account_that_could_not_be_made_alone_cannot_be_imported(
    fields: dict[str, Any], field: str, reason: str
) -> None:
    assert refusal(**fields) == (field, reason)


def test_an_id_is_kept_only_if_it_could_be_ours_and_we_are_told_to() -> None:
    keeping = Reading(keep_ids=True, project=None, now=NOW)

    for foreign in ("ext-7", ID.upper(), ID[:25], ID + "a", "1" * 26):
        assert refusal(keeping, id=foreign) == ("id", "invalid")
    kept, fresh, noted = person(keeping, id=ID), person(keeping), person(id=ID)

    assert (kept.user.id, kept.keeps_id, kept.user.claims) == (ID, True, {})
    assert (len(fresh.user.id), fresh.keeps_id) == (26, False)
    assert (noted.user.id != ID, noted.keeps_id, noted.user.claims) == (True, False, {"external_id": ID})


def test_hashes_are_read_as_text_or_as_members_in_both_formats(tmp_path: Path) -> None:
    project = Reading(keep_ids=False, project=FIREBASE, now=NOW)
    written = {"password_hash": keycloak("tulips in the rain")}
    quoted = json.dumps(written["password_hash"]).replace('"', '""')

    ((_, from_csv),) = read(tmp_path, f'password_hash\n"{quoted}"\n')
    ((_, from_json),) = read(tmp_path, json.dumps(written), Form.JSONL)

    assert from_csv == from_json == written
    assert person(**written).foreign == person(password_hash=keycloak("tulips in the rain", flat=True)).foreign
    assert person(project, password_hash=FIREBASE_HASH).foreign is not None
    assert person(password_hash=TEXTS[0][0]).foreign is not None


def test_a_refusal_repeats_no_value() -> None:
    secret = "tulips-in-the-rain"
    for field in sorted(FIELDS - {"id", "username", "password_hash"}):
        for value in (f"{secret}\0", [secret + "\0"], {secret: secret}):
            with pytest.raises(Faulty) as refused:
                person(**{field: value})
            assert secret not in refused.value.fault.message


@given(st.binary(max_size=300), st.sampled_from(Form))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes, form: Form) -> None:
    head = b"email,name,password_hash\n" if form is Form.CSV else b""

    for _number, found in read(tmp_path_factory.getbasetemp(), head + content, form):
        assert isinstance(found, dict | tuple)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), _JSON, max_size=5))
def test_any_fields_make_an_account_or_a_refusal(fields: dict[str, Any]) -> None:
    outcome: object
    try:
        outcome = candidate_of(fields, READING)
    except Faulty as error:
        outcome = error.fault

    assert isinstance(outcome, Candidate) or outcome.field in {*FIELDS, ""}  # type: ignore[attr-defined]
