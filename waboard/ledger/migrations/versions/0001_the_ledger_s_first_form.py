"""The ledger's first form."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clients",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_ref", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
        sa.UniqueConstraint("client_ref", name=op.f("uq_clients_client_ref")),
    )
    op.create_table(
        "rate_limits",
        sa.Column("bucket", sa.String(length=50), nullable=False),
        sa.Column("next_at", sa.Float(), nullable=False),
        sa.Column("held_until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_rate_limits")),
    )
    op.create_table(
        "onboardings",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("waba_id", sa.String(length=20), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.String(length=255), nullable=False),
        sa.Column("entity_id", sa.String(length=255), nullable=False),
        sa.Column("phone_numbers", sa.JSON(), nullable=False),
        sa.Column("flow_run_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name=op.f("fk_onboardings_client_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_onboardings")),
        sa.UniqueConstraint("waba_id", "attempt", name=op.f("uq_onboardings_waba_id_attempt")),
    )
    with op.batch_alter_table("onboardings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_onboardings_client_id"), ["client_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_onboardings_flow_run_id"), ["flow_run_id"], unique=False
        )
        batch_op.create_index(
            "uq_onboardings_waba_id_unfinished",
            ["waba_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "condition_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.String(length=36), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("status_before", sa.String(length=10), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=50), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("evidence", sa.String(length=255), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_condition_changes_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_condition_changes")),
    )
    with op.batch_alter_table("condition_changes", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_condition_changes_onboarding_id"), ["onboarding_id"], unique=False
        )

    op.create_table(
        "conditions",
        sa.Column("onboarding_id", sa.String(length=36), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=50), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("evidence", sa.String(length=255), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_conditions_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("onboarding_id", "subject", "type", name=op.f("pk_conditions")),
    )
    op.create_table(
        "effects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.String(length=36), nullable=False),
        sa.Column("verb", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_effects_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effects")),
        sa.UniqueConstraint(
            "onboarding_id",
            "verb",
            "subject",
            "attempt",
            name=op.f("uq_effects_onboarding_id_verb_subject_attempt"),
        ),
    )
    with op.batch_alter_table("effects", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_effects_external_id"), ["external_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_effects_onboarding_id"), ["onboarding_id"], unique=False
        )

    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("waba_id", sa.String(length=20), nullable=True),
        sa.Column("message_id", sa.String(length=255), nullable=True),
        sa.Column("phone_number", sa.String(length=20), nullable=True),
        sa.Column("onboarding_id", sa.String(length=36), nullable=True),
        sa.Column("disposition", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("times_received", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_events_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("digest", name=op.f("uq_events_digest")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_events_disposition"), ["disposition"], unique=False)
        batch_op.create_index(batch_op.f("ix_events_message_id"), ["message_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_events_onboarding_id"), ["onboarding_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_events_waba_id"), ["waba_id"], unique=False)

    op.create_table(
        "senders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.String(length=36), nullable=False),
        sa.Column("phone_number", sa.String(length=20), nullable=False),
        sa.Column("phone_number_id", sa.String(length=20), nullable=True),
        sa.Column("number_key", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_senders_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_senders")),
        sa.UniqueConstraint(
            "onboarding_id", "phone_number", name=op.f("uq_senders_onboarding_id_phone_number")
        ),
    )
    with op.batch_alter_table("senders", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_senders_onboarding_id"), ["onboarding_id"], unique=False
        )

    op.create_table(
        "waits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("flow_run_id", sa.String(length=36), nullable=False),
        sa.Column("pause_key", sa.String(length=36), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wake_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_waits_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waits")),
    )
    with op.batch_alter_table("waits", schema=None) as batch_op:
        batch_op.create_index("ix_waits_closed_at_wake_at", ["closed_at", "wake_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_waits_onboarding_id"), ["onboarding_id"], unique=False)
        batch_op.create_index(
            "uq_waits_onboarding_id_open",
            ["onboarding_id"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("waits", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_waits_onboarding_id_open",
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_waits_onboarding_id"))
        batch_op.drop_index("ix_waits_closed_at_wake_at")

    op.drop_table("waits")
    with op.batch_alter_table("senders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_senders_onboarding_id"))

    op.drop_table("senders")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_events_waba_id"))
        batch_op.drop_index(batch_op.f("ix_events_onboarding_id"))
        batch_op.drop_index(batch_op.f("ix_events_message_id"))
        batch_op.drop_index(batch_op.f("ix_events_disposition"))

    op.drop_table("events")
    with op.batch_alter_table("effects", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_effects_onboarding_id"))
        batch_op.drop_index(batch_op.f("ix_effects_external_id"))

    op.drop_table("effects")
    op.drop_table("conditions")
    with op.batch_alter_table("condition_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_condition_changes_onboarding_id"))

    op.drop_table("condition_changes")
    with op.batch_alter_table("onboardings", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_onboardings_waba_id_unfinished",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_onboardings_flow_run_id"))
        batch_op.drop_index(batch_op.f("ix_onboardings_client_id"))

    op.drop_table("onboardings")
    op.drop_table("rate_limits")
    op.drop_table("clients")
