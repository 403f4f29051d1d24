"""The digest as one message: plain text, which every chat and mail shows."""

from collections.abc import Sequence

from prefect.utilities.urls import url_for

from waboard.domain.digest import MOST, Digest, Line


def message_of(digest: Digest) -> str:
    """Write the message."""
    since = f"{digest.since:%Y-%m-%d %H:%M} UTC"
    if digest.is_empty:
        return f"Nobody needs a person, and nothing ended since {since}."
    headings = {"Ended": f"Ended since {since}"}
    parts = [_part(headings.get(heading, heading), lines) for heading, lines in digest.parts]
    return "\n\n".join(parts)


def _part(heading: str, lines: Sequence[Line]) -> str:
    shown = [f"- {line.text}{_link(line)}" for line in lines[:MOST]]
    more = len(lines) - MOST
    rest = [f"- and {more} more: `waboard status`"] if more > 0 else []
    return "\n".join([f"{heading}:", *shown, *rest])


def _link(line: Line) -> str:
    url = url_for("flow-run", obj_id=line.run_id) if line.run_id else None
    return f" {url}" if url else ""
