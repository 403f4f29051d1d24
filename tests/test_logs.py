"""Logs as JSON: one object a line, with the ids of what it is about, and nothing that is secret."""

import json
import logging
import sys
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.context import FlowRunContext
from prefect.logging.handlers import APILogHandler, PrefectConsoleHandler
from rich.console import Console

from tests.gateway.desk import desk_settings
from waboard.log_ids import about
from waboard.logs import JsonLines, console_for, set_up, uvicorn_config
from waboard.settings import Settings
from waboard.worker.ids import ids_of_run

TOKEN = "9nZ0kq7fT2cX4vB6mL8rY1sD3gH5jK7pQ9wE0uI2oA4"
ONBOARDING, RUN = "0198c4d2-7a10-7000-8000-5f2a1b3c4d5e", "7e57ab1e-0000-4000-8000-00000000000a"


def written(message: str, *args: Any, **extra: Any) -> dict[str, str]:
    """What becomes of a line."""
    record = logging.LogRecord("waboard.test", logging.WARNING, __file__, 1, message, args, None)
    vars(record).update(extra)
    line = JsonLines(["ib-1f04c3d8"], ids_of_run).format(record)
    assert "\n" not in line
    return json.loads(line)


@pytest.fixture
def settings(untouched_machine: Path) -> Settings:
    return desk_settings(untouched_machine / "ledger.db", log_format="json")


@pytest.fixture
def loggers() -> Generator[None]:
    """Every logger is afterwards as it was before."""
    root = logging.getLogger()
    every = [root, *map(logging.getLogger, root.manager.loggerDict)]
    before = [(each, list(each.handlers), each.level) for each in every]
    hook = sys.excepthook
    yield
    for each, handlers, level in before:
        each.handlers = handlers
        each.setLevel(level)
    sys.excepthook = hook
    logging.captureWarnings(capture=False)


def test_a_line_says_when_how_grave_by_whom_and_what():
    line = written("Could not wake %s", "a run")
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "logger": "waboard.test",
        "message": "Could not wake a run",
    }


def test_an_exception_is_part_of_the_line():
    try:
        raise ValueError("of +44 7860 099299")
    except ValueError:
        line = written("It broke off.", exc_info=sys.exc_info())
    assert line["error"].startswith("Traceback")
    assert line["error"].endswith("ValueError: of …9299")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("sent to 447860099299", "sent to …9299"),
        ("sent to +44 7860 099299", "sent to …9299"),
        ("sent to %2B447860099299", "sent to …9299"),
        ("the key ib-1f04c3d8 is wrong", "the key … is wrong"),
        (f"GET /signup/{TOKEN}/progress", "GET /signup/…/progress"),
        ("GET https://x.test/a?code=AQ-8812 now", "GET https://x.test/a?… now"),
        ("Did it go? Yes", "Did it go? Yes"),
    ],
)
def test_what_is_secret_is_in_no_line_however_it_got_there(said: str, shown: str):
    assert written(said)["message"] == shown
    assert written("%s", said)["message"] == shown


def test_a_line_is_about_the_onboarding_that_somebody_is_at():
    with about(ONBOARDING, RUN):
        line = written("Could not wake a run")
    assert (line["onboarding"], line["run"]) == (ONBOARDING, RUN)
    assert "onboarding" not in written("Could not wake a run")


def test_a_line_is_about_the_onboarding_that_its_path_names():
    line = written('"GET /v1/onboardings/%s HTTP/1.1" 200', ONBOARDING)
    assert line["onboarding"] == ONBOARDING
    assert "run" not in line


def test_a_line_of_a_leg_is_about_its_run_and_onboarding(monkeypatch: pytest.MonkeyPatch):
    run = SimpleNamespace(id=UUID(RUN))
    leg = SimpleNamespace(flow_run=run, parameters={"onboarding_id": UUID(ONBOARDING)})
    monkeypatch.setattr(FlowRunContext, "get", lambda: leg)
    line = written("Finished in state Live")
    assert (line["onboarding"], line["run"]) == (ONBOARDING, RUN)


def test_a_line_of_prefect_about_a_run_names_it():
    run = uuid4()
    assert written("Submitted", flow_run_id=run)["run"] == str(run)


def test_outside_a_run_nothing_is_known_of_one():
    assert ids_of_run() == {}


@pytest.mark.usefixtures("loggers")
def test_all_that_a_process_logs_is_json_and_prefects_own_log_stays(
    settings: Settings, capsys: pytest.CaptureFixture[str]
):
    ours, theirs = logging.getLogger("waboard.gateway"), logging.getLogger("prefect.flow_runs")
    set_up(settings)
    ours.warning("of %s", settings.infobip_api_key and settings.infobip_api_key.get_secret_value())
    logging.getLogger("uvicorn.access").info("GET /v1/events?q=%s", "447860099299")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["message"] for line in lines] == ["of …", "GET /v1/events?…"]
    assert any(isinstance(each, APILogHandler) for each in theirs.handlers)
    handlers = [h for name in (None, "uvicorn") for h in logging.getLogger(name).handlers]
    assert not any(isinstance(each, PrefectConsoleHandler) for each in handlers)
    assert uvicorn_config(settings) is None


@pytest.mark.usefixtures("loggers")
def test_what_ends_the_process_is_a_line_as_well(
    settings: Settings, capsys: pytest.CaptureFixture[str]
):
    set_up(settings)
    sys.excepthook(ValueError, ValueError("of 447860099299"), None)
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["error"]) == ("CRITICAL", "ValueError: of …9299")


@pytest.mark.usefixtures("loggers")
def test_what_a_service_says_is_logged_a_line_each(
    settings: Settings, capsys: pytest.CaptureFixture[str]
):
    set_up(settings)
    said = console_for(settings, Console(), "waboard.up")
    with said.status("Starting …"):
        said.print("Gateway     http://127.0.0.1:8420/docs\n\nPress Ctrl-C.")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["message"] for line in lines] == [
        "Gateway     http://127.0.0.1:8420/docs",
        "Press Ctrl-C.",
    ]
    assert {line["logger"] for line in lines} == {"waboard.up"}


@pytest.mark.usefixtures("loggers")
def test_as_text_everything_stays_as_it_is(settings: Settings):
    as_text = settings.model_copy(update={"log_format": "text"})
    root, console = logging.getLogger(), Console()
    before = list(root.handlers)
    set_up(as_text)
    assert root.handlers == before
    assert console_for(as_text, console, "waboard.up") is console
    assert uvicorn_config(as_text) is not None
