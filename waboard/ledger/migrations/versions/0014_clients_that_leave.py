"""Clients that leave, and those that connect again."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

TIMES = ("leaving_at", "left_at", "reconnected_at")


def upgrade() -> None:
    op.create_table(
        "departures",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("onboarding_id", sa.String(36), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("pause_key", sa.String(36), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name="fk_departures_onboarding_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_departures"),
    )
    op.create_index("ix_departures_onboarding_id", "departures", ["onboarding_id"])
    unfinished = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_departures_onboarding_id_unfinished",
        "departures",
        ["onboarding_id"],
        unique=True,
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    with op.batch_alter_table("onboardings") as table:
        for name in TIMES:
            table.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("signups") as table:
        table.add_column(sa.Column("waba_id", sa.String(20), nullable=True))


def downgrade() -> None:
    op.drop_column("signups", "waba_id")
    for name in TIMES:
        op.drop_column("onboardings", name)
    op.drop_table("departures")
