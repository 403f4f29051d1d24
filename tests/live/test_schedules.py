"""What Prefect starts by itself."""

from tests.live.board import Board, until


def test_the_readiness_check_is_scheduled_daily(board: Board) -> None:
    """Prefect has made its next runs: a schedule that is only shown would start nothing."""
    query = {
        "deployments": {"name": {"any_": ["check-readiness"]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }
    url = "/flow_runs/filter"
    runs = until(
        lambda: board.prefect.post(url, json=query).json(), "runs to be scheduled", patience=150
    )
    assert all(run["auto_scheduled"] for run in runs)


def test_what_a_person_starts_does_not_wait_for_a_rush_of_onboardings(board: Board) -> None:
    """Prefect hands out the runs of the first queue first, and each deployment is in its queue."""
    queues = board.prefect.post("/work_pools/waboard/queues/filter", json={}).json()
    by_priority = sorted(queues, key=lambda queue: queue["priority"])
    assert [queue["name"] for queue in by_priority] == ["default", "onboardings"]
    deployments = board.prefect.post("/deployments/filter", json={}).json()
    rushed = [each["name"] for each in deployments if each["work_queue_name"] == "onboardings"]
    assert rushed == ["onboard-client"]
