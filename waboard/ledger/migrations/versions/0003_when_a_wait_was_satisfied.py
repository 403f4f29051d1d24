"""When what a run waits for had come, so that it is woken once for it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("waits") as table:
        table.add_column(sa.Column("satisfied_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("waits", "satisfied_at")
