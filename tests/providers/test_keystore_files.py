"""Private keys as files: sealed, private to us, whole or not there (case KY14)."""

import json
import os
import stat
from pathlib import Path

import pytest

from idp.domain.secret import from_base64url
from idp.providers.keystore.local import LocalKeyStore
from idp.providers.keystore.port import KeyStoreFault
from idp.providers.keystore.sealing import AesSealer

KINDS = ("P-256", "Ed25519")  # RSA takes its time, and test_keystore_signing.py has it
SEALER = AesSealer([b"m" * 32], purpose="keys")
HEADER = {"alg": "ES256"}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_file_is_ours_alone(folder: Path, kind: str) -> None:
    ref, _public = LocalKeyStore(folder, SEALER).make(kind)

    assert [path.name for path in folder.iterdir()] == [f"{ref}.key"]
    assert mode(folder / f"{ref}.key") == 0o600
    assert mode(folder) == 0o700


def test_an_open_folder_is_closed_and_an_open_umask_changes_nothing(folder: Path) -> None:
    """A checkout brings the folder along, readable by everybody."""
    folder.mkdir(parents=True, mode=0o755)
    before = os.umask(0)
    try:
        ref, _public = LocalKeyStore(folder, SEALER).make("P-256")
    finally:
        os.umask(before)

    assert mode(folder / f"{ref}.key") == 0o600
    assert mode(folder) == 0o700


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_file_shows_nothing_of_the_key(folder: Path, kind: str) -> None:
    ref, public = LocalKeyStore(folder, SEALER).make(kind)

    raw = (folder / f"{ref}.key").read_bytes()

    private = json.loads(SEALER.open(raw, place=f"keys|private|{ref}"))
    assert private["d"]
    for member in (*public.values(), private["d"]):
        assert str(member).encode() not in raw or len(str(member)) < 8
    assert from_base64url(private["d"]) not in raw


@pytest.mark.parametrize("kind", KINDS)
def test_the_public_key_holds_nothing_private(folder: Path, kind: str) -> None:
    """Case KY01: and no kid, which the database chooses."""
    _ref, public = LocalKeyStore(folder, SEALER).make(kind)

    assert set(public) <= {"kty", "crv", "x", "y"}
    assert public["crv"] == kind


def test_another_process_signs_with_a_loaded_key(folder: Path) -> None:
    ref, _public = LocalKeyStore(folder, SEALER).make("P-256")
    other = LocalKeyStore(folder, SEALER)

    other.load(ref)
    (folder / f"{ref}.key").unlink()  # from here on, a token costs no file access
    other.load(ref)

    assert other.sign(ref, header=HEADER, claims={"sub": "alice"}).count(".") == 2


def test_a_wrong_master_key_is_told_and_makes_no_new_key(folder: Path) -> None:
    """Case KY11."""
    ref, _public = LocalKeyStore(folder, SEALER).make("P-256")
    other = LocalKeyStore(folder, AesSealer([b"x" * 32], purpose="keys"))

    with pytest.raises(KeyStoreFault, match="does not open under the master key"):
        other.load(ref)

    assert [path.name for path in folder.iterdir()] == [f"{ref}.key"]


def test_a_key_file_under_another_name_does_not_open(folder: Path) -> None:
    """Its name is authenticated, so nobody swaps an active key for one they know."""
    store = LocalKeyStore(folder, SEALER)
    (mine, _), (theirs, _) = store.make("P-256"), store.make("P-256")

    (folder / f"{theirs}.key").rename(folder / f"{mine}.key")

    with pytest.raises(KeyStoreFault):
        LocalKeyStore(folder, SEALER).load(mine)


@pytest.mark.parametrize("content", [b"", b"\x01", b"\x01abcd", b"-----BEGIN PRIVATE KEY-----", b"{}"])
def test_a_damaged_key_file_is_told(folder: Path, content: bytes) -> None:
    ref, _public = LocalKeyStore(folder, SEALER).make("P-256")
    (folder / f"{ref}.key").write_bytes(content)

    with pytest.raises(KeyStoreFault, match=ref):
        LocalKeyStore(folder, SEALER).load(ref)


def test_a_missing_key_file_is_told(folder: Path) -> None:
    with pytest.raises(KeyStoreFault, match="cannot be read"):
        LocalKeyStore(folder, SEALER).load("nothing")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(KeyStoreFault, match="cannot be written"):
        LocalKeyStore(tmp_path / "file" / "keys", SEALER).make("P-256")


def test_a_deleted_key_is_gone_from_file_and_memory_and_deleting_it_again_is_no_fault(folder: Path) -> None:
    store = LocalKeyStore(folder, SEALER)
    ref, _public = store.make("P-256")

    store.delete(ref)
    store.delete(ref)

    assert list(folder.iterdir()) == []
    with pytest.raises(KeyStoreFault):
        store.load(ref)


def test_an_unknown_kind_of_key_is_our_mistake(folder: Path) -> None:
    with pytest.raises(ValueError, match="no such kind"):
        LocalKeyStore(folder, SEALER).make("secp256k1")
