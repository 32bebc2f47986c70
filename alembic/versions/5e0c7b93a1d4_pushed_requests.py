"""pushed requests."""

import sqlalchemy as sa
from alembic import op

revision = "5e0c7b93a1d4"
down_revision = "7c1a46374fd2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pushed_requests",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("sealed_request", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("spent_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name=op.f("fk_pushed_requests_client_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_pushed_requests")),
    )
    with op.batch_alter_table("pushed_requests", schema=None) as batch_op:
        batch_op.create_index("ix_pushed_requests_client_id", ["client_id"], unique=False)
        batch_op.create_index("ix_pushed_requests_expires_at", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_table("pushed_requests")
