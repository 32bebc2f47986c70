"""Other providers as ways to sign in: as they were set up, with their secrets sealed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import Boolean, Column, LargeBinary, String, Table, bindparam, delete, insert, select, update

from idp.domain.assurance import Factor
from idp.domain.json import Json
from idp.domain.secret import Sealer
from idp.domain.upstream import UPSTREAM_ID, NewAccounts, Upstream, UpstreamAuth
from idp.storage.columns import AnyRow, JsonText, UtcTime, metadata
from idp.storage.database import Prepared, Transaction

upstreams = Table(
    "upstreams",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("is_active", Boolean, nullable=False),
    Column("content", JsonText, nullable=False),
    Column("sealed_secret", LargeBinary),
    Column("logo", LargeBinary),
    Column("logo_type", String(40)),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)
_COLUMNS = tuple(column for column in upstreams.c if column.name != "logo")


class UpstreamStore:
    """Upstreams of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def add(self, upstream: Upstream) -> None:
        """Store a new one; raise DuplicateKey if there is one of that id."""
        await self._connection.execute(insert(upstreams).values(id=upstream.id, **self._values(upstream)))

    async def save(self, upstream: Upstream) -> None:
        """Store a changed one; its logo stays."""
        changed = self._values(upstream)
        await self._connection.execute(update(upstreams).where(upstreams.c.id == upstream.id).values(**changed))

    async def find(self, upstream_id: str) -> Upstream | None:
        """Return the one of this id."""
        if not UPSTREAM_ID.fullmatch(upstream_id):
            return None
        row = (await self._connection.execute(_BY_ID, {"id": upstream_id})).first()
        return self._read(row) if row is not None else None

    async def lock(self, upstream_id: str) -> Upstream | None:
        """Return the one of this id and keep others from changing it until this transaction has ended."""
        if not UPSTREAM_ID.fullmatch(upstream_id):
            return None
        query = select(*_COLUMNS).where(upstreams.c.id == upstream_id).with_for_update()
        row = (await self._connection.execute(query)).first()
        return self._read(row) if row is not None else None

    async def list(self) -> Sequence[Upstream]:
        """Return all, in the order in which they were set up: that of their buttons."""
        return [self._read(row) for row in await self._connection.execute(_ALL, {})]

    async def active(self) -> Sequence[Upstream]:
        """Return those that people can sign in with."""
        return [self._read(row) for row in await self._connection.execute(_ACTIVE, {"is_active": True})]

    async def delete(self, upstream_id: str) -> bool:
        """Remove one and, by foreign keys, every link to it; False if there is none."""
        done = await self._connection.execute(
            delete(upstreams).where(upstreams.c.id == upstream_id).returning(upstreams.c.id)
        )
        return done.first() is not None

    async def set_logo(self, upstream_id: str, logo: tuple[bytes, str] | None) -> None:
        """Keep the picture of its button, a raster image that was checked before, or none."""
        data, media_type = logo if logo is not None else (None, None)
        changed = {"logo": data, "logo_type": media_type}
        await self._connection.execute(update(upstreams).where(upstreams.c.id == upstream_id).values(**changed))

    async def logo(self, upstream_id: str) -> tuple[bytes, str] | None:
        """Return the picture of its button and its media type."""
        query = select(upstreams.c.logo, upstreams.c.logo_type).where(upstreams.c.id == upstream_id)
        row = (await self._connection.execute(query)).first() if UPSTREAM_ID.fullmatch(upstream_id) else None
        return (bytes(row.logo), row.logo_type) if row is not None and row.logo is not None else None

    def _values(self, upstream: Upstream) -> dict[str, Any]:
        place, secret = f"upstreams|secret|{upstream.id}", upstream.client_secret
        return {
            "is_active": upstream.is_active,
            "content": _to_json(upstream),
            "sealed_secret": self._sealer.seal(secret.encode(), place=place) if secret is not None else None,
            "created_at": upstream.created_at,
            "changed_at": upstream.changed_at,
        }

    def _read(self, row: AnyRow) -> Upstream:
        upstream = _from_json(row, cast(dict[str, Any], row.content))
        if row.sealed_secret is None:
            return upstream
        secret = self._sealer.open(bytes(row.sealed_secret), place=f"upstreams|secret|{row.id}").decode()
        return replace(upstream, client_secret=secret)


_BY_ID = Prepared(select(*_COLUMNS).where(upstreams.c.id == bindparam("id")))
_IN_ORDER = select(*_COLUMNS).order_by(upstreams.c.created_at, upstreams.c.id)
_ALL = Prepared(_IN_ORDER)
_ACTIVE = Prepared(_IN_ORDER.where(upstreams.c.is_active == bindparam("is_active")))


def _to_json(upstream: Upstream) -> dict[str, Json]:
    return {
        "name": upstream.name, "issuer": upstream.issuer, "client_id": upstream.client_id,
        "auth_method": upstream.auth_method.value, "scopes": list(upstream.scopes), "button": upstream.button,
        "logo_uri": upstream.logo_uri, "creates_accounts": upstream.creates_accounts.value,
        "offers_linking": upstream.offers_linking, "trusts_email": upstream.trusts_email,
        "asks_userinfo": upstream.asks_userinfo, "forwards_freshness": upstream.forwards_freshness,
        "domains": list(upstream.domains), "claims": dict(upstream.claims), "groups_claim": upstream.groups_claim,
        "groups": dict(upstream.groups),
        "believes": {told: [factor.value for factor in factors] for told, factors in upstream.believes.items()},
    }  # fmt: skip


def _from_json(row: AnyRow, content: dict[str, Any]) -> Upstream:
    return Upstream(
        **content
        | {
            "id": row.id,
            "is_active": row.is_active,
            "has_logo": row.logo_type is not None,
            "created_at": row.created_at,
            "changed_at": row.changed_at,
            "auth_method": UpstreamAuth(content["auth_method"]),
            "scopes": tuple(content["scopes"]),
            "creates_accounts": NewAccounts(content["creates_accounts"]),
            "domains": tuple(content["domains"]),
            "believes": {told: tuple(map(Factor, names)) for told, names in content["believes"].items()},
        }
    )
