"""Sleeping without holding anything, going on when somebody says so, and what logs hold."""

from pathlib import Path

from tests.live.board import Board, descendants_of, sender, until


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
