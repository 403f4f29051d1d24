"""What becomes of an accepted message, and the report that tells of it.

Statuses and errors: Infobip's status and error code tables (docs/infobip.md); the shape:
Infobip OpenAPI messages-api 3.210.0, `MessagesApiDeliveryReportResponse`. Which status id goes with
which error is inferred; the group is what counts.
"""

import json
from dataclasses import dataclass
from typing import Any

from waboard.sandbox.bad_post import push
from waboard.sandbox.fates import Delivery
from waboard.sandbox.hostility import Mischief
from waboard.sandbox.state import Message
from waboard.sandbox.subscribers import subscriber
from waboard.sandbox.webhooks import Address
from waboard.sandbox.world import World


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
NO_SESSION = Outcome(
    _REJECTED,
    (21, "REJECTED_SYSTEM_ERROR", "Message rejected"),
    (7010, "EC_NO_SESSION", "No session opened by the recipient", True),
)

_BY_FATE: dict[Delivery, Outcome] = {
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


async def deliver(world: World, message: Message) -> None:
    """After the delivery delay: decide, and report unless the fate is silence."""
    await world.sleep(world.config.delivery_delay)
    outcome = _outcome(world, message)
    if outcome is None:
        return
    message.status = outcome.group[1]
    report = _report(message, outcome, done_at=world.now())
    await _tell(world, message, report)


def _outcome(world: World, message: Message) -> Outcome | None:
    sender = world.books.sender_fate(message.sender)
    if sender is None:
        return SENDER_NOT_REGISTERED
    if message.template is None:
        return NO_SESSION  # nobody ever writes to the sandbox, so no 24 h window is open
    if not _has_template(world, message):
        return INVALID_TEMPLATE
    return _BY_FATE.get(sender.delivery)


def _has_template(world: World, message: Message) -> bool:
    waba_id = world.books.senders[message.sender].waba_id
    templates = world.books.registration(waba_id).fate.templates
    if message.language is None:
        return any(each.split(":")[0] == message.template for each in templates)
    return f"{message.template}:{message.language}" in templates


def _report(message: Message, outcome: Outcome, *, done_at: str) -> dict[str, Any]:
    optional = {
        "callbackData": message.callbackData,
        "platform": message.platform or None,
        "campaignReferenceId": message.campaignReferenceId,
    }
    return {
        "event": "DELIVERY",
        "channel": "WHATSAPP",
        "sender": message.sender,
        "destination": message.to,
        "sentAt": message.sentAt,
        "doneAt": done_at,
        "bulkId": message.bulkId,
        "messageId": message.messageId,
        "messageCount": 1,
        "status": outcome.status_json(),
        "error": outcome.error_json(),
        **{name: value for name, value in optional.items() if value is not None},
    }


async def _tell(world: World, message: Message, report: dict[str, Any]) -> None:
    """Push the report, or else queue it.

    The pull queue gets it only when there is no push URL, when every try failed, or when the fate
    says so. Whether Infobip also queues what it has pushed is not documented; the stricter choice
    shows a client that relies on one of the two ways only.
    """
    waba_id = _waba_of(world, message)
    if world.mischiefs.strikes(Mischief.REPORT_NEVER, message.sender, waba_id):
        return

    def queue() -> None:
        world.books.reports.append((world.clock(), report))

    sender = world.books.sender_fate(message.sender)
    address = _listener(world, message)
    if address is None or (sender is not None and sender.lost_push):
        queue()
        return
    raw = json.dumps({"results": [report]}).encode()
    await push(world, "delivery", address, raw, waba_id, lost=queue)
    if world.mischiefs.strikes(Mischief.REPORT_TWICE, message.sender, waba_id):
        await push(world, "delivery", address, raw, waba_id)


def _listener(world: World, message: Message) -> Address | None:
    """The message's own URL, or a subscription, or else the account's."""
    if message.deliveryUrl:
        return Address(message.deliveryUrl)
    found = subscriber(world, "DELIVERY", message.platform, message.sender)
    account = world.config.delivery_url
    return found or (Address(account) if account else None)


def _waba_of(world: World, message: Message) -> str:
    sender = world.books.senders.get(message.sender)
    return sender.waba_id if sender else ""
