"""The postman: sends what is due in the outbox, for as long as the gateway lives.

Several gateways share the work. One that has nobody to send to drops what there is: it can be
replayed once there is somebody.
"""

import asyncio
import logging
from datetime import datetime, timedelta

from tasks.telling import Tell, deliver, heed
from waboard.domain.clock import Clock
from waboard.ledger.database import Ledger
from waboard.ledger.deliveries import Letter, claim_due
from waboard.ledger.outbox import drop_pending, forget_old
from waboard.ledger.races import one_transaction
from waboard.provider import ProviderSystem

EVERY = 1.0
"""Seconds between looks for what is due, while nothing is."""
AT_ONCE = 8
"""Messages that are on their way side by side."""
FORGET_EVERY = timedelta(hours=1)
"""How often old messages are deleted."""

logger = logging.getLogger(__name__)


class Postman:
    """Sends messages to the provider's own system, where there is one."""

    def __init__(
        self, ledger: Ledger, system: ProviderSystem | None, clock: Clock, tell: Tell
    ) -> None:
        self._ledger, self._system, self._clock, self._tell = ledger, system, clock, tell
        self._forgot_at: datetime | None = None

    async def go_round(self) -> int:
        """Send what is due, a few at once. Returns how many were sent, whatever was answered."""
        await self._forget()
        if self._system is None:
            await self._drop()
            return 0
        due = await self._claim(self._system.key)
        if due:
            await self._send(self._system, due)
        return len(due)

    @one_transaction
    async def _drop(self) -> None:
        async with self._ledger.begin() as session:
            await drop_pending(session)

    @one_transaction
    async def _claim(self, key: str) -> list[Letter]:
        async with self._ledger.begin() as session:
            return await claim_due(session, key, self._clock(), AT_ONCE)

    async def _send(self, system: ProviderSystem, due: list[Letter]) -> None:
        sending = (deliver(self._ledger, system, letter, self._clock) for letter in due)
        ended = await asyncio.gather(*sending, return_exceptions=True)
        answers = [each for each in ended if not isinstance(each, BaseException)]
        await heed(self._ledger, system, answers, self._clock, self._tell)
        for failed in ended:
            if isinstance(failed, BaseException):
                raise failed  # its message is due again when its claim ends

    async def _forget(self) -> None:
        now = self._clock()
        if self._forgot_at is not None and now - self._forgot_at < FORGET_EVERY:
            return
        await self._delete_old()
        self._forgot_at = now

    @one_transaction
    async def _delete_old(self) -> None:
        async with self._ledger.begin() as session:
            await forget_old(session, self._clock())

    async def keep_going(self) -> None:
        """Go round after round, whatever goes wrong in between."""
        while True:
            sent = 0
            try:
                sent = await self.go_round()
            except Exception as error:
                logger.warning("The postman goes on after: %s", type(error).__name__)
            if not sent:
                await asyncio.sleep(EVERY)
