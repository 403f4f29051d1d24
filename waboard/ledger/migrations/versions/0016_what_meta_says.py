"""Our own last reads beside Meta's words, and when a restriction ends."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_SEEN_BY_US = sa.text(
    "SELECT onboarding_id, type, status, reason, message, evidence, changed_at FROM conditions "
    "WHERE subject = '' AND type IN ('Connected', 'TemplateReady') "
    "AND evidence <> 'webhook of Meta''s'"
).columns(changed_at=sa.DateTime(timezone=True))


def upgrade() -> None:
    with op.batch_alter_table("onboardings") as table:
        table.add_column(sa.Column("own_reads", sa.JSON(), nullable=True))
        table.add_column(sa.Column("look_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_onboardings_look_at", "onboardings", ["look_at"])
    _take_over()


def _take_over() -> None:
    found: dict[str, dict[str, Any]] = {}
    for of, kind, status, reason, message, evidence, at in op.get_bind().execute(_SEEN_BY_US):
        read = {"status": status, "reason": reason, "message": message, "evidence": evidence}
        found.setdefault(of, {})[kind] = {**read, "at": _utc(at), "made_at": None}
    for of, reads in found.items():
        query = sa.text("UPDATE onboardings SET own_reads = :reads WHERE id = :of")
        op.get_bind().execute(
            query.bindparams(sa.bindparam("reads", type_=sa.JSON())), {"reads": reads, "of": of}
        )


def _utc(at: datetime) -> str:
    return f"{at.replace(tzinfo=None).isoformat()}+00:00" if at.tzinfo is None else at.isoformat()


def downgrade() -> None:
    op.drop_index("ix_onboardings_look_at", "onboardings")
    op.drop_column("onboardings", "look_at")
    op.drop_column("onboardings", "own_reads")
