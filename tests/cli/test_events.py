"""`waboard events`."""

import json

import pytest
import respx

from tests.cli.answers import event, problem, whole_event
from tests.cli.conftest import Waboard, refused, said
from tests.domain.samples import BAD, GOOD


def test_events_are_listed_a_line_each(waboard: Waboard, gateway: respx.MockRouter):
    route = gateway.get("/v1/events").respond(json=[event(), event(id=6, disposition="parked")])
    result = waboard("events", "list")
    assert result.exit_code == 0
    assert dict(route.calls.last.request.url.params) == {"limit": "50"}
    [line] = [line for line in result.stdout.splitlines() if "applied" in line]
    for shown in ("7", "registration", "webhook", "2", "It changed what is known."):
        assert shown in line
    assert "parked" in result.stdout


def test_events_are_asked_for_by_what_became_of_them(waboard: Waboard, gateway: respx.MockRouter):
    route = gateway.get("/v1/events").respond(json=[])
    assert waboard("events", "list", "--disposition", "parked", "--limit", "3").exit_code == 0
    params = dict(route.calls.last.request.url.params)
    assert params == {"disposition": "parked", "limit": "3"}


def test_events_as_json_are_complete(waboard: Waboard, gateway: respx.MockRouter):
    gateway.get("/v1/events").respond(json=[event()])
    assert json.loads(waboard("events", "list", "--json").stdout) == [event()]


def test_an_event_is_shown_with_its_body_and_masked_numbers(
    waboard: Waboard, gateway: respx.MockRouter
):
    gateway.get("/v1/events/7").respond(json=whole_event(detail=f"About {BAD}."))
    result = waboard("events", "show", "7")
    assert result.exit_code == 0
    assert '"displayPhoneNumber":"…8538"' in result.stdout
    assert "About …6042." in result.stdout
    for number in (GOOD, BAD, "313-513-8538"):
        assert number not in result.stdout


def test_an_event_as_json_is_complete_and_holds_whole_numbers(
    waboard: Waboard, gateway: respx.MockRouter
):
    gateway.get("/v1/events/7").respond(json=whole_event())
    result = waboard("events", "show", "7", "--json")
    assert json.loads(result.stdout) == whole_event()


@pytest.mark.parametrize("as_json", [True, False])
def test_an_event_is_run_again(waboard: Waboard, gateway: respx.MockRouter, as_json: bool):
    route = gateway.post("/v1/events/7/replay").respond(json=whole_event())
    result = waboard("events", "replay", "7", *(["--json"] if as_json else []))
    assert result.exit_code == 0
    assert route.call_count == 1
    if as_json:
        assert json.loads(result.stdout) == whole_event()
    else:
        assert "applied" in result.stdout


@pytest.mark.parametrize("text", ["[bold]so[/bold]", "results[0]", "[/oops]"])
def test_why_an_event_is_invalid_is_shown_word_for_word(
    waboard: Waboard, gateway: respx.MockRouter, text: str
):
    """Square brackets in it are no instructions to the terminal."""
    gateway.get("/v1/events").respond(json=[event(detail=text)])
    result = waboard("events", "list")
    assert said(result) == ""
    assert text in result.stdout


@pytest.mark.parametrize(("command", "method"), [("show", "GET"), ("replay", "POST")])
def test_an_event_that_is_not_there_is_said(
    waboard: Waboard, gateway: respx.MockRouter, command: str, method: str
):
    path = "/v1/events/99" + ("/replay" if command == "replay" else "")
    answer = problem(404, "There is no event 99.", "See `waboard events list`.")
    gateway.request(method, path).respond(404, json=answer)
    refused(waboard("events", command, "99"), 1, "There is no event 99.", "waboard events list")


def test_a_disposition_that_does_not_exist_is_refused(waboard: Waboard, gateway: respx.MockRouter):
    answer = problem(422, "The request cannot be used. disposition: Input should be 'parked'.")
    gateway.get("/v1/events").respond(422, json=answer)
    refused(waboard("events", "list", "--disposition", "lost"), 2, "disposition")


@pytest.mark.parametrize(
    "arguments", [("show", "first"), ("list", "--limit", "0"), ("list", "--limit", "1001")]
)
def test_what_cannot_be_a_number_is_refused_before_anybody_is_asked(
    waboard: Waboard, arguments: tuple[str, ...]
):
    assert waboard("events", *arguments).exit_code == 2
