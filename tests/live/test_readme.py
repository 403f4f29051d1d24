"""The commands of README.md, as they stand there, in a fresh checkout."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.board import LEDGER, free_port
from tests.test_docs import ROOT, files

README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"(?:^|`)(make \w+(?: [A-Z]+=\w+)*)", README, re.MULTILINE)
TO_ITS_END, COLLECTED = "make demo ONCE=1", "make test"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files of this repository elsewhere, with what is installed here."""
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    for path in files():
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (tmp_path / ".venv" / "ready").touch()
    return tmp_path


def typed(command: str, checkout: Path, **environment: str) -> str:
    """Type a command in a checkout, and return what it said."""
    assert command in COMMANDS, f"README.md does not say {command!r} any more"
    foreign = ("PREFECT_", "WABOARD_", "PYTEST_")
    mine = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    done = subprocess.run(
        command.split(),
        cwd=checkout,
        env=mine | environment | {"PYTHONPATH": str(checkout)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_demo_brings_its_client_live_also_on_the_stock_worker(checkout: Path) -> None:
    """Whoever has other work pools can use them: the same deployment, a process for each leg."""
    ports = {f"WABOARD_{name}_PORT": str(free_port()) for name in ("PREFECT", "GATEWAY", "SANDBOX")}
    said = typed(TO_ITS_END, checkout, WABOARD_WORKER="process", **ports)
    assert "acme · WABA …3093 · attempt 1 · LiveLimited" in said
    with sqlite3.connect(checkout / LEDGER) as ledger:
        shared = ledger.execute("SELECT status FROM effects WHERE verb = 'share'").fetchall()
    ledger.close()
    assert shared == [("done",)]


def test_the_tests_are_found(checkout: Path) -> None:
    """To find all of them in all processes takes half a minute; here it is one file's."""
    adding = "--collect-only -q -p no:cacheprovider tests/live/test_readme.py"
    said = typed(COLLECTED, checkout, PYTEST_ADDOPTS=adding)
    ignored = re.search(r"/pytest -n \d+ --ignore (\S+)$", said, re.MULTILINE)
    assert ignored, "all but one file, which is run by itself"
    assert re.search(rf"/pytest --durations .* {ignored[1]}$", said, re.MULTILINE)
    assert "tests/live/test_readme.py::test_the_tests_are_found" in said
    assert re.search(r"\d tests collected", said)


def test_no_other_command_of_make_is_told() -> None:
    assert set(COMMANDS) == {"make demo", TO_ITS_END, COLLECTED}
