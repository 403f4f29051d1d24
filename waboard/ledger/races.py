"""Two at once: who lost is begun again, and nobody outside sees that there was a race."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import stamina
from sqlalchemy.exc import DBAPIError

P = ParamSpec("P")
T = TypeVar("T")
Work = Coroutine[Any, Any, T]

DEADLOCK, NOT_SERIALIZABLE, EXISTS = "40P01", "40001", "23505"
"""PostgreSQL's words for having lost: to a deadlock, to an order that cannot be, to a twin."""
LOST = frozenset({DEADLOCK, NOT_SERIALIZABLE, EXISTS})
TRIES = 8
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.2
"""Seconds between two tries: transactions take milliseconds."""


def lost_a_race(error: Exception) -> bool:
    """Whether a transaction was undone because another came first: done again, it sees that one.

    Never on SQLite, where transactions take turns.
    """
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in LOST


def one_transaction(work: Callable[P, Work[T]]) -> Callable[P, Work[T]]:
    """Mark a function that is one transaction: where it lost a race, all of it is done again.

    So it does nothing besides: no call to anybody else, and nothing that a second time would
    change. Raises what the last try did.
    """

    @wraps(work)
    async def until_it_wins(*args: P.args, **kwargs: P.kwargs) -> T:
        tries = stamina.retry_context(
            on=lost_a_race,
            attempts=TRIES,
            wait_initial=FIRST_PAUSE,
            wait_max=LONGEST_PAUSE,
            wait_jitter=LONGEST_PAUSE,
        )
        async for attempt in tries:
            with attempt:
                return await work(*args, **kwargs)
        raise AssertionError("the last try returns or raises")

    return until_it_wins
