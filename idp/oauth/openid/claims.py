"""Claims – OIDC Core §5: the `claims` parameter, and which claims a scope stands for."""

from collections.abc import Mapping

from idp.domain.authorization import ClaimRequest
from idp.domain.json import BadJson, Json, read_object
from idp.domain.user import CLAIMS_BY_SCOPE, User, all_claims
from idp.oauth.errors import RedirectError

MAX_CLAIMS_PARAMETER = 8192
MAX_DEPTH = 8
Requests = Mapping[str, ClaimRequest]


def parse_claims(text: str) -> tuple[dict[str, ClaimRequest] | None, dict[str, ClaimRequest] | None]:
    """Read the `claims` parameter into (userinfo, id_token); raise RedirectError for anything malformed (§5.5)."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_CLAIMS_PARAMETER:
        raise RedirectError("invalid_request", "claims is larger than 8 kB")
    try:
        members = read_object(text, max_depth=MAX_DEPTH)
    except BadJson as error:
        raise RedirectError("invalid_request", f"claims: {error}") from error
    return _requests(members.get("userinfo")), _requests(members.get("id_token"))


def _requests(members: Json) -> dict[str, ClaimRequest] | None:
    if members is None:
        return None
    if not isinstance(members, dict):
        raise RedirectError("invalid_request", "claims: userinfo and id_token must be objects")
    return {name: _request(asked) for name, asked in members.items()}


def _request(asked: Json) -> ClaimRequest:
    if asked is None:
        return ClaimRequest()
    if not isinstance(asked, dict) or not isinstance(asked.get("essential", False), bool):
        raise RedirectError("invalid_request", "claims: a claim is null or an object with essential, value, values")
    values = asked.get("values")
    if values is not None and not isinstance(values, list):
        raise RedirectError("invalid_request", "claims: values must be an array")
    listed = list(values or ())
    if "value" in asked:
        listed.append(asked["value"])
    return ClaimRequest(essential=asked.get("essential") is True, values=tuple(listed))


def userinfo_claims(user: User, scopes: tuple[str, ...], requested: Requests | None) -> dict[str, Json]:
    """Return what userinfo may say: claims of the granted scopes and those asked for one by one (§5.3, §5.4)."""
    return _claims(user, scopes, requested)


def id_token_claims(user: User, scopes: tuple[str, ...], requested: Requests | None) -> dict[str, Json]:
    """Return the claims asked for the ID token one by one, and those of scopes that no userinfo can answer (§5.4)."""
    return _claims(user, scopes, requested) if scopes or requested else {}


def _claims(user: User, scopes: tuple[str, ...], requested: Requests | None) -> dict[str, Json]:
    wanted = {name for scope in scopes for name in CLAIMS_BY_SCOPE.get(scope, ())} | set(requested or ())
    return {name: value for name, value in all_claims(user).items() if name in wanted}


def known_claims() -> tuple[str, ...]:
    """Return every claim we can give, for the metadata."""
    protocol = ("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid", "at_hash", "jti")
    return (*protocol, *(name for names in CLAIMS_BY_SCOPE.values() for name in names))
