"""What the policy is asked about when a person answers a request: here, or for another device."""

from collections.abc import Mapping

from idp.domain.approval import Channel
from idp.domain.authorization import AuthorizationRequest
from idp.policy.facts import Event

EVENTS: Mapping[Channel, Event] = {Channel.DEVICE: Event.DEVICE_APPROVAL, Channel.CIBA: Event.CIBA_APPROVAL}


def event_of(request: AuthorizationRequest | None, otherwise: Event) -> Event:
    """Return what a request for another device is to the policy; any other is what it would be `otherwise`."""
    return otherwise if request is None or request.approves is None else EVENTS[request.approves.channel]
