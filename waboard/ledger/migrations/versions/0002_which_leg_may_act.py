"""Which leg of an onboarding's run may still act."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("onboardings") as table:
        table.add_column(sa.Column("leg", sa.String(length=36), nullable=True))


def downgrade() -> None:
    op.drop_column("onboardings", "leg")
