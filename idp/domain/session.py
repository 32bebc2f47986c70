"""A browser session: who signed in, what they proved, until when it lives."""

from dataclasses import dataclass
from datetime import datetime

from idp.domain.assurance import Proof


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser. `id` is internal; the cookie holds a secret whose digest is stored."""

    id: str
    user_id: str
    proofs: tuple[Proof, ...]
    created_at: datetime
    auth_time: datetime
    seen_at: datetime
    expires_at: datetime
    idle_expires_at: datetime
    risk: int = 0  # 0 to 100: of the sign-in, raised by what happened since, lowered only by a fresh proof

    def is_alive(self, now: datetime) -> bool:
        """Say whether neither the absolute nor the idle limit has passed."""
        return now < self.expires_at and now < self.idle_expires_at
