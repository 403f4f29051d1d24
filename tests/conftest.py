"""What tests of more than one part use."""

import os
from pathlib import Path

import pytest

LONG = "tests/live/test_readme.py"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes: at the end, all but one process would wait for it.

    Groups of many tests come first anyway.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture
def untouched_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own to stand in, and nothing of waboard or Prefect in the environment."""
    for name in os.environ:
        if name.startswith(("WABOARD_", "PREFECT_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path
