"""Take one of the week's places for new clients, or a place in the queue for one."""

from datetime import datetime

from tasks.services import Services
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import Reason
from waboard.ledger.admissions import admit
from waboard.ledger.conditions import write_condition
from waboard.ledger.locks import hold, hold_queue
from waboard.ledger.onboardings import client_of
from waboard.ledger.races import one_transaction


@one_transaction
async def admit_client(services: Services, onboarding: Onboarding) -> datetime | None:
    """Admit the client if it is its turn; otherwise return when it is expected to be.

    No task of Prefect's: it is one transaction in the ledger, and calls nobody.
    """
    cap = services.policy.weekly_cap
    async with services.ledger.begin() as session:
        await hold(session, onboarding.id, services.leg)
        await hold_queue(session)
        now = services.clock()
        slot = await admit(session, await client_of(session, onboarding.id), cap, now)
        await write_condition(session, onboarding.id, "", _condition(slot, cap, now))
        return slot


def _condition(slot: datetime | None, cap: int, now: datetime) -> Condition:
    if slot is None:
        status, reason = Status.TRUE, Reason.SLOT_TAKEN
        message = f"Within the {cap} new clients of seven days."
    else:
        status, reason = Status.FALSE, Reason.SLOT_AWAITED
        message = (
            f"{cap} new clients were admitted in the last seven days; the slot of this one frees "
            f"at {slot:%Y-%m-%d %H:%M} UTC."
        )
    return Condition(ConditionType.ADMITTED, status, reason, message, "the weekly cap", now)
