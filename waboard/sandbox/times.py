"""The two ways in which Infobip writes a time."""

from datetime import UTC, datetime


def stamp(moment: float) -> str:
    """Registration events and reports: `yyyy-MM-dd'T'HH:mm:ss.SSS+0000`, no colon."""
    return f"{_to_milliseconds(moment)}+0000"


def rfc3339(moment: float) -> str:
    """The quality endpoint: `date-time` with a Z (Infobip OpenAPI whatsapp 3.210.0)."""
    return f"{_to_milliseconds(moment)}Z"


def _to_milliseconds(moment: float) -> str:
    whole = datetime.fromtimestamp(moment, UTC)
    return whole.isoformat(timespec="milliseconds").removesuffix("+00:00")
