"""What Prefect starts by itself."""

import httpx

from tests.live.board import Board, until


def test_the_readiness_check_is_scheduled_daily(board: Board) -> None:
    """Prefect has made its next runs: a schedule that is only shown would start nothing."""
    query = {
        "deployments": {"name": {"any_": ["check-readiness"]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }
    url = f"{board.prefect_url}/api/flow_runs/filter"
    runs = until(lambda: httpx.post(url, json=query).json(), "runs to be scheduled", patience=150)
    assert all(run["auto_scheduled"] for run in runs)
