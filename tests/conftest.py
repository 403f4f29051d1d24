"""What tests of more than one part use."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def untouched_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own to stand in, and nothing of waboard or Prefect in the environment."""
    for name in os.environ:
        if name.startswith(("WABOARD_", "PREFECT_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path
