"""The client of Infobip's HTTP API."""

from waboard.infobip.client import InfobipClient
from waboard.infobip.errors import InfobipError
from waboard.infobip.limits import LIMITS, Limit, Limiter

__all__ = ["LIMITS", "InfobipClient", "InfobipError", "Limit", "Limiter"]
