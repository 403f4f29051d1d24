"""A leg: one stretch of a flow run, from waking to sleeping or ending.

Each has a thread and an event loop of its own, so that one that blocks holds up nobody else. The
threads are daemons: one that never comes back does not keep the process from ending.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Generator
from concurrent.futures import Future
from time import monotonic
from typing import Any

from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import Abort, Pause
from prefect.flows import Flow, load_flow_from_entrypoint

from waboard.rest import Heard, tell_of_rests
from waboard.worker.engine import run_leg

logger = logging.getLogger(__name__)


class Leg:
    """Runs one flow run until it sleeps or ends. `heard` is told of its rests, in its thread."""

    def __init__(self, flow_run: FlowRun, entrypoint: str, heard: Heard) -> None:
        self.flow_run = flow_run
        self._entrypoint = entrypoint
        self._heard = heard
        self._began, self._rests_since = monotonic(), 0.0
        self._rested = 0.0
        self._ended: Future[None] = Future()
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[None]] | None = None
        self.cancelled = threading.Event()
        self.suspended = False

    def start(self) -> None:
        """Begin, in a thread of its own."""
        threading.Thread(target=self._execute, name=f"leg {self.flow_run.id}", daemon=True).start()

    async def ended(self, within: float | None = None) -> bool:
        """Return once the leg is over, or after so many seconds; says whether it is over."""
        future = asyncio.wrap_future(self._ended)
        await asyncio.wait({future}, timeout=within)
        return future.done()

    @property
    def worked(self) -> float:
        """Seconds since it began, but for those that it rested."""
        resting = monotonic() - self._rests_since if self._rests_since else 0.0
        return monotonic() - self._began - self._rested - resting

    def cancel(self) -> None:
        """Stop at the next await. A leg that never awaits cannot be stopped."""
        self.cancelled.set()
        if self._running is not None:
            loop, task = self._running
            with contextlib.suppress(RuntimeError):  # it has ended meanwhile
                loop.call_soon_threadsafe(task.cancel)

    def whereabouts(self) -> str:
        """Return what each of its tasks awaits now, the innermost last."""
        if self._running is None:
            return "not begun"
        tasks = asyncio.all_tasks(self._running[0])
        return "\n".join(" > ".join(_awaits(task.get_coro())) for task in tasks) or "no task left"

    def _hear(self, begins: bool) -> None:
        if begins:
            self._rests_since = monotonic()
        else:
            self._rested += monotonic() - self._rests_since
            self._rests_since = 0.0
        self._heard(begins)

    def _execute(self) -> None:
        # What a flow raises is in its run's state and log already; nobody waits for it here. What
        # comes out all the same broke the engine itself.
        try:
            asyncio.run(self._run())
        except BaseException as error:
            if not self.cancelled.is_set():
                logger.warning("The leg of %s broke off: %r", self.flow_run.name, error)
        self._ended.set_result(None)

    async def _run(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - inside asyncio.run there is one
        self._running = (asyncio.get_running_loop(), task)
        if self.cancelled.is_set():
            return
        tell_of_rests(self._hear)
        flow: Flow[..., object] = load_flow_from_entrypoint(self._entrypoint)
        with contextlib.suppress(Pause, Abort):
            await run_leg(flow, self.flow_run)


def _awaits(awaited: Any) -> Generator[str]:
    # Task.get_stack gives the outermost frame alone.
    while frame := getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None):
        yield f"{frame.f_code.co_qualname}:{frame.f_lineno}"
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
