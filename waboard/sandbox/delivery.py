"""What becomes of an accepted message, and who is told of it."""

import json
from typing import Any

from waboard.sandbox.bad_post import push
from waboard.sandbox.fates import SenderFate
from waboard.sandbox.hostility import Mischief
from waboard.sandbox.outcomes import (
    BY_FATE,
    INVALID_TEMPLATE,
    NO_SESSION,
    SENDER_NOT_REGISTERED,
    TEMPLATE_NOT_SYNCED,
    Outcome,
)
from waboard.sandbox.reports import delivery_report, seen_report, standalone_delivery_report
from waboard.sandbox.state import Message
from waboard.sandbox.subscribers import Event, subscriber
from waboard.sandbox.webhooks import Address
from waboard.sandbox.world import World


async def deliver(world: World, message: Message) -> None:
    """After the delivery delay: decide, report unless the fate is silence, perhaps be seen."""
    await world.sleep(world.config.delivery_delay)
    outcome = _outcome(world, message)
    if outcome is None:
        return
    message.status = outcome.group[1]
    await _report(world, message, outcome)
    sender = world.books.sender_fate(message.sender)
    if message.status == "DELIVERED" and sender is not None and sender.seen:
        await _be_seen(world, message)


def _outcome(world: World, message: Message) -> Outcome | None:
    sender = world.books.sender_fate(message.sender)
    if sender is None:
        return SENDER_NOT_REGISTERED
    if message.template is None:
        fault = None if world.books.in_session(message, world.clock()) else NO_SESSION
    else:
        fault = _template_fault(world, message, sender)
    return fault or BY_FATE.get(sender.delivery)


def _template_fault(world: World, message: Message, sender: SenderFate) -> Outcome | None:
    if not _has_template(world, message):
        return INVALID_TEMPLATE
    if world.books.unsynced[message.sender] >= sender.templates_not_synced:
        return None
    world.books.unsynced[message.sender] += 1
    return TEMPLATE_NOT_SYNCED


def _has_template(world: World, message: Message) -> bool:
    waba_id = world.books.senders[message.sender].waba_id
    return any(
        each.name == message.template and message.language in (None, each.language)
        for each in world.books.registration(waba_id).templates()
        if each.status == "APPROVED"
    )


async def _report(world: World, message: Message, outcome: Outcome) -> None:
    """Push the report, or else queue it.

    The pull queue gets it only when there is no push URL, when every try failed, or when the fate
    says so. Whether Infobip also queues what it has pushed is not documented; the stricter choice
    shows a client that relies on one of the two ways only.
    """
    waba_id = _waba_of(world, message)
    if world.mischiefs.strikes(Mischief.REPORT_NEVER, message.sender, waba_id):
        return
    done_at = world.now()
    report = delivery_report(message, outcome, done_at)

    def queue() -> None:
        world.books.reports.append((world.clock(), report))

    sender = world.books.sender_fate(message.sender)
    address = _listener(world, message, "DELIVERY", message.deliveryUrl, world.config.delivery_url)
    if address is None or (sender is not None and sender.lost_push):
        queue()
        return
    if message.standalone:
        raw = _raw(standalone_delivery_report(message, outcome, done_at))
    else:
        raw = _raw(report)
    await push(world, "delivery", address, raw, waba_id, lost=queue)
    if world.mischiefs.strikes(Mischief.REPORT_TWICE, message.sender, waba_id):
        await push(world, "delivery", address, raw, waba_id)


async def _be_seen(world: World, message: Message) -> None:
    """Push a seen report. It can nowhere be pulled, so without a listener it is never known."""
    await world.sleep(world.config.seen_delay)
    address = _listener(world, message, "SEEN", message.seenUrl)
    if address is not None:
        raw = _raw(seen_report(message, world.now()))
        await push(world, "seen", address, raw, _waba_of(world, message))


def _listener(
    world: World, message: Message, event: Event, own: str | None, account: str | None = None
) -> Address | None:
    """The message's own URL, or a subscription, or else the account's URL."""
    if own:
        return Address(own)
    found = subscriber(world, event, message.platform, message.sender)
    return found or (Address(account) if account else None)


def _raw(report: dict[str, Any]) -> bytes:
    return json.dumps({"results": [report]}).encode()


def _waba_of(world: World, message: Message) -> str:
    sender = world.books.senders.get(message.sender)
    return sender.waba_id if sender else ""
