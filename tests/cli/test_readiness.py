"""`waboard readiness`."""

import json

import pytest
import respx

from tests.cli.answers import check, problem, readiness
from tests.cli.conftest import API_KEY, Waboard, refused, said
from waboard.gateway.readiness import ConfirmationRequest


@pytest.fixture(autouse=True)
def _ana(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sits at the terminal."""
    monkeypatch.setenv("LOGNAME", "ana")


def test_the_checklist_shows_what_holds_what_does_not_and_what_nobody_knows(
    waboard: Waboard, gateway: respx.MockRouter
):
    found = readiness(
        check("portfolio", True),
        check("app-review", False, awaiting="meta", where="App review", usually="five days"),
        check("live-mode", None, by_person=True),
        check("data-use", False, needed=False),
        ready=False,
    )
    route = gateway.get("/v1/readiness").respond(json=found)
    result = waboard("readiness")
    assert result.exit_code == 1
    assert route.calls.last.request.headers["authorization"] == f"Bearer {API_KEY}"
    lines = {
        key: next(line for line in result.stdout.splitlines() if f"Title of {key}" in line)
        for key in ("portfolio", "app-review", "live-mode", "data-use")
    }
    for key, mark in [("portfolio", "yes"), ("app-review", "no"), ("live-mode", "?")]:
        assert lines[key].split("│")[1].strip() == mark
        assert f"Evidence of {key}." in lines[key]
    assert "meta: App review (five days)" in lines["app-review"]
    assert "Title of data-use (advised)" in lines["data-use"]
    assert "(advised)" not in lines["app-review"]
    assert result.stdout.endswith("Not ready yet.\n")


def test_what_holds_is_nobodys_turn(waboard: Waboard, gateway: respx.MockRouter):
    gateway.get("/v1/readiness").respond(json=readiness(check("portfolio", True)))
    assert "Where portfolio is" not in waboard("readiness").stdout


@pytest.mark.parametrize(
    ("ready", "code", "sentence"),
    [(True, 0, "Clients can be onboarded."), (False, 1, "Not ready yet.")],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_it_ends_with_0_only_when_clients_can_be_onboarded(
    waboard: Waboard,
    gateway: respx.MockRouter,
    ready: bool,
    code: int,
    sentence: str,
    as_json: bool,
):
    """So that a script can go on from there."""
    found = readiness(ready=ready)
    gateway.get("/v1/readiness").respond(json=found)
    result = waboard("readiness", *(["--json"] if as_json else []))
    assert result.exit_code == code
    if as_json:
        assert json.loads(result.stdout) == found
    else:
        assert sentence in result.stdout


@pytest.mark.parametrize(("flag", "holds"), [("--confirm", True), ("--deny", False)])
def test_a_person_says_how_an_item_stands(
    waboard: Waboard, gateway: respx.MockRouter, flag: str, holds: bool
):
    """By default the one at the terminal."""
    route = gateway.post("/v1/readiness/live-mode").respond(204)
    result = waboard("readiness", flag, "live-mode")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "Noted: live-mode, by ana.\n"
    said = ConfirmationRequest.model_validate_json(route.calls.last.request.content)
    assert said == ConfirmationRequest(who="ana", holds=holds, note="")


def test_who_says_so_and_what_else_there_is_to_say_is_passed_on(
    waboard: Waboard, gateway: respx.MockRouter
):
    route = gateway.post("/v1/readiness/oauth").respond(204)
    result = waboard("readiness", "--confirm", "oauth", "--who", "Bo [x]", "--note", "Both lists.")
    assert result.stdout == "Noted: oauth, by Bo [x].\n"
    body = {"who": "Bo [x]", "holds": True, "note": "Both lists."}
    assert json.loads(route.calls.last.request.content) == body


def test_saying_both_at_once_is_not_understood(waboard: Waboard):
    """And nobody is asked."""
    result = waboard("readiness", "--confirm", "oauth", "--deny", "live-mode")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--confirm and --deny exclude each other" in said(result)


@pytest.mark.parametrize("flag", ["--confirm", "--deny"])
def test_what_nobody_is_asked_about_is_said_with_what_people_are_asked_about(
    waboard: Waboard, gateway: respx.MockRouter, flag: str
):
    answer = problem(404, "Nobody is asked about 'solution'.", "People are asked about oauth.")
    gateway.post("/v1/readiness/solution").respond(404, json=answer)
    refused(waboard("readiness", flag, "solution"), 1, "'solution'", "oauth")


def test_a_note_that_is_too_long_is_refused(waboard: Waboard, gateway: respx.MockRouter):
    answer = problem(422, "note: String should have at most 1000 characters.")
    gateway.post("/v1/readiness/oauth").respond(422, json=answer)
    refused(waboard("readiness", "--confirm", "oauth", "--note", "n" * 1001), 2, "note")


@pytest.mark.parametrize("flag", ["--confirm", "--deny"])
def test_what_was_noted_is_told_as_json_to_a_program(
    waboard: Waboard, gateway: respx.MockRouter, flag: str
):
    gateway.post("/v1/readiness/oauth").respond(204)
    json.loads(waboard("readiness", flag, "oauth", "--json").stdout)


@pytest.mark.parametrize("text", ["[bold]so[/bold]", "list[0]", "[/oops]"])
def test_the_evidence_is_shown_word_for_word(
    waboard: Waboard, gateway: respx.MockRouter, text: str
):
    """Square brackets in it are no instructions to the terminal."""
    gateway.get("/v1/readiness").respond(json=readiness(check("oauth", True, evidence=text)))
    result = waboard("readiness")
    assert said(result) == ""
    assert text in result.stdout
