"""What the sandbox does later: registrations that take a while, reports, retried webhooks."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """The running background work; kept, so that it is neither collected nor left behind."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Begin now, in the background."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    @property
    def pending(self) -> int:
        """How much is still under way."""
        return len(self._running)

    async def settled(self) -> None:
        """Return when nothing is under way any more, what it started included."""
        while self._running:
            await asyncio.gather(*self._running)

    async def cancel(self) -> None:
        """Stop everything, and wait until it has stopped."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
