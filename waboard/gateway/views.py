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

from waboard.domain.conditions import Condition
from waboard.domain.decisions import Decision
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


class StandingView(BaseModel):
    """How a sender stands at Infobip, in Infobip's words, and when that was read."""

    status: str
    quality_rating: str
    current_limit: str
    read_at: datetime


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
    conditions: list[ConditionView]


class DecisionView(BaseModel):
    """What a person decided: who, what, why and when; of one sender, or of all."""

    verb: str
    phone_number: str | None
    by: str
    why: str
    at: datetime


class OnboardingView(BaseModel):
    """One onboarding. `stage` is the outcome's name once it has ended."""

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
    created_at: datetime
    ended_at: datetime | None
    conditions: list[ConditionView]
    requirements: list[RequirementView]
    senders: list[SenderView]
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


def onboarding_view(onboarding: Onboarding, decisions: Iterable[Decision] = ()) -> OnboardingView:
    """Show an onboarding."""
    outcome = outcome_of(onboarding)
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
        created_at=onboarding.created_at,
        ended_at=onboarding.ended_at,
        conditions=[_condition(c) for c in onboarding.conditions.values()],
        requirements=[_requirement(r) for r in requirements_of(onboarding)],
        senders=[_sender(onboarding, s) for s in onboarding.senders],
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


def _requirement(requirement: Requirement) -> RequirementView:
    return RequirementView(
        condition=requirement.condition,
        phone_number=requirement.subject or None,
        reason=requirement.reason,
        message=requirement.message,
        awaiting=requirement.awaiting,
        remedy=requirement.remedy,
        since=requirement.since,
        by=requirement.by,
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
        conditions=[_condition(c) for c in sender.conditions.values()],
    )


def _links(onboarding: Onboarding) -> dict[str, str]:
    return run_links(onboarding.flow_run_id) if onboarding.flow_run_id else {}
