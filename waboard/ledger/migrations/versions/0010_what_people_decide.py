"""What people decide about onboardings, and that one was cancelled."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.String(36), nullable=False),
        sa.Column("phone_number", sa.String(20), nullable=False),
        sa.Column("verb", sa.String(20), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_run_id", sa.String(36), nullable=True),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name="fk_decisions_onboarding_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_onboarding_id", "decisions", ["onboarding_id"])
    with op.batch_alter_table("onboardings") as table:
        table.add_column(sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("onboardings", "cancelled_at")
    op.drop_index("ix_decisions_onboarding_id", "decisions")
    op.drop_table("decisions")
