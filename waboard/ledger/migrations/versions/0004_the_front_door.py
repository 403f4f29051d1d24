"""Signup links, clients' tokens, the queue of the weekly cap, what people have confirmed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LIVE = sa.text("revoked_at IS NULL AND onboarding_id IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("onboardings") as table:
        table.add_column(sa.Column("solution_id", sa.String(20), nullable=True))
    op.create_table(
        "signups",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("client_ref", sa.String(255), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ending", sa.String(20), nullable=True),
        sa.Column("ending_detail", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("code_state", sa.String(20), nullable=True),
        sa.Column("granted", sa.JSON(), nullable=True),
        sa.Column("portfolio_id", sa.String(20), nullable=True),
        sa.Column("onboarding_id", sa.String(36), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name="fk_signups_onboarding_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_signups"),
        sa.UniqueConstraint("token_hash", name="uq_signups_token_hash"),
    )
    op.create_index("ix_signups_onboarding_id", "signups", ["onboarding_id"])
    op.create_index("ix_signups_portfolio_id", "signups", ["portfolio_id"])
    op.create_index("ix_signups_signalled_at", "signups", ["signalled_at"])
    op.create_index(
        "uq_signups_client_ref_live",
        "signups",
        ["client_ref"],
        unique=True,
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    )
    op.create_table(
        "business_tokens",
        sa.Column("client_ref", sa.String(255), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("portfolio_id", sa.String(20), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client_ref", name="pk_business_tokens"),
    )
    op.create_table(
        "admissions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("admitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="fk_admissions_client_id"),
        sa.PrimaryKeyConstraint("id", name="pk_admissions"),
        sa.UniqueConstraint("client_id", name="uq_admissions_client_id"),
    )
    op.create_index("ix_admissions_admitted_at", "admissions", ["admitted_at"])
    op.create_table(
        "confirmations",
        sa.Column("item", sa.String(50), nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("item", name="pk_confirmations"),
    )


def downgrade() -> None:
    for table in ("confirmations", "admissions", "business_tokens", "signups"):
        op.drop_table(table)
    op.drop_column("onboardings", "solution_id")
