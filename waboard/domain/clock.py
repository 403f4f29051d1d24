"""The time, as something that is given and never taken."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator

Clock = Callable[[], datetime]
LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""Before everything else: when something was that nobody says the time of."""


def utc_now() -> datetime:
    """Return the time now, in UTC: the clock that runs outside tests."""
    return datetime.now(UTC)


def span(length: timedelta) -> str:
    """Show how long something took, in the largest unit of which there are two."""
    seconds = int(length.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


def _in_utc(value: datetime) -> datetime:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time of the years 1 to 9999 in UTC") from None


ProviderTime = Annotated[datetime, AfterValidator(_in_utc)]
"""A time that a provider wrote; without a zone it is taken for UTC, as all of theirs are."""
