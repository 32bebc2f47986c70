"""Other providers as tests set them up, and who comes back from them."""

from typing import Any

from idp.domain.secret import make_id
from idp.domain.upstream import Arrival, Upstream, UpstreamIdentity
from idp.storage.upstream_requests import UpstreamRequest
from tests.support.builders import MINUTE, NOW, digest

ISSUER = "https://elsewhere.example"


def upstream(**changes: Any) -> Upstream:
    """Return another provider."""
    given: dict[str, Any] = {
        "id": "elsewhere", "name": "Elsewhere", "issuer": ISSUER, "client_id": "us", "client_secret": "a secret",
        "created_at": NOW, "changed_at": NOW,
    }  # fmt: skip
    return Upstream(**given | changes)


def upstream_request(**changes: Any) -> UpstreamRequest:
    """Return somebody who is away at that provider, for a sign-in."""
    given: dict[str, Any] = {
        "state": digest(), "upstream_id": "elsewhere", "browser": digest(), "verifier": "v", "nonce": "n",
        "issuer": ISSUER, "interaction_id": make_id(), "expires_at": NOW + 10 * MINUTE,
    }  # fmt: skip
    return UpstreamRequest(**given | changes)


def arrival(**changes: Any) -> Arrival:
    """Return somebody who came back from there."""
    given: dict[str, Any] = {"upstream_id": "elsewhere", "iss": ISSUER, "sub": "248289761001", "label": "ada"}
    return Arrival(**given | changes)


def identity(user_id: str, **changes: Any) -> UpstreamIdentity:
    """Return a link from there to an account."""
    given: dict[str, Any] = {"id": make_id(), "upstream_id": "elsewhere", "label": "ada", "linked_at": NOW}
    return UpstreamIdentity(user_id=user_id, **given | changes)
