"""Messages to the provider's own system wait in an outbox; how its receiver stands is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "outbox",
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("onboarding_id", sa.String(36), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("client_ref", sa.String(255), nullable=False),
        sa.Column("waba_id", sa.String(20), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", time, nullable=False),
        sa.Column("created_at", time, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", time, nullable=True),
        sa.PrimaryKeyConstraint("sequence", name="pk_outbox"),
        sa.UniqueConstraint("id", name="uq_outbox_id"),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name="fk_outbox_onboarding_id"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_state_next_at", "outbox", ["state", "next_at"])
    op.create_index("ix_outbox_onboarding_id", "outbox", ["onboarding_id"])
    op.create_index("ix_outbox_created_at", "outbox", ["created_at"])
    op.create_table(
        "receivers",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("held_until", time, nullable=True),
        sa.Column("stopped_at", time, nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_receivers"),
    )


def downgrade() -> None:
    op.drop_table("receivers")
    op.drop_table("outbox")
