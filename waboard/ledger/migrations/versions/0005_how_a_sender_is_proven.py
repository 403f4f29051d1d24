"""How the senders of an onboarding are proven to work; what came after its end."""

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
        table.add_column(sa.Column("ended_as", sa.String(40), nullable=True))
        table.add_column(sa.Column("news_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_onboardings_news_at", "onboardings", ["news_at"])


def downgrade() -> None:
    op.drop_index("ix_onboardings_news_at", "onboardings")
    for column in ("news_at", "ended_as", "verify_by"):
        op.drop_column("onboardings", column)
