"""How the senders of an onboarding are proven to work."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("verify_by", sa.String(10), nullable=False, server_default="template")
    with op.batch_alter_table("onboardings") as table:
        table.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("onboardings") as table:
        table.drop_column("verify_by")
