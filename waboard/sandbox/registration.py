"""From share-waba to the registration event, and what becomes true in between."""

import json
from typing import Any

from waboard.sandbox.bad_post import push
from waboard.sandbox.fates import SenderFate, registration_event
from waboard.sandbox.hostility import Mischief
from waboard.sandbox.state import DEFAULT_APPLICATION, Association, RegisteredSender, Registration
from waboard.sandbox.subscribers import subscriber
from waboard.sandbox.webhooks import Address
from waboard.sandbox.world import World


async def share(world: World, waba_id: str) -> None:
    """Accept a share. What a repeated one does at Infobip is unknown; here, by default, nothing."""
    page = world.books.registration(waba_id)
    page.shares += 1
    if page.shares > 1 and not page.fate.repeat_registers:
        return
    if world.mischiefs.strikes(Mischief.WEBHOOK_EARLY, waba_id, waba_id):
        page.touch(world.clock())
        await _end(world, page)
    else:
        world.tasks.start(_register(world, page))


async def _register(world: World, page: Registration) -> None:
    """The course of a registration: perhaps a first event, a while, the end, perhaps its event."""
    delay = page.fate.registration_delay
    delay = world.config.registration_delay if delay is None else delay
    page.finished_as = None
    page.touch(world.clock())
    await world.sleep(delay / 10)
    if page.fate.in_progress_first and not page.fate.silent:
        await _push_event(world, page, event_of(page, in_progress=True))
    await world.sleep(delay * 9 / 10)
    await _end(world, page)


async def add_sender(world: World, page: Registration, new: SenderFate) -> None:
    """Let one more number register after a while, and tell of the whole WABA anew.

    What was decided for the number before holds, but that it has failed.
    """
    timeless = {"registration_info": None, "last_modified_at": None}
    page.fate = page.fate.model_copy(update=timeless)
    page.touch(world.clock())
    delay = page.fate.registration_delay
    await world.sleep(world.config.registration_delay if delay is None else delay)
    good = {"status": "FINISHED", "registration_info": None}
    senders = {each.number: each for each in page.fate.senders}
    senders[new.number] = senders.get(new.number, new).model_copy(update=good)
    page.fate = page.fate.model_copy(update={"senders": [*senders.values()]})
    await _end(world, page)


async def _end(world: World, page: Registration) -> None:
    """Tell a half-truth first if mischief has it so, then make the end true and tell of it."""
    if not page.fate.silent:
        await _mislead(world, page)
    finish(world, page)
    if not page.fate.silent:
        await _push_event(world, page, event_of(page))


async def _mislead(world: World, page: Registration) -> None:
    if world.mischiefs.strikes(Mischief.FAILS_THEN_FINISHES, page.waba_id, page.waba_id):
        failed = [each.model_copy(update={"status": "FAILED"}) for each in page.fate.senders]
        half = page.fate.model_copy(update={"status": "FAILED", "senders": failed})
    elif world.mischiefs.strikes(Mischief.SENDERS_LATE, page.waba_id, page.waba_id):
        first = page.fate.senders[:1]
        half = page.fate.model_copy(update={"status": "IN_PROGRESS", "senders": first})
    else:
        return
    now = page.modified_at or ""
    event = registration_event(
        page.waba_id, half, created_at=page.created_at or now, modified_at=now
    )
    await _push_event(world, page, event)
    await world.sleep(world.mischiefs.hostility.late / 2)


async def _push_event(world: World, page: Registration, event: dict[str, Any]) -> None:
    raw = json.dumps(event).encode()
    await push(world, "registration", _listener(world), raw, page.waba_id)


def _listener(world: World) -> Address:
    """A subscription, or else the URL that the account manager was given."""
    account = Address(world.config.registration_url)
    return subscriber(world, "ACCOUNT_REGISTRATION") or account


def finish(world: World, page: Registration) -> None:
    """Make true what the fate says, once: an event sent again is the same to the last byte."""
    if page.finished_as == page.fate:
        return
    page.finished_as = page.fate
    page.touch(world.clock())
    for sender in page.fate.senders:
        if sender.status == "FINISHED":
            _own(world, page, sender)
        elif (owned := world.books.senders.get(sender.number)) and owned.waba_id == page.waba_id:
            del world.books.senders[sender.number]


def event_of(page: Registration, *, in_progress: bool = False) -> dict[str, Any]:
    """The event about this WABA; the early one of a fate with fixed times is as old as its row."""
    created = page.created_at or ""
    fixed = page.fate.last_modified_at is not None
    modified = created if in_progress and fixed else page.modified_at or created
    return registration_event(
        page.waba_id, page.fate, created_at=created, modified_at=modified, in_progress=in_progress
    )


def send_event(world: World, page: Registration, raw: bytes) -> bytes:
    """Send an event now: the given bytes as they are, or the end of the registration, made true."""
    if not raw:
        finish(world, page)
        raw = json.dumps(event_of(page)).encode()
    world.tasks.start(_push(world, raw))
    return raw


async def _push(world: World, raw: bytes) -> None:
    address = _listener(world)
    await world.postman.push("registration", address.url, raw, headers=address.headers(raw))


async def send_account_update(world: World, waba_id: str, raw: bytes) -> None:
    """Send what is given to whoever subscribed to it; nobody else ever hears of it."""
    address = subscriber(world, "ACCOUNT_UPDATE_NOTIFICATION")
    if address is not None:
        world.tasks.start(push(world, "account", address, raw, waba_id))


def _own(world: World, page: Registration, fate: SenderFate) -> None:
    sender = RegisteredSender(page.waba_id, fate.number, world.clock())
    sender = world.books.senders.setdefault(sender.number, sender)
    entity = fate.auto_associated_entity
    if entity is None and world.mischiefs.strikes(
        Mischief.ASSOCIATED_ELSEWHERE, sender.number, page.waba_id
    ):
        entity = str(page.fate.business_portfolio_id)
    if entity is None or world.books.association_of(sender):
        return
    # "Created and assigned automatically" (docs/infobip.md); the application is inferred.
    world.books.entities.setdefault(entity, entity)
    association = Association(
        resourceType="NUMBER",
        channel="WHATSAPP",
        applicationId=DEFAULT_APPLICATION,
        entityId=entity,
        resourceId=sender.key,
    )
    world.books.associations[association.resource] = association
