"""At the door of a run: the partner solution, the weekly cap, and what Meta says meanwhile."""

import json
import time
from collections.abc import Generator
from contextlib import contextmanager

from tasks.services import BLOCKS, KEPT_FOR
from tests.live.board import Board


@contextmanager
def solution(board: Board, **facts: str) -> Generator[None]:
    """The partner solution stands so for a while."""
    board.sandbox.put("/sandbox/meta", json=facts).raise_for_status()
    yield
    board.sandbox.put("/sandbox/meta", json={}).raise_for_status()


def meta_says(board: Board, field: str, **value: str) -> None:
    """A webhook of Meta's comes in."""
    change = {"field": field, "value": value}
    entry = {"id": "700000000000001", "time": int(time.time()), "changes": [change]}
    body = {"object": "whatsapp_business_account", "entry": [entry]}
    raw = json.dumps(body).encode()
    board.sandbox.post("/sandbox/meta/webhook", content=raw).raise_for_status()


def set_cap(board: Board, cap: int) -> None:
    """The operator edits the block, and every process has read it anew."""
    where = f"/block_types/slug/onboarding-policy/block_documents/name/{BLOCKS}"
    block = board.prefect.get(where).raise_for_status().json()
    edit = {"data": {"weekly_cap": cap}, "merge_existing_data": True}
    board.prefect.patch(f"/block_documents/{block['id']}", json=edit).raise_for_status()
    time.sleep(KEPT_FOR)  # the processes keep what they have read of a block for so long


@contextmanager
def weekly_cap(board: Board, cap: int) -> Generator[None]:
    """The cap is another for a while."""
    set_cap(board, cap)
    try:
        yield
    finally:
        set_cap(board, 100_000)


def test_a_run_waits_for_the_solution_and_metas_webhook_wakes_it(board: Board):
    with solution(board, solution_status="INITIATED", solution_pending="PENDING_ACTIVATION"):
        board.start("early", 77008301)
        state = board.state("early", "AwaitingSolution")
        shown = board.show("early")
    assert state["type"] == "PAUSED"
    (usable,) = [c for c in shown["conditions"] if c["type"] == "SolutionUsable"]
    assert "Infobip accepts the solution" in usable["message"]
    assert board.sandbox.get("/sandbox/wabas/77008301").json()["shares"] == 0
    meta_says(board, "partner_solutions", event="SOLUTION_UPDATED", solution_status="ACTIVE")
    assert board.ended("early")["stage"] == "Live"


def test_beyond_the_weekly_cap_a_run_waits_for_its_slot(board: Board):
    board.start("first-in", 77008303)
    board.ended("first-in")
    with weekly_cap(board, 1):
        board.start("too-many", 77008302)
        board.state("too-many", "AwaitingSlot")
        shown = board.show("too-many")
    assert shown["stage"] == "AwaitingSlot"
    (needed,) = [r for r in shown["requirements"] if r["reason"] == "SlotAwaited"]
    assert "frees at" in needed["message"]
    assert board.sandbox.get("/sandbox/wabas/77008302").json()["shares"] == 0
    run_id = board.flow_run("too-many")["id"]
    resumed = board.prefect.post(f"/flow_runs/{run_id}/resume", json={})
    resumed.raise_for_status()
    assert board.ended("too-many")["stage"] == "Live"
