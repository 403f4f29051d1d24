"""What Infobip says of a sender apart from its onboarding, and when it was read.

Source: Infobip OpenAPI whatsapp 3.210.0, `senders/quality` and `business-info`.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A sender's status (such as CONNECTED), quality rating and messaging limit, as on the wire."""

    status: str
    quality_rating: str
    current_limit: str
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """What people see of a business in WhatsApp: the names and texts that are not empty."""

    info: dict[str, object]
    read_at: datetime
