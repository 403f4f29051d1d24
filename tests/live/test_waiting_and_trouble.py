"""Sleeping without holding anything, and what the provider's bad days come to."""

from pathlib import Path

from tests.live.board import Board, descendants_of, sender, until

PROVISIONING = "/provisioning/1/entities"
SHARE = "/whatsapp/1/embedded-signup/registrations/share-waba"


def runs_in(board: Board) -> list[str]:
    """The processes that execute flow runs."""
    services = ("waboard.prefect_server", "waboard worker", "waboard gateway", "waboard sandbox")
    return [c for c in descendants_of(board.process.pid) if not any(s in c for s in services)]


def test_a_waiting_run_holds_no_process_and_its_webhook_wakes_it(board: Board) -> None:
    """Suspended under a name that says what for, findable by a tag, woken by the event."""
    board.decide(8001, silent=True, senders=[sender(1001)])
    board.start("sleeper", 8001)
    state = board.state("sleeper", "AwaitingRegistration")
    assert state["type"] == "PAUSED"
    assert "webhook wakes this run" in state["message"]
    assert "waiting:registration" in board.flow_run("sleeper")["tags"]
    until(lambda: not runs_in(board), "the run's process to end")
    (needed,) = board.show("sleeper")["requirements"]
    assert (needed["awaiting"], needed["reason"]) == ("infobip", "AwaitingRegistration")

    board.sandbox.post("/sandbox/wabas/8001/registration-event").raise_for_status()

    assert board.ended("sleeper")["stage"] == "Live"


def test_an_event_that_came_before_anybody_asked_is_used(board: Board) -> None:
    """It is kept as parked, and the onboarding starts from it."""
    board.decide(8002, senders=[sender(1101)])
    board.sandbox.post("/sandbox/wabas/8002/registration-event").raise_for_status()

    def parked() -> list[dict[str, object]]:
        found = board.gateway.get("/v1/events", params={"disposition": "parked"}).json()
        return [event for event in found if event["waba_id"] == "8002"]

    until(parked, "the event to be kept")
    board.start("late-asker", 8002)
    assert board.ended("late-asker")["stage"] == "Live"
    assert parked() == []


def test_a_share_that_was_taken_but_not_answered_is_not_repeated(board: Board) -> None:
    """A 5xx after acting is no refusal: the registration event shows that it was taken."""
    board.decide(8003, senders=[sender(1201)])
    oops = {"method": "POST", "path": SHARE, "status": 500, "body": "oops", "acting": True}
    board.fail(oops | {"naming": "8003"})
    board.start("unanswered", 8003)
    assert board.ended("unanswered")["stage"] == "Live"
    assert board.books()["shares"]["8003"] == 1


def test_a_refused_share_ends_the_run_with_the_providers_words(board: Board) -> None:
    """Nothing can follow, and the message says what to do."""
    board.decide(8004, senders=[sender(1301)])
    refusal = {"messageId": "FORBIDDEN", "text": "You are not allowed to use this WABA"}
    body = {"requestError": {"serviceException": refusal}}
    board.fail({"method": "POST", "path": SHARE, "naming": "8004", "status": 403, "body": body})
    board.start("refused", 8004)
    onboarding = board.ended("refused")
    assert onboarding["stage"] == "ShareRefused"
    state = board.state("refused", "ShareRefused")
    assert state["type"] == "FAILED"
    assert "not allowed to use this WABA" in state["message"]


def test_a_busy_provider_is_tried_again(board: Board) -> None:
    """429 and 503 are passing: the step is retried, and the run goes on."""
    board.decide(8005, senders=[sender(1401)])
    board.fail(
        {"method": "GET", "path": PROVISIONING + "/busy", "status": 429, "times": 1},
        {"method": "POST", "path": "/messages-api/1/messages/validate", "status": 503, "times": 1},
    )
    board.start("busy", 8005)
    assert board.ended("busy")["stage"] == "Live"
    assert len([m for m in board.books()["messages"] if m["sender"] == "12024561401"]) == 1


def test_a_retry_in_the_ui_sends_another_test_message(board: Board) -> None:
    """The recipient's phone was off; it is on now, and the operator clicks Retry."""
    board.decide(8006, senders=[sender(1501, delivery="expired")])
    board.start("mended", 8006)
    assert board.ended("mended")["stage"] == "VerificationFailed"
    board.state("mended", "VerificationFailed")
    board.decide(8006, senders=[sender(1501)])

    board.retry("mended")

    board.state("mended", "Live")
    assert board.show("mended")["stage"] == "Live"
    assert len([m for m in board.books()["messages"] if m["sender"] == "12024561501"]) == 2


def test_no_log_of_any_service_holds_a_phone_number_or_a_secret(board: Board) -> None:
    """Whole numbers and secrets stay in the ledger, the blocks and on the wire."""
    logs = [p for p in Path(board.home).rglob("*.log") if p.name != "sandbox.log"]
    assert len(logs) >= 4
    for log in logs:
        text = log.read_text(errors="replace")
        for secret in ("1202456", "447860099299", "sandbox-infobip-key", "sandbox-webhook-secret"):
            assert secret not in text, f"{secret} in {log.name}"
