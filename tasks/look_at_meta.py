"""Look at clients' WABAs at Meta: our subscription, the review, the numbers; three calls each.

Nothing is judged here, and nothing written.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import SecretStr

from tasks.connect import issued_token, kept_token
from tasks.services import MetaServices, Services
from waboard.domain.errors import WaboardError
from waboard.domain.health import Entity, NumberHealth, Sendability, WabaHealth, sendability
from waboard.domain.ids import PhoneNumber, parse_sender_number
from waboard.domain.masking import scrub
from waboard.domain.sentences import sentences
from waboard.domain.spelling import asked_for
from waboard.domain.subscription import Seen, Shown, WatchedWaba, refusal_of
from waboard.meta.errors import MetaError
from waboard.meta.models import HealthEntity, HealthStatus, MetaNumber

AT_ONCE = 8
"""WABAs that are looked at side by side."""
SLOW_DOWN = frozenset({4, 17, 32, 341, 613})
"""Codes with which Meta asks the whole app to call less; others concern one WABA."""


@dataclass(slots=True)
class _Brake:
    """Pulled when Meta asks the whole app to call less: nobody else is looked at this time."""

    pulled: bool = False


def _no_numbers() -> dict[PhoneNumber, NumberHealth]:
    return {}


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one WABA, and when. `token` opened it, where it is the client's.

    `health` is None, and `unseen` says why, where it could not be read.
    """

    waba: WatchedWaba
    seen: Seen
    at: datetime
    token: SecretStr | None = None
    health: WabaHealth | None = None
    numbers: dict[PhoneNumber, NumberHealth] = field(default_factory=_no_numbers)
    unseen: str = ""


async def look_at_all(
    services: Services, meta: MetaServices, wabas: Sequence[WatchedWaba]
) -> list[Look]:
    """Look at WABAs side by side, and at no more of them once Meta asks the app to call less."""
    gate, brake = asyncio.Semaphore(AT_ONCE), _Brake()

    async def look(waba: WatchedWaba) -> Look | None:
        async with gate:
            return None if brake.pulled else await _look_at(services, meta, waba, brake)

    return [each for each in await asyncio.gather(*map(look, wabas)) if each is not None]


async def _look_at(
    services: Services, meta: MetaServices, waba: WatchedWaba, brake: _Brake
) -> Look:
    """Look with the token that the client gave, else one that the solution issues, else our own."""
    # As of before it is asked: what happens meanwhile may not be shown yet.
    at = services.clock()
    try:
        kept = await kept_token(services, meta, waba.client_ref)
    except WaboardError as error:
        return Look(waba, Seen(Shown.UNSEEN, str(error)), at)
    look = await _look_with(meta, waba, kept, at, brake) if kept else None
    if look is not None and look.seen.shown is not Shown.TOKEN_REFUSED:
        return look
    try:
        issued = await issued_token(services, meta, waba.onboarding_id, waba.solution_id)
    except MetaError as error:
        said = _told(error, brake)
        if look is None and not brake.pulled and waba.connected is None:
            return await _look_as_ourselves(meta, waba, at, brake, f" {said}")
        return look or Look(waba, Seen(Shown.UNSEEN, said), at)
    if issued is not None:
        return await _look_with(meta, waba, issued, at, brake)
    return look or await _look_as_ourselves(meta, waba, at, brake)


async def _look_as_ourselves(
    meta: MetaServices, waba: WatchedWaba, at: datetime, brake: _Brake, why: str = ""
) -> Look:
    ours = meta.account.own_token
    look = await _look_with(meta, waba, ours, at, brake) if ours else None
    closer = f"With our own: {look.seen.said}" if look is not None and look.seen.said else ""
    seen = Seen(Shown.UNSEEN, sentences(_NOBODY_TO_ASK_AS, why, closer))
    return replace(look, seen=seen, token=None) if look is not None else Look(waba, seen, at)


_NOBODY_TO_ASK_AS = (
    "There is no token of the client's to ask Meta with: send the client a signup link, or let the "
    "user of WABOARD_META_SYSTEM_TOKEN see the WABA."
)


async def _look_with(
    meta: MetaServices, waba: WatchedWaba, token: SecretStr, at: datetime, brake: _Brake
) -> Look:
    try:
        there = await meta.graph.is_subscribed(waba.waba_id, token)
    except MetaError as error:
        said = _told(error, brake)
        return Look(waba, Seen(refusal_of(error.code, error.subcode), said), at, unseen=said)
    look = Look(waba, Seen(Shown.THERE if there else Shown.GONE), at, token)
    try:
        shown = await meta.graph.waba_health(waba.waba_id, token)
        numbers = await meta.graph.phone_numbers(waba.waba_id, token, health=True)
    except MetaError as error:
        return replace(look, unseen=_told(error, brake))
    of_waba = _sendability(shown.health_status)
    health = WabaHealth(scrub(shown.account_review_status), of_waba.can_send, of_waba.said)
    return replace(look, health=health, numbers=_numbers(numbers, waba))


def _told(error: MetaError, brake: _Brake) -> str:
    brake.pulled = brake.pulled or error.code in SLOW_DOWN
    return error.message


def _numbers(listed: Sequence[MetaNumber], waba: WatchedWaba) -> dict[PhoneNumber, NumberHealth]:
    """Return how each listed number stands, by the WABA's own spelling of it."""
    found: dict[PhoneNumber, NumberHealth] = {}
    for each in listed:
        try:
            number = parse_sender_number(each.display_phone_number)
        except ValueError:
            continue  # Meta shows none yet
        health = _sendability(each.health_status)
        found[PhoneNumber(asked_for(number, waba.senders) or number)] = NumberHealth(
            status=scrub(each.status),
            quality_rating=scrub(each.quality_rating),
            name_status=scrub(each.name_status),
            can_send=health.can_send,
            blocked_by=health.by,
            said=health.said,
        )
    return found


def _sendability(status: HealthStatus) -> Sendability:
    entities = [
        Entity(each.entity_type, scrub(each.can_send_message), _errors_of(each))
        for each in status.entities
    ]
    return sendability(scrub(status.can_send_message), entities)


def _errors_of(entity: HealthEntity) -> str:
    return scrub(" ".join(map(str, entity.errors)))
