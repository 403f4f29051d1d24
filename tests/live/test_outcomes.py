"""What onboardings come to, with everything real: Prefect, worker, gateway, ledger, HTTP.

All of them start at once, as clients do; each test looks at one.
"""

import json
from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.live.board import Board, sender, until

EXAMPLE = 102384266223093
FATES: dict[str, tuple[int, dict[str, Any]]] = {
    "two-finished": (7001, {"senders": [sender(101), sender(102)]}),
    "webhook-lost": (7003, {"silent": True, "senders": [sender(301)]}),
    "one-rejected": (7006, {"senders": [sender(601), sender(602, delivery="rejected")]}),
    "filed-elsewhere": (
        7007,
        {"senders": [sender(701, auto_associated_entity="506914307656634")]},
    ),
}
FACTS: dict[str, dict[str, Any]] = {"webhook-lost": {"phone_numbers": ["+12024560301"]}}


@pytest.fixture(scope="module")
def cases(board: Board) -> Board:
    """All of them, started."""
    board.start("acme", EXAMPLE, client_name="Acme Bakery")
    for client_ref, (waba_id, fate) in FATES.items():
        board.decide(waba_id, **fate)
        board.start(client_ref, waba_id, **FACTS.get(client_ref, {}))
    return board


def reasons(onboarding: dict[str, Any]) -> list[str]:
    """Why it is not all live."""
    return [requirement["reason"] for requirement in onboarding["requirements"]]


def messages(board: Board, *numbers: str) -> list[dict[str, Any]]:
    """The messages that Infobip took from these senders."""
    return [m for m in board.books()["messages"] if m["sender"] in numbers]


def test_the_documented_example_ends_live_limited(cases: Board) -> None:
    """One of its two senders failed: that is no plain success, and it is no failure."""
    onboarding = cases.ended("acme")
    assert onboarding["stage"] == "LiveLimited"
    assert {s["phone_number"][-4:]: s["live"] for s in onboarding["senders"]} == {
        "8538": True,
        "6042": False,
    }


def test_what_is_not_live_says_why_and_whose_turn_it_is(cases: Board) -> None:
    """The provider's reason, the remedy, and the party who has to act."""
    (needed,) = cases.ended("acme")["requirements"]
    assert needed["reason"] == "RegistrationFailed"
    assert "Two-step verification" in needed["message"]
    assert needed["awaiting"] == "client"
    assert "WhatsApp Manager" in needed["remedy"]


def test_the_run_can_be_read_in_the_prefect_ui(cases: Board) -> None:
    """Its name, tags, state name and message tell the story."""
    cases.ended("acme")
    state = cases.state("acme", "LiveLimited")
    run = cases.flow_run("acme")
    assert run["name"] == "acme · WABA …3093 · attempt 1"
    whose, whom = {"client:acme", f"waba:{EXAMPLE}"}, {"awaiting:client"}
    assert {tag for tag in run["tags"] if not tag.startswith("since:")} == whose | whom
    assert state["type"] == "COMPLETED"
    assert "1 of 2 senders live" in state["message"]
    assert "Two-step verification" in state["message"]


def test_the_ui_shows_every_step_once_although_the_run_slept_twice(cases: Board) -> None:
    """A leg that wakes calls only what is not yet true."""
    cases.ended("acme")
    assert cases.task_names("acme") == [
        "associate sender …8538 with acme",
        "await registration of WABA …3093",
        "find or make the template of the test message of acme",
        "look whether the partner solution lets acme in",
        "prepare application and entity of acme",
        "send test message from …8538",
        "share WABA …3093",
        "tell the operator: acme is LiveLimited",
        "tell the provider's system: acme is LiveLimited",
    ]


def test_nothing_is_done_twice_at_infobip(cases: Board) -> None:
    """One share, one test message, one association, whatever the number of legs."""
    cases.ended("acme")
    books = cases.books()
    assert books["shares"][str(EXAMPLE)] == 1
    assert len(messages(cases, "13135138538")) == 1
    entities = [a["entityId"] for a in books["associations"]]
    assert entities.count("acme") == 1


def test_the_test_message_carries_the_clients_ids(cases: Board) -> None:
    """Reports and subscriptions are told apart by them."""
    cases.ended("acme")
    (message,) = messages(cases, "13135138538")
    assert message["platform"] == {"applicationId": "waboard", "entityId": "acme"}


def test_the_operator_and_the_providers_system_are_told_once(cases: Board) -> None:
    """By a notification block and a signed webhook; the signature holds."""
    cases.ended("acme")
    told = cases.books()["notifications"]
    (operator,) = [n for n in told if n["receiver"] == "operator" and "acme" in str(n["body"])]
    assert operator["body"]["subject"] == "acme: LiveLimited"
    (webhook,) = [
        n
        for n in told
        if n["receiver"] == "provider"
        and n["body"]["type"] in {"onboarding.live", "onboarding.failed"}
        and n["body"]["data"]["client_ref"] == "acme"
    ]
    signer = Webhook("whsec_c2FuZGJveC1zaWduaW5nLXNlY3JldA==")
    event = signer.verify(json.dumps(webhook["body"]), webhook["headers"])
    assert event["type"] == "onboarding.live"
    assert event["data"]["outcome"] == "LiveLimited"


def test_what_came_in_and_who_woke_it_is_related_to_the_run(cases: Board) -> None:
    """Prefect's server takes what is told of a run, masked, and finds it by the run."""
    cases.ended("acme")
    names = {"waboard.event.registration.applied", "waboard.woken"}
    until(lambda: names <= timeline(cases, "acme").keys(), "the timeline to be there")
    shown = timeline(cases, "acme")
    changed = [each["changed"] for each in shown["waboard.event.registration.applied"]]
    assert any("Registered of …8538: True" in each for each in changed)
    assert {"why": "What it waited for has come."} in shown["waboard.woken"]
    assert "13135138538" not in str(shown)


def timeline(board: Board, client_ref: str) -> dict[str, list[dict[str, Any]]]:
    """What the events of ours say that are related to an onboarding's run, by name."""
    run_id = board.flow_run(client_ref)["id"]
    related = {"id": [f"prefect.flow-run.{run_id}"], "role": ["flow-run"]}
    query = {"filter": {"event": {"prefix": ["waboard."]}, "related": related}}
    found = board.prefect.post("/events/filter", json=query).json()
    said: dict[str, list[dict[str, Any]]] = {}
    for event in found["events"]:
        said.setdefault(event["event"], []).append(event["payload"])
    return said


def test_two_finished_senders_end_live(cases: Board) -> None:
    """Every sender is live, and nothing is needed of anybody."""
    onboarding = cases.ended("two-finished")
    assert onboarding["stage"] == "Live"
    assert onboarding["requirements"] == []
    assert cases.state("two-finished", "Live")["type"] == "COMPLETED"


def test_a_lost_registration_webhook_is_made_up_for_by_looking(cases: Board) -> None:
    """The quality endpoint shows the number as connected."""
    onboarding = cases.ended("webhook-lost")
    assert onboarding["stage"] == "Live"


def test_senders_fail_alone(cases: Board) -> None:
    """One rejected message takes nobody else down."""
    onboarding = cases.ended("one-rejected")
    assert onboarding["stage"] == "LiveLimited"
    assert reasons(onboarding) == ["MessageRejected"]


def test_an_association_with_another_entity_is_moved(cases: Board) -> None:
    """The provider files a new sender under the portfolio id by itself."""
    assert cases.ended("filed-elsewhere")["stage"] == "Live"
    links = Counter(a["entityId"] for a in cases.books()["associations"])
    assert links["filed-elsewhere"] == 1
    assert links["506914307656634"] == 0


def test_provisioning_calls_of_all_runs_together_average_a_second(cases: Board) -> None:
    """One request a second, account-wide, however many runs there are.

    What leaves evenly may arrive unevenly on a busy machine, and one that overtakes its second is
    answered 429. But never do three arrive within a second, and the whole keeps to the limit.
    """
    for client_ref in ("acme", *FATES):
        cases.ended(client_ref)
    calls = [r for r in cases.books()["requests"] if r["path"].startswith("/provisioning/1/")]
    unscripted = [r for r in calls if not r["path"].endswith("/busy")]
    assert len(unscripted) > 20
    assert {r["status"] for r in unscripted} <= {200, 201, 204, 404, 409, 429}
    times = sorted(datetime.fromisoformat(r["at"]) for r in calls)
    assert all(
        (third - first).total_seconds() >= 1 for first, third in zip(times, times[2:], strict=False)
    )
    assert (times[-1] - times[0]).total_seconds() >= len(calls) - 1


def test_asking_again_changes_nothing(cases: Board) -> None:
    """The same client and WABA lead to the same onboarding and the same run."""
    before = cases.ended("acme")
    request = {"client_ref": "acme", "waba_id": str(EXAMPLE), "client_name": "Acme Bakery"}
    again = cases.gateway.post("/v1/onboardings", json=request)
    assert again.status_code == 200
    assert again.json()["id"] == before["id"]
    assert again.json()["links"] == before["links"]


def test_the_gateway_is_ready(cases: Board) -> None:
    """Ledger and Prefect are both there."""
    assert cases.gateway.get("/readyz").json() == {"ledger": "ok", "prefect": "ok"}


def test_secrets_are_masked_in_the_blocks(cases: Board) -> None:
    """What the Prefect UI reads holds no secret in clear."""
    found = cases.prefect.post("/block_documents/filter", json={}).text
    assert "infobip-account" in found
    for secret in ("sandbox-infobip-key", "c2FuZGJveC1zaWduaW5nLXNlY3JldA", "447860099299"):
        assert secret not in found


def test_a_number_that_registers_after_the_end_is_brought_live_all_the_same(cases: Board) -> None:
    """The run goes on by itself, and what it then comes to is told."""
    cases.decide(7020, status="FAILED", senders=[sender(2001, status="FAILED")])
    cases.start("registered-late", 7020)
    cases.ended("registered-late")
    cases.state("registered-late", "RegistrationFailed")
    cases.decide(7020, senders=[sender(2001)])
    cases.sandbox.post("/sandbox/wabas/7020/registration-event").raise_for_status()
    cases.state("registered-late", "Live")
    told = [n["body"] for n in cases.books()["notifications"] if n["receiver"] == "operator"]
    subjects = [body["subject"] for body in told if "registered-late" in body["subject"]]
    assert subjects == ["registered-late: RegistrationFailed", "registered-late: Live"]
