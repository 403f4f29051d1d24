"""Markdown for the Prefect UI: tables, and what is fit to be shown in them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from waboard.domain.clock import span as span
from waboard.domain.masking import mask_digits


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Draw a table under its title, or nothing when it has no rows. Cells go in as they are."""
    if not rows:
        return ""
    lines = [_line(header), _line(["---"] * len(header)), *map(_line, rows)]
    return "\n".join([f"## {title}", "", *lines])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def text(written: str) -> str:
    """Make what others wrote no table's edge, no tag, and no phone number that is shown."""
    line = " ".join(mask_digits(written).split())
    return line.replace("|", "\\|").replace("<", "&lt;")


def time(at: datetime) -> str:
    """Show a time, which is always UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}"
