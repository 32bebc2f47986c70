"""What a webhook says of an event: what the trail says, but for the network address, which few may have."""

import json
from datetime import datetime

from idp.domain.json import Json
from idp.storage.events import NumberedEvent

TEST = "webhook_test"


def body_of(event: NumberedEvent, *, with_address: bool) -> bytes:
    """Return the body of a delivery: `type`, `timestamp` and `data`, as Standard Webhooks has them."""
    kind, actor_id, role = event.actor or (None, None, None)
    data: dict[str, Json] = {
        "id": event.id, "seq": event.seq, "result": event.result, "user_id": event.user_id,
        "client_id": event.client_id, "session_id": event.session_id, "request_id": event.request_id,
        "actor": None if kind is None else {"kind": kind, "id": actor_id, "role": role},
        "target": None if event.target is None else {"kind": event.target[0], "id": event.target[1]},
        "detail": event.detail, "before": event.before, "after": event.after,
    }  # fmt: skip
    if with_address:
        data["address"] = event.address
    return _written(event.kind, event.at, data)


def test_body(webhook_id: str, now: datetime) -> bytes:
    """Return the body of a delivery that tells of nothing but itself."""
    return _written(TEST, now, {"webhook_id": webhook_id})


def _written(kind: str, at: datetime, data: Json) -> bytes:
    timestamp = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    document = {"type": kind, "timestamp": timestamp, "data": data}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
