"""Reading evidence from events: what an onboarding has taken up, and what is about its numbers."""

import json
from dataclasses import replace

from sqlalchemy import literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.asks import Asks
from waboard.domain.delivery import DeliveryReport, SeenReport
from waboard.domain.evidence import Evidence, all_of, quality_evidence
from waboard.domain.ids import PhoneNumber
from waboard.domain.inbound import InboundMessage
from waboard.domain.meta_events.wire import MetaEvent
from waboard.domain.meta_events.words import word_of
from waboard.domain.registration import RegistrationEvent
from waboard.ledger.events import adopted_by, quality_about
from waboard.ledger.models import (
    EffectRow,
    EffectStatus,
    EventKind,
    EventRow,
    OnboardingRow,
    SenderRow,
    Verb,
)

MAY_HAVE_BEEN_TAKEN = (EffectStatus.DONE, EffectStatus.STARTED, EffectStatus.AMBIGUOUS)
"""Of a share: then an answer may be one to it."""


async def received_about(session: AsyncSession, onboarding_id: str) -> Evidence:
    """Return all that was received about an onboarding, and about the numbers that it has.

    What the quality endpoint says names a number and no WABA, so it is about all who have it.
    """
    events = [
        *await adopted_by(session, onboarding_id),
        *await quality_about(session, onboarding_id),
    ]
    total = all_of([evidence_in(event) for event in {e.id: e for e in events}.values()])
    return replace(total, asks=await _asks_of(session, onboarding_id))


async def _asks_of(session: AsyncSession, onboarding_id: str) -> Asks | None:
    row = await session.get(OnboardingRow, onboarding_id)
    if row is None:
        return None
    shares = select(literal(""), EffectRow.started_at).where(
        EffectRow.onboarding_id == onboarding_id,
        EffectRow.verb == Verb.SHARE,
        EffectRow.status.in_(MAY_HAVE_BEEN_TAKEN),
    )
    retries = select(SenderRow.phone_number, SenderRow.registration_retried_at).where(
        SenderRow.onboarding_id == onboarding_id, SenderRow.registration_retried_at.is_not(None)
    )
    found = [(number, at) for number, at in await session.execute(union_all(shares, retries))]
    return Asks(
        row.created_at,
        row.registration_retried_at,
        numbers={PhoneNumber(number): at for number, at in found if number},
        shares=tuple(at for number, at in found if not number),
    )


def evidence_in(event: EventRow) -> Evidence:
    """Read one event, which was found readable when it was kept.

    What does not say when it was counts as of its arrival.
    """
    if event.kind == EventKind.REGISTRATION:
        registration = RegistrationEvent.model_validate_json(event.body)
        return Evidence(registrations=(registration.as_of(event.received_at),))
    if event.kind == EventKind.DELIVERY:
        report = DeliveryReport.model_validate_json(event.body)
        return Evidence(reports=(report.as_of(event.received_at),))
    if event.kind == EventKind.SEEN:
        return Evidence(seen=(SeenReport.model_validate_json(event.body),))
    if event.kind == EventKind.INBOUND:
        message = InboundMessage.model_validate_json(event.body)
        return Evidence(inbound=(message.as_of(event.received_at),))
    if event.kind == EventKind.META:
        said = MetaEvent.model_validate_json(event.body)
        return Evidence(account=(word_of(said, event.received_at),))
    # The same answer given again is news: it is true of now, too.
    return quality_evidence(json.loads(event.body), event.last_received_at)
