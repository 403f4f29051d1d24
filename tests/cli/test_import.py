"""`waboard import`."""

import json
from pathlib import Path
from typing import cast

import pytest
import respx
from httpx import ReadError, Response
from typer.testing import Result

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


def there(client_ref: str) -> Response:
    return Response(200, json=on_the_way(client_ref=client_ref, stage="Live"))


def told(result: Result) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """What became of each row, and the sum without what is zero."""
    found = json.loads(result.stdout)
    counted = {name: count for name, count in found["sum"].items() if count}
    return [(row["client_ref"], row["result"]) for row in found["rows"]], counted


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
    assert "3 new, 0 already there, 0 refused." in result.stdout


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


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_dry_run_says_what_would_become_of_each_row(
    waboard: Waboard, gateway: respx.MockRouter, file: str, flags: list[str]
):
    """The gateway is asked, and does nothing."""
    no = Response(409, json=problem(409, "core has left.", "Say --again."))
    route = brings(gateway, Response(204), there("bolt"), no)
    result = waboard("import", file, "--dry-run", *flags)
    assert (result.exit_code, result.stderr) == (1, "")
    for call in cast("list[respx.models.Call]", list(route.calls)):
        assert call.request.url.params["dry_run"] == "true"
    if flags:
        rows = [("acme", "new"), ("bolt", "already-there"), ("core", "refused")]
        assert told(result) == (rows, {"new": 1, "already-there": 1, "refused": 1})
    else:
        assert "A dry run: 1 new, 1 already there, 1 refused." in result.stdout
        assert "core has left. Say --again." in result.stdout


def test_a_dry_run_needs_no_gateway_and_says_that_nobody_was_asked(
    waboard: Waboard, monkeypatch: pytest.MonkeyPatch, file: str
):
    """And so no key: all rows can be used."""
    monkeypatch.delenv("WABOARD_API_KEYS")
    result = waboard("import", file, "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "0 refused, 3 not asked." in result.stdout
    assert "not known: WABOARD_API_KEYS: is not set." in result.stdout
    as_json = waboard("import", file, "--dry-run", "--json")
    assert told(as_json)[1] == {"not-asked": 3}
    assert "WABOARD_API_KEYS: is not set." in said(as_json)


def test_a_dry_run_that_breaks_off_says_who_was_not_asked(
    waboard: Waboard, gateway: respx.MockRouter, file: str
):
    gateway.post("/v1/onboardings").mock(side_effect=[Response(204), ReadError("gone")])
    result = waboard("import", file, "--dry-run", "--json")
    assert result.exit_code == 0
    assert told(result)[1] == {"new": 1, "not-asked": 2}


def test_a_dry_run_names_what_is_wrong_as_well(waboard: Waboard, file: str):
    Path(file).write_text(ROWS + "acme,9,,\n")
    result = waboard("import", file, "--dry-run")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "line 5: client_ref: line 2 has the same" in said(result)


@pytest.mark.parametrize("status", [409, 422])
def test_a_refused_row_does_not_stop_the_others(
    waboard: Waboard, gateway: respx.MockRouter, file: str, status: int
):
    no = Response(status, json=problem(status, "bolt has another WABA.", "Correct the row."))
    route = brings(gateway, taken("acme"), no, taken("core"))
    result = waboard("import", file)
    assert result.exit_code == 1
    assert [asked["client_ref"] for asked in asked_for(route)] == ["acme", "bolt", "core"]
    assert "2 new, 0 already there, 1 refused." in result.stdout
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
    assert json.loads(result.stdout) == {
        "rows": [
            {"client_ref": "acme", "result": "new", "stage": "Sharing", "problem": ""},
            {"client_ref": "bolt", "result": "refused", "stage": "", "problem": "No. Mend it."},
            {"client_ref": "core", "result": "new", "stage": "Sharing", "problem": ""},
        ],
        "sum": {"new": 2, "already-there": 0, "refused": 1, "not-answered": 0, "not-asked": 0},
    }


def test_bringing_in_the_same_again_says_so_and_how_it_stands(
    waboard: Waboard, gateway: respx.MockRouter, file: str
):
    """What was asked for before is found: running it again is safe."""
    brings(gateway, there("acme"), taken("bolt"), there("core"))
    result = waboard("import", file)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "1 new, 2 already there, 0 refused." in result.stdout
    lines = {line.split()[1]: line for line in result.stdout.splitlines() if "│" in line}
    for client, shown in {"acme": "already there", "bolt": "new", "core": "Live"}.items():
        assert shown in lines[client]


def test_what_is_kept_until_prefect_is_there_is_new_only_to_who_made_it(
    waboard: Waboard, gateway: respx.MockRouter, file: str
):
    kept = Response(202, json=on_the_way(), headers={"Location": "/v1/onboardings/1"})
    brings(gateway, kept, Response(202, json=on_the_way()), taken("core"))
    rows, _ = told(waboard("import", file, "--json"))
    assert [result for _, result in rows] == ["new", "already-there", "new"]


def test_who_begins_anew_with_all_of_a_file_says_so(
    waboard: Waboard, gateway: respx.MockRouter, file: str
):
    route = brings(gateway, *map(taken, ("acme", "bolt", "core")))
    result = waboard("import", file, "--again", "--by", "mia", "--why", "The shop has reopened.")
    assert result.exit_code == 0
    again = {"by": "mia", "why": "The shop has reopened."}
    assert [asked["again"] for asked in asked_for(route)] == [again] * 3


def test_nobody_begins_anew_without_a_reason(
    waboard: Waboard, gateway: respx.MockRouter, file: str
):
    refused(waboard("import", file, "--again"), 2, "--why: is missing.")


@pytest.mark.parametrize("rows", [ROWS.splitlines()[0] + "\n", ROWS.splitlines()[0] + "\n,,,\n\n"])
def test_a_file_without_rows_brings_nobody(
    waboard: Waboard, gateway: respx.MockRouter, file: str, rows: str
):
    Path(file).write_text(rows)
    result = waboard("import", file)
    assert (result.exit_code, "0 new" in result.stdout) == (0, True)


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


def test_a_gateway_that_does_not_answer_ends_it_and_what_was_done_is_told(
    waboard: Waboard, gateway: respx.MockRouter, file: str
):
    """Nobody knows of the row that it was asked for: asking again finds out."""
    route = gateway.post("/v1/onboardings").mock(side_effect=[taken("acme"), ReadError("gone")])
    result = waboard("import", file, "--json")
    assert (result.exit_code, route.call_count) == (3, 2)
    rows = [("acme", "new"), ("bolt", "not-answered"), ("core", "not-asked")]
    assert told(result) == (rows, {"new": 1, "not-answered": 1, "not-asked": 1})
    assert "No gateway answers" in said(result)


def test_a_key_that_opens_nothing_ends_it(waboard: Waboard, gateway: respx.MockRouter, file: str):
    """It is no row's fault."""
    route = gateway.post("/v1/onboardings").respond(401, json=problem(401, "Wrong key.", "Mend."))
    result = waboard("import", file)
    assert (result.exit_code, route.call_count) == (2, 1)
    assert "Wrong key. Mend." in said(result)


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
