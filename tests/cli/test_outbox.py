"""`waboard outbox`."""

import json
from typing import Any

import pytest
import respx

from tests.cli.answers import problem
from tests.cli.conftest import Waboard, refused, said
from tests.domain.samples import GOOD, T0
from waboard.gateway.outbox import MessageDetail, MessageView

ID = "5f0c2a86-7d0b-4f0e-9a51-0d6f5d3a1c11"


def message(**fields: Any) -> dict[str, Any]:
    given = {
        "id": ID,
        "sequence": 7,
        "type": "sender.verified",
        "onboarding_id": "1",
        "client_ref": "acme",
        "state": "delivered",
        "tries": 2,
        "answer": "HTTP 204",
        "created_at": T0,
        "answered_at": T0,
        "next_at": None,
    }
    kind = MessageDetail if "body" in fields else MessageView
    return kind.model_validate(given | fields).model_dump(mode="json")


BODY = {"type": "sender.verified", "data": {"phone_number": GOOD}}


def test_messages_are_listed_a_line_each(waboard: Waboard, gateway: respx.MockRouter):
    route = gateway.get("/v1/outbox").respond(
        json=[message(), message(state="pending", next_at=T0)]
    )
    result = waboard("outbox", "list")
    assert result.exit_code == 0
    assert dict(route.calls.last.request.url.params) == {"limit": "50"}
    [line] = [line for line in result.stdout.splitlines() if "delivered" in line]
    for shown in (ID, "sender.verified", "acme", "2", "HTTP 204"):
        assert shown in line
    assert "pending" in result.stdout


def test_messages_are_asked_for_by_what_became_of_them(waboard: Waboard, gateway: respx.MockRouter):
    route = gateway.get("/v1/outbox").respond(json=[message()])
    result = waboard("outbox", "list", "--state", "delivered", "--limit", "3", "--json")
    assert json.loads(result.stdout) == [message()]
    params = dict(route.calls.last.request.url.params)
    assert params == {"state": "delivered", "limit": "3"}


def test_a_message_is_shown_with_masked_numbers_unless_as_json(
    waboard: Waboard, gateway: respx.MockRouter
):
    gateway.get(f"/v1/outbox/{ID}").respond(json=message(body=BODY))
    shown = waboard("outbox", "show", ID)
    assert "…8538" in shown.stdout
    assert GOOD not in shown.stdout
    whole = waboard("outbox", "show", ID, "--json")
    assert json.loads(whole.stdout) == message(body=BODY)


def test_messages_are_sent_again_by_their_ids(waboard: Waboard, gateway: respx.MockRouter):
    routes = [
        gateway.post(f"/v1/outbox/{each}/replay").respond(json=message(body=BODY))
        for each in ("a", "b")
    ]
    assert waboard("outbox", "replay", "a", "b").exit_code == 0
    assert [route.call_count for route in routes] == [1, 1]


def test_all_since_a_time_are_sent_again(waboard: Waboard, gateway: respx.MockRouter):
    route = gateway.post("/v1/outbox/replay").respond(json={"replayed": 12})
    result = waboard("outbox", "replay", "--since", "2026-08-01T10:00Z")
    assert result.stdout == "12 messages are sent again.\n"
    (since,) = json.loads(route.calls.last.request.content).values()
    assert since.startswith("2026-08-01T10:00:00+00:00") or "+" in since or "-" in since[10:]


@pytest.mark.parametrize(
    "arguments", [(), ("a", "--since", "2026-08-01T10:00Z"), ("--since", "yesterday")]
)
def test_what_cannot_be_meant_is_refused_before_anybody_is_asked(
    waboard: Waboard, arguments: tuple[str, ...]
):
    refused(waboard("outbox", "replay", *arguments), 2)


@pytest.mark.parametrize(("had_stopped", "words"), [(True, "had answered"), (False, "had not")])
def test_a_receiver_is_sent_to_again(
    waboard: Waboard, gateway: respx.MockRouter, had_stopped: bool, words: str
):
    gateway.post("/v1/outbox/resume").respond(json={"had_stopped": had_stopped})
    result = waboard("outbox", "resume")
    assert (result.exit_code, said(result)) == (0, "")
    assert words in result.stdout


def test_a_message_that_is_not_there_is_said(waboard: Waboard, gateway: respx.MockRouter):
    answer = problem(404, "There is no message 7.", "See `waboard outbox list`.")
    gateway.get("/v1/outbox/7").respond(404, json=answer)
    refused(waboard("outbox", "show", "7"), 1, "There is no message 7.", "waboard outbox list")
