"""Builders of requests that wait for a person on another device."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from idp.domain.approval import Approval, Channel
from idp.domain.secret import make_id
from idp.domain.waiting import WaitingRequest, WaitingState
from tests.support.builders import MINUTE, NOW, request


def waiting(client_id: str, **changes: Any) -> WaitingRequest:
    """Return a request for `client_id`, ten minutes old at most."""
    made = make_id()
    asked = replace(request(client_id=client_id), approves=Approval(Channel.DEVICE, made, NOW, "192.0.2.1"))
    expires_at: datetime = NOW + 10 * MINUTE
    values: dict[str, Any] = {
        "id": made, "client_id": client_id, "user_id": None, "request": asked, "state": WaitingState.PENDING,
        "interval": 5, "expires_at": expires_at,
    }  # fmt: skip
    return WaitingRequest(**values | changes)
