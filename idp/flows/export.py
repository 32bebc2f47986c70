"""Everything the system holds about a person, as JSON for them; no secret that would open anything is in it."""

from collections.abc import Mapping
from datetime import datetime

from idp.domain.assurance import acr, amr
from idp.domain.event import EventKind
from idp.domain.json import Json
from idp.domain.user import User, all_claims
from idp.oauth.context import Context

MOST_EVENTS = 100_000


async def export(context: Context, user: User) -> Mapping[str, Json]:
    """Return a person's data, and note that they took it."""
    await context.record(EventKind.DATA_EXPORTED, user_id=user.id)
    return {
        "exported_at": context.now.isoformat(),
        "account": _account(user),
        "factors": await _factors(context, user),
        "linked_sign_ins": await _links(context, user),
        "recovery_codes_left": await context.stores.recovery_codes.count(user.id),
        "sessions": await _sessions(context, user),
        "remembered_browsers": await _browsers(context, user),
        "applications": await _applications(context, user),
        "grants": await _grants(context, user),
        "activity": await _activity(context, user),
    }


def _account(user: User) -> dict[str, Json]:
    return {
        "sub": user.id,
        "status": user.status.value,
        "role": user.role.value,
        "username": user.username,
        "created_at": _iso(user.created_at),
        "updated_at": _iso(user.updated_at),
        "deletes_at": _iso(user.deletes_at),
        "claims": all_claims(user),
    }


async def _factors(context: Context, user: User) -> list[Json]:
    password = await context.stores.credentials.password_of(user.id)
    factors: list[Json] = [{"factor": "password", "created_at": _iso(password.created_at)}] if password else []
    for each in await context.stores.credentials.of_user(user.id):
        told = {name: each.content[name] for name in ("phone", "aaguid", "backed_up") if name in each.content}
        factors.append(
            {
                "factor": each.factor.value,
                "name": each.name,
                "created_at": _iso(each.created_at),
                "last_used_at": _iso(each.last_used_at),
                **told,
            }
        )
    return factors


async def _links(context: Context, user: User) -> list[Json]:
    return [
        {
            "provider": each.upstream_id, "name": each.label, "linked_at": _iso(each.linked_at),
            "last_used_at": _iso(each.last_used_at),
        }
        for each in await context.stores.upstream_identities.of_user(user.id)
    ]  # fmt: skip


async def _sessions(context: Context, user: User) -> list[Json]:
    return [
        {
            "device": each.device,
            "address": each.address,
            "created_at": _iso(each.session.created_at),
            "seen_at": _iso(each.session.seen_at),
            "expires_at": _iso(each.session.expires_at),
            "acr": acr(each.session.proofs),
            "amr": list(amr(each.session.proofs)),
        }
        for each in await context.stores.sessions.of_user(user.id, context.now)
    ]


async def _browsers(context: Context, user: User) -> list[Json]:
    return [
        {
            "device": each.device,
            "created_at": _iso(each.created_at),
            "last_used_at": _iso(each.last_used_at),
            "expires_at": _iso(each.expires_at),
        }
        for each in await context.stores.remembered_browsers.of_user(user.id, context.now)
    ]


async def _applications(context: Context, user: User) -> list[Json]:
    return [
        {"client_id": each.client_id, "scopes": sorted(each.scopes), "claims": sorted(each.claims)}
        for each in await context.stores.consents.of_user(user.id)
    ]


async def _grants(context: Context, user: User) -> list[Json]:
    return [
        {
            "client_id": each.client_id,
            "scopes": list(each.scopes),
            "created_at": _iso(each.created_at),
            "expires_at": _iso(each.expires_at),
            "offline": each.is_offline,
        }
        for each in await context.stores.grants.of_user(user.id, context.now)
    ]


async def _activity(context: Context, user: User) -> list[Json]:
    return [
        {
            "at": _iso(each.at),
            "kind": each.kind,
            "client_id": each.client_id,
            "address": each.address,
            "detail": dict(each.detail),
        }
        for each in await context.stores.events.of_user(user.id, limit=MOST_EVENTS)
    ]


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
