"""One waboard for all live tests: it takes half a minute to start."""

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.live.board import Board, running_board
from tests.live.browser import CHROMIUM, chromium


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep live tests together in one test process, so that there is one waboard."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.live)
            item.add_marker(pytest.mark.xdist_group("live"))
            item.add_marker(pytest.mark.timeout(600))


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
