"""Events are counted by kind and disposition, without a look at their bodies."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NAME = "ix_events_kind_disposition_received_at"


def upgrade() -> None:
    op.create_index(NAME, "events", ["kind", "disposition", "received_at"])


def downgrade() -> None:
    op.drop_index(NAME, "events")
