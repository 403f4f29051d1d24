"""Make the link with which a client connects its WABA again."""

from datetime import timedelta

from tasks.timeline import show_decision
from waboard.domain.clock import Clock
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.onboarding import Onboarding
from waboard.domain.verbs import refuse_reconnect
from waboard.ledger.database import Ledger
from waboard.ledger.locks import hold
from waboard.ledger.onboardings import read_onboarding
from waboard.ledger.races import one_transaction
from waboard.ledger.reconnects import make_reconnect_link
from waboard.ledger.signups import NewLink


async def make_way_back(
    ledger: Ledger, clock: Clock, onboarding_id: str, order: Order, lasts: timedelta
) -> NewLink:
    """Make a signup link for an onboarding's WABA alone; one that the client had is withdrawn.

    Its token is shown now and never again. Raises OutOfPlace for a client that leaves or has left.
    """
    onboarding, link = await _note_link(ledger, clock, onboarding_id, order, lasts)
    show_decision(onboarding, DecisionVerb.RECONNECT, order)
    return link


@one_transaction
async def _note_link(
    ledger: Ledger, clock: Clock, onboarding_id: str, order: Order, lasts: timedelta
) -> tuple[Onboarding, NewLink]:
    async with ledger.begin() as session:
        await hold(session, onboarding_id)
        onboarding = await read_onboarding(session, onboarding_id)
        refuse_reconnect(onboarding)
        return onboarding, await make_reconnect_link(session, onboarding, order, lasts, clock())
