"""Whom a CIBA request is about – CIBA §7.1: exactly one hint, and it must lead to an account.

Clients that may ask are an operator's, so they may learn that somebody is unknown (§13).
"""

from collections.abc import Mapping

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError

from idp.domain.client import Client
from idp.domain.user import User
from idp.oauth.bridge import wait
from idp.oauth.context import Context
from idp.oauth.openid import id_token

HINTS = ("login_hint", "id_token_hint", "login_hint_token")
MAX_HINT = 1024


class UnknownUserId(OAuth2Error):  # type: ignore[misc]
    """The hint leads to nobody (CIBA §13)."""

    error = "unknown_user_id"
    description = "the hint leads to no account here"


def person_of(context: Context, client: Client, parameters: Mapping[str, str]) -> User:
    """Return whom the client wants to ask."""
    given = [name for name in HINTS if parameters.get(name) is not None]
    if len(given) != 1:
        raise InvalidRequestError("exactly one of login_hint and id_token_hint is needed")
    hint = parameters[given[0]]
    match given[0]:
        case "login_hint":
            user = wait(context.stores.users.find_by_name(hint)) if len(hint) <= MAX_HINT else None
        case "id_token_hint":
            user = _hinted(context, client, hint)
        case _:
            raise InvalidRequestError("login_hint_token is not supported")
    if user is None:
        raise UnknownUserId
    return user


def _hinted(context: Context, client: Client, hint: str) -> User | None:
    """Return the person of an ID token of ours for this client; an old one counts too (CIBA §7.1)."""
    engine = context.engine
    claims = engine.keyring.read(hint, typ=id_token.TYP, check=lambda members: members.get("iss") == engine.issuer)
    subject = claims.get("sub") if claims else None
    if claims is None or claims.get("aud") != client.id or not isinstance(subject, str):
        raise InvalidRequestError("id_token_hint is not an ID token of ours for this client")
    user_id = wait(engine.subjects.person(context.stores, client, subject))
    return wait(context.stores.users.find(user_id)) if user_id is not None else None
