"""What happened to an onboarding is on its run's timeline, in Prefect's own events."""

from typing import Any

import httpx

from tests.live.board import Board, sender, until


def test_what_came_in_and_who_woke_it_is_related_to_the_run(board: Board) -> None:
    """The registration that it took up, masked, and that it was woken because of it."""
    board.decide(8201, senders=[sender(2901)])
    board.start("on-a-line", 8201)
    board.ended("on-a-line")
    names = {"waboard.event.registration.applied", "waboard.woken"}
    until(lambda: names <= _timeline(board, "on-a-line").keys(), "the timeline to be there")
    shown = _timeline(board, "on-a-line")
    taken_up = shown["waboard.event.registration.applied"]["payload"]
    assert "Registered of …2901: True" in taken_up["changed"]
    assert shown["waboard.woken"]["payload"] == {"why": "What it waited for has come."}
    assert "12024562901" not in str(shown)


def _timeline(board: Board, client_ref: str) -> dict[str, dict[str, Any]]:
    """The events of ours that are related to an onboarding's run, by name."""
    run_id = board.flow_run(client_ref)["id"]
    related = {"id": [f"prefect.flow-run.{run_id}"], "role": ["flow-run"]}
    query = {"filter": {"event": {"prefix": ["waboard."]}, "related": related}}
    found = httpx.post(f"{board.prefect_url}/api/events/filter", json=query).json()
    return {event["event"]: event for event in found["events"]}
