"""What an adviser promises: one answer to one payload, or one of two exceptions; and a writer: one text."""

from dataclasses import dataclass
from typing import Protocol

from idp.domain.advice import Payload
from idp.domain.json import JsonObject


class AdviserRejected(Exception):
    """The adviser will not answer until something is changed; the words, which are logged, hold no secret."""


class AdviserDelayed(Exception):
    """The adviser cannot answer now; a later try may work. The words hold no secret."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What an adviser is told once and for all: the system text, and the JSON schema of its answer."""

    prompt: str
    schema: JsonObject


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What came back, not yet believed; `version` is that of the payload it answers."""

    text: str
    version: int
    finish_reason: str = "stop"
    is_refusal: bool = False
    tokens_in: int = 0
    tokens_out: int = 0


class Adviser(Protocol):
    """Gives a second opinion on one attempt."""

    @property
    def model(self) -> str:
        """Return the name of what answers; a new one makes old answers void."""
        ...

    @property
    def is_outside(self) -> bool:
        """Say whether a question leaves the house, takes time and costs money."""
        ...

    async def ask(self, payload: Payload) -> RawAnswer:
        """Return one answer; log neither payload nor answer.

        Raises AdviserRejected if it never will, AdviserDelayed if a later try may work.
        """
        ...

    async def close(self) -> None:
        """Let go of connections; nothing is asked afterwards."""
        ...


class Writer(Protocol):
    """Drafts texts for operators; nobody's sign-in waits for it, and nothing it writes takes effect by itself."""

    @property
    def model(self) -> str:
        """Return the name of what writes."""
        ...

    async def write(self, prompt: str, schema: JsonObject | None = None) -> str:
        """Return one text, of that shape if there is a schema; log neither prompt nor text.

        Raises AdviserRejected if it never will, AdviserDelayed if a later try may work.
        """
        ...

    async def close(self) -> None:
        """Let go of connections; nothing is written afterwards."""
        ...
