"""Reconciliation: what changed behind our back is found, and mended or raised."""

from typing import Any

import httpx

from tests.live.board import Board, sender, until


def reconciled(board: Board, client_ref: str, **asked: Any) -> None:
    """Have a client looked at when nobody else is, and wait until that is done."""
    order = {"client_ref": client_ref, **asked}
    answer = until(lambda: _unless_another_is_under_way(board, order), "its turn")
    answer.raise_for_status()
    run_id = answer.json()["links"]["flow_run"].rpartition("/")[2]
    url = f"/flow_runs/{run_id}"
    until(
        lambda: board.prefect.get(url).json()["state"]["name"] == "Reconciled", "the reconciliation"
    )


def _unless_another_is_under_way(board: Board, order: dict[str, Any]) -> httpx.Response | None:
    answer = board.gateway.post("/v1/reconcile", json=order)
    return None if answer.status_code == 409 else answer


def findings(board: Board, key: str = "reconcile-one-client") -> str:
    """The table that the last one of one client left, or the last dry run."""
    query = {
        "artifacts": {"key": {"any_": [key]}},
        "sort": "CREATED_DESC",
        "limit": 1,
    }
    return board.prefect.post("/artifacts/filter", json=query).json()[0]["data"]


def test_a_banned_number_and_a_removed_association_are_found(board: Board) -> None:
    """The one is raised, the other mended, and a dry run before does neither."""
    board.decide(8801, senders=[sender(8011)])
    board.decide(8802, senders=[sender(8021)])
    for client_ref, waba in (("is-banned", 8801), ("is-unfiled", 8802)):
        board.start(client_ref, waba)
    for client_ref in ("is-banned", "is-unfiled"):
        assert board.ended(client_ref)["stage"] == "Live"
    board.decide(8801, senders=[sender(8011, connection_status="BANNED")])
    _unfile(board, "is-unfiled")

    reconciled(board, "is-banned", dry_run=True)
    assert "BANNED" in findings(board, "reconcile-dry-run")
    assert board.show("is-banned")["stage"] == "Live"
    reconciled(board, "is-banned")
    assert board.state("is-banned", "SendersLost")["message"].startswith("0 of 1 senders live.")
    assert "12024568011" not in findings(board)

    reconciled(board, "is-unfiled")
    until(lambda: board.filed("is-unfiled"), "the sender to be filed anew")
    until(lambda: board.show("is-unfiled")["stage"] == "Live", "the client to be live again")


def _unfile(board: Board, client_ref: str) -> None:
    (link,) = board.filed(client_ref)
    key = {"Authorization": "App sandbox-infobip-key"}
    answer = board.sandbox.request("DELETE", "/provisioning/1/associations", json=link, headers=key)
    answer.raise_for_status()
