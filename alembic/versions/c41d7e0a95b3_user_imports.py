"""user imports."""

import sqlalchemy as sa
from alembic import op


revision = 'c41d7e0a95b3'
down_revision = '74b3e69010c6'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('user_imports',
    sa.Column('file_digest', sa.String(length=64), nullable=False),
    sa.Column('options', sa.String(length=64), nullable=False),
    sa.Column('next_line', sa.BigInteger(), nullable=False),
    sa.Column('imported', sa.BigInteger(), nullable=False),
    sa.Column('refused', sa.BigInteger(), nullable=False),
    sa.Column('started_at', sa.BigInteger(), nullable=False),
    sa.Column('finished_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('file_digest', name=op.f('pk_user_imports'))
    )


def downgrade() -> None:
    op.drop_table('user_imports')
