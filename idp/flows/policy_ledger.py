"""Which versions were enforced one after the other, read from who moved what when.

Taking a version back removes it from the pile; whatever lies below decides again. So two reverts in a row go back two
steps, and never to and fro.
"""

from collections.abc import Iterator, Sequence

from idp.storage.policies import PolicyChange

#: How the reason of a change begins that took something back.
REVERTED = "reverted: "


def enforced_before(changes: Sequence[PolicyChange], version: int) -> Iterator[int]:
    """Yield the versions that were enforced before this one, the last of them first; `changes` come newest first."""
    pile = _pile(changes)
    while pile:
        below = pile.pop()
        if below != version:
            yield below


def was_restored(changes: Sequence[PolicyChange], version: int) -> bool:
    """Say whether a version is enforced because another one was taken back."""
    newest = next((each for each in changes if each.version == version and each.state == "enforced"), None)
    return newest is not None and newest.why.startswith(REVERTED)


def _pile(changes: Sequence[PolicyChange]) -> list[int]:
    """Return the versions that were enforced and not taken back; the two changes of a revert may come in any order."""
    pile: list[int] = []
    for change in reversed(changes):
        is_back = change.why.startswith(REVERTED)
        if change.state == "enforced" and not is_back:
            pile.append(change.version)
        elif change.state == "enforced" and change.version in pile:
            while pile[-1] != change.version:
                pile.pop()
        elif change.state == "retired" and is_back and pile and pile[-1] == change.version:
            pile.pop()
    return pile
