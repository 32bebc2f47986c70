"""The authorization endpoint's checks, in their order – RFC 6749 §4.1.1, OIDC Core §3.1.2.2, RFC 9700 §2.1.

Who may be redirected to is settled before anything else may answer; every later fault travels to that URI.
Not here: what the person must still do → policy/prompts.py.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from idp.domain.authorization import (
    AuthorizationRequest,
    ResponseMode,
    default_mode,
    response_type_of,
)
from idp.domain.client import Client
from idp.domain.user import USER_ID
from idp.oauth.authlib_models import allowed_scopes
from idp.oauth.authorization_response import refuse
from idp.oauth.context import Context
from idp.oauth.draft import Draft
from idp.oauth.errors import PageError, RedirectError, UnregisteredRedirect
from idp.oauth.extensions import (
    front_channel,
    jar,
    pkce,
    rar,
    resource_indicators,
    response_modes,
)
from idp.oauth.extensions.response_modes import Delivery
from idp.oauth.openid import request_parameters
from idp.oauth.request import Pairs, first_repeated
from idp.policy import response_types
from idp.policy.profiles import allows_response_mode, requires_pkce, requires_pushed_requests

MAX_STATE = 2048
MAX_HINT = 1024
MAY_REPEAT = frozenset({"resource"})  # RFC 8707 §2
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_UNKNOWN_CLIENT = PageError("invalid_request", "client_id or redirect_uri is not registered here")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that may be put to a person."""

    request: AuthorizationRequest
    client: Client


async def check(context: Context, pairs: Pairs) -> Accepted | Delivery:
    """Return the request as understood, or the error on its way to the client.

    Raises PageError if nobody may be redirected to.
    """
    return _checked(await _settle_addressee(context, pairs))


async def accept_pushed(context: Context, client: Client, pairs: Pairs, *, key: str | None) -> Accepted:
    """Return a pushed request as understood; raise PageError or RedirectError for what /authorize would refuse.

    `key` is the thumbprint of a DPoP key that was proved with it: its code is bound to that key (RFC 9449 §10.1).
    """
    draft = await _settle_addressee(context, pairs)
    if draft.client.id != client.id:
        raise _UNKNOWN_CLIENT
    if key is not None and draft.parameters.setdefault("dpop_jkt", key) != key:
        raise RedirectError("invalid_request", "dpop_jkt is not the key of the DPoP proof")
    draft.is_pushed = True
    return _accepted(draft)


def check_for_test(context: Context, client: Client, parameters: dict[str, str]) -> Accepted | Delivery:
    """Return the request of an administrator's test, after the same checks; where it leads to is ours to say."""
    draft = Draft(context, parameters, client, parameters["redirect_uri"], repeated=None)
    draft.is_pushed = draft.is_signed = True  # nothing of it passes through a browser
    return _checked(draft)


def _checked(draft: Draft) -> Accepted | Delivery:
    try:
        return _accepted(draft)
    except RedirectError as error:
        return refuse(draft.context, draft.route, error)


def _accepted(draft: Draft) -> Accepted:
    for settle in CHECKS:
        settle(draft)
    return Accepted(_request(draft), draft.client)


async def _settle_addressee(context: Context, pairs: Pairs) -> Draft:
    """Find client and redirect URI, or show one and the same page for every fault in them (RFC 9700 §4.11)."""
    await context.definitions()
    times = Counter(name for name, _value in pairs)
    # Of two values neither is the one that was sent: a repeated parameter settles nothing, not even its own echo.
    parameters = {name: value for name, value in pairs if value and (times[name] == 1 or name in MAY_REPEAT)}
    client = await context.client(parameters.get("client_id", ""))
    if client is None:
        raise _UNKNOWN_CLIENT
    if "request" in parameters or "request_uri" in parameters:
        return await _settle_object(context, pairs, parameters, client)
    return _addressed(context, pairs, parameters, client)


async def _settle_object(context: Context, pairs: Pairs, outer: dict[str, str], client: Client) -> Draft:
    """Go on with what a request object holds; if it does not hold, the answer goes to the outer redirect URI."""
    try:
        if (repeated := first_repeated(pairs, except_for=MAY_REPEAT)) is not None:
            raise RedirectError("invalid_request", f"{repeated} was sent twice")
        unpacked = await jar.unpack(context, client, outer)
    except RedirectError as error:
        if not client.allows_redirect(outer.get("redirect_uri", "")):
            raise PageError(error.error, error.description) from error
        draft = _addressed(context, pairs, outer, client)
        draft.fault = error
        return draft
    inner = {name: value for name, value in unpacked.pairs if value}
    draft = _addressed(context, unpacked.pairs, inner, client)
    draft.is_signed, draft.object_id = True, unpacked.object_id
    return draft


def _addressed(context: Context, pairs: Pairs, parameters: dict[str, str], client: Client) -> Draft:
    redirect_uri = parameters.get("redirect_uri")
    if redirect_uri is None or not client.allows_redirect(redirect_uri):
        raise UnregisteredRedirect(_UNKNOWN_CLIENT, client.id)
    if len(parameters.get("state", "").encode()) > MAX_STATE:
        raise PageError("invalid_request", "state is longer than 2048 bytes")
    draft = Draft(context, parameters, client, redirect_uri, first_repeated(pairs, except_for=MAY_REPEAT))
    draft.resources = resource_indicators.asked_in(pairs)
    return draft


def check_object(draft: Draft) -> None:
    """Refuse a request object that does not hold (RFC 9101 §7)."""
    if draft.fault is not None:
        raise draft.fault


def check_no_repeats(draft: Draft) -> None:
    """Refuse a parameter that was sent twice (RFC 6749 §3.1)."""
    if draft.repeated is not None:
        raise RedirectError("invalid_request", f"{draft.repeated} was sent twice")


def check_response_mode(draft: Draft) -> None:
    """Settle how the answer travels (OAuth Multiple Response Types §2.1); a fault of the object comes first."""
    try:
        _settle_response_mode(draft)
    except RedirectError:
        if draft.fault is None:
            raise


def _settle_response_mode(draft: Draft) -> None:
    """Refuse what is not allowed: tokens never in a query (OAuth Multiple Response Types §3.0, JARM §2.3)."""
    draft.response_mode = default = default_mode(draft.get("response_type"))
    mode = response_modes.read_mode(draft.get("response_mode"), default)
    if mode is default and draft.get("response_mode") is None:
        return
    if mode is None or not allows_response_mode(draft.client, mode, draft.redirect_uri):
        raise RedirectError("invalid_request", "response_mode is unknown or not allowed for this client")
    if mode.plain is ResponseMode.QUERY and default is not ResponseMode.QUERY:
        raise RedirectError("invalid_request", "response_mode query is for response_type code only")
    draft.response_mode = mode


def check_response_type(draft: Draft) -> None:
    """Refuse response types that are missing, unknown or not this client's (RFC 6749 §3.1.1)."""
    asked = draft.get("response_type")
    if asked is None:
        raise RedirectError("invalid_request", "response_type is missing")
    response_type = response_type_of(asked)
    if response_type is None or response_type not in response_types.offered(draft.context.engine.offers):
        raise RedirectError("unsupported_response_type", "this response_type is not offered here")
    if not response_types.allows(draft.client, response_type):
        raise RedirectError("unauthorized_client", f"this client is not registered for response_type {response_type}")
    draft.response_type = response_type


def check_unsupported(draft: Draft) -> None:
    """Refuse, rather than ignore, registration in the request (OIDC Core §7.2.1)."""
    if draft.get("registration") is not None:
        raise RedirectError("registration_not_supported", "registration is not supported")


def check_promised_protection(draft: Draft) -> None:
    """Refuse a plain request of a client that must push or sign its requests (RFC 9126 §6, RFC 9101 §10.5)."""
    if requires_pushed_requests(draft.client) and not draft.is_pushed:
        raise RedirectError("invalid_request", "this client pushes its requests")
    if draft.client.require_signed_request_object and not draft.is_signed:
        raise RedirectError("invalid_request", "this client registered to sign its requests")


def check_pkce(draft: Draft) -> None:
    """Refuse a challenge that is missing where due, or not S256 (RFC 7636 §4.3)."""
    challenge, method = draft.get("code_challenge"), draft.get("code_challenge_method")
    has_code = "code" in draft.response_type.split(" ")
    pkce.check_challenge(challenge, method, is_required=has_code and requires_pkce(draft.client))


def check_dpop_key(draft: Draft) -> None:
    """Refuse a dpop_jkt that is no thumbprint (RFC 9449 §10)."""
    thumbprint = draft.get("dpop_jkt")
    if thumbprint is not None and not _THUMBPRINT.fullmatch(thumbprint):
        raise RedirectError("invalid_request", "dpop_jkt is no SHA-256 thumbprint")


def check_scope(draft: Draft) -> None:
    """Keep the scopes that the client may have; what was dropped is told in the token answer (RFC 6749 §3.3)."""
    asked = (draft.get("scope") or "").split(" ")
    if asked == [""]:
        asked = list(draft.client.default_scopes)
    scopes = allowed_scopes(draft.client, asked, draft.definitions)
    # Ignored where no refresh token can come of it (OIDC Core §11).
    if "refresh_token" not in draft.client.grant_types or "code" not in draft.response_type.split(" "):
        scopes = tuple(scope for scope in scopes if scope != "offline_access")
    if not scopes:
        raise RedirectError("invalid_scope", "none of these scopes is registered for this client")
    draft.scopes = scopes


def check_resource(draft: Draft) -> None:
    """Settle whom tokens are for, and keep the scopes that belong there (RFC 8707 §2.1)."""
    draft.resources, draft.scopes = resource_indicators.at_authorize(
        draft.definitions, draft.client, draft.resources, draft.scopes, issuer=draft.context.engine.issuer
    )


def check_details(draft: Draft) -> None:
    """Read what is asked for one by one (RFC 9396 §2)."""
    draft.details = rar.at_authorize(draft.get(rar.PARAMETER), draft.client, draft.definitions)


def check_front_channel(draft: Draft) -> None:
    """Refuse what may not stand beside an ID token or access token in the answer (OIDC Core §3.2.2.1, §3.3.2.11)."""
    front_channel.check(draft.response_type, draft.scopes, draft.parameters)


CHECKS: tuple[Callable[[Draft], None], ...] = (
    check_response_mode,
    check_object,
    check_no_repeats,
    check_response_type,
    check_unsupported,
    check_promised_protection,
    check_pkce,
    check_dpop_key,
    check_scope,
    check_resource,
    check_details,
    request_parameters.check_nonce,
    check_front_channel,
    request_parameters.check_prompt,
    request_parameters.check_claims,
    request_parameters.check_id_token_hint,
)


def _request(draft: Draft) -> AuthorizationRequest:
    hint = draft.get("login_hint")
    acr_values = tuple((draft.get("acr_values") or "").split()) or draft.client.default_acr_values
    return AuthorizationRequest(
        client_id=draft.client.id,
        redirect_uri=draft.redirect_uri,
        response_mode=draft.response_mode,
        scopes=draft.scopes,
        response_type=draft.response_type,
        state=draft.get("state"),
        nonce=draft.get("nonce"),
        dpop_jkt=draft.get("dpop_jkt"),
        object_id=draft.object_id,
        code_challenge=draft.get("code_challenge"),
        prompts=draft.prompts,
        max_age=draft.max_age,
        login_hint=hint[:MAX_HINT] if hint and not USER_ID.fullmatch(hint) else None,
        hinted_sub=draft.hinted_sub,
        ui_locales=(draft.get("ui_locales") or "")[:256] or None,
        acr_values=acr_values[:16],
        essential_acrs=draft.essential_acrs,
        userinfo_claims=draft.userinfo_claims,
        id_token_claims=draft.id_token_claims,
        resources=draft.resources,
        details=draft.details,
    )
