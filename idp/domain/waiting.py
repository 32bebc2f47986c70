"""A request that waits for a person on another device, while its client polls."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from idp.domain.authorization import AuthorizationRequest
from idp.domain.tokens import Grant


class WaitingState(StrEnum):
    """How far a request has come."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    SPENT = "spent"


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """What a client asked for, and what became of it.

    `request.approves` names it. `user_id` is who must answer, None while that may be anybody. `interval` is how many
    seconds the client leaves between two polls. `grant` is what was allowed, None until then; it has the request's id.
    """

    id: str
    client_id: str
    user_id: str | None
    request: AuthorizationRequest
    state: WaitingState
    interval: int
    expires_at: datetime
    grant: Grant | None = None
