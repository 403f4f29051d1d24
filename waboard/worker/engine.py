"""Prefect's flow engine, for a leg: without what a leg of seconds has no use for.

For each run Prefect's own (3.8.8) starts a thread that sends heartbeats, and another with an event
loop and a websocket of its own that listens for a suspension. That held up each leg at its start
and at its end, and cost the server as much as a step. Here the worker looks out for both: it has a
heartbeat of its own, and asks for all its legs together whether somebody wants to stop them.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from prefect._flow_run_suspension import (
    FlowRunSuspensionRequest,
    mark_flow_run_suspension_requested,
    register_flow_run_suspension_request,
)
from prefect.client.schemas.objects import FlowRun
from prefect.flow_engine import AsyncFlowRunEngine
from prefect.flows import Flow
from prefect.settings import get_current_settings

from waboard.prefect_client import leg_clients


class LegEngine(AsyncFlowRunEngine[Any, Any]):
    """Runs one leg of a flow run."""

    @property
    def heartbeat_seconds(self) -> int | None:
        """None: the worker has a heartbeat, and its legs live as long as it does."""
        return None

    @contextmanager
    def setup_flow_run_suspension_request(self) -> Generator[FlowRunSuspensionRequest]:
        """Let the worker ask for a suspension, and nobody listen for one."""
        assert self.flow_run is not None  # noqa: S101 - a leg is of a run
        request = self._get_flow_run_suspension_request()
        with register_flow_run_suspension_request(self.flow_run.id, request):
            request.raise_if_requested()
            yield request


async def run_leg(flow: Flow[..., Any], flow_run: FlowRun) -> None:
    """Run a flow run until it sleeps or ends, as `prefect.flow_engine.run_flow_async` does."""
    # No result is kept. Without a place for them Prefect asks its server for one at each leg.
    flow.result_storage = get_current_settings().results.local_storage_path
    engine = LegEngine(flow=flow, flow_run=flow_run, parameters=flow_run.parameters)
    async with leg_clients(), engine.start():
        while engine.is_running():
            async with engine.run_context():
                await engine.call_flow_fn()


def suspend(flow_run: FlowRun) -> bool:
    """Let a leg end before its next step: somebody suspended its run. Says whether it will."""
    state = flow_run.state
    return state is not None and mark_flow_run_suspension_requested(flow_run.id, state)
