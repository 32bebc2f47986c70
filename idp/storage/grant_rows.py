"""How a grant stands in a row: of the table of grants, and of a code that is not one yet."""

from typing import Any, cast

from idp.domain.authorization import ClaimRequest
from idp.domain.json import Json
from idp.domain.tokens import Grant, read_confirmation
from idp.storage.columns import AnyRow


def grant_values(grant: Grant) -> dict[str, Any]:
    """Return a grant as column values."""
    return {
        "id": grant.id,
        "client_id": grant.client_id,
        "user_id": grant.user_id,
        "session_id": grant.session_id,
        "scopes": grant.scopes,
        "audience": grant.audience,
        "auth_time": grant.auth_time,
        "acr": grant.acr,
        "amr": grant.amr,
        "claims": _claims_to_json(grant),
        "is_offline": grant.is_offline,
        "terms": _terms_to_json(grant),
        "created_at": grant.created_at,
        "expires_at": grant.expires_at,
    }


def read_grant(row: AnyRow) -> Grant:
    """Read a grant from a row that has its columns."""
    claims = cast("dict[str, dict[str, list[Any]]] | None", row.claims) or {}
    terms = cast("dict[str, Any] | None", row.terms) or {}
    return Grant(
        id=row.id,
        client_id=row.client_id,
        user_id=row.user_id,
        session_id=row.session_id,
        scopes=row.scopes,
        audience=row.audience,
        created_at=row.created_at,
        expires_at=row.expires_at,
        auth_time=row.auth_time,
        acr=row.acr,
        amr=row.amr,
        userinfo_claims=_claims_from_json(claims.get("userinfo")),
        id_token_claims=_claims_from_json(claims.get("id_token")),
        is_offline=row.is_offline,
        confirmation=read_confirmation(terms.get("cnf")),
        details=tuple(terms.get("details", ())),
        actor=terms.get("act"),
        parent_id=getattr(row, "parent_id", None),
    )


def _terms_to_json(grant: Grant) -> Json:
    terms: dict[str, Json] = {}
    if grant.confirmation is not None:
        terms["cnf"] = grant.confirmation.as_claim()
    if grant.details:
        terms["details"] = [dict(each) for each in grant.details]
    if grant.actor is not None:
        terms["act"] = dict(grant.actor)
    return terms or None


def _claims_to_json(grant: Grant) -> Json:
    asked = {"userinfo": grant.userinfo_claims, "id_token": grant.id_token_claims}
    members: dict[str, Json] = {
        target: {name: [request.essential, list(request.values)] for name, request in requests.items()}
        for target, requests in asked.items()
        if requests is not None
    }
    return members or None


def _claims_from_json(members: dict[str, list[Any]] | None) -> dict[str, ClaimRequest] | None:
    if members is None:
        return None
    return {name: ClaimRequest(essential, tuple(values)) for name, (essential, values) in members.items()}
