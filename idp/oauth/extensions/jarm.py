"""JWT Secured Authorization Response Mode for OAuth 2.0 (JARM) §2: an authorization response as one signed JWT.

Success and error alike become claims beside `iss`, `aud` and `exp`; outside there is `response` and nothing else. What
a client registered to be encrypted is signed first (§2.2), and never sent otherwise.
Not here: which algorithms a client may register → policy/clients.py, policy/encryption.py; its keys → remote_keys.py.
"""

from collections.abc import Sequence
from datetime import datetime

from idp.domain.client import Client
from idp.domain.json import Json
from idp.oauth.keyring import Keyring
from idp.policy import lifetimes
from idp.policy.profiles import authorization_alg

TYP = "JWT"


def sign(keyring: Keyring, client: Client, parameters: Sequence[tuple[str, str]], *, issuer: str, now: datetime) -> str:
    """Return the JWT of a response (§2.1); its parameters are claims of their own, `state` among them."""
    claims: dict[str, Json] = {
        **dict(parameters),
        "iss": issuer,
        "aud": client.id,
        "exp": int((now + lifetimes.SIGNED_RESPONSE).timestamp()),
    }
    return keyring.sign(claims, alg=authorization_alg(client), typ=TYP)
