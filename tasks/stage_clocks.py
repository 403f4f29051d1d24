"""How an onboarding stands against what is usual."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.clocks import StageClock
from waboard.domain.onboarding import Onboarding
from waboard.domain.waits import WaitKind
from waboard.ledger.clocks import read_clocks


async def stage_clock(
    session: AsyncSession,
    onboarding: Onboarding,
    remind: Mapping[WaitKind, timedelta],
    now: datetime,
) -> StageClock | None:
    """Return the clock of what an onboarding waits for; None when it waits for nothing."""
    wait = onboarding.wait
    if wait is None:
        return None
    return (await read_clocks(session, remind, now, [wait.kind])).of(wait)
