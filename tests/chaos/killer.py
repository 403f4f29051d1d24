"""Kills the services of a `waboard up`, which starts them again."""

import contextlib
import os
import random
import signal
import threading
from collections import Counter

from tests.live.board import processes

VICTIMS = {"waboard worker": 5, "waboard gateway": 3, "waboard.prefect_server": 1}
"""Parts of command lines, and how often each is chosen."""


class Killer(threading.Thread):
    """Sends SIGKILL to a service time and again: once to each kind, then at random."""

    def __init__(self, parent: int, seed: int, every: tuple[float, float]) -> None:
        super().__init__(daemon=True)
        self.kills: Counter[str] = Counter()
        self._parent, self._every = parent, every
        self._random = random.Random(seed)  # noqa: S311 - it shall be repeatable
        self._done = threading.Event()
        self._order = self._random.sample(list(VICTIMS), len(VICTIMS))

    def run(self) -> None:
        """Kill until stopped."""
        while not self._done.wait(self._random.uniform(*self._every)):
            unharmed = [name for name in self._order if not self.kills[name]]
            chosen = self._random.choices(list(VICTIMS), list(VICTIMS.values()))
            (name, *_) = unharmed + chosen
            living = children_of(self._parent, name)
            if living:
                self._kill(name, self._random.choice(sorted(living)))

    def _kill(self, name: str, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.kills[name] += 1

    def stop(self) -> None:
        """Let everybody live."""
        self._done.set()
        self.join()


def children_of(parent: int, name: str) -> list[int]:
    """The processes that a process started, by a part of their command line."""
    return [
        pid
        for pid, (above, _, command) in processes().items()
        if above == parent and name in command
    ]
