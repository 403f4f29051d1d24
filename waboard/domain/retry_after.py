"""Reading `Retry-After`: how long another system asks us to wait (RFC 9110, section 10.2.3).

The one reader of this header, for whatever we call. Each caller names the longest wait it accepts.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"\d+(\.\d*)?", re.ASCII)
_FRACTION = re.compile(r"(:\d\d)[.,]\d+", re.ASCII)
_OFFSET = re.compile(r"([+-]\d\d)(?::?(\d\d))?$", re.ASCII)
_NO_ZONE = re.compile(r"(:\d\d|:\d\d\s+\d{4}|-0000)$", re.ASCII)


def read_retry_after(value: str | None, now: datetime, *, longest: timedelta) -> timedelta | None:
    """Return how long to wait: between zero and `longest`. None for what cannot be read.

    The value is a number of seconds or a date. A date in the past means now. A longer wait than
    `longest` is taken for a mistake and shortened to it. Never raises.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return timedelta(seconds=min(float(text), longest.total_seconds()))
    try:
        return min(max(_instant(text) - now, timedelta()), longest)
    except (ValueError, OverflowError):
        return None


def _instant(text: str) -> datetime:
    """Read the three forms of an HTTP date, with any zone, and ISO 8601. Raises ValueError."""
    try:
        when = _http_date(_FRACTION.sub(r"\1", text))
    except ValueError:
        when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _http_date(text: str) -> datetime:
    # The library knows neither +02:00 nor +02, and ignores a zone that it does not know: the time
    # would be taken for UTC, and be hours off.
    text = _OFFSET.sub(lambda found: f"{found[1]}{found[2] or '00'}", text)
    when = parsedate_to_datetime(text)
    if when.tzinfo is None and not _NO_ZONE.search(text):
        raise ValueError("a zone that nobody knows")
    return when
