"""risk and policy."""

import sqlalchemy as sa
from alembic import op


revision = '444422faeaa6'
down_revision = 'd9a58846fd23'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('adviser_answers',
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_adviser_answers'))
    )
    with op.batch_alter_table('adviser_answers', schema=None) as batch_op:
        batch_op.create_index('ix_adviser_answers_expires_at', ['expires_at'], unique=False)

    op.create_table('policies',
    sa.Column('version', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('digest', sa.String(length=80), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('share', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('changed_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('version', name=op.f('pk_policies'))
    )
    op.create_table('policy_changes',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('by', sa.String(length=80), nullable=False),
    sa.Column('why', sa.String(length=200), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_policy_changes'))
    )
    with op.batch_alter_table('policy_changes', schema=None) as batch_op:
        batch_op.create_index('ix_policy_changes_at', ['at'], unique=False)

    op.create_table('risk_population',
    sa.Column('name', sa.String(length=32), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_risk_population'))
    )
    op.create_table('shared_states',
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_shared_states'))
    )
    with op.batch_alter_table('shared_states', schema=None) as batch_op:
        batch_op.create_index('ix_shared_states_expires_at', ['expires_at'], unique=False)

    op.create_table('decisions',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('user_id', sa.String(length=32), nullable=False),
    sa.Column('session_id', sa.String(length=32), nullable=True),
    sa.Column('client_id', sa.String(length=128), nullable=True),
    sa.Column('event', sa.String(length=32), nullable=False),
    sa.Column('decided_at', sa.BigInteger(), nullable=False),
    sa.Column('decision', sa.String(length=16), nullable=False),
    sa.Column('band', sa.String(length=16), nullable=False),
    sa.Column('score', sa.Integer(), nullable=False),
    sa.Column('policy', sa.String(length=80), nullable=False),
    sa.Column('record', sa.Text(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('advice', sa.Text(), nullable=True),
    sa.Column('taught', sa.Text(), nullable=True),
    sa.Column('outcome', sa.String(length=16), nullable=True),
    sa.Column('outcome_at', sa.BigInteger(), nullable=True),
    sa.Column('label', sa.String(length=16), nullable=True),
    sa.Column('labelled_at', sa.BigInteger(), nullable=True),
    sa.Column('labelled_by', sa.String(length=40), nullable=True),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_decisions_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_decisions'))
    )
    with op.batch_alter_table('decisions', schema=None) as batch_op:
        batch_op.create_index('ix_decisions_decided_at', ['decided_at'], unique=False)
        batch_op.create_index('ix_decisions_expires_at', ['expires_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_decisions_session_id'), ['session_id'], unique=False)
        batch_op.create_index('ix_decisions_user_id_decided_at', ['user_id', 'decided_at'], unique=False)

    op.create_table('risk_profiles',
    sa.Column('user_id', sa.String(length=32), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('updated_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_risk_profiles_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_risk_profiles'))
    )
    op.create_table('user_groups',
    sa.Column('user_id', sa.String(length=32), nullable=False),
    sa.Column('group_digest', sa.LargeBinary(length=32), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_user_groups_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'group_digest', name=op.f('pk_user_groups'))
    )
    with op.batch_alter_table('user_groups', schema=None) as batch_op:
        batch_op.create_index('ix_user_groups_group_digest', ['group_digest'], unique=False)

    op.add_column('grants', sa.Column('networks', sa.Text(), nullable=True))

    op.add_column('interactions', sa.Column('judgement', sa.Text(), nullable=True))

    op.add_column('sessions', sa.Column('risk', sa.Integer(), server_default='0', nullable=False))

    op.add_column('users', sa.Column('email_verified_at', sa.BigInteger(), nullable=True))



def downgrade() -> None:
    # Plain DROP COLUMN: to build a table anew would delete, by foreign keys, all that hangs on its rows.
    op.drop_column('users', 'email_verified_at')

    op.drop_column('sessions', 'risk')

    op.drop_column('interactions', 'judgement')

    op.drop_column('grants', 'networks')

    with op.batch_alter_table('user_groups', schema=None) as batch_op:
        batch_op.drop_index('ix_user_groups_group_digest')

    op.drop_table('user_groups')
    op.drop_table('risk_profiles')
    with op.batch_alter_table('decisions', schema=None) as batch_op:
        batch_op.drop_index('ix_decisions_user_id_decided_at')
        batch_op.drop_index(batch_op.f('ix_decisions_session_id'))
        batch_op.drop_index('ix_decisions_expires_at')
        batch_op.drop_index('ix_decisions_decided_at')

    op.drop_table('decisions')
    with op.batch_alter_table('shared_states', schema=None) as batch_op:
        batch_op.drop_index('ix_shared_states_expires_at')

    op.drop_table('shared_states')
    op.drop_table('risk_population')
    with op.batch_alter_table('policy_changes', schema=None) as batch_op:
        batch_op.drop_index('ix_policy_changes_at')

    op.drop_table('policy_changes')
    op.drop_table('policies')
    with op.batch_alter_table('adviser_answers', schema=None) as batch_op:
        batch_op.drop_index('ix_adviser_answers_expires_at')

    op.drop_table('adviser_answers')
