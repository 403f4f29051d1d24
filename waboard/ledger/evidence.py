"""Reading evidence from events: what an onboarding has taken up, and what is about its numbers."""

import json

from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.delivery import DeliveryReport, SeenReport
from waboard.domain.evidence import Evidence, all_of, quality_evidence
from waboard.domain.inbound import InboundMessage
from waboard.domain.meta_events.wire import MetaEvent
from waboard.domain.meta_events.words import word_of
from waboard.domain.registration import RegistrationEvent
from waboard.ledger.events import adopted_by, quality_about
from waboard.ledger.models import EventKind, EventRow


async def received_about(session: AsyncSession, onboarding_id: str) -> Evidence:
    """Return all that was received about an onboarding, and about the numbers that it has.

    What the quality endpoint says names a number and no WABA, so it is about all who have it.
    """
    events = [
        *await adopted_by(session, onboarding_id),
        *await quality_about(session, onboarding_id),
    ]
    return all_of([evidence_in(event) for event in {e.id: e for e in events}.values()])


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
