"""Interactions: authorization requests waiting for their person, bound to one browser."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Boolean, Column, Index, LargeBinary, String, Table, delete, insert, select, update

from idp.domain.approval import Approval, Channel
from idp.domain.assurance import Factor
from idp.domain.authorization import AuthorizationRequest, ClaimRequest, Interaction, Prompt, ResponseMode
from idp.domain.json import Json
from idp.domain.secret import Digest, Sealer
from idp.storage.columns import AnyRow, JsonText, UtcTime, is_key, metadata, open_json, seal_json
from idp.storage.database import Transaction
from idp.storage.proofs import proofs_from_json, proofs_to_json

interactions = Table(
    "interactions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("browser_digest", LargeBinary(32), nullable=False),
    Column("client_id", String(128)),
    Column("sealed_request", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("session_id", String(32)),
    Column("signed_in_at", UtcTime),
    Column("account_chosen", Boolean, nullable=False),
    Column("consent_given", Boolean, nullable=False),
    Column("completed_at", UtcTime),
    Column("user_id", String(32)),
    Column("proofs", JsonText),
    Column("method", String(16)),
    Column("judgement", JsonText),
    Column("linking", String(40)),
    Index("ix_interactions_expires_at", "expires_at"),
    Index("ix_interactions_browser_digest_created_at", "browser_digest", "created_at"),
)


class InteractionStore:
    """Interactions of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def add(self, interaction: Interaction, browser: Digest, *, keep: int) -> None:
        """Store a new interaction of a browser; its oldest beyond `keep` make room."""
        content: Json = {
            "request": request_to_json(interaction.request) if interaction.request else None,
            "return_path": interaction.return_path,
            "fresh_within": interaction.fresh_within.total_seconds() if interaction.fresh_within is not None else None,
        }
        sealed = seal_json(self._sealer, content, table="interactions", column="request", row=interaction.id)
        await self._connection.execute(
            insert(interactions).values(
                id=interaction.id,
                browser_digest=browser,
                client_id=interaction.request.client_id if interaction.request else None,
                sealed_request=sealed,
                created_at=interaction.created_at,
                expires_at=interaction.expires_at,
                account_chosen=interaction.account_chosen,
                consent_given=interaction.consent_given,
                judgement=dict(interaction.judgement) if interaction.judgement is not None else None,
            )
        )
        surplus = (
            select(interactions.c.id)
            .where(interactions.c.browser_digest == browser, interactions.c.id != interaction.id)
            .order_by(interactions.c.created_at.desc())
            .offset(keep - 1)
            .limit(100)
        )
        await self._connection.execute(delete(interactions).where(interactions.c.id.in_(surplus.scalar_subquery())))

    async def find(self, interaction_id: str) -> tuple[Interaction, Digest] | None:
        """Return an interaction and the digest of the browser it belongs to."""
        if not is_key(interaction_id):
            return None
        query = select(interactions).where(interactions.c.id == interaction_id)
        row = (await self._connection.execute(query)).first()
        if row is None:
            return None
        return self._interaction(row), Digest(row.browser_digest)

    async def note_sign_in(self, interaction_id: str, session_id: str, now: datetime) -> None:
        """Remember that the person proved a first factor for this very interaction."""
        await self._change(
            interaction_id, session_id=session_id, signed_in_at=now, account_chosen=True, consent_given=False
        )

    async def note_proofs(self, before: Interaction, after: Interaction) -> bool:
        """Store what was proved; False if something else was proved meanwhile, or the answer was sent."""
        stored = interactions.c.proofs
        is_same = stored == proofs_to_json(before.proofs) if before.proofs else stored.is_(None)
        done = await self._connection.execute(
            update(interactions)
            .where(interactions.c.id == before.id, interactions.c.completed_at.is_(None), is_same)
            .values(
                user_id=after.user_id,
                proofs=proofs_to_json(after.proofs),
                method=None,
                judgement=dict(after.judgement) if after.judgement is not None else None,
            )
            .returning(interactions.c.id)
        )
        return done.first() is not None

    async def note_method(self, interaction_id: str, method: Factor | None) -> None:
        """Remember by which factor the person wants to go on."""
        await self._change(interaction_id, method=method.value if method else None)

    async def note_linking(self, interaction_id: str, upstream_id: str | None) -> None:
        """Remember which other provider's identity is to be linked once its person has signed in here."""
        await self._change(interaction_id, linking=upstream_id)

    async def note_account(self, interaction_id: str, session_id: str) -> None:
        """Remember which session the person chose to go on with."""
        await self._change(interaction_id, session_id=session_id, account_chosen=True)

    async def note_consent(self, interaction_id: str) -> bool:
        """Remember that the person agreed; False if they had answered before."""
        done = await self._connection.execute(
            update(interactions)
            .where(
                interactions.c.id == interaction_id,
                interactions.c.completed_at.is_(None),
                interactions.c.consent_given.is_(False),
            )
            .values(consent_given=True)
            .returning(interactions.c.id)
        )
        return done.first() is not None

    async def complete(self, interaction_id: str, now: datetime) -> bool:
        """Spend the interaction; False if its answer was sent before, or its time is over."""
        done = await self._connection.execute(
            update(interactions)
            .where(
                interactions.c.id == interaction_id,
                interactions.c.completed_at.is_(None),
                interactions.c.expires_at > now,
            )
            .values(completed_at=now)
            .returning(interactions.c.id)
        )
        return done.first() is not None

    async def _change(self, interaction_id: str, **values: object) -> None:
        await self._connection.execute(
            update(interactions)
            .where(interactions.c.id == interaction_id, interactions.c.completed_at.is_(None))
            .values(**values)
        )

    def _interaction(self, row: AnyRow) -> Interaction:
        sealed = open_json(self._sealer, row.sealed_request, table="interactions", column="request", row=row.id)
        content = cast(dict[str, Any], sealed)
        return Interaction(
            id=row.id,
            request=request_from_json(content["request"]) if content["request"] else None,
            return_path=content["return_path"],
            created_at=row.created_at,
            expires_at=row.expires_at,
            session_id=row.session_id,
            signed_in_at=row.signed_in_at,
            account_chosen=row.account_chosen,
            consent_given=row.consent_given,
            completed_at=row.completed_at,
            user_id=row.user_id,
            proofs=proofs_from_json(row.proofs),
            fresh_within=None if content.get("fresh_within") is None else timedelta(seconds=content["fresh_within"]),
            method=Factor(row.method) if row.method else None,
            judgement=cast(dict[str, Json] | None, row.judgement),
            linking=row.linking,
        )


def request_to_json(request: AuthorizationRequest) -> dict[str, Json]:
    """Return a request as JSON, for rows that wait for a person."""
    return {
        "client_id": request.client_id,
        "redirect_uri": request.redirect_uri,
        "response_mode": request.response_mode.value,
        "response_type": request.response_type,
        "scopes": list(request.scopes),
        "state": request.state,
        "nonce": request.nonce,
        "code_challenge": request.code_challenge,
        "prompts": sorted(request.prompts),
        "max_age": request.max_age,
        "login_hint": request.login_hint,
        "hinted_sub": request.hinted_sub,
        "ui_locales": request.ui_locales,
        "acr_values": list(request.acr_values),
        "essential_acrs": None if request.essential_acrs is None else list(request.essential_acrs),
        "userinfo_claims": _claims_to_json(request.userinfo_claims),
        "id_token_claims": _claims_to_json(request.id_token_claims),
        "resources": list(request.resources),
        "details": [dict(each) for each in request.details],
        "dpop_jkt": request.dpop_jkt,
        "pushed": request.pushed,
        "object_id": request.object_id,
        "approves": _approval_to_json(request.approves) if request.approves is not None else None,
        "tested_by": request.tested_by,
    }


def _approval_to_json(approval: Approval) -> Json:
    return {
        "channel": approval.channel.value,
        "id": approval.id,
        "asked_at": approval.asked_at.isoformat(),
        "address": approval.address,
        "message": approval.message,
    }


def _approval_from_json(members: dict[str, Any] | None) -> Approval | None:
    if members is None:
        return None
    read = {"channel": Channel(members["channel"]), "asked_at": datetime.fromisoformat(members["asked_at"])}
    return Approval(**members | read)


def _claims_to_json(claims: Mapping[str, ClaimRequest] | None) -> Json:
    return None if claims is None else {name: [asked.essential, list(asked.values)] for name, asked in claims.items()}


def _claims_from_json(members: dict[str, list[Any]] | None) -> dict[str, ClaimRequest] | None:
    if members is None:
        return None
    return {name: ClaimRequest(essential, tuple(values)) for name, (essential, values) in members.items()}


def request_from_json(members: dict[str, Any]) -> AuthorizationRequest:
    """Return a request from what `request_to_json` made of it."""
    essential = members["essential_acrs"]
    return AuthorizationRequest(
        **members
        | {
            "response_mode": ResponseMode(members["response_mode"]),
            "scopes": tuple(members["scopes"]),
            "prompts": frozenset(Prompt(value) for value in members["prompts"]),
            "acr_values": tuple(members["acr_values"]),
            "essential_acrs": None if essential is None else tuple(essential),
            "resources": tuple(members.get("resources", ())),
            "details": tuple(members.get("details", ())),
            "approves": _approval_from_json(members.get("approves")),
            "userinfo_claims": _claims_from_json(members["userinfo_claims"]),
            "id_token_claims": _claims_from_json(members["id_token_claims"]),
        }
    )
