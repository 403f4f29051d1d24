"""A ledger of its own for each test, in a file."""

from collections.abc import AsyncIterator

import pytest

from tests.ledger.databases import SqliteDatabases
from waboard.ledger.database import Ledger


@pytest.fixture
async def ledger(databases: SqliteDatabases) -> AsyncIterator[Ledger]:
    url = databases.create()
    fresh = Ledger(url)
    yield fresh
    await fresh.close()
    databases.drop(url)
