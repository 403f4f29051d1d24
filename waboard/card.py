"""An onboarding's card, in Markdown: all that an operator asks about it, on one page.

Phone numbers are masked, but for those that somebody is to write to: their links hold them whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from waboard.domain.clocks import StageClock
from waboard.domain.conditions import Condition, ConditionType
from waboard.domain.decisions import Decision
from waboard.domain.ids import mask_phone
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.outcome import outcome_of, stage_of
from waboard.domain.requirements import Requirement, requirements_of
from waboard.domain.sentences import sentences
from waboard.domain.steps import senders_to_be_written_to
from waboard.ledger.models import ConditionChangeRow, EffectRow, EventRow
from waboard.markdown import span, table, text, time
from waboard.write_link import qr_of, write_link

SENDER_STEPS = (
    ConditionType.REGISTERED,
    ConditionType.ASSOCIATED,
    ConditionType.RECEIVES,
    ConditionType.VERIFIED,
    ConditionType.USABLE,
    ConditionType.HEALTHY,
    ConditionType.NAME_APPROVED,
)
MAX_NOTICES = 10
"""Notices of Meta's that a card shows."""


@dataclass(frozen=True, slots=True)
class History:
    """What happened to an onboarding: when what became true, what came in and was done last.

    And what people decided.
    """

    reached: Sequence[ConditionChangeRow] = ()
    events: Sequence[EventRow] = ()
    effects: Sequence[EffectRow] = ()
    decisions: Sequence[Decision] = ()


def card_of(
    onboarding: Onboarding, history: History, now: datetime, clock: StageClock | None = None
) -> str:
    """Draw the card. `clock` is that of its wait, where it waits."""
    parts = [
        _head(onboarding, now),
        _waits(clock, now),
        _needed(onboarding, now, clock),
        _to_be_written_to(onboarding),
        _senders(onboarding),
        _said_by_meta(onboarding, now),
        _stages(onboarding, history.reached),
        _decisions(history.decisions),
        _events(history.events),
        _effects(history.effects),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(onboarding: Onboarding, now: datetime) -> str:
    lines = [
        f"# {onboarding.client_ref}: {stage_of(onboarding)}",
        f"{text(onboarding.client_name)} · WABA {onboarding.waba_label} · attempt "
        f"{onboarding.attempt} · filed under {onboarding.filing} · asked for "
        f"{time(onboarding.created_at)}",
        text(outcome_of(onboarding).message) if _has_much_to_say(onboarding) else "",
        f"As of {time(now)}.",
    ]
    return "\n\n".join(line for line in lines if line)


def _waits(clock: StageClock | None, now: datetime) -> str:
    if clock is None:
        return ""
    own = f"the last {clock.usual.count} such waits" if clock.usual.count else "the field's own"
    told = f"Half end within {span(clock.usual.median)} ({own}); late from {time(clock.late_at)}."
    return f"**{clock.said(now)}** {told}"


def _has_much_to_say(onboarding: Onboarding) -> bool:
    return bool(onboarding.senders) or bool(onboarding.cancelled or onboarding.leaving)


def _needed(onboarding: Onboarding, now: datetime, clock: StageClock | None) -> str:
    # A list and no table: its sentences are long, and the Prefect UI cuts wide tables off.
    late = clock if clock and clock.is_late(now) else None
    lines = [
        f"- {'**late** · ' if late and late.is_about(each) else ''}{_requirement(each, now)}"
        for each in requirements_of(onboarding)
    ]
    return "\n".join(["## What is needed", "", *lines]) if lines else ""


def _requirement(needed: Requirement, now: datetime) -> str:
    of = needed.subject_label.rstrip(":") or "the onboarding"
    until = f", given up at {time(needed.by)}" if needed.by else ""
    since = f"since {time(needed.since)} ({span(now - needed.since)}){until}"
    said = sentences(f"{needed.condition} of {of}: {needed.message}", needed.remedy)
    return f"**{needed.awaiting}**, {since}. {text(said)}"


def _to_be_written_to(onboarding: Onboarding) -> str:
    awaited = senders_to_be_written_to(onboarding) if onboarding.ended_at is None else []
    shown = [
        f"{sender.label}: [{write_link(sender.phone_number)}]({write_link(sender.phone_number)})"
        f"\n\n![QR code of the link]({qr_of(sender.phone_number)})"
        for sender in awaited
    ]
    return "\n\n".join(["## Write a message to", *shown]) if shown else ""


def _senders(onboarding: Onboarding) -> str:
    kinds = [k for k in SENDER_STEPS if any(k in s.conditions for s in onboarding.senders)]
    rows = [_sender(onboarding, sender, kinds) for sender in onboarding.senders]
    return _table("Senders", ("Sender", "Live", *kinds, "Filed under", "At Infobip"), rows)


def _sender(
    onboarding: Onboarding, sender: Sender, kinds: Iterable[ConditionType]
) -> tuple[str, ...]:
    standing = sender.standing
    stands = (
        f"{standing.status}, quality {standing.quality_rating}, {standing.current_limit} "
        f"({time(standing.read_at)})"
        if standing
        else ""
    )
    marks = (_mark(sender.conditions.get(kind)) for kind in kinds)
    live = "**yes**" if sender.is_live else "no"
    return (sender.label, live, *marks, str(onboarding.filing_of(sender)), stands)


def _mark(condition: Condition | None) -> str:
    if condition is None:
        return "…"
    mark = {"True": "✓", "False": "✗", "Unknown": "…"}[condition.status]
    return mark if condition.is_true else f"{mark} {condition.reason}"


def _said_by_meta(onboarding: Onboarding, now: datetime) -> str:
    limits = [("The WABA", onboarding.limit), *((s.label, s.limit) for s in onboarding.senders)]
    shown = [each for each in onboarding.notices if each.is_shown(now)][:MAX_NOTICES]
    lines = [
        *(
            f"- {of}: limit {text(each.value)} ({time(each.said_at)})."
            for of, each in limits
            if each
        ),
        *(f"- {time(each.said_at)}: {text(each.said)}" for each in shown),
    ]
    return "\n".join(["## What Meta says", "", *lines]) if lines else ""


def _stages(onboarding: Onboarding, reached: Sequence[ConditionChangeRow]) -> str:
    rows = [
        (
            change.type,
            mask_phone(change.subject) if change.subject else "onboarding",
            time(change.at),
            span(change.at - onboarding.created_at),
        )
        for change in reached
    ]
    return _table("The way so far", ("Became true", "Of", "When", "After"), rows)


def _decisions(decisions: Sequence[Decision]) -> str:
    rows = [(time(d.at), d.verb, d.subject_label, d.by, d.why) for d in decisions]
    return _table("What people decided", ("When", "What", "Of", "Who", "Why"), rows)


def _events(events: Sequence[EventRow]) -> str:
    rows = [
        (time(e.received_at), e.kind, e.source, str(e.times_received), e.disposition, e.detail)
        for e in events
    ]
    header = ("Received", "What", "From", "Times", "Became", "Why")
    return _table("What came in", header, rows)


def _effects(effects: Sequence[EffectRow]) -> str:
    rows = [
        (time(e.started_at), e.verb, e.subject, str(e.attempt), e.status, e.detail) for e in effects
    ]
    return _table("What was done", ("When", "What", "On", "Attempt", "How it went", ""), rows)


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return table(title, header, [[text(cell) for cell in row] for row in rows])
