"""audit chain."""

import sqlalchemy as sa
from alembic import op


revision = "850656288734"
down_revision = "66bdccb79916"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event_chain",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("passed", sa.String(length=40), nullable=False),
        sa.Column("checkpoint", sa.BigInteger(), nullable=False),
        sa.Column("checkpointed_at", sa.BigInteger(), nullable=True),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_event_chain")),
    )
    op.create_table(
        "event_links",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.String(length=40), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("address_mark", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_event_links")),
        sa.UniqueConstraint("event_id", name=op.f("uq_event_links_event_id")),
    )
    for table in ("event_checkpoints", "event_removals"):
        op.create_table(
            table,
            sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
            sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
            sa.Column("signed_at", sa.BigInteger(), nullable=False),
            sa.Column("kid", sa.String(length=64), nullable=False),
            sa.Column("jws", sa.Text(), nullable=False),
            sa.Column("mark", sa.LargeBinary(length=32), nullable=False),
            sa.PrimaryKeyConstraint("seq", name=op.f(f"pk_{table}")),
        )
    op.create_index("ix_event_checkpoints_signed_at", "event_checkpoints", ["signed_at"])
    # Rows that are there already say nothing of actor and result; the chain takes them up as they are.
    op.add_column("events", sa.Column("actor_kind", sa.String(length=16), nullable=True))
    op.add_column("events", sa.Column("actor_id", sa.String(length=128), nullable=True))
    op.add_column("events", sa.Column("actor_role", sa.String(length=16), nullable=True))
    op.add_column("events", sa.Column("target_kind", sa.String(length=32), nullable=True))
    op.add_column("events", sa.Column("target_id", sa.String(length=128), nullable=True))
    op.add_column("events", sa.Column("result", sa.String(length=16), nullable=True))
    op.add_column("events", sa.Column("before", sa.Text(), nullable=True))
    op.add_column("events", sa.Column("after", sa.Text(), nullable=True))


def downgrade() -> None:
    for column in ("after", "before", "result", "target_id", "target_kind", "actor_role", "actor_id", "actor_kind"):
        op.drop_column("events", column)
    op.drop_index("ix_event_checkpoints_signed_at", "event_checkpoints")
    for table in ("event_removals", "event_checkpoints", "event_links", "event_chain"):
        op.drop_table(table)
