"""What the Prefect UI does not show yet."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("onboardings") as table:
        table.add_column(sa.Column("show_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_onboardings_show_at", "onboardings", ["show_at"])


def downgrade() -> None:
    op.drop_index("ix_onboardings_show_at", "onboardings")
    op.drop_column("onboardings", "show_at")
