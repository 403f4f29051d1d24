"""Put what came in, and what people decided, on the timeline of the onboarding's run."""

from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.onboarding import Onboarding
from waboard.ledger.look import Seen
from waboard.timeline import note


def show_seen(onboarding: Onboarding, seen: Seen) -> None:
    """Show each event that an onboarding has taken up, and what its look changed. Returns at once.

    Call it once what was seen is written down.
    """
    changed = "; ".join(seen.changes) or "nothing"
    for event in seen.events:
        note(
            onboarding.id,
            onboarding.flow_run_id,
            f"event.{event.kind}.{event.disposition}",
            source=event.source,
            detail=event.detail,
            changed=changed,
        )


def show_decision(
    onboarding: Onboarding, verb: DecisionVerb, order: Order, asked_by: str | None = None
) -> None:
    """Show what somebody decided, also on the run that asked for it. Returns at once.

    Call it once the decision is written down.
    """
    for run_id in {onboarding.flow_run_id, asked_by}:
        note(onboarding.id, run_id, f"decision.{verb}", by=order.by, why=order.why)
