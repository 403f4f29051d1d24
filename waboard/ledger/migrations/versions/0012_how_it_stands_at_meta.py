"""How a WABA and its numbers stand at Meta, and when they were last looked at."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
LOOKED_AT = ("meta_looked_at", "template_looked_at")


def upgrade() -> None:
    for table in ("onboardings", "senders"):
        op.add_column(table, sa.Column("health", sa.JSON()))
        op.add_column(table, sa.Column("health_at", TIME))
    for name in LOOKED_AT:
        op.add_column("onboardings", sa.Column(name, TIME))
        op.create_index(f"ix_onboardings_{name}", "onboardings", [name])


def downgrade() -> None:
    for name in LOOKED_AT:
        op.drop_index(f"ix_onboardings_{name}", "onboardings")
        op.drop_column("onboardings", name)
    for table in ("onboardings", "senders"):
        op.drop_column(table, "health_at")
        op.drop_column(table, "health")
