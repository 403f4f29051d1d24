"""`waboard worker`: the worker as a service, from its start to an orderly end."""

import asyncio
import os
import resource
import signal
import sys

from rich.console import Console

from waboard.garbage import collect_seldom
from waboard.worker.worker import OnboardingWorker

GRACE = 5.0
"""Seconds that legs have to end by themselves when the worker is told to stop."""
LOOK_EVERY = 5.0
"""Seconds between looks at our own memory."""
_RESTART_AFTER = 5.0
_MIB = 1024 * 1024


class Stop:
    """Why the worker should end: a signal, or memory that grew too large."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self.outgrown = False

    def tell(self, *, outgrown: bool = False) -> None:
        """Ask for the end."""
        self.outgrown = outgrown
        self._told.set()

    async def wait(self) -> None:
        """Return when somebody asked for the end."""
        await self._told.wait()

    @property
    def is_told(self) -> bool:
        """Whether somebody asked for the end."""
        return self._told.is_set()


def run(pool: str, limit: int, memory: int, console: Console) -> None:
    """Work until SIGTERM or Ctrl-C. Above `memory` MiB it drains and starts itself anew."""
    collect_seldom()
    if asyncio.run(_serve(pool, limit, memory, console)):
        console.print("The worker has outgrown its memory limit and starts anew.")
        os.execv(sys.executable, [sys.executable, "-m", "waboard", *sys.argv[1:]])  # noqa: S606


async def _serve(pool: str, limit: int, memory: int, console: Console) -> bool:
    stop = Stop()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.tell)
    watching = asyncio.create_task(watch_memory(memory, stop))
    while not stop.is_told:
        await _work(pool, limit, stop, console)
    watching.cancel()
    return stop.outgrown


async def _work(pool: str, limit: int, stop: Stop, console: Console) -> None:
    # Prefect's worker gives up when its server stays away for some minutes. We do not.
    worker = OnboardingWorker(pool, limit=limit, create_pool_if_not_found=False)
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGUSR1, lambda: console.print(worker.whereabouts(), markup=False)
    )
    working = asyncio.create_task(worker.start(printer=console.print))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_told and not working.done():
        await worker.drain(GRACE)
    working.cancel()
    stopping.cancel()
    (ended, _) = await asyncio.gather(working, stopping, return_exceptions=True)
    if not stop.is_told:
        console.print(f"The worker ended ({ended!r}) and is started again.")
        await asyncio.sleep(_RESTART_AFTER)


async def watch_memory(limit: int, stop: Stop) -> None:
    """Ask for the end once more than `limit` MiB are used."""
    while memory_used() < limit:  # noqa: ASYNC110 - nobody tells when memory grows
        await asyncio.sleep(LOOK_EVERY)
    stop.tell(outgrown=True)


def memory_used() -> int:
    """Return this process's resident memory in MiB: now on Linux, at its peak elsewhere."""
    try:
        with open("/proc/self/statm") as statm:  # noqa: PTH123 - not a file to have a path of
            return int(statm.read().split()[1]) * resource.getpagesize() // _MIB
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
