"""`waboard offboard` and `waboard reconnect`."""

import json
from typing import Any

import pytest
import respx

from tests.cli.answers import SIGNUP_URL, condition, link, onboarding
from tests.cli.conftest import Waboard, refused
from tests.domain.samples import T0

ID = onboarding()["id"]
ASKED = {
    "state": "approval-awaited",
    "by": "mia",
    "why": "It has left.",
    "detail": "Its approval is awaited.",
    "asked_at": T0.isoformat(),
    "give_up_at": None,
    "links": {},
}


def answers(gateway: respx.MockRouter, verb: str, answer: object) -> respx.Route:
    gateway.get("/v1/onboardings").respond(json=[onboarding()])
    return gateway.post(f"/v1/onboardings/{ID}/{verb}").respond(202, json=answer)


@pytest.mark.parametrize(
    ("options", "verb", "sent"),
    [
        (("--why", "It has left."), "offboard", {"why": "It has left."}),
        (
            ("--approve",),
            "offboard/approval",
            {"verdict": "approve", "client_ref": "acme", "why": ""},
        ),
        (
            ("--refuse", "--why", "No."),
            "offboard/approval",
            {"verdict": "refuse", "client_ref": "acme", "why": "No."},
        ),
    ],
)
def test_it_is_asked_approved_and_refused(
    waboard: Waboard,
    gateway: respx.MockRouter,
    options: tuple[str, ...],
    verb: str,
    sent: dict[str, str],
):
    route = answers(gateway, verb, ASKED)
    result = waboard("offboard", "acme", "--by", "mia", *options)
    assert result.exit_code == 0, result.output
    assert json.loads(route.calls.last.request.content) == {"by": "mia", **sent}
    assert "approval-awaited: Its approval is awaited." in result.stdout


def test_what_has_no_api_is_said_to_be_done(waboard: Waboard, gateway: respx.MockRouter):
    route = answers(gateway, "offboard/done", onboarding())
    waboard("offboard", "acme", "--done", "unshared", "--by", "mia", "--why", "Ticket 4.")
    sent = json.loads(route.calls.last.request.content)
    assert sent == {"by": "mia", "why": "Ticket 4.", "what": "unshared"}


def departed(waba_id: str, status: str, number: int) -> dict[str, Any]:
    """An onboarding of acme that has left, and how far un-sharing its WABA is."""
    unshared = condition("Unshared", status)
    return onboarding(id=f"left-{number}", waba_id=waba_id, conditions=[unshared])


NEWER = onboarding(conditions=[])


@pytest.mark.parametrize(
    ("listed", "options", "meant"),
    [
        ([NEWER, departed("1", "Unknown", 1)], (), ["left-1"]),
        ([NEWER, departed("1", "True", 1)], (), ["left-1"]),
        ([NEWER], (), [ID]),
        ([departed("1", "Unknown", 2), departed("1", "Unknown", 1)], (), ["left-1", "left-2"]),
        ([departed("2", "True", 2), departed("1", "Unknown", 1)], (), ["left-1"]),
        ([departed("2", "Unknown", 2), departed("1", "Unknown", 1)], ("--waba", "2"), ["left-2"]),
        ([departed("2", "True", 2), departed("1", "Unknown", 1)], ("--waba", "2"), ["left-2"]),
    ],
    ids=["left", "done", "none", "twice", "one of two", "named", "named and done"],
)
def test_what_is_done_is_said_of_the_onboarding_that_has_left(
    waboard: Waboard,
    gateway: respx.MockRouter,
    listed: list[dict[str, Any]],
    options: tuple[str, ...],
    meant: list[str],
):
    """Though a newer one is there; one for which nobody is asked is left to the gateway."""
    gateway.get("/v1/onboardings").respond(json=listed)
    routes = [
        gateway.post(f"/v1/onboardings/{each}/offboard/done").respond(json=onboarding())
        for each in meant
    ]
    result = waboard("offboard", "acme", "--done", "unshared", "--by", "mia", *options)
    assert result.exit_code == 0, result.output
    assert [route.call_count for route in routes] == [1] * len(meant)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ((), ["--waba: is missing", "Say which is meant: 1 or 2."]),
        (("--waba", "3"), ["--waba: the client has no such WABA."]),
    ],
)
def test_where_several_wabas_wait_it_is_to_be_said_which(
    waboard: Waboard, gateway: respx.MockRouter, options: tuple[str, ...], named: list[str]
):
    """The same command, repeated, would say it of the next."""
    listed = [NEWER, departed("2", "Unknown", 2), departed("1", "Unknown", 1)]
    gateway.get("/v1/onboardings").respond(json=listed)
    refused(waboard("offboard", "acme", "--done", "unshared", *options), 2, *named)


def test_a_waba_goes_with_what_is_done_alone(waboard: Waboard):
    refused(waboard("offboard", "acme", "--why", "So.", "--waba", "1"), 2, "--waba: goes with")


def test_without_a_reason_it_is_not_asked(waboard: Waboard, gateway: respx.MockRouter):
    refused(waboard("offboard", "acme"), 2, "--why")


def test_only_one_thing_can_be_said_at_a_time(waboard: Waboard, gateway: respx.MockRouter):
    refused(waboard("offboard", "acme", "--approve", "--refuse"), 2, "no other of these")


def test_the_link_to_come_back_is_shown_whole(waboard: Waboard, gateway: respx.MockRouter):
    route = answers(gateway, "reconnect", link(url=SIGNUP_URL))
    result = waboard("reconnect", "acme", "--why", "It was removed.", "--by", "mia")
    assert json.loads(route.calls.last.request.content) == {"by": "mia", "why": "It was removed."}
    assert SIGNUP_URL in result.stdout
