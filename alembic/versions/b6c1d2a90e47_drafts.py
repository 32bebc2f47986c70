"""drafts."""

import sqlalchemy as sa
from alembic import op


revision = 'b6c1d2a90e47'
down_revision = '5b1f0c9e27d4'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('drafts',
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('model', sa.String(length=128), nullable=True),
    sa.Column('made_at', sa.BigInteger(), nullable=False),
    sa.Column('approved_by', sa.String(length=80), nullable=True),
    sa.Column('approved_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('kind', 'name', name=op.f('pk_drafts'))
    )


def downgrade() -> None:
    op.drop_table('drafts')
