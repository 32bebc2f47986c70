"""The filter of breached passwords: members are found, others rarely, and a file that is not whole is refused."""

import hashlib
import io
import os
import struct
from pathlib import Path

import pytest

from idp.factors.breached import (
    HEADER_BYTES,
    MAGIC,
    VERSION,
    BreachedPasswords,
    DamagedFilter,
    FilterWriter,
    Shape,
    digest_of,
)
from idp.factors.breached_list import LONGEST_LINE, DamagedLine, ListReader, count_lines

COUNT = 20_000


def write(path: Path, passwords: list[str], *, false_positives: float = 0.001) -> Path:
    with FilterWriter(path, Shape.fitting(len(passwords), false_positives)) as writer:
        writer.add_all(digest_of(password) for password in passwords)
        writer.finish()
    return path


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A filter file of three passwords."""
    return write(tmp_path / "three.bloom", ["one", "two", "three"])


def test_what_was_added_is_found(tmp_path: Path) -> None:
    passwords = [f"password number {number}" for number in range(COUNT)]

    found = BreachedPasswords(write(tmp_path / "f.bloom", passwords))

    assert found.count == COUNT
    assert all(found.has(password) for password in passwords)
    found.close()


@pytest.mark.parametrize("wanted", [0.05, 0.01, 0.001])
def test_others_are_found_as_rarely_as_asked_for(tmp_path: Path, wanted: float) -> None:
    passwords = [f"password number {number}" for number in range(COUNT)]
    found = BreachedPasswords(write(tmp_path / "f.bloom", passwords, false_positives=wanted))

    share = sum(found.has(f"another {number}") for number in range(50_000)) / 50_000

    assert wanted / 2 < share < wanted * 2
    assert found.shape.rate_at(COUNT) == pytest.approx(wanted, rel=0.1)
    found.close()


def test_a_million_entries_take_less_than_two_megabytes() -> None:
    shape = Shape.fitting(1_000_000, 0.001)

    assert shape.bits // 8 < 1_850_000
    assert shape.hashes == 10


def test_a_password_is_listed_as_have_i_been_pwned_lists_it(tmp_path: Path) -> None:
    """By SHA-1 of its UTF-8, composed: the list may come from anywhere."""
    assert digest_of("password").hex() == "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"
    found = BreachedPasswords(write(tmp_path / "f.bloom", ["caf\u00e9"]))

    assert found.has("cafe\u0301")
    assert found.has_digest(hashlib.sha1("caf\u00e9".encode()).digest())
    assert not found.has("cafe")
    assert not found.has("\ud800")
    found.close()


def test_an_empty_list_has_nobody(tmp_path: Path) -> None:
    found = BreachedPasswords(write(tmp_path / "f.bloom", []))

    assert not found.has("")
    assert not found.has("password")
    found.close()


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 35, 63, 64, 65, -1])
def test_a_file_that_was_cut_is_refused(whole: Path, kept: int) -> None:
    whole.write_bytes(whole.read_bytes()[:kept])

    with pytest.raises(DamagedFilter):
        BreachedPasswords(whole)


def test_a_file_that_grew_is_refused(whole: Path) -> None:
    whole.write_bytes(whole.read_bytes() + b"\0")

    with pytest.raises(DamagedFilter, match="bytes instead of"):
        BreachedPasswords(whole)


def test_another_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"\x89PNG" + bytes(100))

    with pytest.raises(DamagedFilter, match="not a filter"):
        BreachedPasswords(other)


def test_another_version_is_refused(whole: Path) -> None:
    content = bytearray(whole.read_bytes())
    struct.pack_into(">H", content, len(MAGIC), VERSION + 1)
    whole.write_bytes(content)

    with pytest.raises(DamagedFilter, match=f"version {VERSION + 1}"):
        BreachedPasswords(whole)


@pytest.mark.parametrize("at", range(len(MAGIC) + 2, HEADER_BYTES))
def test_no_byte_of_the_header_can_change_unseen(whole: Path, at: int) -> None:
    content = bytearray(whole.read_bytes())
    content[at] ^= 1
    whole.write_bytes(content)

    with pytest.raises(DamagedFilter, match="header"):
        BreachedPasswords(whole)


@pytest.mark.parametrize("shape", [Shape(0, 1, 0.1), Shape(65, 1, 0.1), Shape(64, 0, 0.1), Shape(64, 33, 0.1)])
def test_a_shape_that_cannot_be_is_refused(tmp_path: Path, shape: Shape) -> None:
    """Though its checksum is right."""
    from idp.factors import breached

    path = tmp_path / "f.bloom"
    path.write_bytes(breached._header(shape, 1) + bytes(shape.bits // 8))

    with pytest.raises(DamagedFilter, match="header"):
        BreachedPasswords(path)


def test_a_build_that_fails_changes_nothing(whole: Path) -> None:
    before = whole.read_bytes()

    with pytest.raises(DamagedLine), FilterWriter(whole, Shape.fitting(10, 0.001)) as writer:
        writer.add_all(ListReader(plain=False, skip_damaged=False).digests(io.BytesIO(b"x\n"), progress=lambda n: None))

    assert whole.read_bytes() == before
    assert os.listdir(whole.parent) == [whole.name]


def test_a_filter_that_is_replaced_goes_on_serving_whom_it_serves(whole: Path) -> None:
    old = BreachedPasswords(whole)

    write(whole, ["four"])

    assert old.has("one")
    assert BreachedPasswords(whole).has("four")
    old.close()


def test_a_filter_that_no_disk_holds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="too large"):
        FilterWriter(tmp_path / "f.bloom", Shape.fitting(10**14, 0.001))
    assert list(tmp_path.iterdir()) == []


UPPER, LOWER = b"5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8", b"5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"
LINES: dict[str, tuple[bytes, int | None]] = {
    "upper case": (UPPER + b":3\n", None),
    "lower case": (LOWER + b"\n", None),
    "no end of line": (LOWER, None),
    "CRLF": (UPPER + b":3\r\n", None),
    "a byte order mark": (b"\xef\xbb\xbf" + UPPER + b"\n", None),
    "blank lines": (b"\n\r\n" + UPPER + b"\n\n", None),
    "39 digits": (UPPER[1:] + b"\n", 1),
    "41 digits": (b"A" + UPPER + b"\n", 1),
    "no digit": (UPPER[:-1] + b"g\n", 1),
    "no count": (UPPER + b":\n", 1),
    "a negative count": (UPPER + b":-1\n", 1),
    "something after the count": (UPPER + b":1:2\n", 1),
    "SHA-256": (b"a" * 64 + b"\n", 1),
    "the second line": (UPPER + b"\n" + b"?\n" + UPPER + b"\n", 2),
    "a line without end": (b"a" * 1_000_000, 1),
    "NUL": (b"\0" * 40 + b"\n", 1),
}


@pytest.mark.parametrize(("content", "damaged"), LINES.values(), ids=LINES)
def test_each_line_is_read_or_named(content: bytes, damaged: int | None) -> None:
    reader = ListReader(plain=False, skip_damaged=False)

    if damaged is None:
        assert list(reader.digests(io.BytesIO(content), progress=lambda n: None)) == [digest_of("password")]
    else:
        with pytest.raises(DamagedLine) as caught:
            list(reader.digests(io.BytesIO(content), progress=lambda n: None))
        assert caught.value.number == damaged


def test_damaged_lines_are_counted_when_they_are_skipped() -> None:
    content = b"?\n" + UPPER + b":1\n" + b"x" * (3 * LONGEST_LINE) + b"\n" + LOWER + b"\nlast"
    reader = ListReader(plain=False, skip_damaged=True)

    found = list(reader.digests(io.BytesIO(content), progress=lambda n: None))

    assert (len(found), reader.damaged, reader.lines) == (2, 3, 5)


def test_passwords_are_read_as_they_are() -> None:
    reader = ListReader(plain=True, skip_damaged=True)
    content = "pass word \ncafe\u0301\r\n".encode() + b"\xff\xff\n" + b"a\0b\n" + b"x" * 5000 + b"\n"

    found = list(reader.digests(io.BytesIO(content), progress=lambda n: None))

    assert found == [digest_of("pass word "), digest_of("caf\u00e9")]
    assert reader.damaged == 3


@pytest.mark.parametrize(("content", "count"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\nb", 2), (b"\n\n", 2)])
def test_lines_are_counted(content: bytes, count: int) -> None:
    assert count_lines(io.BytesIO(content), progress=lambda n: None) == count


def test_progress_tells_every_byte_of_a_large_list() -> None:
    content, read = (UPPER + b":1\n") * 60_000, []
    reader = ListReader(plain=False, skip_damaged=False)

    assert sum(1 for _ in reader.digests(io.BytesIO(content), progress=read.append)) == 60_000
    assert sum(read) == len(content)
    assert len(read) > 2
