"""The ends that a message can come to, as a report words them.

Statuses and errors: Infobip's status and error code tables (docs/infobip.md). Which status id goes
with which error is inferred; the group is what counts.
"""

from dataclasses import dataclass
from typing import Any

from waboard.sandbox.fates import Delivery


@dataclass(frozen=True)
class Outcome:
    """A final status of a message, with its error."""

    group: tuple[int, str]
    status: tuple[int, str, str]
    error: tuple[int, str, str, bool] = (0, "NO_ERROR", "No Error", False)

    def status_json(self) -> dict[str, Any]:
        """`MessagesApiDeliveryStatus`."""
        group, (status_id, name, description) = self.group, self.status
        return {
            "groupId": group[0],
            "groupName": group[1],
            "id": status_id,
            "name": name,
            "description": description,
        }

    def error_json(self) -> dict[str, Any]:
        """`MessagesApiDeliveryError`."""
        error_id, name, description, permanent = self.error
        return {
            "groupId": 2 if error_id else 0,
            "groupName": "USER_ERRORS" if error_id else "OK",
            "id": error_id,
            "name": name,
            "description": description,
            "permanent": permanent,
        }


_REJECTED = (5, "REJECTED")

SENDER_NOT_REGISTERED = Outcome(
    _REJECTED,
    (13, "REJECTED_SENDER", "Sender is not allowed"),
    (7034, "EC_SENDER_NOT_REGISTERED", "Sender not registered", True),
)
INVALID_TEMPLATE = Outcome(
    _REJECTED,
    (21, "REJECTED_SYSTEM_ERROR", "Message rejected"),
    (7009, "EC_INVALID_TEMPLATE", "Template does not exist", True),
)
TEMPLATE_NOT_SYNCED = Outcome(
    _REJECTED,
    (21, "REJECTED_SYSTEM_ERROR", "Message rejected"),
    (7036, "EC_TEMPLATE_NOT_SYNCED", "Template not synced", False),
)
NO_SESSION = Outcome(
    _REJECTED,
    (21, "REJECTED_SYSTEM_ERROR", "Message rejected"),
    (7010, "EC_NO_SESSION", "No session opened by the recipient", True),
)

BY_FATE: dict[Delivery, Outcome] = {
    "delivered": Outcome(
        (3, "DELIVERED"), (5, "DELIVERED_TO_HANDSET", "Message delivered to handset")
    ),
    "undeliverable": Outcome(
        (2, "UNDELIVERABLE"),
        (9, "UNDELIVERABLE_NOT_DELIVERED", "Message sent not delivered"),
        (7002, "EC_UNKNOWN_USER", "Unknown user", True),
    ),
    "rejected": Outcome(
        _REJECTED,
        (21, "REJECTED_SYSTEM_ERROR", "Message rejected"),
        (7011, "EC_ACCOUNT_ISSUE", "Account issue", True),
    ),
    "expired": Outcome(
        (4, "EXPIRED"),
        (15, "EXPIRED_EXPIRED", "Message expired"),
        (7051, "EC_PROVIDER_TIMEOUT", "Provider timeout", False),
    ),
}
