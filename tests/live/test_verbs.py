"""What people decide, in the real Prefect."""

from tests.live.board import Board, sender, until


def test_a_waiting_run_is_cancelled_and_retried_as_another_attempt(board: Board) -> None:
    """The old run stays as history, and what comes meanwhile does not make it go on."""
    board.decide(8391, silent=True, senders=[sender(8391)])
    onboarding = board.start("undecided", 8391)
    board.state("undecided", "AwaitingRegistration")
    first = board.flow_run("undecided")

    asked = {"by": "mia", "why": "The client hesitates."}
    answer = board.gateway.post(f"/v1/onboardings/{onboarding['id']}/cancel", json=asked)

    assert (answer.status_code, answer.json()["stage"]) == (200, "Cancelled")
    state = board.state("undecided", "Cancelled")
    assert "mia: The client hesitates." in state["message"]
    tags = lambda: board.flow_run("undecided")["tags"]  # noqa: E731
    until(lambda: "waiting:registration" not in tags(), "the list to say so")
    board.sandbox.post("/sandbox/wabas/8391/registration-event").raise_for_status()
    until(lambda: board.show("undecided")["senders"], "the event to be looked at")
    assert board.show("undecided")["stage"] == "Cancelled"

    asked["why"] = "The client is sure."
    answer = board.gateway.post(f"/v1/onboardings/{onboarding['id']}/retry", json=asked)
    assert (answer.status_code, answer.json()["attempt"]) == (200, 2)

    board.state("undecided", "Live")
    second = board.flow_run("undecided")
    assert second["name"] == first["name"].replace("attempt 1", "attempt 2")
    assert board.books()["shares"]["8391"] == 1
    old = board.prefect.get(f"/flow_runs/{first['id']}").json()
    assert old["state"]["type"] == "CANCELLED"
