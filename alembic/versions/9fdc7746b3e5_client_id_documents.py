"""client id documents."""

import sqlalchemy as sa
from alembic import op

revision = "9fdc7746b3e5"
down_revision = "5e0c7b93a1d4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "client_id_documents",
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.Column("fresh_until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name=op.f("fk_client_id_documents_client_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_client_id_documents")),
    )
    with op.batch_alter_table("client_id_documents", schema=None) as batch_op:
        batch_op.create_index("ix_client_id_documents_fetched_at", ["fetched_at"], unique=False)


def downgrade() -> None:
    op.drop_table("client_id_documents")
