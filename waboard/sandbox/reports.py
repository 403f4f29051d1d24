"""Reports in the shape of the API that the message was sent by.

Sources: Infobip OpenAPI messages-api 3.210.0, `MessagesApiDeliveryReportResponse` and
`MessagesApiSeenReport`; whatsapp 3.210.0, `DeliveryResult` and `SeenResult`.
"""

from typing import Any

from waboard.sandbox.outcomes import Outcome
from waboard.sandbox.state import Message

Json = dict[str, Any]


def delivery_report(message: Message, outcome: Outcome, done_at: str) -> Json:
    """The Messages API's. The pull queue has this one for every message."""
    return {
        **_envelope("DELIVERY", message),
        "doneAt": done_at,
        "messageCount": 1,
        "status": outcome.status_json(),
        "error": outcome.error_json(),
    }


def standalone_delivery_report(message: Message, outcome: Outcome, done_at: str) -> Json:
    """The standalone API's, which names neither application nor entity, nor the sender."""
    return {
        "bulkId": message.bulkId,
        "messageId": message.messageId,
        "to": message.to,
        "sentAt": message.sentAt,
        "doneAt": done_at,
        "messageCount": 1,
        "price": {"pricePerMessage": 0.0, "currency": "EUR"},
        "status": outcome.status_json(),
        "error": outcome.error_json(),
        **_without_none({"callbackData": message.callbackData}),
    }


def seen_report(message: Message, seen_at: str) -> Json:
    """The one or the other."""
    if not message.standalone:
        return {**_envelope("SEEN", message), "seenAt": seen_at}
    return {
        "messageId": message.messageId,
        "from": message.sender,
        "to": message.to,
        "sentAt": message.sentAt,
        "seenAt": seen_at,
        **message.platform,
    }


def _envelope(event: str, message: Message) -> Json:
    optional = {
        "callbackData": message.callbackData,
        "platform": message.platform or None,
        "campaignReferenceId": message.campaignReferenceId,
    }
    return {
        "event": event,
        "channel": "WHATSAPP",
        "sender": message.sender,
        "destination": message.to,
        "sentAt": message.sentAt,
        "bulkId": message.bulkId,
        "messageId": message.messageId,
        **_without_none(optional),
    }


def _without_none(facts: Json) -> Json:
    return {name: value for name, value in facts.items() if value is not None}
