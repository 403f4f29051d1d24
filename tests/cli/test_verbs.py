"""`waboard retry` and `waboard cancel`."""

import getpass
import json
from typing import Any

import pytest
import respx

from tests.cli.answers import onboarding, problem
from tests.cli.conftest import Waboard, refused
from tests.domain.samples import BAD, T0

ID = onboarding()["id"]
DECIDED = {"verb": "retry", "phone_number": BAD, "by": "mia", "why": "Call +1 202-456-1111."}
every_verb = pytest.mark.parametrize("verb", ["retry", "cancel"])


def answers(
    gateway: respx.MockRouter, verb: str, code: int = 200, answer: Any = None
) -> respx.Route:
    """Let the gateway know the client, and answer the verb."""
    gateway.get("/v1/onboardings").respond(json=[onboarding()])
    answered = answer or onboarding(attempt=2)
    return gateway.post(f"/v1/onboardings/{ID}/{verb}").respond(code, json=answered)


@every_verb
def test_who_wants_it_is_whoever_is_logged_in(
    waboard: Waboard, gateway: respx.MockRouter, verb: str
):
    route = answers(gateway, verb)
    result = waboard(verb, "acme", "--why", "It is mended.")
    assert result.exit_code == 0, result.output
    sent = json.loads(route.calls.last.request.content)
    assert sent == {"by": getpass.getuser(), "why": "It is mended."}
    assert "attempt 2" in result.stdout


@every_verb
def test_another_may_be_named(waboard: Waboard, gateway: respx.MockRouter, verb: str):
    route = answers(gateway, verb)
    waboard(verb, "acme", "--why", "It is mended.", "--by", "mia")
    assert json.loads(route.calls.last.request.content)["by"] == "mia"


def test_one_sender_may_be_retried(waboard: Waboard, gateway: respx.MockRouter):
    route = answers(gateway, "retry")
    waboard("retry", "acme", "--sender", BAD, "--why", "It is mended.")
    assert json.loads(route.calls.last.request.content)["sender"] == BAD


@every_verb
def test_without_a_reason_nothing_is_asked(waboard: Waboard, verb: str):
    result = waboard(verb, "acme")
    assert (result.exit_code, "--why" in result.stderr) == (2, True)


@every_verb
def test_what_does_not_fit_is_said_with_the_remedy(
    waboard: Waboard, gateway: respx.MockRouter, verb: str
):
    answers(gateway, verb, 409, problem(409, "acme is on its way.", "Wait."))
    refused(waboard(verb, "acme", "--why", "It is mended."), 2, "acme is on its way.", "Wait.")


@every_verb
def test_a_client_that_nobody_knows_is_said(waboard: Waboard, gateway: respx.MockRouter, verb: str):
    gateway.get("/v1/onboardings").respond(json=[])
    refused(waboard(verb, "nobody", "--why", "It is mended."), 1, "nobody")


def test_what_people_decided_is_shown_with_numbers_masked(
    waboard: Waboard, gateway: respx.MockRouter
):
    decided = onboarding(decisions=[DECIDED | {"at": T0}])
    gateway.get("/v1/onboardings").respond(json=[decided])
    shown = waboard("status", "acme").stdout
    for part in ("retry …6042", "mia", "Call …1111."):
        assert part in shown
