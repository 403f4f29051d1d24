"""A sender is added to a client that is live, with its one-time password, and goes live as well."""

from typing import Any

from tests.live.board import Board, sender, until

NEW = "14155550132"


def added(board: Board, onboarding_id: str) -> dict[str, Any]:
    """How the last sender that was added stands."""
    return board.gateway.get(f"/v1/onboardings/{onboarding_id}/senders/additions").json()[-1]


def run_of(board: Board, addition: dict[str, Any]) -> dict[str, Any]:
    """The Prefect run that adds it."""
    run_id = addition["links"]["flow_run"].rpartition("/")[2]
    return board.prefect.get(f"/flow_runs/{run_id}").json()


def asleep(board: Board, onboarding_id: str, saying: str) -> dict[str, Any]:
    """Wait until the run asks for the password, with a message that says this."""

    def there() -> dict[str, Any] | None:
        run = run_of(board, added(board, onboarding_id))
        state = run["state"]
        return run if state["name"] == "AwaitingOtp" and saying in state["message"] else None

    return until(there, f"a run to ask for a password, saying {saying!r}")


def test_a_sender_is_added_and_goes_live_with_the_rest(board: Board) -> None:
    """A wrong password is asked for again, another one can be sent, and the right one is enough."""
    board.decide(8701, senders=[sender(7011)])
    board.start("grows", 8701)
    onboarding_id = board.ended("grows")["id"]
    senders = f"/v1/onboardings/{onboarding_id}/senders"
    request = {"phone_number": f"+{NEW}", "display_name": "Acme Downtown"}
    assert board.gateway.post(senders, json=request).status_code == 201
    assert board.gateway.post(senders, json=request).status_code == 200

    run = asleep(board, onboarding_id, "on its way to …0132, by sms")
    assert NEW not in f"{run['name']}{run['tags']}{run['state']}"
    assert "waiting:otp" in run["tags"]
    board.gateway.post(f"{senders}/{NEW}/otp", json={"code": "0000"}).raise_for_status()
    asleep(board, onboarding_id, "Verification code is not correct")
    board.gateway.post(f"{senders}/{NEW}/otp", json={"send_another": "voice"}).raise_for_status()
    asleep(board, onboarding_id, "by voice")

    code = board.sandbox.get(f"/sandbox/senders/{NEW}/otp").json()["code"]
    board.gateway.post(f"{senders}/{NEW}/otp", json={"code": code}).raise_for_status()
    until(lambda: added(board, onboarding_id)["state"] == "submitted", "the password to be taken")
    live = until(lambda: _all_live(board, "grows", 2), "both senders to be live")
    assert live["stage"] == "Live"
    assert run_of(board, added(board, onboarding_id))["state"]["name"] == "SenderSubmitted"
    kept = board.prefect.post(f"/flow_runs/{run['id']}/input/filter", json={"prefix": ""})
    assert code not in kept.text


def _all_live(board: Board, client_ref: str, count: int) -> dict[str, Any] | None:
    shown = board.show(client_ref)
    live = [each for each in shown["senders"] if each["live"]]
    return shown if shown["ended"] and len(live) == count else None
