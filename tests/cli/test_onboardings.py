"""`waboard onboard` and `waboard status`."""

import getpass
import json
import re
from io import StringIO

import pytest
import respx
from httpx import Response
from rich.console import Console

from tests.cli.answers import (
    RUN_URL,
    clock,
    offboarding_duty,
    on_the_way,
    onboarding,
    problem,
    requirement,
)
from tests.cli.conftest import API_KEY, Waboard, refused, said
from tests.domain.samples import BAD, GOOD, WABA
from waboard.screen import onboardings_screen

ID = onboarding()["id"]


def starts(gateway: respx.MockRouter, *answers: dict[str, object]) -> respx.Route:
    listed = [Response(201, json=answer) for answer in answers]
    return gateway.post("/v1/onboardings").mock(side_effect=listed)


def test_onboard_asks_for_what_was_typed(waboard: Waboard, gateway: respx.MockRouter):
    route = starts(gateway, on_the_way())
    result = waboard(
        *("onboard", "acme", WABA, "--name", "Acme Bakery", "--entity-id", "bakery"),
        *("--phone", "+1 313-513-8538", "--phone", BAD, "--verify-by", "both"),
    )
    assert (result.exit_code, result.stderr) == (0, "")
    request = route.calls.last.request
    assert request.headers["authorization"] == f"Bearer {API_KEY}"
    assert json.loads(request.content) == {
        "client_ref": "acme",
        "waba_id": WABA,
        "client_name": "Acme Bakery",
        "entity_id": "bakery",
        "phone_numbers": ["+1 313-513-8538", BAD],
        "verify_by": "both",
    }


def test_onboard_needs_only_the_client_and_the_waba(waboard: Waboard, gateway: respx.MockRouter):
    route = starts(gateway, on_the_way())
    result = waboard("onboard", "acme", WABA)
    assert result.exit_code == 0
    assert json.loads(route.calls.last.request.content) == {
        "client_ref": "acme",
        "waba_id": WABA,
        "client_name": None,
        "entity_id": None,
        "phone_numbers": [],
        "verify_by": None,
    }
    for shown in ("acme", "…3093", "attempt 1", "Sharing", "none yet"):
        assert shown in result.stdout


def test_onboard_as_json_is_all_that_the_gateway_said(waboard: Waboard, gateway: respx.MockRouter):
    starts(gateway, onboarding())
    result = waboard("onboard", "acme", WABA, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == onboarding()


def test_onboard_watches_until_the_end_and_shows_the_way_there(
    waboard: Waboard, gateway: respx.MockRouter
):
    starts(gateway, on_the_way())
    stages = ("Sharing", "AwaitingRegistration", "AwaitingRegistration", "Verifying")
    answers = [Response(200, json=on_the_way(stage=stage)) for stage in stages]
    gateway.get(f"/v1/onboardings/{ID}").mock(
        side_effect=[*answers, Response(200, json=onboarding())]
    )
    result = waboard("onboard", "acme", WABA, "--wait")
    assert result.exit_code == 0
    order = [result.stdout.index(f"acme: {stage}") for stage in (*stages[:2], "Verifying")]
    assert order == sorted(order)
    assert result.stdout.count("acme: AwaitingRegistration") == 1
    assert "LiveLimited" in result.stdout
    assert result.stdout.endswith("\n")
    assert GOOD not in result.stdout


@pytest.mark.parametrize(("live", "code"), [(True, 0), (False, 1)])
@pytest.mark.parametrize("as_json", [True, False])
def test_onboard_ends_as_the_onboarding_does_when_it_watches(
    waboard: Waboard, gateway: respx.MockRouter, live: bool, code: int, as_json: bool
):
    starts(gateway, on_the_way())
    end = onboarding(live=live)
    gateway.get(f"/v1/onboardings/{ID}").respond(json=end)
    result = waboard("onboard", "acme", WABA, "--wait", *(["--json"] if as_json else []))
    assert result.exit_code == code
    if as_json:
        assert json.loads(result.stdout) == end


def test_a_gateway_that_goes_away_while_it_is_watched_is_said(
    waboard: Waboard, gateway: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
):
    starts(gateway, on_the_way())
    gateway.get(f"/v1/onboardings/{ID}").mock(side_effect=ConnectionResetError)
    gateway.get(f"/v1/onboardings/{ID}").respond(502, text="<html>Bad gateway</html>")
    result = waboard("onboard", "acme", WABA, "--wait", "--json")
    refused(result, 1, "502")


def test_status_cuts_nothing_however_narrow_the_window_is():
    console = Console(width=80, record=True, file=StringIO())
    client = "a-client-with-a-long-name"
    needed = onboarding()["requirements"]
    waiting = on_the_way(client_ref=client, stage="AwaitingRegistration", requirements=needed)
    console.print(onboardings_screen([waiting]))
    shown = console.export_text()
    assert "AwaitingRegistration" in shown
    rows = [line.split("│")[1:-1] for line in shown.splitlines() if "│" in line]
    whole = ["".join(cell.strip() for cell in column) for column in zip(*rows, strict=True)]
    assert whole[0] == client
    assert re.match(r"\d{4}-\d\d-\d\d\d\d:\d\d:\d\d", whole[-2])  # since when
    assert whole[-1] == ID


def test_status_lists_everybody_a_line_each(waboard: Waboard, gateway: respx.MockRouter):
    listed = [onboarding(), on_the_way(client_ref="bolt", waba_id="5550001234")]
    route = gateway.get("/v1/onboardings").respond(json=listed)
    result = waboard("status")
    assert result.exit_code == 0
    assert "client_ref" not in route.calls.last.request.url.params
    [acme] = [line for line in result.stdout.splitlines() if "acme" in line]
    for shown in ("…3093", "LiveLimited", "1 of 2", "client", ID):
        assert shown in acme
    [bolt] = [line for line in result.stdout.splitlines() if "bolt" in line]
    for shown in ("…1234", "Sharing", "0 of 0", "nobody's"):
        assert shown in bolt
    assert WABA not in result.stdout


def test_status_of_nobody_is_an_empty_table(waboard: Waboard, gateway: respx.MockRouter):
    gateway.get("/v1/onboardings").respond(json=[])
    assert waboard("status").exit_code == 0


def test_status_of_everybody_as_json_is_complete(waboard: Waboard, gateway: respx.MockRouter):
    listed = [onboarding(), on_the_way(client_ref="bolt")]
    gateway.get("/v1/onboardings").respond(json=listed)
    result = waboard("status", "--json")
    assert json.loads(result.stdout) == listed


def test_status_of_one_shows_what_is_needed_from_whom_and_where_to_look(
    waboard: Waboard, gateway: respx.MockRouter
):
    route = gateway.get("/v1/onboardings").respond(json=[onboarding()])
    result = waboard("status", "acme")
    assert result.exit_code == 0
    assert route.calls.last.request.url.params["client_ref"] == "acme"
    needed = onboarding()["requirements"][0]
    for shown in ("RegistrationFailed", "client", needed["message"], needed["remedy"], RUN_URL):
        assert shown in result.stdout


def test_phone_numbers_are_masked_on_the_screen(waboard: Waboard, gateway: respx.MockRouter):
    gateway.get("/v1/onboardings").respond(json=[onboarding()])
    result = waboard("status", "acme")
    assert "…8538" in result.stdout
    assert "…6042" in result.stdout
    for number in (GOOD, BAD):
        assert number not in result.stdout
        assert number[1:7] not in result.stdout


def test_status_of_one_as_json_is_complete_and_holds_whole_numbers(
    waboard: Waboard, gateway: respx.MockRouter
):
    gateway.get("/v1/onboardings").respond(json=[onboarding()])
    result = waboard("status", "acme", "--json")
    assert json.loads(result.stdout) == onboarding()
    assert GOOD in result.stdout


def test_a_requirement_of_the_whole_onboarding_is_shown_as_such(
    waboard: Waboard, gateway: respx.MockRouter
):
    waits = on_the_way(requirements=[requirement(None, reason="AwaitingRegistration")])
    gateway.get("/v1/onboardings").respond(json=[waits])
    assert "onboarding Registered" in waboard("status", "acme").stdout


@pytest.mark.parametrize("ref", ["nobody", "[bold]", "[/x]", "a[0]"])
def test_a_client_that_nobody_asked_for_is_said(
    waboard: Waboard, gateway: respx.MockRouter, ref: str
):
    gateway.get("/v1/onboardings").respond(json=[])
    refused(waboard("status", ref), 1, ref)


@pytest.mark.parametrize("text", ["[bold]so[/bold]", "list[0]", "[/oops]", "[link=x]"])
def test_what_a_provider_says_is_shown_word_for_word(
    waboard: Waboard, gateway: respx.MockRouter, text: str
):
    """Square brackets in it are no instructions to the terminal."""
    told = onboarding(requirements=[requirement(message=f"Failed: {text}.")])
    gateway.get("/v1/onboardings").respond(json=[told])
    result = waboard("status", "acme")
    assert said(result) == ""
    assert f"Failed: {text}." in result.stdout


@pytest.mark.parametrize(
    ("answer", "code"),
    [(problem(422), 2), (problem(409), 2), (problem(401), 2), (problem(413), 2), (problem(503), 1)],
)
def test_what_the_gateway_refuses_is_said_in_its_own_words(
    waboard: Waboard, gateway: respx.MockRouter, answer: dict[str, object], code: int
):
    gateway.post("/v1/onboardings").respond(answer["status"], json=answer)
    refused(waboard("onboard", "acme", "x"), code, "The field is wrong. Mend it.")


def test_what_the_gateway_refuses_is_not_printed_as_json(
    waboard: Waboard, gateway: respx.MockRouter
):
    gateway.post("/v1/onboardings").respond(422, json=problem(422))
    refused(waboard("onboard", "acme", "x", "--json"), 2, "The field is wrong.")


def test_a_wait_is_shown_against_what_is_usual(waboard: Waboard, gateway: respx.MockRouter):
    late = on_the_way(clock=clock(), requirements=[requirement(None, late=True)])
    gateway.get("/v1/onboardings").respond(json=[late])
    one, everyone = waboard("status", "acme").stdout, waboard("status").stdout
    assert clock().said in one
    assert "late" in one.partition("Registered")[2]
    assert "late" in everyone


def test_what_was_asked_for_before_is_said_to_be_there(waboard: Waboard, gateway: respx.MockRouter):
    """Only who made it is told where it is."""
    made = Response(201, json=on_the_way(), headers={"Location": f"/v1/onboardings/{ID}"})
    gateway.post("/v1/onboardings").mock(side_effect=[made, Response(200, json=on_the_way())])
    first, again = [waboard("onboard", "acme", WABA).stdout for _ in range(2)]
    said_so = "It was asked for before: nothing new begins."
    assert (said_so in first, said_so in again) == (False, True)


@pytest.mark.parametrize("by", [(), ("--by", "mia")])
def test_who_begins_anew_with_a_client_that_has_left_says_so(
    waboard: Waboard, gateway: respx.MockRouter, by: tuple[str, ...]
):
    route = starts(gateway, on_the_way())
    result = waboard("onboard", "acme", WABA, "--again", "--why", "It has signed again.", *by)
    assert result.exit_code == 0, result.output
    who = by[1] if by else getpass.getuser()
    again = json.loads(route.calls.last.request.content)["again"]
    assert again == {"by": who, "why": "It has signed again."}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--again",), "--why: is missing."),
        (("--why", "So."), "--again: is missing."),
        (("--by", "mia"), "--again: is missing."),
    ],
)
def test_nobody_begins_anew_by_half(waboard: Waboard, options: tuple[str, ...], named: str):
    refused(waboard("onboard", "acme", WABA, *options), 2, named)


def test_what_is_left_to_do_is_shown_beside_the_newer_onboarding(
    waboard: Waboard, gateway: respx.MockRouter
):
    duty = offboarding_duty()
    gateway.get("/v1/onboardings").respond(json=[on_the_way(offboarding_duties=[duty, duty])])
    one, everyone = waboard("status", "acme").stdout, waboard("status").stdout
    for shown in ("Left to do", "acme · WABA …6666", "Unshared", duty.remedy, duty.awaiting):
        assert shown in one
    assert duty.waba_id not in one
    assert "left to do: 2" in everyone
