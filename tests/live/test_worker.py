"""What our worker does when somebody cancels, stops or kills it in the middle of a leg."""

import os
import signal

import pytest

from tasks.orphans import TOLD
from tests.chaos.killer import children_of
from tests.live.board import Board, sender, until
from waboard.worker.worker import HANDED_BACK

SHARE = "/whatsapp/1/embedded-signup/registrations/share-waba"
HANGING_SHARE = {"method": "POST", "path": SHARE, "hang_seconds": 3600}
"""Infobip takes the share and answers when it is told to, so that a leg is met in the middle."""


def met_in_the_middle(board: Board, client_ref: str, waba_id: int) -> None:
    """Start an onboarding and return while its share is under way."""
    board.decide(waba_id, senders=[sender(waba_id % 10_000)], silent=True)
    board.fail(HANGING_SHARE | {"naming": str(waba_id)})
    board.start(client_ref, waba_id)
    until(lambda: board.books()["shares"].get(str(waba_id)), "the share to be under way")


def signal_worker(board: Board, number: signal.Signals) -> None:
    """Send a signal to the worker's process."""
    (pid,) = children_of(board.process.pid, "waboard worker")
    os.kill(pid, number)


def goes_live(board: Board, client_ref: str, waba_id: int) -> None:
    """See that it all ends well, and that nothing was done twice."""
    board.sandbox.post(f"/sandbox/wabas/{waba_id}/registration-event").raise_for_status()
    assert board.ended(client_ref)["stage"] == "Live"
    assert board.books()["shares"][str(waba_id)] == 1


def test_a_run_that_is_cancelled_in_the_ui_stops_at_its_next_await(board: Board) -> None:
    """And says so, as the onboarding does; the share is not taken for done or undone."""
    met_in_the_middle(board, "cancelled", 8301)
    run_id = board.flow_run("cancelled")["id"]
    cancelling = {"state": {"type": "CANCELLING"}}
    url = f"/flow_runs/{run_id}/set_state"
    board.prefect.post(url, json=cancelling).raise_for_status()
    state = board.state("cancelled", "Cancelled")
    assert "its leg was stopped" in state["message"]
    onboarding = board.ended("cancelled")
    assert (onboarding["stage"], len(onboarding["decisions"])) == ("Cancelled", 1)


def test_a_run_that_is_cancelled_as_its_leg_ends_is_cancelled_all_the_same(board: Board) -> None:
    """No leg is left to stop, and Prefect lets such a run become nothing else."""
    board.decide(8307, senders=[sender(8307)], silent=True)
    board.start("just-missed", 8307)
    board.state("just-missed", "AwaitingRegistration")
    url = f"/flow_runs/{board.flow_run('just-missed')['id']}/set_state"
    board.prefect.post(
        url, json={"state": {"type": "CANCELLING"}, "force": True}
    ).raise_for_status()
    assert board.ended("just-missed")["stage"] == "Cancelled"
    assert board.state("just-missed", "Cancelled")


@pytest.mark.parametrize(
    ("number", "waba_id", "back"),
    [(signal.SIGTERM, 8302, HANDED_BACK), (signal.SIGKILL, 8303, TOLD)],
    ids=["term", "kill"],
)
def test_a_worker_that_ends_in_the_middle_leaves_nothing_behind(
    board: Board, number: signal.Signals, waba_id: int, back: str
) -> None:
    """Its run is taken up again, and the share that nobody saw answered is not repeated.

    One that is told to end hands it back itself; for one that is killed, a gateway does.
    """
    client_ref = f"orphan-{waba_id}"
    met_in_the_middle(board, client_ref, waba_id)
    signal_worker(board, number)
    board.state(client_ref, "AwaitingRegistration")
    assert back in messages(board, client_ref)
    goes_live(board, client_ref, waba_id)


def messages(board: Board, client_ref: str) -> list[str | None]:
    """What the states of a run said, from the first to the last."""
    query = {"flow_run_id": board.flow_run(client_ref)["id"]}
    states = board.prefect.get("/flow_run_states/", params=query).json()
    return [state["message"] for state in states]


def test_a_run_that_is_suspended_in_the_ui_stops_before_its_next_step(board: Board) -> None:
    """And goes on when somebody resumes it, with nothing done twice."""
    met_in_the_middle(board, "held", 8304)
    url = f"/flow_runs/{board.flow_run('held')['id']}"
    suspended = {"type": "PAUSED", "name": "Suspended", "state_details": {"pause_reschedule": True}}
    board.prefect.post(f"{url}/set_state", json={"state": suspended}).raise_for_status()
    until(lambda: "held" in told(board, "its leg ends"), "its worker to hear of it")
    board.release()
    until(lambda: "held" in told(board, "Finished in state Suspended"), "its leg to end")
    assert board.state("held", "Suspended")
    assert "await registration of WABA …8304" not in board.task_names("held")
    board.prefect.post(f"{url}/resume").raise_for_status()
    board.state("held", "AwaitingRegistration")
    goes_live(board, "held", 8304)


def told(board: Board, what: str) -> str:
    """The lines of the worker's log that tell this."""
    (log,) = board.home.rglob("worker.log")
    return "\n".join(line for line in log.read_text().splitlines() if what in line)


def test_a_run_whose_leg_broke_off_without_a_word_goes_on(board: Board) -> None:
    """Prefect takes it for running, its worker lives, and no leg runs it."""
    board.decide(8306, senders=[sender(8306)], silent=True)
    board.start("lost", 8306)
    board.state("lost", "AwaitingRegistration")
    url = f"/flow_runs/{board.flow_run('lost')['id']}/set_state"
    running = {"state": {"type": "RUNNING", "name": "Running"}, "force": True}
    board.prefect.post(url, json=running).raise_for_status()
    board.state("lost", "AwaitingRegistration")
    goes_live(board, "lost", 8306)


def test_no_more_legs_run_at_once_than_the_pool_allows(board: Board) -> None:
    """What is over the limit waits for its turn, and gets it."""
    names = [f"crowd-{index}" for index in range(6)]
    board.fail(HANGING_SHARE | {"times": 4})
    for index, name in enumerate(names):
        failed = sender(8200 + index, status="FAILED")
        board.decide(8200 + index, status="FAILED", senders=[failed])
        board.start(name, 8200 + index)
    until(lambda: sum(board.books()["shares"].get(str(8200 + i), 0) for i in range(6)) == 4, "4")
    doing = [board.flow_run(name)["state"]["type"] for name in names]
    assert doing.count("SCHEDULED") == len(names) - 4
    board.release()
    assert all(board.ended(name)["stage"] == "RegistrationFailed" for name in names)


def test_legs_that_wait_for_their_turn_hold_nobody_up(board: Board) -> None:
    """Infobip says when to share again; until then all of them wait, and whoever else has work."""
    names = [f"patient-{index}" for index in range(6)]
    later = {"method": "POST", "path": SHARE, "status": 429, "headers": {"Retry-After": "20"}}
    board.fail(later)
    for index, name in enumerate(names):
        board.decide(8220 + index, senders=[sender(8220 + index)])
        board.start(name, 8220 + index)
    until(lambda: {board.flow_run(name)["state"]["name"] for name in names} == {"Running"}, "all")
    assert all(board.ended(name)["stage"] == "Live" for name in names)


def test_the_log_of_a_leg_is_in_the_ui(board: Board) -> None:
    """Under its run, as with any other worker."""
    board.decide(8305, senders=[sender(8305)])
    board.start("logged", 8305)
    board.ended("logged")
    query = {"logs": {"flow_run_id": {"any_": [board.flow_run("logged")["id"]]}}, "limit": 200}

    def lines() -> list[str]:
        found = board.prefect.post("/logs/filter", json=query).json()
        return [line["message"] for line in found if "in state Live" in line["message"]]

    until(lines, "the last line to be there")
