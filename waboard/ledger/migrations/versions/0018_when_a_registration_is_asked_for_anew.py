"""When a registration that failed was retried, and when it was last looked for."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ADDED = {
    "onboardings": ("registration_retried_at",),
    "senders": ("registration_retried_at", "looked_for_at"),
}


def upgrade() -> None:
    for name, columns in ADDED.items():
        with op.batch_alter_table(name) as table:
            for column in columns:
                table.add_column(sa.Column(column, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name, columns in ADDED.items():
        for column in columns:
            op.drop_column(name, column)
