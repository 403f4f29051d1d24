"""Why a transaction failed: nobody reaches the ledger, too many do at once, or we have a fault."""

import sqlite3

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - it has none
from sqlalchemy import exc

from waboard.ledger.races import DEADLOCK, NOT_SERIALIZABLE

ERRORS: tuple[type[Exception], ...] = (exc.SQLAlchemyError, asyncpg.PostgresError, OSError)
"""What a transaction can raise for its database's sake.

The driver's own errors come through only while it connects: later SQLAlchemy has wrapped them.
"""
_CONNECTION_LOST, _SERVER_STOPS = "08", "57P"
_LOCK_NOT_HAD, _NO_CONNECTION_LEFT = "55P03", "53300"
_CROWDED = frozenset({DEADLOCK, NOT_SERIALIZABLE, _LOCK_NOT_HAD, _NO_CONNECTION_LEFT})
_CROWDED_ON_SQLITE = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def is_away(error: Exception) -> bool:
    """Whether the ledger could not be reached, or was lost on the way."""
    if isinstance(error, OSError | exc.TimeoutError | exc.DisconnectionError):
        return True
    if isinstance(error, asyncpg.PostgresError):
        return not is_crowded(error)
    return isinstance(error, exc.DBAPIError) and (
        error.connection_invalidated
        or _state(error).startswith((_CONNECTION_LOST, _SERVER_STOPS))
        or _code(error) == sqlite3.SQLITE_CANTOPEN
    )


def is_crowded(error: Exception) -> bool:
    """Whether the same may succeed in a moment: others were at it, for longer than we wait.

    A twin that is still there after all tries did not come first: it is a fault.
    """
    return _state(error) in _CROWDED or _code(error) in _CROWDED_ON_SQLITE


def _state(error: Exception) -> str:
    return getattr(_cause(error), "sqlstate", None) or ""


def _code(error: Exception) -> int | None:
    code: int | None = getattr(_cause(error), "sqlite_errorcode", None)
    return None if code is None else code & 0xFF  # beyond that it says more exactly why


def _cause(error: Exception) -> object:
    return error.orig if isinstance(error, exc.DBAPIError) else error
