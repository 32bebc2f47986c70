"""ids of other directories."""

import sqlalchemy as sa
from alembic import op


revision = '4c62f45aad17'
down_revision = '165f88aec4cb'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('group_external_ids',
    sa.Column('group_id', sa.String(length=32), nullable=False),
    sa.Column('external_id', sa.String(length=255), nullable=False),
    sa.ForeignKeyConstraint(['group_id'], ['groups.id'], name=op.f('fk_group_external_ids_group_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('group_id', name=op.f('pk_group_external_ids'))
    )
    with op.batch_alter_table('group_external_ids', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_group_external_ids_external_id'), ['external_id'], unique=False)

    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.add_column(sa.Column('external_digest', sa.LargeBinary(length=32), nullable=True))
        batch_op.create_index(batch_op.f('ix_users_external_digest'), ['external_digest'], unique=False)
        batch_op.create_index('ix_users_updated_at_id', ['updated_at', 'id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.drop_index('ix_users_updated_at_id')
        batch_op.drop_index(batch_op.f('ix_users_external_digest'))
        batch_op.drop_column('external_digest')

    with op.batch_alter_table('group_external_ids', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_group_external_ids_external_id'))

    op.drop_table('group_external_ids')
