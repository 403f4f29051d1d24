"""Somebody at a terminal, and a gateway that answers."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import respx
from typer.testing import CliRunner, Result

from waboard import cli, cli_tools, watch

API_KEY = "crm-4f1e9a"
GATEWAY = "http://127.0.0.1:8420"
Waboard = Callable[..., Result]


@pytest.fixture(autouse=True)
def _at_a_terminal(untouched_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WABOARD_API_KEYS", f"{API_KEY},erp-77c0d2")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    monkeypatch.setenv("COLUMNS", "250")
    for console in (cli_tools.console, cli_tools.stderr):
        # A width that was set when the module was imported would outweigh the environment.
        monkeypatch.setattr(console, "_width", None)
    monkeypatch.setattr(watch, "POLL", 0)


@pytest.fixture
def waboard() -> Waboard:
    """Types a command."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli.app, arguments)

    return run


@pytest.fixture
def gateway() -> Iterator[respx.MockRouter]:
    """The gateway, of which each test says what it answers."""
    with respx.mock(base_url=GATEWAY, assert_all_called=True) as router:
        yield router


def said(result: Result) -> str:
    """What was said about an error, on one line, whatever the width of the terminal."""
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return re.sub(r"\s+", " ", result.stderr).strip()


def refused(result: Result, code: int, *named: str) -> None:
    """It ended with this code, one sentence on stderr that names things, nothing on stdout."""
    sentence = said(result)
    assert result.exit_code == code, result.output
    assert sentence.startswith("waboard: ")
    for name in named:
        assert name in sentence
    assert result.stdout == ""
    assert API_KEY not in result.output
