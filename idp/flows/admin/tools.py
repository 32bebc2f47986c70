"""What operations work with beside the stores of their transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from idp.clock import Clock
from idp.flows.notices import Notices
from idp.flows.policy_rollout import PolicyRollout
from idp.flows.recovery import Recovery
from idp.flows.signing_keys import SigningKeys
from idp.flows.signup import SignUp
from idp.flows.webhook_sender import WebhookSender
from idp.oauth.context import Context, Engine
from idp.oauth.extensions.registration_documents import Documents
from idp.oauth.request import HttpRequest
from idp.oauth.upstream.metadata import UpstreamDirectory
from idp.storage.stores import Stores, Transactions


@dataclass(frozen=True, slots=True)
class Option:
    """One setting as this process read it; of a secret only whether it is set."""

    name: str
    value: str
    meaning: str
    is_default: bool
    is_secret: bool


@dataclass(frozen=True, slots=True)
class Tools:
    """Parts of the process."""

    transactions: Transactions
    clock: Clock
    engine: Engine
    notices: Notices
    recovery: Recovery
    signup: SignUp
    keys: SigningKeys
    documents: Documents
    rollout: PolicyRollout
    webhooks: WebhookSender
    upstreams: UpstreamDirectory
    options: Sequence[Option] = ()

    def context(self, stores: Stores, *, address: str | None, request_id: str | None) -> Context:
        """Return what flows of people work with, for an operation that does the same for somebody."""
        http = HttpRequest("POST", {}, [], [], address or "", request_id or "")
        return Context(self.engine, stores, http, self.clock.now())
