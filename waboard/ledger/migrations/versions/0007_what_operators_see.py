"""What operators see of an onboarding in the Prefect UI."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("onboardings") as table:
        table.add_column(sa.Column("card_id", sa.String(36), nullable=True))


def downgrade() -> None:
    op.drop_column("onboardings", "card_id")
