"""What the tests of the worker share."""

from collections.abc import AsyncGenerator

import pytest
from prefect.logging.handlers import APILogHandler

from tests.worker.yard import Yard
from waboard.worker import legs


@pytest.fixture(autouse=True)
def logs_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefect would start a server to send them to."""
    monkeypatch.setattr(APILogHandler, "emit", lambda *_: None)


@pytest.fixture
async def yard(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Yard]:
    yard = Yard()
    monkeypatch.setattr(legs, "run_leg", yard.run)
    yield yard
    yard.open.set()
