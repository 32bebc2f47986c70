"""The authorization endpoint's checks, in their order – RFC 6749 §4.1.1, OIDC Core §3.1.2.2, RFC 9700 §2.1.

Who may be redirected to is settled before anything else may answer; every later fault travels to that URI.
Not here: what the person must still do → policy/prompts.py.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from idp.domain.authorization import AuthorizationRequest, ClaimRequest, Prompt, ResponseMode
from idp.domain.client import Client
from idp.domain.user import USER_ID
from idp.oauth.authlib_models import allowed_scopes
from idp.oauth.context import Context
from idp.oauth.errors import PageError, RedirectError
from idp.oauth.extensions import issuer_parameter, pkce, response_modes
from idp.oauth.extensions.response_modes import Delivery
from idp.oauth.keyring import JWE_DOTS
from idp.oauth.openid import id_token
from idp.oauth.openid.claims import parse_claims
from idp.oauth.request import Pairs, first_repeated
from idp.policy.clients import allows_response_mode, requires_pkce

MAX_STATE = 2048
MAX_NONCE = 1024
MAX_HINT = 1024
MAY_REPEAT = frozenset({"resource"})  # RFC 8707 §2
_MAX_AGE = re.compile(r"[0-9]{1,18}")
_EVER = 10**9  # seconds; no login is older
_UNKNOWN_CLIENT = PageError("invalid_request", "client_id or redirect_uri is not registered here")


@dataclass(slots=True)
class Draft:
    """A request while it is being checked; each check fills in what it settled."""

    context: Context
    parameters: dict[str, str]
    client: Client
    redirect_uri: str
    repeated: str | None
    response_mode: ResponseMode = ResponseMode.QUERY
    scopes: tuple[str, ...] = ()
    prompts: frozenset[Prompt] = frozenset()
    max_age: int | None = None
    hinted_sub: str | None = None
    essential_acrs: tuple[str, ...] | None = None
    userinfo_claims: dict[str, ClaimRequest] | None = None
    id_token_claims: dict[str, ClaimRequest] | None = None

    def get(self, name: str) -> str | None:
        """Return a parameter; one without a value is absent."""
        return self.parameters.get(name)


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


def check_for_test(context: Context, client: Client, parameters: dict[str, str]) -> Accepted | Delivery:
    """Return the request of an administrator's test, after the same checks; where it leads to is ours to say."""
    return _checked(Draft(context, parameters, client, parameters["redirect_uri"], repeated=None))


def _checked(draft: Draft) -> Accepted | Delivery:
    try:
        for settle in CHECKS:
            settle(draft)
    except RedirectError as error:
        return refuse(draft.context, draft.redirect_uri, draft.response_mode, error, state=draft.get("state"))
    return Accepted(_request(draft), draft.client)


def refuse(
    context: Context, redirect_uri: str, mode: ResponseMode, error: RedirectError, *, state: str | None
) -> Delivery:
    """Return an error response for the client (RFC 6749 §4.1.2.1, RFC 9207 §2)."""
    parameters = [("error", error.error), ("error_description", error.description)]
    return answer(context, redirect_uri, mode, parameters, state=state)


def answer(
    context: Context, redirect_uri: str, mode: ResponseMode, parameters: list[tuple[str, str]], *, state: str | None
) -> Delivery:
    """Return an authorization response, with `iss` and `state`."""
    issuer = issuer_parameter.parameter(context.engine.issuer)
    return response_modes.deliver(mode, redirect_uri, [*parameters, issuer], state=state)


async def _settle_addressee(context: Context, pairs: Pairs) -> Draft:
    """Find client and redirect URI, or show one and the same page for every fault in them (RFC 9700 §4.11)."""
    times = Counter(name for name, _value in pairs)
    # Of two values neither is the one that was sent: a repeated parameter settles nothing, not even its own echo.
    parameters = {name: value for name, value in pairs if value and (times[name] == 1 or name in MAY_REPEAT)}
    client = await context.client(parameters.get("client_id", ""))
    redirect_uri = parameters.get("redirect_uri")
    if client is None or redirect_uri is None or not client.allows_redirect(redirect_uri):
        raise _UNKNOWN_CLIENT
    if len(parameters.get("state", "").encode()) > MAX_STATE:
        raise PageError("invalid_request", "state is longer than 2048 bytes")
    return Draft(context, parameters, client, redirect_uri, first_repeated(pairs, except_for=MAY_REPEAT))


def check_no_repeats(draft: Draft) -> None:
    """Refuse a parameter that was sent twice (RFC 6749 §3.1)."""
    if draft.repeated is not None:
        raise RedirectError("invalid_request", f"{draft.repeated} was sent twice")


def check_response_mode(draft: Draft) -> None:
    """Settle how the answer travels (OAuth Multiple Response Types §2.1)."""
    asked = draft.get("response_mode")
    if asked is None:
        return
    mode = next((mode for mode in ResponseMode if mode.value == asked), None)
    if mode is None or not allows_response_mode(draft.client, mode, draft.redirect_uri):
        raise RedirectError("invalid_request", "response_mode is unknown or not allowed for this client")
    draft.response_mode = mode


def check_response_type(draft: Draft) -> None:
    """Refuse response types that are missing, unknown or not this client's (RFC 6749 §3.1.1)."""
    asked = draft.get("response_type")
    if asked is None:
        raise RedirectError("invalid_request", "response_type is missing")
    if asked != "code":
        raise RedirectError("unsupported_response_type", "the only response_type offered is code")
    if asked not in draft.client.response_types or "authorization_code" not in draft.client.grant_types:
        raise RedirectError("unauthorized_client", "this client is not registered for response_type code")


def check_unsupported(draft: Draft) -> None:
    """Refuse, rather than ignore, request objects and registration in the request (OIDC Core §6, §7.2.1)."""
    for name, error in (
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ):
        if draft.get(name) is not None:
            raise RedirectError(error, f"{name} is not supported")
    if draft.get("resource") is not None:
        raise RedirectError("invalid_target", "no such resource is registered for this client")


def check_promised_protection(draft: Draft) -> None:
    """Refuse a plain request of a client that registered for pushed or signed ones only (RFC 9126 §6, RFC 9101 §10.5).

    Neither can be sent here yet, so such a client is kept from signing anybody in rather than let in unprotected.
    """
    if draft.client.require_pushed_authorization_requests:
        raise RedirectError("invalid_request", "this client registered to push its requests")
    if draft.client.require_signed_request_object:
        raise RedirectError("invalid_request", "this client registered to sign its requests")


def check_pkce(draft: Draft) -> None:
    """Refuse a challenge that is missing where due, or not S256 (RFC 7636 §4.3)."""
    challenge, method = draft.get("code_challenge"), draft.get("code_challenge_method")
    pkce.check_challenge(challenge, method, is_required=requires_pkce(draft.client))


def check_scope(draft: Draft) -> None:
    """Keep the scopes that the client may have; what was dropped is told in the token answer (RFC 6749 §3.3)."""
    asked = (draft.get("scope") or "").split(" ")
    if asked == [""]:
        asked = list(draft.client.default_scopes)
    scopes = allowed_scopes(draft.client, asked)
    if "offline_access" in scopes and "refresh_token" not in draft.client.grant_types:
        scopes = tuple(scope for scope in scopes if scope != "offline_access")
    if not scopes:
        raise RedirectError("invalid_scope", "none of these scopes is registered for this client")
    draft.scopes = scopes


def check_nonce(draft: Draft) -> None:
    """Refuse a nonce that we could not return as it came."""
    nonce = draft.get("nonce")
    if nonce is not None and (len(nonce.encode()) > MAX_NONCE or "\0" in nonce):
        raise RedirectError("invalid_request", "nonce is longer than 1024 bytes or contains NUL")


def check_prompt(draft: Draft) -> None:
    """Read prompt and max_age (OIDC Core §3.1.2.1)."""
    words = (draft.get("prompt") or "").split(" ") if draft.get("prompt") else []
    try:
        draft.prompts = frozenset(Prompt(word) for word in words)
    except ValueError as error:
        raise RedirectError("invalid_request", "prompt has an unknown value") from error
    if Prompt.NONE in draft.prompts and len(words) > 1:
        raise RedirectError("invalid_request", "prompt=none stands alone")
    max_age = draft.get("max_age")
    if max_age is not None and not _MAX_AGE.fullmatch(max_age):
        raise RedirectError("invalid_request", "max_age must be a non-negative integer")
    draft.max_age = min(int(max_age), _EVER) if max_age is not None else None


def check_claims(draft: Draft) -> None:
    """Read the claims parameter; a `sub` or essential `acr` in it constrains who signs in, and how (OIDC Core §5.5)."""
    text = draft.get("claims")
    if text is None:
        return
    draft.userinfo_claims, draft.id_token_claims = parse_claims(text)
    asked = draft.id_token_claims or {}
    for requests in (asked, draft.userinfo_claims or {}):
        subject = requests.pop("sub", None)
        if subject is not None and subject.values:
            draft.hinted_sub = str(subject.values[0])
    acr = asked.get("acr")
    if acr is not None and acr.essential and acr.values:
        draft.essential_acrs = tuple(value for value in acr.values if isinstance(value, str))


def check_id_token_hint(draft: Draft) -> None:
    """Read who the client believes is signed in; only our own ID token for this client counts (OIDC Core §3.1.2.1)."""
    hint = draft.get("id_token_hint")
    if hint is None:
        return
    engine = draft.context.engine
    claims = engine.keyring.read(hint, typ=id_token.TYP, check=lambda members: members.get("iss") == engine.issuer)
    subject = claims.get("sub") if claims else None
    if claims is None or claims.get("aud") != draft.client.id or not isinstance(subject, str):
        is_encrypted = hint.count(".") == JWE_DOTS  # only its client can open it
        why = "is encrypted: send the ID token inside" if is_encrypted else "is not an ID token of ours for this client"
        raise RedirectError("invalid_request", f"id_token_hint {why}")
    if draft.hinted_sub not in (None, subject):
        raise RedirectError("invalid_request", "id_token_hint and claims name different people")
    draft.hinted_sub = subject


CHECKS: tuple[Callable[[Draft], None], ...] = (
    check_response_mode,
    check_no_repeats,
    check_response_type,
    check_unsupported,
    check_promised_protection,
    check_pkce,
    check_scope,
    check_nonce,
    check_prompt,
    check_claims,
    check_id_token_hint,
)


def _request(draft: Draft) -> AuthorizationRequest:
    hint = draft.get("login_hint")
    acr_values = tuple((draft.get("acr_values") or "").split()) or draft.client.default_acr_values
    return AuthorizationRequest(
        client_id=draft.client.id,
        redirect_uri=draft.redirect_uri,
        response_mode=draft.response_mode,
        scopes=draft.scopes,
        state=draft.get("state"),
        nonce=draft.get("nonce"),
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
    )
