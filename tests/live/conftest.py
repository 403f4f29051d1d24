"""Live tests share a waboard; `boards.py` says which."""

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.live.board import Board, running_board
from tests.live.browser import CHROMIUM, chromium


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A live test may take a while: the machine is busy."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.live)
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """One browser for a module; each test has pages of its own.

    Not for longer: Playwright's event loop runs meanwhile, and no other can in this process.
    """
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def board(tmp_path_factory: pytest.TempPathFactory) -> Generator[Board]:
    """Everything, running."""
    with running_board(tmp_path_factory.mktemp("board")) as running:
        yield running
