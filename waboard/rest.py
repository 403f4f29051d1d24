"""Rests: times in which a leg has nothing to do but wait for its turn at a provider.

A worker lets so many legs work at once. One that rests does not count meanwhile, so that it holds
up nobody whose turn is now.
"""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

WORTH = 1.0
"""Seconds from which a wait is a rest: for less it is not worth while to begin another leg."""
MOST_RESTING = 16
"""Legs that may rest at a time. Each has a thread, and a connection to the ledger that it keeps."""
Heard = Callable[[bool], None]
"""Is told True when a leg begins to rest, and False when it goes on."""


class _Rests:
    """The rests of one leg: it may wait for several turns at a time."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._under_way = 0

    @contextmanager
    def another(self) -> Generator[None]:
        self._under_way += 1
        if self._under_way == 1:
            self._heard(True)
        try:
            yield
        finally:
            self._under_way -= 1
            if self._under_way == 0:
                self._heard(False)


_rests: ContextVar[_Rests | None] = ContextVar("rests", default=None)


def tell_of_rests(heard: Heard) -> None:
    """Let somebody hear when this task rests, or one that it starts."""
    _rests.set(_Rests(heard))


async def rest(seconds: float) -> None:
    """Sleep so long, as a rest where that is worth while and somebody hears of it."""
    rests = _rests.get()
    if rests is None or seconds < WORTH:
        await asyncio.sleep(seconds)
        return
    with rests.another():
        await asyncio.sleep(seconds)
