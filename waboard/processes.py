"""Children of one command: started together, watched together, and all gone when it ends."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from waboard import leash
from waboard.domain.errors import WaboardError

GRACE = 20.0
"""Seconds that a child has to end by itself before it is ended."""
PAUSE = 1.0
"""Seconds from a child's death to its next start."""
TOO_OFTEN_IN = 60.0
"""Seconds in which a child may die so many times before it is given up."""
_TAIL = 1500
"""Characters of a dead child's log that are shown."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running process and where it writes."""

    name: str
    arguments: Sequence[str]
    process: asyncio.subprocess.Process
    log: Path


class Children:
    """Starts processes, each in a session of its own with a log of its own.

    On leaving, the last started ends first; with each go the processes that it started itself.
    From then on nobody is started any more: whoever tries waits in vain.
    """

    def __init__(
        self, environment: Mapping[str, str], logs: Path, *, restarts: int = 3, pause: float = PAUSE
    ) -> None:
        self.environment = dict(environment)
        self.restarts, self._pause = restarts, pause
        self._logs = logs
        self._children: list[Child] = []
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> "Children":
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        # For good: else whoever tends would start again whom we are just ending.
        await self._starting.acquire()
        for child in reversed(self._children):
            await _end(child)

    async def start(self, name: str, *arguments: str) -> Child:
        """Start `python -m …` under a name."""
        async with self._starting:
            child = await self._spawn(name, arguments)
            self._children.append(child)
        return child

    async def run(self, name: str, *arguments: str) -> Child:
        """Run `python -m …` to its end."""
        child = await self._spawn(name, arguments)
        try:
            await child.process.wait()
        finally:
            await _end(child)
        return child

    async def _spawn(self, name: str, arguments: Sequence[str]) -> Child:
        log = self._logs / f"{name}.log"
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-S", leash.__file__, str(os.getpid())),
                *("-m", *arguments),
                env=self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        return Child(name, arguments, process, log)

    @property
    def alive(self) -> list[Child]:
        """Those that run now, in the order of their start."""
        return [child for child in self._children if child.process.returncode is None]

    async def tend(self) -> Child:
        """Start again whoever ends by itself. Returns the first that does so too often."""
        deaths: dict[str, list[float]] = {child.name: [] for child in self._children}
        while True:
            dead = await self._first_death()
            now = asyncio.get_running_loop().time()
            recent = [at for at in deaths[dead.name] if now - at < TOO_OFTEN_IN]
            if len(recent) >= self.restarts:
                return dead
            deaths[dead.name] = [*recent, now]
            await self._replace(dead)

    async def _first_death(self) -> Child:
        waits = {asyncio.create_task(c.process.wait()): c for c in self._children}
        done, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        return waits[done.pop()]

    async def _replace(self, dead: Child) -> None:
        await _end(dead)  # what it started itself goes, too
        await asyncio.sleep(self._pause)
        async with self._starting:
            child = await self._spawn(dead.name, dead.arguments)
            self._children[self._children.index(dead)] = child


def died(child: Child) -> WaboardError:
    """Say that a child ended when it should not have, and what it last wrote."""
    tail = child.log.read_text(errors="replace")[-_TAIL:].strip()
    return WaboardError(
        f"{child.name} ended by itself ({child.process.returncode}). It last wrote:\n{tail}\n",
        remedy=f"The whole log is {child.log}.",
    )


def refuse_taken_port(setting: str, host: str, port: int) -> None:
    """Raise when nobody can listen on a port of this machine any more."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise WaboardError(
                f"Port {port} on {host} is in use, or not this machine's.",
                remedy=f"End what listens there, or set {setting} to another port.",
            ) from None


async def _end(child: Child) -> None:
    if child.process.returncode is None:
        child.process.terminate()
    # Not wait_for: in Python 3.11 it loses a cancellation that meets the child's end.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE):
            await child.process.wait()
    with contextlib.suppress(ProcessLookupError):  # nobody is left of its session
        os.killpg(child.process.pid, signal.SIGKILL)
    await child.process.wait()
