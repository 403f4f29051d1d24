"""How an onboarding stands against what is usual."""

from sqlalchemy.ext.asyncio import AsyncSession

from tasks.services import Services
from waboard.domain.clocks import StageClock
from waboard.domain.onboarding import Onboarding
from waboard.ledger.clocks import read_clocks


async def stage_clock(
    session: AsyncSession, services: Services, onboarding: Onboarding
) -> StageClock | None:
    """Return the clock of what an onboarding waits for; None when it waits for nothing."""
    wait = onboarding.wait
    if wait is None:
        return None
    remind = services.policy.reminders
    clocks = await read_clocks(session, remind, services.clock(), [wait.kind])
    return clocks.of(wait)
