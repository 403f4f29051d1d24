"""Bars, as a picture that Markdown can hold: an SVG in a `data:` URL."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape

_WIDTH, _ROW = 640, 34
_LABEL, _BAR = 110, 420
# The Prefect UI has a light and a dark theme; an image knows of neither, so it brings its own.
_PAPER, _INK, _FILL, _TRACK = "#ffffff", "#1f2937", "#2563eb", "#e5e7eb"


def bars(rows: Sequence[tuple[str, int]]) -> str:
    """Draw a bar for each number, the first being the whole, and return the picture's URL."""
    whole = rows[0][1] if rows else 0
    height = _ROW * len(rows) + 16
    drawn = "".join(_bar(place, *row, whole) for place, row in enumerate(rows))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="14">'
        f'<rect width="100%" height="100%" rx="8" fill="{_PAPER}"/>{drawn}</svg>'
    )
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def _bar(place: int, label: str, count: int, whole: int) -> str:
    top, share = 8 + _ROW * place, count / whole if whole else 0
    return (
        f'<text x="{_LABEL - 10}" y="{top + 22}" fill="{_INK}" text-anchor="end">'
        f"{escape(label)}</text>"
        f'<rect x="{_LABEL}" y="{top + 4}" width="{_BAR}" height="26" rx="4" fill="{_TRACK}"/>'
        f'<rect x="{_LABEL}" y="{top + 4}" width="{_BAR * share:.1f}" height="26" rx="4" '
        f'fill="{_FILL}"/>'
        f'<text x="{_LABEL + _BAR + 10}" y="{top + 22}" fill="{_INK}">{count} · {share:.0%}</text>'
    )
