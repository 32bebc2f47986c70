"""tests of clients."""

import sqlalchemy as sa
from alembic import op


revision = '890ded493b67'
down_revision = '2b110726ff34'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('client_tests',
    sa.Column('state_digest', sa.LargeBinary(length=32), nullable=False),
    sa.Column('client_id', sa.String(length=128), nullable=False),
    sa.Column('user_id', sa.String(length=32), nullable=False),
    sa.Column('session_id', sa.String(length=32), nullable=False),
    sa.Column('browser_digest', sa.LargeBinary(length=32), nullable=False),
    sa.Column('sealed_content', sa.LargeBinary(), nullable=False),
    sa.Column('code_digest', sa.LargeBinary(length=32), nullable=True),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.Column('spent_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['client_id'], ['clients.id'], name=op.f('fk_client_tests_client_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_client_tests_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('state_digest', name=op.f('pk_client_tests'))
    )
    with op.batch_alter_table('client_tests', schema=None) as batch_op:
        batch_op.create_index('ix_client_tests_expires_at', ['expires_at'], unique=False)
        batch_op.create_index('ix_client_tests_user_id', ['user_id'], unique=False)

    refused = sa.text("result = 'refused'")
    op.create_index(
        'ix_events_refused', 'events', ['client_id', 'id'], sqlite_where=refused, postgresql_where=refused
    )


def downgrade() -> None:
    op.drop_index('ix_events_refused', table_name='events')
    with op.batch_alter_table('client_tests', schema=None) as batch_op:
        batch_op.drop_index('ix_client_tests_user_id')
        batch_op.drop_index('ix_client_tests_expires_at')

    op.drop_table('client_tests')
