"""A CSV file of clients: checked as a whole before anybody is started.

The columns are the fields of an onboarding: `client_ref` and `waba_id`, and where they are known
`client_name`, `application_id`, `entity_id`, `solution_id`, `verify_by`,
`phone_numbers` (separated by `;`).
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from waboard.api_client import GatewayClient, Refused
from waboard.domain.errors import BadInput
from waboard.domain.requests import OnboardingRequest

COLUMNS = frozenset(OnboardingRequest.model_fields)
NEEDED = ("client_ref", "waba_id")
_ONCE = ("client_ref", "waba_id")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row: the stage of its onboarding, or why the gateway refused it."""

    client_ref: str
    stage: str = ""
    problem: str = ""

    def as_json(self) -> dict[str, str]:
        """For programs and the screen."""
        return {"client_ref": self.client_ref, "stage": self.stage, "problem": self.problem}


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
    for number, row in _rows(file):
        request = _request(row)
        found = _problems(request) or _repeated(request, seen, number)
        problems += [Problem(number, said) for said in found]
        requests.append(request)
    return requests, problems


def _rows(file: Path) -> list[tuple[int, dict[str | None, Any]]]:
    try:
        # Spreadsheets begin their files with a byte order mark.
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            _refuse_columns(file, reader.fieldnames or ())
            # A row can span lines, so its own line is where it ended.
            return [(reader.line_num, row) for row in reader if any(row.values())]
    except OSError as error:
        raise _unreadable(file, error.strerror or "it cannot be opened") from None
    except (UnicodeDecodeError, csv.Error):
        raise _unreadable(file, "this is no CSV file in UTF-8") from None


def _refuse_columns(file: Path, columns: Any) -> None:
    missing = [name for name in NEEDED if name not in columns]
    unknown = [str(name) for name in columns if name not in COLUMNS]
    if missing:
        raise _unreadable(file, f"the column {missing[0]} is missing")
    if unknown:
        raise _unreadable(file, f"there is no column {unknown[0]!r}")


def _unreadable(file: Path, why: str) -> BadInput:
    known = ", ".join(sorted(COLUMNS))
    return BadInput(str(file), f"{why}.", remedy=f"The first line names the columns: {known}.")


def _request(row: dict[str | None, Any]) -> dict[str, Any]:
    given = {name: value.strip() for name, value in row.items() if name and value}
    request: dict[str, Any] = {name: value for name, value in given.items() if value}
    if None in row:  # that is where DictReader puts what has no column
        request["a value without a column"] = True
    if numbers := request.get("phone_numbers"):
        request["phone_numbers"] = [each.strip() for each in numbers.split(";") if each.strip()]
    return request


def _problems(request: dict[str, Any]) -> list[str]:
    try:
        OnboardingRequest.model_validate(request)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        return [f"{e['loc'][0]}: {e['msg'].removeprefix('Value error, ')}" for e in found]
    return []


def _repeated(request: dict[str, Any], seen: dict[tuple[str, str], int], number: int) -> list[str]:
    problems: list[str] = []
    for name in _ONCE:
        first = seen.setdefault((name, request[name]), number)
        if first != number:
            problems.append(f"{name}: line {first} has the same")
    return problems


def bring(client: GatewayClient, request: dict[str, Any]) -> Outcome:
    """Ask for one onboarding. A refusal stops nobody else."""
    try:
        onboarding = client.start(request).onboarding
    except Refused as error:
        return Outcome(request["client_ref"], problem=str(error))
    return Outcome(request["client_ref"], stage=onboarding["stage"])
