"""What leads people to other providers and back."""

from dataclasses import dataclass

from idp.clock import Clock
from idp.flows.sign_in import SignIn
from idp.flows.signup import SignUp
from idp.flows.upstream_account import UpstreamAccounts
from idp.flows.upstream_sign_in import UpstreamSignIn
from idp.oauth.keyring import Keyring
from idp.oauth.upstream.client import UpstreamClient
from idp.password_wiring import guarded_fetch
from idp.settings import Settings
from idp.storage.stores import Transactions


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Signing in at other providers, and what becomes of who comes back."""

    client: UpstreamClient
    sign_in: UpstreamSignIn
    accounts: UpstreamAccounts


def build_upstreams(
    settings: Settings, transactions: Transactions, clock: Clock, keyring: Keyring, sign_in: SignIn, signup: SignUp
) -> Upstreams:
    """Put the parts together."""
    client = UpstreamClient(guarded_fetch(settings), keyring, clock)
    return Upstreams(
        client, UpstreamSignIn(transactions, client, sign_in, signup.links),
        UpstreamAccounts(sign_in, signup, signup.links),
    )  # fmt: skip
