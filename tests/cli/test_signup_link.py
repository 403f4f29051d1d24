"""`waboard signup-link`."""

import json

import pytest
import respx

from tests.cli.answers import SIGNUP_URL, link, new_link, problem
from tests.cli.conftest import API_KEY, Waboard, refused, said
from waboard.domain.requests import SignupRequest

LIVE = ["unopened", "open", "finishing", "stopped"]


def test_a_link_is_made_for_what_was_typed(waboard: Waboard, gateway: respx.MockRouter):
    route = gateway.post("/v1/signup-links").respond(201, json=new_link())
    result = waboard(
        *("signup-link", "acme", "--name", "Acme Bakery", "--entity-id", "bakery"),
        *("--application-id", "shops", "--solution-id", "900000000000001", "--language", "pt"),
        *("--verify-by", "inbound"),
    )
    assert (result.exit_code, result.stderr) == (0, "")
    request = route.calls.last.request
    assert request.headers["authorization"] == f"Bearer {API_KEY}"
    assert json.loads(request.content) == {
        "client_ref": "acme",
        "client_name": "Acme Bakery",
        "entity_id": "bakery",
        "application_id": "shops",
        "solution_id": "900000000000001",
        "verify_by": "inbound",
        "language": "pt",
    }


def test_a_link_needs_only_the_client(waboard: Waboard, gateway: respx.MockRouter):
    """What was not typed the gateway decides."""
    route = gateway.post("/v1/signup-links").respond(201, json=new_link())
    assert waboard("signup-link", "acme").exit_code == 0
    asked = SignupRequest.model_validate_json(route.calls.last.request.content)
    assert asked == SignupRequest(client_ref="acme")


def test_a_new_link_is_shown_with_whose_it_is_and_until_when(
    waboard: Waboard, gateway: respx.MockRouter
):
    gateway.post("/v1/signup-links").respond(201, json=new_link())
    first, second = waboard("signup-link", "acme").stdout.splitlines()
    assert first.startswith("For acme, once, until 2026-01-19 ")
    assert second == SIGNUP_URL


def test_it_is_said_that_the_link_before_is_withdrawn(waboard: Waboard, gateway: respx.MockRouter):
    gateway.post("/v1/signup-links").respond(201, json=new_link(withdrew="5a1d"))
    first, _ = waboard("signup-link", "acme").stdout.splitlines()
    assert first.startswith("The link that it had is withdrawn. For acme, once, until ")


@pytest.mark.parametrize("columns", ["20", "40"])
def test_an_address_is_whole_on_a_line_of_its_own_however_narrow_the_terminal(
    waboard: Waboard, gateway: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, columns: str
):
    """It is copied from there, or taken by a script."""
    monkeypatch.setenv("COLUMNS", columns)
    gateway.post("/v1/signup-links").respond(201, json=new_link())
    assert waboard("signup-link", "acme").stdout.splitlines()[-1] == SIGNUP_URL


def test_a_new_link_as_json_is_all_that_the_gateway_said(
    waboard: Waboard, gateway: respx.MockRouter
):
    gateway.post("/v1/signup-links").respond(201, json=new_link())
    result = waboard("signup-link", "acme", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == new_link()


def test_links_are_listed_a_line_each_with_what_came_of_them(
    waboard: Waboard, gateway: respx.MockRouter
):
    listed = [
        link(),
        link(state="open", ending="abandoned", detail="CANCEL: PHONE_NUMBER_SETUP"),
        link(state="stopped", ending="finished", detail="FINISH", problem="Two WABAs."),
        link(state="expired", ending="expired"),
    ]
    route = gateway.get("/v1/signup-links").respond(json=listed)
    result = waboard("signup-link", "acme", "--list")
    assert result.exit_code == 0
    assert dict(route.calls.last.request.url.params) == {"client_ref": "acme"}
    lines = [line for line in result.stdout.splitlines() if "2026-01-" in line]
    for line, shown in zip(
        lines,
        ["unopened", "CANCEL: PHONE_NUMBER_SETUP", "Two WABAs.", "expired"],
        strict=True,
    ):
        assert shown in line


def test_a_client_without_links_is_an_empty_table(waboard: Waboard, gateway: respx.MockRouter):
    gateway.get("/v1/signup-links").respond(json=[])
    assert waboard("signup-link", "nobody", "--list").exit_code == 0


def test_listed_links_as_json_are_complete(waboard: Waboard, gateway: respx.MockRouter):
    listed = [link(), link(state="used", onboarding_id="0b0e")]
    gateway.get("/v1/signup-links").respond(json=listed)
    assert json.loads(waboard("signup-link", "acme", "--list", "--json").stdout) == listed


@pytest.mark.parametrize("state", LIVE)
def test_the_live_link_is_withdrawn_and_nothing_else(
    waboard: Waboard, gateway: respx.MockRouter, state: str
):
    """What has ended stays as it ended."""
    ended = [link(id=f"ended-{s}", state=s) for s in ("used", "revoked", "expired")]
    live = link(id="live", state=state)
    gateway.get("/v1/signup-links").respond(json=[*ended, live])
    route = gateway.delete("/v1/signup-links/live").respond(json=live | {"state": "revoked"})
    result = waboard("signup-link", "acme", "--revoke")
    assert (result.exit_code, route.call_count) == (0, 1)
    assert "revoked" in result.stdout


def test_withdrawing_where_nothing_is_live_is_no_harm(waboard: Waboard, gateway: respx.MockRouter):
    gateway.get("/v1/signup-links").respond(json=[link(state="used")])
    result = waboard("signup-link", "acme", "--revoke", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])
    assert waboard("signup-link", "acme", "--revoke").stdout == "There is no live link.\n"


def test_a_withdrawn_link_as_json_is_as_it_stands_then(waboard: Waboard, gateway: respx.MockRouter):
    revoked = link(state="revoked")
    gateway.get("/v1/signup-links").respond(json=[link()])
    gateway.delete(f"/v1/signup-links/{link()['id']}").respond(json=revoked)
    assert json.loads(waboard("signup-link", "acme", "--revoke", "--json").stdout) == [revoked]


def test_listing_and_withdrawing_at_once_is_not_understood(waboard: Waboard):
    """And nobody is asked."""
    result = waboard("signup-link", "acme", "--list", "--revoke")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--list and --revoke exclude each other" in said(result)


def test_a_language_that_nobody_speaks_is_refused(waboard: Waboard, gateway: respx.MockRouter):
    answer = problem(422, "The request cannot be used. language: Input should be 'en'.")
    gateway.post("/v1/signup-links").respond(422, json=answer)
    refused(waboard("signup-link", "acme", "--language", "tlh"), 2, "language")


def test_a_gateway_without_metas_side_says_so(waboard: Waboard, gateway: respx.MockRouter):
    answer = problem(404, "Meta's side is not set up.", "Set the WABOARD_META_… settings.")
    gateway.post("/v1/signup-links").respond(404, json=answer)
    refused(waboard("signup-link", "acme"), 1, "WABOARD_META_…")


@pytest.mark.parametrize("text", ["[bold]so[/bold]", "list[0]", "[/oops]", "[link=x]"])
def test_what_came_of_a_link_is_shown_word_for_word(
    waboard: Waboard, gateway: respx.MockRouter, text: str
):
    """Square brackets in it are no instructions to the terminal."""
    gateway.get("/v1/signup-links").respond(json=[link(problem=text)])
    result = waboard("signup-link", "acme", "--list")
    assert said(result) == ""
    assert text in result.stdout
