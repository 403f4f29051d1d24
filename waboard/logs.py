"""`WABOARD_LOG_FORMAT=json`: each line of a log is a JSON object, masked, with what it is about.

A line has `time` (ISO 8601, UTC), `level`, `logger` and `message`; `run` and `onboarding` where it
is about one; and `error` where there was an exception. Phone numbers, the queries of URLs, the
tokens of signup links and every secret of the settings are left out of all of it.
"""

import io
import json
import logging
import re
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, Any, cast

from pydantic import SecretStr
from rich.console import Console
from uvicorn.config import LOGGING_CONFIG

from waboard.http_logs import mask_line
from waboard.log_ids import Ids, ids
from waboard.settings import Settings

SHORTEST_SECRET = 6
"""Characters. What is shorter is no secret, and would be found in every other word."""
_IN_A_PATH = re.compile(r"/onboardings/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def nothing_known() -> Ids:
    """What a process knows that executes no runs."""
    return {}


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON. `known` tells the ids of the run that executes."""

    def __init__(self, secrets: Iterable[str], known: Callable[[], Ids] = nothing_known) -> None:
        super().__init__()
        self._secrets = sorted(secrets, key=len, reverse=True)
        self._known = known

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        message = record.getMessage()
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self._masked(message),
            **self._ids(record, message),
        }
        if record.exc_info:
            line["error"] = self._masked(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)

    def _ids(self, record: logging.LogRecord, message: str) -> dict[str, str]:
        in_path = _IN_A_PATH.search(message)
        found = {
            "onboarding": in_path and in_path[1],
            **ids(),
            **self._known(),
        }
        found["run"] = getattr(record, "flow_run_id", None) or found.get("run")
        return {name: str(value) for name, value in found.items() if value}

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return mask_line(text)


def set_up(settings: Settings, known: Callable[[], Ids] = nothing_known) -> None:
    """Have everything that this process logs written as the settings say. Call it last.

    As text, nothing is changed. As JSON, whatever handler writes to a terminal or a file gives way
    to ours, also Prefect's and uvicorn's; those that send logs to Prefect stay.
    """
    if settings.log_format == "text":
        return
    ours = logging.StreamHandler(sys.stderr)
    ours.setFormatter(JsonLines(_secrets(settings), known))
    root = logging.getLogger()
    for logger in (root, *(map(logging.getLogger, root.manager.loggerDict))):
        if any(isinstance(each, logging.StreamHandler) for each in logger.handlers):
            others = [h for h in logger.handlers if not isinstance(h, logging.StreamHandler)]
            logger.handlers = [*others, ours]
    root.handlers = root.handlers if ours in root.handlers else [*root.handlers, ours]
    for name in ("waboard", "uvicorn"):
        logging.getLogger(name).setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught


def uvicorn_config(settings: Settings) -> dict[str, Any] | None:
    """Return what uvicorn is to do about logs: as it does, or as JSON nothing of its own."""
    return LOGGING_CONFIG if settings.log_format == "text" else None


def console_for(settings: Settings, console: Console, name: str) -> Console:
    """Return where a service says something: the terminal, or as JSON its log."""
    if settings.log_format == "text":
        return console
    return Console(
        file=cast("IO[str]", _Lines(logging.getLogger(name))), width=10_000, color_system=None
    )


class _Lines(io.TextIOBase):
    """A file each of whose lines is logged."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger, self._begun = logger, ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            if line.strip():
                self._logger.info("%s", line.rstrip())
        return len(text)


def _secrets(settings: Settings) -> set[str]:
    values: list[Any] = [getattr(settings, field) for field in type(settings).model_fields]
    flat = [each for value in values for each in _listed(value)]
    secrets = {each.get_secret_value() for each in flat if isinstance(each, SecretStr)}
    return {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}


def _listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    logging.getLogger("waboard").critical("This ends the process.", exc_info=(kind, error, trace))
