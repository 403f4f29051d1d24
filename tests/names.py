"""What a text names, held against what there is: settings, commands, routes, words and pages."""

import re
import shlex
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path

import prefect.states
from fastapi import FastAPI
from typer import BadParameter, Exit
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command

from tasks import additions, approval, departures
from waboard import cli, reference
from waboard.domain.additions import AdditionState
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.decisions import DecisionVerb
from waboard.domain.departures import DepartureState, Handwork
from waboard.domain.outcome import RUNNING, OutcomeName, Stage
from waboard.domain.posting import MessageState
from waboard.domain.reasons import Reason
from waboard.domain.waits import WORDS
from waboard.ledger.models import Disposition, EffectStatus, EventKind, Verb
from waboard.ledger.queries.counted import ENDED
from waboard.settings import Settings, setting_name

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = {setting_name(field) for field in Settings.model_fields}


# Settings


def unknown_settings(text: str) -> set[str]:
    """The variables of ours that a text names and nobody reads. "…" stands for any part of one."""
    named = set(re.findall(r"WABOARD_[A-Z_…]*", text))
    return {name for name in named if not any(_is_named(name, known) for known in SETTINGS)}


def _is_named(name: str, known: str) -> bool:
    any_end = ".*" if name.endswith("_") else ""
    return re.fullmatch(name.replace("…", ".*") + any_end, known) is not None


# Commands


def unknown_commands(text: str) -> list[str]:
    """The command lines of ours that a text shows and the command line does not take."""
    shown = _in_code_blocks(text) + re.findall(r"`(?:\.venv/bin/)?waboard ([^`]+)`", text)
    return [f"waboard {line}: {why}" for line in shown if (why := _complaint(_words(line)))]


def _in_code_blocks(text: str) -> list[str]:
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    whole = "\n".join(blocks).replace("\\\n", " ")
    return re.findall(r"^(?:\$ )?(?:\.venv/bin/)?waboard (.+)$", whole, re.MULTILINE)


def _words(line: str) -> list[str]:
    return shlex.split(" ".join(line.split()), comments=True)


def _complaint(words: list[str]) -> str | None:
    command, name = _app(), "waboard"
    while isinstance(command, TyperGroup):
        if not words or words[0] in {"--help", "COMMAND"}:
            return None
        name, *words = words
        command = command.commands.get(name)
    if command is None:
        return f"there is no {name}"
    assert isinstance(command, TyperCommand)
    return _does_not_take(command, name, [word.replace("…", "X") for word in words])


def _does_not_take(command: TyperCommand, name: str, words: list[str]) -> str | None:
    try:
        command.make_context(name, [*words])
    except Exit:
        return None
    except BadParameter as error:
        is_missing = type(error) is not BadParameter  # a command may be named without what it needs
        is_wrong = any(repr(word) in str(error) for word in words if not _is_placeholder(word))
        excused = is_missing or (any(map(_is_placeholder, words)) and not is_wrong)
        return None if excused else str(error)
    except TyperException as error:
        return str(error)
    return None


def _is_placeholder(word: str) -> bool:
    return re.fullmatch(r"[A-Z_]+", word) is not None


@cache
def _app() -> object:
    return get_command(cli.app)


# Routes


def unknown_routes(text: str, app: FastAPI) -> set[str]:
    """The routes of ours that a text names and an app does not have, with their parameters."""
    paths = app.openapi()["paths"]
    return {each for each in _routes_in(text) if not _is_there(*each.split(" ", 1), paths)}


_OURS = r"/(?:v1|hooks|signup|healthz|readyz|metrics)\b[^\s`\"'|)]*"


def _routes_in(text: str) -> Iterator[str]:
    for method, path in re.findall(rf"\b(GET|POST|PUT|PATCH|DELETE) ({_OURS})", text):
        yield f"{method} {path}"
    for path in re.findall(rf"(?:127\.0\.0\.1:8420|YOUR-ADDRESS)({_OURS})", text):
        yield f"ANY {path}"


def _is_there(method: str, path: str, paths: dict[str, dict[str, object]]) -> bool:
    path, _, query = path.rstrip(".,;:").partition("?")
    names = {part.partition("=")[0] for part in query.split("&") if part}
    for template, methods in paths.items():
        if not re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), path):
            continue
        found = methods if method == "ANY" else {method.lower(): methods.get(method.lower())}
        if any(each and names <= _parameters(each) for each in found.values()):
            return True
    return False


def _parameters(operation: object) -> set[str]:
    assert isinstance(operation, dict)
    return {each["name"] for each in operation.get("parameters", [])}


# Words: reasons, states, conditions, outcomes, errors


ENUMS: tuple[type[StrEnum], ...] = (
    AdditionState,
    ConditionType,
    DecisionVerb,
    DepartureState,
    Disposition,
    EffectStatus,
    EventKind,
    Handwork,
    MessageState,
    OutcomeName,
    Reason,
    Stage,
    Status,
    Verb,
)
FOREIGN = {"WhatsApp", "JavaScript", "WebhookVerificationError"}
"""Words that look like ours and are others': products, and a class in an example."""
BEGINNINGS = {"Awaiting"}
"""What a page calls those words by that begin so."""


def unknown_words(text: str) -> set[str]:
    """The words that look like a reason or a state, and are none."""
    alone = re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)*)`", text)
    humped = re.findall(r"(?<![\w./#])([A-Z][a-z]+(?:[A-Z][a-z]+)+)(?![\w/])", text)
    return {*alone, *humped} - _words_there_are() - FOREIGN - BEGINNINGS


@cache
def _words_there_are() -> set[str]:
    ours = {name.value for names in ENUMS for name in names}
    ours |= {words.state for words in WORDS.values()}
    ours |= {additions.AWAITING, approval.AWAITING, RUNNING, ENDED, *reference.KINDS}
    ours |= {*additions.END_NAMES.values(), *departures.END_NAMES.values()}
    return ours | {name for name in vars(prefect.states) if name[0].isupper()} | run_states()


def run_states() -> set[str]:
    """The names under which runs end, as flows and our worker give them."""
    sources = [*(ROOT / "flows").glob("*.py"), *(ROOT / "waboard" / "worker").glob("*.py")]
    return {name for path in sources for name in re.findall(_ENDS, path.read_text())}


_ENDS = r"(?:Completed|Failed|Cancelled)\(\s*name=\"(\w+)\""


# Pages


def missing_pages(text: str) -> set[str]:
    """The pages of ours that a text names by their paths and that are not there."""
    named = re.findall(r"\bdocs/([\w-]+\.\w+)(?:#([\w-]+))?", text)
    return {f"{file}#{anchor}" for file, anchor in named if not _has(ROOT / "docs" / file, anchor)}


def _has(path: Path, anchor: str) -> bool:
    return path.is_file() and (not anchor or anchor in anchors(path))


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
