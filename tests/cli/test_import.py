"""`waboard import`."""

import json
from pathlib import Path
from typing import cast

import pytest
import respx
from httpx import ReadError, Response

from tests.cli.answers import on_the_way, problem
from tests.cli.conftest import API_KEY, Waboard, refused, said

ROWS = (
    "client_ref,waba_id,client_name,phone_numbers\n"
    "acme,102384266223093,Acme Bakery,+1 313-513-8538;+12132186042\n"
    "bolt,2,,\n"
    "core,3,,\n"
)


@pytest.fixture
def file() -> str:
    """A file with three clients."""
    Path("clients.csv").write_text(ROWS)
    return "clients.csv"


def asked_for(route: respx.Route) -> list[dict[str, object]]:
    calls = cast("list[respx.models.Call]", list(route.calls))
    return [json.loads(call.request.content) for call in calls]


def brings(gateway: respx.MockRouter, *answers: Response) -> respx.Route:
    """What the gateway answers to one client after the other."""
    return gateway.post("/v1/onboardings").mock(side_effect=answers)


def taken(client_ref: str) -> Response:
    return Response(201, json=on_the_way(client_ref=client_ref))


def test_every_row_is_asked_for_in_the_order_of_the_file(
    waboard: Waboard, gateway: respx.MockRouter, file: str
):
    route = brings(gateway, *map(taken, ("acme", "bolt", "core")))
    result = waboard("import", file)
    assert (result.exit_code, result.stderr) == (0, "")
    assert asked_for(route) == [
        {
            "client_ref": "acme",
            "waba_id": "102384266223093",
            "client_name": "Acme Bakery",
            "phone_numbers": ["+1 313-513-8538", "+12132186042"],
        },
        {"client_ref": "bolt", "waba_id": "2"},
        {"client_ref": "core", "waba_id": "3"},
    ]
    assert route.calls.last.request.headers["authorization"] == f"Bearer {API_KEY}"
    assert "3 brought in, 0 refused." in result.stdout


def test_a_bad_row_starts_nobody_and_is_named_with_its_line_and_field(
    waboard: Waboard, gateway: respx.MockRouter, file: str
):
    """Hundreds are not half brought in."""
    Path(file).write_text(ROWS + "b/c,4,,\ndelta,12ab,,\n")
    result = waboard("import", file)
    assert (result.exit_code, result.stdout) == (2, "")
    told = said(result)
    assert "line 5: client_ref: " in told
    assert "line 6: waba_id: a WABA id is 1 to 20 decimal digits" in told
    assert "waboard: clients.csv: 2 rows cannot be used, so nobody was started." in told
    assert gateway.calls.call_count == 0


def test_a_row_with_two_problems_is_one_row(waboard: Waboard, file: str):
    Path(file).write_text(ROWS + "b/c,12ab,,\n")
    assert "2 rows" not in said(waboard("import", file))


def test_what_is_wrong_with_a_row_is_on_a_line_of_its_own(
    waboard: Waboard, monkeypatch: pytest.MonkeyPatch, file: str
):
    """A program that reads it has no terminal, and gets 80 columns."""
    monkeypatch.setenv("COLUMNS", "40")
    Path(file).write_text(ROWS + "delta,12ab,,\n")
    first, *_ = waboard("import", file).stderr.splitlines()
    assert first.endswith("as Meta shows it")


def test_a_dry_run_checks_the_rows_and_asks_nobody(
    waboard: Waboard, monkeypatch: pytest.MonkeyPatch, file: str
):
    """It needs no gateway, and so no key."""
    monkeypatch.delenv("WABOARD_API_KEYS")
    result = waboard("import", file, "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "3 rows can be used.\n"


def test_a_dry_run_names_what_is_wrong_as_well(waboard: Waboard, file: str):
    Path(file).write_text(ROWS + "acme,9,,\n")
    result = waboard("import", file, "--dry-run")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "line 5: client_ref: line 2 has the same" in said(result)


def test_what_a_dry_run_found_is_told_as_json_to_a_program(waboard: Waboard, file: str):
    json.loads(waboard("import", file, "--dry-run", "--json").stdout)


@pytest.mark.parametrize("status", [409, 422])
def test_a_refused_row_does_not_stop_the_others(
    waboard: Waboard, gateway: respx.MockRouter, file: str, status: int
):
    no = Response(status, json=problem(status, "bolt has another WABA.", "Correct the row."))
    route = brings(gateway, taken("acme"), no, taken("core"))
    result = waboard("import", file)
    assert result.exit_code == 1
    assert [asked["client_ref"] for asked in asked_for(route)] == ["acme", "bolt", "core"]
    assert "2 brought in, 1 refused." in result.stdout
    [line] = [line for line in result.stdout.splitlines() if "bolt" in line]
    assert "bolt has another WABA. Correct the row." in line


def test_what_became_of_each_row_is_told_as_json_and_nothing_else(
    waboard: Waboard, gateway: respx.MockRouter, file: str
):
    """No progress bar in between."""
    no = Response(409, json=problem(409, "No.", "Mend it."))
    brings(gateway, taken("acme"), no, taken("core"))
    result = waboard("import", file, "--json")
    assert (result.exit_code, result.stderr) == (1, "")
    assert json.loads(result.stdout) == [
        {"client_ref": "acme", "stage": "Sharing", "problem": ""},
        {"client_ref": "bolt", "stage": "", "problem": "No. Mend it."},
        {"client_ref": "core", "stage": "Sharing", "problem": ""},
    ]


def test_bringing_in_the_same_again_is_told_as_it_stands(
    waboard: Waboard, gateway: respx.MockRouter, file: str
):
    """The gateway finds what was asked for before: running it again is safe."""
    Path(file).write_text("client_ref,waba_id\nacme,1\n")
    live = Response(200, json=on_the_way(stage="Live", live=True, ended=True))
    brings(gateway, live)
    (told,) = json.loads(waboard("import", file, "--json").stdout)
    assert told == {"client_ref": "acme", "stage": "Live", "problem": ""}


@pytest.mark.parametrize("rows", [ROWS.splitlines()[0] + "\n", ROWS.splitlines()[0] + "\n,,,\n\n"])
def test_a_file_without_rows_brings_nobody(
    waboard: Waboard, gateway: respx.MockRouter, file: str, rows: str
):
    Path(file).write_text(rows)
    result = waboard("import", file)
    assert (result.exit_code, "0 brought in" in result.stdout) == (0, True)


@pytest.mark.parametrize("flags", [[], ["--dry-run"], ["--json"]])
def test_a_file_that_is_missing_is_named(waboard: Waboard, flags: list[str]):
    refused(waboard("import", "none.csv", *flags), 2, "none.csv", "No such file")


@pytest.mark.parametrize(
    ("text", "why"),
    [("client_ref\nacme\n", "the column waba_id"), ("client_ref,waba_id,colour\n", "'colour'")],
)
def test_a_file_with_other_columns_is_refused_with_those_that_there_are(
    waboard: Waboard, file: str, text: str, why: str
):
    Path(file).write_text(text)
    refused(waboard("import", file), 2, "clients.csv", why, "client_name, client_ref")


def test_a_gateway_that_is_out_of_order_ends_it(
    waboard: Waboard, gateway: respx.MockRouter, file: str
):
    """It is no row's fault."""
    route = gateway.post("/v1/onboardings").respond(503, json=problem(503, "Not now.", "Wait."))
    result = waboard("import", file)
    assert (result.exit_code, route.call_count) == (1, 1)
    assert "Not now. Wait." in said(result)


def test_a_gateway_that_does_not_answer_ends_it(
    waboard: Waboard, gateway: respx.MockRouter, file: str
):
    route = gateway.post("/v1/onboardings").mock(side_effect=[taken("acme"), ReadError("gone")])
    result = waboard("import", file)
    assert result.exit_code == 3
    assert route.call_count == 2


def test_without_a_key_nobody_is_brought_in(
    waboard: Waboard, monkeypatch: pytest.MonkeyPatch, file: str
):
    monkeypatch.delenv("WABOARD_API_KEYS")
    refused(waboard("import", file), 2, "WABOARD_API_KEYS: is not set.")


@pytest.mark.parametrize("text", ["[bold]so[/bold]", "list[0]", "[/oops]"])
def test_why_a_row_is_refused_is_shown_word_for_word(
    waboard: Waboard, gateway: respx.MockRouter, file: str, text: str
):
    """Square brackets in it are no instructions to the terminal."""
    no = Response(422, json=problem(422, text))
    brings(gateway, taken("acme"), no, taken("core"))
    result = waboard("import", file)
    assert said(result) == ""
    assert text in result.stdout
