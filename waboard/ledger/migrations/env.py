"""Alembic's entry: runs on the connection that `waboard.ledger.migrate` hands over."""

from typing import Any, Literal

from alembic import context

from waboard.ledger.models import Base, UtcDateTime


def render_plainly(kind: str, value: Any, _context: object) -> str | Literal[False]:
    """Write our own types as the database's, so that a migration does not change with our code."""
    if kind == "type" and isinstance(value, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=render_plainly,
)
context.run_migrations()
