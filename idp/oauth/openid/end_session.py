"""RP-Initiated Logout 1.0: reads a sign-out request and says who asked, for whom, and where it may lead.

Only an ID token of ours proves who asks. It may be expired (§2), never unsigned; without it there is no redirect (§3).
Not here: ending the session, the confirmation page → flows/logout.py.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from idp.domain.client import Client
from idp.oauth.context import Context
from idp.oauth.errors import PageError
from idp.oauth.keyring import JWE_DOTS
from idp.oauth.openid import id_token
from idp.oauth.request import Pairs, first_repeated


@dataclass(frozen=True, slots=True)
class EndSessionRequest:
    """A sign-out request; `subject` and `sid` are proved by the hint, the redirect only with one."""

    client: Client | None
    subject: str | None
    sid: str | None
    redirect_uri: str | None
    link_uri: str | None
    ui_locales: str | None

    @property
    def is_proven(self) -> bool:
        """Say whether an ID token of ours came with the request."""
        return self.subject is not None


async def read(context: Context, pairs: Pairs) -> EndSessionRequest:
    """Read a request to /end_session; raise PageError for a bad hint or an unregistered URI (§4)."""
    if (repeated := first_repeated(pairs)) is not None:
        raise PageError("invalid_request", f"{repeated} was sent twice")
    parameters = {name: value for name, value in pairs if value}
    hint = _read_hint(context, parameters.get("id_token_hint"))
    client = await _client(context, hint, parameters.get("client_id"))
    uri, state = parameters.get("post_logout_redirect_uri"), parameters.get("state")
    if uri is not None and client is not None and not client.allows_logout_redirect(uri):
        raise PageError("invalid_request", "post_logout_redirect_uri is not registered for this client")
    if uri is not None and client is None:
        raise PageError("invalid_request", "post_logout_redirect_uri needs an id_token_hint")
    if uri is not None and state is not None:
        uri += ("&" if "?" in uri else "?") + urlencode({"state": state})
    return EndSessionRequest(
        client=client,
        subject=hint.subject if hint else None,
        sid=hint.sid if hint else None,
        redirect_uri=uri if hint else None,
        link_uri=None if hint else uri,
        ui_locales=(parameters.get("ui_locales") or "")[:256] or None,
    )


@dataclass(frozen=True, slots=True)
class _Hint:
    subject: str
    sid: str | None
    audience: str


def _read_hint(context: Context, hint: str | None) -> _Hint | None:
    if hint is None:
        return None
    engine = context.engine
    claims = engine.keyring.read(hint, typ=id_token.TYP, check=lambda members: members.get("iss") == engine.issuer)
    subject, audience = (claims or {}).get("sub"), (claims or {}).get("aud")
    if claims is None or not isinstance(subject, str) or not isinstance(audience, str):
        is_encrypted = hint.count(".") == JWE_DOTS  # only its client can open it
        why = "is encrypted: send the ID token inside" if is_encrypted else "is not an ID token of ours"
        raise PageError("invalid_request", f"id_token_hint {why}")
    sid = claims.get("sid")
    return _Hint(subject, sid if isinstance(sid, str) else None, audience)


async def _client(context: Context, hint: _Hint | None, client_id: str | None) -> Client | None:
    if hint is not None and client_id not in (None, hint.audience):
        raise PageError("invalid_request", "client_id differs from the audience of id_token_hint")
    named = hint.audience if hint else client_id
    client = await context.client(named) if named is not None else None
    if named is not None and client is None:
        raise PageError("invalid_request", "the client is not registered here")
    return client
