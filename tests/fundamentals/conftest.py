"""A ledger of its own for each test, in a file."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.ledger.databases import SqliteDatabases
from waboard.ledger.database import Ledger


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteDatabases]:
    files = SqliteDatabases(tmp_path_factory.mktemp("ledgers"))
    yield files
    files.close()


@pytest.fixture
async def ledger(databases: SqliteDatabases) -> AsyncIterator[Ledger]:
    url = databases.create()
    fresh = Ledger(url)
    yield fresh
    await fresh.close()
    databases.drop(url)
