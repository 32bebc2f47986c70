"""No end of a session can forget the clients that are to be told of it: there is one way to end one."""

from pathlib import Path

IDP = Path("idp")
RESTORE = "idp/storage/backup.py"  # what it ends had ended, or been told of, before the backup was taken up again


def _naming(text: str) -> set[str]:
    return {str(file) for file in IDP.rglob("*.py") if text in file.read_text()}


def test_sessions_end_in_their_store_alone() -> None:
    """It takes what is to be done for a session that ended, and nothing else writes `ended_at`."""
    assert _naming("SessionStore(") == {"idp/storage/session_stores.py"}
    assert _naming("update(sessions)") - {RESTORE} == {"idp/storage/sessions.py"}
    assert _naming("delete(sessions)") == set()


def test_people_are_removed_in_one_place_which_ends_their_sessions_first() -> None:
    """A row that is gone takes its sessions along, and nobody would be told."""
    assert _naming("users.delete(") - {"idp/cli/users.py"} == {"idp/flows/access.py"}
