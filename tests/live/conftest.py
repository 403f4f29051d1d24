"""Live tests share a waboard, which takes half a minute to start: one for each half of them.

With pytest 9.2, pytest-xdist 3.8 keeps no groups: each process has one then.
"""

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.live.board import Board, running_board
from tests.live.browser import CHROMIUM, chromium

OTHER_HALF = {
    "test_outcomes",
    "test_proof",
    "test_reconcile",
    "test_waiting_and_trouble",
    "test_worker",
}
"""Live tests mostly wait, so two halves at once take little longer than one."""
BOARD_OF_ITS_OWN = {"test_readme"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep live tests that share a waboard together in one test process."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.live)
            item.add_marker(pytest.mark.xdist_group(_group(item.path.stem)))
            item.add_marker(pytest.mark.timeout(900))


def _group(module: str) -> str:
    if module in BOARD_OF_ITS_OWN:
        return module
    return "live: other half" if module in OTHER_HALF else "live"


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
