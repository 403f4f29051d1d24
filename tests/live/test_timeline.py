"""What happened to an onboarding is on its run's timeline, in Prefect's own events."""

from typing import Any

from tests.live.board import Board, sender, until


def test_what_came_in_and_who_woke_it_is_related_to_the_run(board: Board) -> None:
    """The registration that it took up, masked, and that it was woken because of it."""
    board.decide(8491, senders=[sender(2901)])
    board.start("on-a-line", 8491)
    board.ended("on-a-line")
    names = {"waboard.event.registration.applied", "waboard.woken"}
    until(lambda: names <= _timeline(board, "on-a-line").keys(), "the timeline to be there")
    shown = _timeline(board, "on-a-line")
    changed = [each["changed"] for each in shown["waboard.event.registration.applied"]]
    assert any("Registered of …2901: True" in each for each in changed)
    assert {"why": "What it waited for has come."} in shown["waboard.woken"]
    assert "12024562901" not in str(shown)


def _timeline(board: Board, client_ref: str) -> dict[str, list[dict[str, Any]]]:
    """What the events of ours say that are related to an onboarding's run, by name."""
    run_id = board.flow_run(client_ref)["id"]
    related = {"id": [f"prefect.flow-run.{run_id}"], "role": ["flow-run"]}
    query = {"filter": {"event": {"prefix": ["waboard."]}, "related": related}}
    found = board.prefect.post("/events/filter", json=query).json()
    said: dict[str, list[dict[str, Any]]] = {}
    for event in found["events"]:
        said.setdefault(event["event"], []).append(event["payload"])
    return said
