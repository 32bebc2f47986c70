"""Where tests may look in and break things: a probe is told of every call to the outside, by a label.

In production there is none. The labels are listed in docs/testing.md.
"""

from typing import Protocol


class InjectedFault(Exception):
    """A probe asks the call to fail; the port that was called turns this into its own exception."""


class Probe(Protocol):
    """Is told before and after each labelled call."""

    def before(self, label: str) -> float:
        """Return how many seconds the call is to be delayed; raise InjectedFault to make it fail."""
        ...

    def after(self, label: str) -> None:
        """Learn that the call has been made."""
        ...
