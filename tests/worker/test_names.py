"""What a worker's name tells of whether it lives."""

import os
import platform
import subprocess
import sys

import pytest

from waboard.worker.names import is_surely_dead, unique_name


def test_no_two_have_the_same_name():
    assert unique_name() != unique_name()


def test_one_whose_process_runs_is_not_dead():
    assert not is_surely_dead(unique_name())


def test_one_whose_process_is_gone_is_dead():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert is_surely_dead(f"{platform.node()}-{gone.pid}-0a1b2c")


def test_of_one_on_another_machine_nothing_is_known():
    assert not is_surely_dead(f"elsewhere-{os.getpid()}-0a1b2c")


def test_of_one_that_somebody_named_nothing_is_known():
    assert not is_surely_dead("the worker in the cellar")
    assert not is_surely_dead("None")


def test_one_of_somebody_else_is_not_surely_dead(monkeypatch: pytest.MonkeyPatch):
    """Its process is there, and is not ours to ask."""

    def refuses(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuses)
    assert not is_surely_dead(unique_name())
