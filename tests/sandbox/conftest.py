"""The sandbox that most of these tests use."""

from collections.abc import AsyncGenerator

import pytest

from tests.sandbox.lab import Lab, lab


@pytest.fixture
async def sandbox() -> AsyncGenerator[Lab]:
    async with lab() as built:
        yield built
