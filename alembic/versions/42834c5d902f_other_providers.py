"""other providers."""

import sqlalchemy as sa
from alembic import op


revision = "42834c5d902f"
down_revision = "bad28cb75708"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upstreams",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("logo_type", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upstreams")),
    )
    op.create_table(
        "upstream_arrivals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("upstream_id", sa.String(length=40), nullable=False),
        sa.Column("sealed_content", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["upstream_id"], ["upstreams.id"], name=op.f("fk_upstream_arrivals_upstream_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upstream_arrivals")),
    )
    with op.batch_alter_table("upstream_arrivals", schema=None) as batch_op:
        batch_op.create_index("ix_upstream_arrivals_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "upstream_identities",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("upstream_id", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("sealed_content", sa.LargeBinary(), nullable=False),
        sa.Column("linked_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["upstream_id"], ["upstreams.id"], name=op.f("fk_upstream_identities_upstream_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_upstream_identities_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upstream_identities")),
        sa.UniqueConstraint("digest", name=op.f("uq_upstream_identities_digest")),
    )
    with op.batch_alter_table("upstream_identities", schema=None) as batch_op:
        batch_op.create_index("ix_upstream_identities_upstream_id", ["upstream_id"], unique=False)
        batch_op.create_index("ix_upstream_identities_user_id", ["user_id"], unique=False)

    op.create_table(
        "upstream_requests",
        sa.Column("state_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("upstream_id", sa.String(length=40), nullable=False),
        sa.Column("browser_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("interaction_id", sa.String(length=32), nullable=True),
        sa.Column("user_id", sa.String(length=32), nullable=True),
        sa.Column("session_id", sa.String(length=32), nullable=True),
        sa.Column("sealed_content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("spent_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["upstream_id"], ["upstreams.id"], name=op.f("fk_upstream_requests_upstream_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_upstream_requests_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("state_digest", name=op.f("pk_upstream_requests")),
    )
    with op.batch_alter_table("upstream_requests", schema=None) as batch_op:
        batch_op.create_index("ix_upstream_requests_expires_at", ["expires_at"], unique=False)

    with op.batch_alter_table("interactions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("linking", sa.String(length=40), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("interactions", schema=None) as batch_op:
        batch_op.drop_column("linking")

    with op.batch_alter_table("upstream_requests", schema=None) as batch_op:
        batch_op.drop_index("ix_upstream_requests_expires_at")

    op.drop_table("upstream_requests")
    with op.batch_alter_table("upstream_identities", schema=None) as batch_op:
        batch_op.drop_index("ix_upstream_identities_user_id")
        batch_op.drop_index("ix_upstream_identities_upstream_id")

    op.drop_table("upstream_identities")
    with op.batch_alter_table("upstream_arrivals", schema=None) as batch_op:
        batch_op.drop_index("ix_upstream_arrivals_expires_at")

    op.drop_table("upstream_arrivals")
    op.drop_table("upstreams")
