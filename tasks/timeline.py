"""Put what a look took up on the timeline of the onboarding's run."""

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
