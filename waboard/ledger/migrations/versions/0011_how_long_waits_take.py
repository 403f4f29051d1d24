"""Which sleep was the last of a wait, so that how long waits take is read quickly; and digests."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INDEX = "ix_waits_kind_slept_on_closed_at"

waits = sa.table(
    "waits",
    sa.column("id", sa.Integer),
    sa.column("onboarding_id", sa.String),
    sa.column("kind", sa.String),
    sa.column("since", sa.DateTime(timezone=True)),
    sa.column("slept_on", sa.Boolean),
)


def upgrade() -> None:
    slept_on = sa.Column("slept_on", sa.Boolean(), server_default=sa.false(), nullable=False)
    with op.batch_alter_table("waits") as table:
        table.add_column(slept_on)
    _mark_all_but_the_last()
    op.create_index(INDEX, "waits", ["kind", "slept_on", "closed_at"])
    op.create_table(
        "digests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digests")),
    )


def _mark_all_but_the_last() -> None:
    last = sa.select(sa.func.max(waits.c.id)).group_by(
        waits.c.onboarding_id, waits.c.kind, waits.c.since
    )
    op.execute(waits.update().where(waits.c.id.not_in(last)).values(slept_on=True))


def downgrade() -> None:
    op.drop_table("digests")
    op.drop_index(INDEX, "waits")
    op.drop_column("waits", "slept_on")
