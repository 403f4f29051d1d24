"""What is known of senders beyond their onboarding; senders that are added later."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ADDED = {
    "application_id": sa.String(255),
    "entity_id": sa.String(255),
    "standing": sa.JSON(),
    "standing_at": sa.DateTime(timezone=True),
    "profile": sa.JSON(),
    "profile_at": sa.DateTime(timezone=True),
}


def upgrade() -> None:
    with op.batch_alter_table("senders") as table:
        for name, kind in ADDED.items():
            table.add_column(sa.Column(name, kind, nullable=True))
    op.create_table(
        "additions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("onboarding_id", sa.String(36), nullable=False),
        sa.Column("phone_number", sa.String(20), nullable=False),
        sa.Column("display_name", sa.String(255), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("pause_key", sa.String(36), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name="fk_additions_onboarding_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_additions"),
    )
    op.create_index("ix_additions_onboarding_id", "additions", ["onboarding_id"])
    op.create_index("ix_additions_give_up_at", "additions", ["give_up_at"])
    op.create_index(
        "uq_additions_phone_number_unfinished",
        "additions",
        ["phone_number"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("additions")
    with op.batch_alter_table("senders") as table:
        for name in ADDED:
            table.drop_column(name)
