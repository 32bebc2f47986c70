"""Ids of single JWT access tokens that were revoked before their time; opaque ones carry it in their own row."""

from sqlalchemy import Column, Index, String, Table

from idp.storage.columns import UtcTime, metadata

revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    Column("jti", String(64), primary_key=True),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_revoked_tokens_expires_at", "expires_at"),
)
