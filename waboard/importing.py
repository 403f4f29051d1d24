"""A CSV file of clients: checked as a whole before the first is started.

The columns are the fields of an onboarding: `client_ref` and `waba_id`, and where they are known
`client_name`, `application_id`, `entity_id`, `solution_id`, `verify_by`,
`phone_numbers` (separated by `;` or `,`).
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from waboard.api_client import GatewayClient, NotLetIn, Refused
from waboard.domain.errors import BadInput
from waboard.domain.requests import OnboardingRequest
from waboard.domain.spreadsheets import Columns, Row, read_table

NEEDED = ("client_ref", "waba_id")
COLUMNS = Columns(OnboardingRequest.model_fields.keys() - {"again"}, NEEDED)
_SHORTENED = re.compile(r"[0-9]+([.,][0-9]+)?[eE][+]?[0-9]+")
"""How a spreadsheet writes a number that is too long for it: 1.02384E+14."""


class Result(StrEnum):
    """What became of one row. `not-answered` may have been taken: to ask again is safe."""

    NEW = "new"
    ALREADY_THERE = "already-there"
    REFUSED = "refused"
    NOT_ANSWERED = "not-answered"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row: the stage of its onboarding, or why the gateway refused it."""

    client_ref: str
    result: Result
    stage: str = ""
    problem: str = ""

    def as_json(self) -> dict[str, str]:
        """For programs and the screen."""
        return {
            "client_ref": self.client_ref,
            "result": self.result,
            "stage": self.stage,
            "problem": self.problem,
        }


def summed_up(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Return what became of each row, and how often each result is among them."""
    rows = [outcome.as_json() for outcome in outcomes]
    counted = Counter(row["result"] for row in rows)
    return {"rows": rows, "sum": {result.value: counted[result] for result in Result}}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one row, which ends in that line of the file."""

    line: int
    said: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.said}"


def read_rows(file: Path) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Read and check every row. Returns the requests, and what is wrong with them.

    Raises BadInput when the file is none, or has not the columns it needs.
    """
    requests: list[dict[str, Any]] = []
    problems: list[Problem] = []
    seen: dict[tuple[str, str], int] = {}
    for row in read_table(str(file), _content(file), COLUMNS):
        request = _request(row)
        found = _problems(row, request) or _repeated(request, seen, row.line)
        problems += [Problem(row.line, said) for said in found]
        requests.append(request)
    return requests, problems


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        why = error.strerror or "it cannot be opened"
        raise BadInput(str(file), f"{why}.", remedy="Name a CSV file with a header.") from None


def _request(row: Row) -> dict[str, Any]:
    request: dict[str, Any] = {**row.cells}
    if numbers := row.cells.get("phone_numbers"):
        parts = (each.strip() for each in re.split(r"[;,\n]", numbers))
        request["phone_numbers"] = [each for each in parts if each]
    return request


def _problems(row: Row, request: dict[str, Any]) -> list[str]:
    shortened = {name for name, cell in row.cells.items() if _SHORTENED.fullmatch(cell)}
    problems = [f"{name}: {_TO_BE_TEXT}" for name in sorted(shortened)]
    if row.has_stray:
        problems.append(f"a value without a column: {_TO_BE_QUOTED}")
    try:
        OnboardingRequest.model_validate(request)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        said = [(str(e["loc"][0]), e["msg"].removeprefix("Value error, ")) for e in found]
        problems += [f"{name}: {why}" for name, why in said if name not in shortened]
    return problems


_TO_BE_TEXT = "a spreadsheet has shortened this number; make the column text, and enter it anew"
_TO_BE_QUOTED = "a cell that holds the separator stands in quotes"


def _repeated(request: dict[str, Any], seen: dict[tuple[str, str], int], line: int) -> list[str]:
    problems: list[str] = []
    for name in NEEDED:
        first = seen.setdefault((name, request[name]), line)
        if first != line:
            problems.append(f"{name}: line {first} has the same")
    return problems


def bring(client: GatewayClient, request: dict[str, Any], *, dry_run: bool = False) -> Outcome:
    """Ask for one onboarding, or what would come of asking. A refusal stops no other row.

    Raises WaboardError for what is no row's fault.
    """
    ref = request["client_ref"]
    try:
        asked = client.would_start(request) if dry_run else client.start(request)
    except NotLetIn:
        raise
    except Refused as error:
        return Outcome(ref, Result.REFUSED, problem=str(error))
    result = Result.NEW if asked.is_new else Result.ALREADY_THERE
    return Outcome(ref, result, stage=asked.onboarding.get("stage", ""))


def left_out(
    rows: list[dict[str, Any]], done: list[Outcome], *, dry_run: bool = False
) -> list[Outcome]:
    """Return what became of the rows after those that are done: the gateway has failed at one."""
    left = [Outcome(row["client_ref"], Result.NOT_ASKED) for row in rows[len(done) :]]
    if left and not dry_run:
        left[0] = Outcome(left[0].client_ref, Result.NOT_ANSWERED)
    return left
