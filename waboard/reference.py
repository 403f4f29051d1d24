"""Writes docs/errors.md: every error that a person can meet, and what to do about it.

`python -m waboard.reference` reads them out of the code, so that none is forgotten; a test
compares the two.
"""

import ast
from collections.abc import Iterator
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from waboard.meta.errors import RULES

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "errors.md"
PARTS = ("blocks", "flows", "tasks", "waboard")
KINDS = {
    "BadInput": "What was given cannot be used. HTTP 422; exit code 2",
    "FactsDiffer": "It is known with other facts, or goes on already. HTTP 409; exit code 2",
    "OutOfPlace": "It does not fit how things stand now. HTTP 409; exit code 2",
    "NotFound": "There is no such thing. HTTP 404; exit code 1",
    "LinkClosed": "A signup link that cannot be used any more. HTTP 410",
    "Unauthorized": "Whoever calls did not show who they are. HTTP 401; exit code 2",
    "Unreachable": "Nobody answers where the gateway should be. Exit code 3",
    "WaboardError": "Something else that a person can act on. HTTP 502; exit code 1",
}
_HEAD = """# Errors

What waboard says when something cannot be done, and what to do about it. In the REST API it is a
[problem](http.md#errors), on the command line a sentence and an [exit code](cli.md#exit-codes), in
a run the message of a [condition](states.md#reasons). Instead of "…" it says what it is about.

This page is written by `python -m waboard.reference`; do not edit it.
"""
_META = """## What Meta answers

By Meta's `code`. Any other is for the operator: "Correct what Meta names, and try again." What
Infobip answers: [infobip](infobip.md#errors).

| code | whose turn | remedy |
|---|---|---|
"""


class Error(NamedTuple):
    """One sentence of one kind, and its remedy."""

    kind: str
    message: str
    remedy: str


def errors() -> list[Error]:
    """Return every error that the code makes from words of its own, by kind."""
    paths = [path for part in PARTS for path in (ROOT / part).rglob("*.py")]
    order = list(KINDS)
    found = {error for path in paths for error in _errors_in(path)}
    return sorted(found, key=lambda error: (order.index(error.kind), error))


def _errors_in(path: Path) -> Iterator[Error]:
    tree = ast.parse(path.read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    made = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in KINDS]
    if not made:
        return
    names = vars(import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)))
    for call in made:
        words = [_text(each, names) for each in call.args]
        remedy = next((_text(k.value, names) for k in call.keywords if k.arg == "remedy"), "")
        kind = ast.unparse(call.func)
        if kind == "LinkClosed":
            words, remedy = words[1:], "Ask your provider for a new link."
        if words[-1].strip("… ."):
            yield Error(kind, ": ".join(words), remedy)


def _text(node: ast.expr, names: dict[str, Any]) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr():
            return "".join(_text(each, names) for each in node.values)
        case ast.FormattedValue():
            return _text(node.value, names)
        case ast.Name() if isinstance(names.get(node.id), str):
            return names[node.id]
        case ast.Call(func=ast.Name(id="setting_name"), args=[ast.Constant(value=str(field))]):
            return f"WABOARD_{field.upper()}"
        case _:
            return "…"


def page() -> str:
    """Return the page as it should be."""
    parts = [_HEAD]
    for kind, group in groupby(errors(), key=lambda error: error.kind):
        lines = [f"| {_cell(e.message)} | {_cell(e.remedy)} |" for e in group]
        head = f"## `{kind}`\n\n{KINDS[kind]}.\n\n| what it says | remedy |\n|---|---|"
        parts.append("\n".join([head, *lines]) + "\n")
    return "\n".join([*parts, _META + "\n".join(_meta_rows()) + "\n"])


def _meta_rows() -> Iterator[str]:
    by_rule = groupby(RULES.items(), key=lambda item: item[1])
    for rule, items in by_rule:
        codes = [code for code, _ in items]
        written = ", ".join(f"`{code}`" for code in codes if not 200 < code < 300)
        written = written.replace("`200`", "`200` to `299`")
        yield f"| {written} | {rule.awaiting} | {_cell(rule.remedy)} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    PAGE.write_text(page())
