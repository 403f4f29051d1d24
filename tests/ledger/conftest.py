"""Every test here runs on both databases. PostgreSQL needs `TEST_POSTGRES_URL`."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.ledger.databases import Databases, PostgresDatabases, SqliteDatabases
from tests.ledger.desk import Desk
from waboard.ledger.database import Ledger

POSTGRES_URL = "TEST_POSTGRES_URL"


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Databases]:
    if request.param == "sqlite":
        yield SqliteDatabases(tmp_path_factory.mktemp("ledgers"))
        return
    if POSTGRES_URL not in os.environ:
        pytest.skip(f"{POSTGRES_URL} names no PostgreSQL server to test on")
    postgres = PostgresDatabases(os.environ[POSTGRES_URL])
    yield postgres
    postgres.close()


@pytest.fixture
def url(databases: Databases, alone: bool) -> Iterator[str]:
    """A database in the ledger's newest form, with neighbours in it."""
    fresh = databases.create(alone=alone)
    yield fresh
    databases.drop(fresh)


@pytest.fixture
def empty_url(databases: Databases) -> Iterator[str]:
    """A database with nothing in it."""
    fresh = databases.create(empty=True)
    yield fresh
    databases.drop(fresh)


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[Ledger]:
    one = Ledger(url)
    yield one
    await one.close()


@pytest.fixture
async def other(url: str) -> AsyncIterator[Ledger]:
    """The same database, as another process sees it."""
    another = Ledger(url)
    yield another
    await another.close()


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)


@pytest.fixture
def other_desk(other: Ledger) -> Desk:
    return Desk(other)
