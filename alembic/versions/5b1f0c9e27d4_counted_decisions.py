"""counted decisions."""

import sqlalchemy as sa
from alembic import op


revision = '5b1f0c9e27d4'
down_revision = 'f7f311e6eafd'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Both stay empty in rows that are there already: unknown, not guessed from their records.
    op.add_column('decisions', sa.Column('country', sa.String(length=2), nullable=True))
    op.add_column('decisions', sa.Column('refusal', sa.String(length=16), nullable=True))
    op.create_index('ix_decisions_by_country', 'decisions', ['event', 'decided_at', 'country', 'decision'])
    op.create_index('ix_decisions_by_policy', 'decisions', ['policy', 'decided_at', 'decision', 'outcome', 'user_id'])
    op.create_index('ix_users_role', 'users', ['role'])


def downgrade() -> None:
    # Plain DROP COLUMN: to build a table anew would delete, by foreign keys, all that hangs on its rows.
    op.drop_index('ix_users_role', 'users')
    op.drop_index('ix_decisions_by_policy', 'decisions')
    op.drop_index('ix_decisions_by_country', 'decisions')
    op.drop_column('decisions', 'refusal')
    op.drop_column('decisions', 'country')
