"""What the tests of the worker share."""

from collections.abc import AsyncGenerator

import pytest

from tests.worker.yard import Yard
from waboard.worker import legs


@pytest.fixture
async def yard(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Yard]:
    yard = Yard()
    monkeypatch.setattr(legs, "run_leg", yard.run)
    yield yard
    yard.open.set()
