"""By which names a sender is known, and what shows to whom a number belongs."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NEW = {
    "senders": (("is_listed", sa.Boolean()), ("listed_at", TIME)),
    "effects": (("confirmed_at", TIME),),
    "decisions": (("named_at", TIME), ("removed_at", TIME)),
}
KNOWN_NAMES = (
    "phone_number",
    "'id:' || phone_number_id",
    "'key:' || number_key",
)


def upgrade() -> None:
    op.create_table(
        "sender_names",
        sa.Column("onboarding_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("sender_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name="fk_sender_names_onboarding_id"
        ),
        sa.ForeignKeyConstraint(["sender_id"], ["senders.id"], name="fk_sender_names_sender_id"),
        sa.PrimaryKeyConstraint("onboarding_id", "name", name="pk_sender_names"),
    )
    op.create_index("ix_sender_names_name", "sender_names", ["name"])
    op.create_index("ix_sender_names_sender_id", "sender_names", ["sender_id"])
    op.create_index("ix_events_phone_number", "events", ["phone_number"])
    for table_name, columns in NEW.items():
        with op.batch_alter_table(table_name) as table:
            for name, kind in columns:
                table.add_column(sa.Column(name, kind, nullable=True))
    for name in KNOWN_NAMES:
        op.execute(
            "INSERT INTO sender_names (onboarding_id, name, sender_id) "  # noqa: S608 - a constant
            f"SELECT onboarding_id, {name}, MIN(id) FROM senders WHERE {name} IS NOT NULL "
            f"GROUP BY onboarding_id, {name} ON CONFLICT DO NOTHING"
        )


def downgrade() -> None:
    for table_name, columns in NEW.items():
        for name, _ in columns:
            op.drop_column(table_name, name)
    op.drop_index("ix_events_phone_number", "events")
    op.drop_table("sender_names")
