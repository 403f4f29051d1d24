"""PostgreSQL as SQLAlchemy knows it, but that a connection is asked seldom whether it still lives.

SQLAlchemy's pool asks before each use, in three round trips: as many as most of our transactions
take, and those of Prefect's server.
"""

from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine.interfaces import DBAPIConnection

ASKED_EVERY = 5.0
"""Seconds in which a connection that answered is not asked again."""

_answered: WeakKeyDictionary[object, float] = WeakKeyDictionary()


class SeldomAsking(PGDialect_asyncpg):
    """The dialect of asyncpg."""

    supports_statement_cache = True

    def connect(self, *cargs: Any, **cparams: Any) -> DBAPIConnection:
        """Open a connection."""
        connection = super().connect(*cargs, **cparams)
        _answered[self.get_driver_connection(connection)] = monotonic()
        return connection

    def do_ping(  # pyright: ignore[reportIncompatibleMethodOverride] - SQLAlchemy's may say no, too
        self, dbapi_connection: DBAPIConnection
    ) -> bool:
        """Say whether a connection lives. One that its database closed is known without asking."""
        driver = self.get_driver_connection(dbapi_connection)
        if driver.is_closed():
            return False
        if monotonic() - _answered.get(driver, float("-inf")) >= ASKED_EVERY:
            super().do_ping(dbapi_connection)
            _answered[driver] = monotonic()
        return True


def ask_seldom() -> None:
    """Let all engines of this process that are made from now on ask seldom."""
    registry.register("postgresql.asyncpg", __name__, SeldomAsking.__name__)
