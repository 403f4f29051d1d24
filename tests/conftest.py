"""What tests of more than one part use."""

import gc
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests.ledger.databases import SqliteDatabases
from tests.live.boards import WITHOUT, board_of

settings.register_profile("waboard", max_examples=int(os.environ.get("EXAMPLES", "50")))
settings.load_profile("waboard")  # `EXAMPLES` in the environment has each property try more


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes: at the end, all but one process would wait for it.

    Those that share a waboard come first anyway.
    """
    items.sort(key=lambda item: item.path.stem != WITHOUT)


def pytest_collection_finish() -> None:
    """Thousands of tests and all that they import stay: no garbage is looked for among them."""
    gc.freeze()


class ByBoard(LoadScopeScheduling):
    """Gives the processes of `pytest -n` one test after the other, those of a waboard at once."""

    def _split_scope(self, nodeid: str) -> str:
        return board_of(nodeid) or nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByBoard:
    """Share out the tests among the processes."""
    return ByBoard(config, log)


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    """Ledgers in their newest form, one after the other."""
    return SqliteDatabases(tmp_path_factory.mktemp("ledgers"))


@pytest.fixture
def alone(request: pytest.FixtureRequest) -> bool:
    """Whether a test counts all that there is, and so has a ledger without neighbours."""
    return request.node.get_closest_marker("alone") is not None


@pytest.fixture
def untouched_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own to stand in, and nothing of waboard or Prefect in the environment."""
    for name in os.environ:
        if name.startswith(("WABOARD_", "PREFECT_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path
