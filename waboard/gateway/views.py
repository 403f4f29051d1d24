"""What callers are shown of onboardings and events.

Phone numbers are whole here: whoever holds an API key is the numbers' own provider. Everything
that is printed, logged or drawn masks them.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from prefect.utilities.urls import url_for
from pydantic import BaseModel

from waboard.domain.clocks import Clocks, StageClock
from waboard.domain.conditions import Condition
from waboard.domain.decisions import Decision
from waboard.domain.departures import OffboardingDuty
from waboard.domain.meta_events.limits import Limit
from waboard.domain.meta_events.notices import Notice
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.outcome import outcome_of, stage_of
from waboard.domain.requirements import Requirement, requirements_of
from waboard.ledger.models import EventRow


class ConditionView(BaseModel):
    """What is true, why, since when and on what evidence."""

    type: str
    status: str
    reason: str
    message: str
    evidence: str
    changed_at: datetime


class RequirementView(BaseModel):
    """What is still needed, from whom, since when, by when, and how to give it."""

    condition: str
    phone_number: str | None
    reason: str
    message: str
    awaiting: str
    remedy: str
    since: datetime
    by: datetime | None
    late: bool = False


class ClockView(BaseModel):
    """How long an onboarding waits, for what and whom, what is usual, and when it is late.

    `from_waits` are the waits of our own that say what is usual; 0 where it is the field's.
    """

    kind: str
    awaiting: str
    since: datetime
    usual_median_seconds: int
    usual_most_seconds: int
    from_waits: int
    late_at: datetime
    late: bool
    said: str


class StandingView(BaseModel):
    """How a sender stands at Infobip, in Infobip's words, and when that was read."""

    status: str
    quality_rating: str
    current_limit: str
    read_at: datetime


class NumberHealthView(BaseModel):
    """How a sender stands at Meta, in Meta's words, and when that was read."""

    status: str
    quality_rating: str
    name_status: str
    can_send: str
    blocked_by: str
    said: str
    read_at: datetime


class WabaHealthView(BaseModel):
    """How the WABA stands at Meta, in Meta's words, and when that was read."""

    review: str
    can_send: str
    said: str
    read_at: datetime


class LimitView(BaseModel):
    """How many new people may be written to in a day, in Meta's words, and when Meta said so."""

    value: str
    said_at: datetime


class NoticeView(BaseModel):
    """Something that Meta said that changes no condition, and until when it matters."""

    said: str
    said_at: datetime
    until: datetime | None


class ProfileView(BaseModel):
    """What people see of the business in WhatsApp, and when that was read."""

    info: dict[str, Any]
    read_at: datetime


class SenderView(BaseModel):
    """One phone number of the WABA, and the ids that it is filed under and works with."""

    phone_number: str
    phone_number_id: str | None
    live: bool
    application_id: str
    entity_id: str | None
    standing: StandingView | None
    profile: ProfileView | None
    health: NumberHealthView | None
    limit: LimitView | None = None
    conditions: list[ConditionView]


class DecisionView(BaseModel):
    """What a person decided: who, what, why and when; of one sender, or of all."""

    verb: str
    phone_number: str | None
    by: str
    why: str
    at: datetime


class OffboardingDutyView(BaseModel):
    """What people have still to do since this client, or this WABA, has left.

    `onboarding_id` is the onboarding that has left, where somebody says that it is done.
    """

    onboarding_id: str
    client_ref: str
    waba_id: str
    condition: str
    reason: str
    message: str
    awaiting: str
    remedy: str
    since: datetime


class OnboardingView(BaseModel):
    """One onboarding. `stage` is the outcome's name once it has ended.

    `requirements` are its own; `offboarding_duties` are of others that have left.
    """

    id: str
    client_ref: str
    client_name: str
    waba_id: str
    attempt: int
    application_id: str
    entity_id: str
    stage: str
    live: bool
    ended: bool
    summary: str
    clock: ClockView | None = None
    created_at: datetime
    ended_at: datetime | None
    conditions: list[ConditionView]
    requirements: list[RequirementView]
    offboarding_duties: list[OffboardingDutyView] = []
    senders: list[SenderView]
    health: WabaHealthView | None
    limit: LimitView | None = None
    notices: list[NoticeView] = []
    decisions: list[DecisionView]
    links: dict[str, str]


class EventView(BaseModel):
    """One event in a list, without its body."""

    id: int
    kind: str
    source: str
    disposition: str
    detail: str
    waba_id: str | None
    onboarding_id: str | None
    times_received: int
    received_at: datetime
    last_received_at: datetime


class EventDetail(EventView):
    """One event with its body, word for word."""

    body: str


class RunView(BaseModel):
    """A run that was started."""

    links: dict[str, str]


def run_view(run_id: str) -> RunView:
    """Show where a run can be seen."""
    return RunView(links=run_links(run_id))


def run_links(run_id: str) -> dict[str, str]:
    """Return where a run can be seen."""
    url = url_for("flow-run", obj_id=run_id)
    return {"flow_run": url} if url else {}


def onboarding_view(
    onboarding: Onboarding,
    clocks: Clocks,
    now: datetime,
    decisions: Iterable[Decision] = (),
    duties: Iterable[OffboardingDuty] = (),
) -> OnboardingView:
    """Show an onboarding, its wait against what is usual."""
    outcome = outcome_of(onboarding)
    clock = clocks.of(onboarding.wait) if onboarding.wait else None
    late = clock if clock and clock.is_late(now) else None
    return OnboardingView(
        id=onboarding.id,
        client_ref=onboarding.client_ref,
        client_name=onboarding.client_name,
        waba_id=onboarding.waba_id,
        attempt=onboarding.attempt,
        application_id=onboarding.application_id,
        entity_id=onboarding.entity_id,
        stage=stage_of(onboarding),
        live=outcome.is_live,
        ended=onboarding.ended_at is not None,
        summary=outcome.message,
        clock=_clock(clock, now) if clock else None,
        created_at=onboarding.created_at,
        ended_at=onboarding.ended_at,
        conditions=[_condition(c) for c in onboarding.conditions.values()],
        requirements=[_requirement(r, late) for r in requirements_of(onboarding)],
        offboarding_duties=[_duty(duty) for duty in duties],
        senders=[_sender(onboarding, s) for s in onboarding.senders],
        health=_waba_health(onboarding),
        limit=_limit(onboarding.limit),
        notices=[_notice(each) for each in onboarding.notices if each.is_shown(now)],
        decisions=[_decision(d) for d in decisions],
        links=_links(onboarding),
    )


def event_view(event: EventRow) -> EventView:
    """Show an event in a list."""
    return EventView(**_event(event))


def event_detail(event: EventRow) -> EventDetail:
    """Show an event with its body."""
    return EventDetail(**_event(event), body=event.body)


def _event(event: EventRow) -> dict[str, Any]:
    return {name: getattr(event, name) for name in EventView.model_fields}


def _condition(condition: Condition) -> ConditionView:
    return ConditionView(
        type=condition.type,
        status=condition.status,
        reason=condition.reason,
        message=condition.message,
        evidence=condition.evidence,
        changed_at=condition.changed_at,
    )


def _clock(clock: StageClock, now: datetime) -> ClockView:
    return ClockView(
        kind=clock.kind,
        awaiting=clock.awaiting,
        since=clock.since,
        usual_median_seconds=int(clock.usual.median.total_seconds()),
        usual_most_seconds=int(clock.usual.most.total_seconds()),
        from_waits=clock.usual.count,
        late_at=clock.late_at,
        late=clock.is_late(now),
        said=clock.said(now),
    )


def _requirement(requirement: Requirement, late: StageClock | None) -> RequirementView:
    return RequirementView(
        condition=requirement.condition,
        phone_number=requirement.subject or None,
        reason=requirement.reason,
        message=requirement.message,
        awaiting=requirement.awaiting,
        remedy=requirement.remedy,
        since=requirement.since,
        by=requirement.by,
        late=late is not None and late.is_about(requirement),
    )


def _duty(duty: OffboardingDuty) -> OffboardingDutyView:
    return OffboardingDutyView(
        onboarding_id=duty.onboarding_id,
        client_ref=duty.client_ref,
        waba_id=duty.waba_id,
        condition=duty.condition.type,
        reason=duty.condition.reason,
        message=duty.condition.message,
        awaiting=duty.awaiting,
        remedy=duty.remedy,
        since=duty.condition.changed_at,
    )


def _decision(decision: Decision) -> DecisionView:
    return DecisionView(
        verb=decision.verb,
        phone_number=decision.phone_number or None,
        by=decision.by,
        why=decision.why,
        at=decision.at,
    )


def _sender(onboarding: Onboarding, sender: Sender) -> SenderView:
    filing, standing, profile = onboarding.filing_of(sender), sender.standing, sender.profile
    return SenderView(
        phone_number=sender.phone_number,
        phone_number_id=sender.phone_number_id,
        live=sender.is_live,
        application_id=filing.application_id,
        entity_id=filing.entity_id,
        standing=StandingView(**asdict(standing)) if standing else None,
        profile=ProfileView(**asdict(profile)) if profile else None,
        health=_number_health(sender),
        limit=_limit(sender.limit),
        conditions=[_condition(c) for c in sender.conditions.values()],
    )


def _number_health(sender: Sender) -> NumberHealthView | None:
    if sender.health is None or sender.health_at is None:
        return None
    return NumberHealthView(**asdict(sender.health), read_at=sender.health_at)


def _limit(limit: Limit | None) -> LimitView | None:
    return LimitView(**asdict(limit)) if limit else None


def _notice(notice: Notice) -> NoticeView:
    return NoticeView(said=notice.said, said_at=notice.said_at, until=notice.until)


def _waba_health(onboarding: Onboarding) -> WabaHealthView | None:
    if onboarding.health is None or onboarding.health_at is None:
        return None
    return WabaHealthView(**asdict(onboarding.health), read_at=onboarding.health_at)


def _links(onboarding: Onboarding) -> dict[str, str]:
    return run_links(onboarding.flow_run_id) if onboarding.flow_run_id else {}
