"""Whether a run of a deployment is under way: then another one is not started."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound

from tasks import deployments
from tasks.deployments import is_under_way
from tests.domain.samples import T0


class FakePrefect:
    """A Prefect with one run at most, that filters as the real one does."""

    def __init__(self, *runs: tuple[StateType, Any]) -> None:
        self.runs = runs
        self.is_deployed = True

    async def __aenter__(self) -> "FakePrefect":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read_deployment_by_name(self, _: str) -> SimpleNamespace:
        if not self.is_deployed:
            raise ObjectNotFound(Exception())
        return SimpleNamespace(id="5f1c0f9e-8a52-4f0e-8a3e-0f0f6d3d2b10")

    async def read_flow_runs(self, flow_run_filter: FlowRunFilter, **_: Any) -> list[Any]:
        state, start = flow_run_filter.state, flow_run_filter.expected_start_time
        types = state.type.any_ if state and state.type else None
        before = start.before_ if start else None
        assert types
        assert before
        return [run for run in self.runs if run[0] in types and run[1] <= before]


@pytest.mark.parametrize(
    ("state", "seconds", "expected"),
    [
        (StateType.RUNNING, -60, True),
        (StateType.PENDING, 0, True),
        (StateType.PENDING, 10, True),
        (StateType.SCHEDULED, 0, True),
        (StateType.SCHEDULED, -60, True),
        (StateType.SCHEDULED, 600, False),
        (StateType.COMPLETED, -60, False),
        (StateType.CANCELLED, -60, False),
    ],
)
async def test_one_that_begins_now_is_under_way_and_one_of_later_is_not(
    monkeypatch: pytest.MonkeyPatch, state: StateType, seconds: float, expected: bool
):
    """Also while no worker has taken it yet, and when one has fetched it ahead of its time."""
    prefect = FakePrefect((state, T0 + timedelta(seconds=seconds)))
    monkeypatch.setattr(deployments, "get_client", lambda: prefect)
    assert await is_under_way("reconcile/reconcile", T0) is expected


async def test_what_is_not_deployed_is_not_under_way(monkeypatch: pytest.MonkeyPatch):
    prefect = FakePrefect()
    prefect.is_deployed = False
    monkeypatch.setattr(deployments, "get_client", lambda: prefect)
    assert not await is_under_way("reconcile/reconcile", T0)
