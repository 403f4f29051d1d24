"""What can be pulled: of the last 48 hours, each thing once; two readers steal from each other.

Source: Infobip OpenAPI messages-api 3.210.0, `limit` of `GET /messages-api/1/reports` and
`GET /messages-api/1/inbound`.
"""

from collections.abc import Callable
from typing import Any

Queued = tuple[float, dict[str, Any]]
"""When something was queued, and what."""

KEPT_SECONDS = 48 * 3600
MOST = 1000
USUAL = 50


def take(
    queue: list[Queued], now: float, wanted: Callable[[dict[str, Any]], bool], limit: int
) -> list[dict[str, Any]]:
    """Remove and return the first so many that are wanted; what is too old is removed as well."""
    most = min(max(limit, 0), MOST)
    taken: list[dict[str, Any]] = []
    rest: list[Queued] = []
    for queued, item in queue:
        if queued <= now - KEPT_SECONDS:
            continue
        if len(taken) < most and wanted(item):
            taken.append(item)
        else:
            rest.append((queued, item))
    queue[:] = rest
    return taken
