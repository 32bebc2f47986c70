"""A credential: one way in that a person has set up, and what it needs to be checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from idp.domain.assurance import Factor
from idp.domain.json import Json

NAME_LIMIT = 60


@dataclass(frozen=True, slots=True)
class Credential:
    """One authenticator, passkey or phone of a person.

    `content` is what checking needs (seed, public key, number). `counter` is the last accepted time step of an
    authenticator, the sign counter of a passkey. One that is not active yet was never confirmed and opens nothing.
    """

    id: str
    user_id: str
    factor: Factor
    name: str
    created_at: datetime
    content: Mapping[str, Json] = field(default_factory=dict)
    counter: int = 0
    is_active: bool = True
    last_used_at: datetime | None = None

    def text(self, member: str) -> str:
        """Return a member of the content that is text, empty if there is none."""
        value = self.content.get(member)
        return value if isinstance(value, str) else ""


def plain_name(text: str) -> str:
    """Return a name as it is kept: printable, without line breaks, not too long."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:NAME_LIMIT]
