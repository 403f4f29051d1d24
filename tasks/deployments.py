"""Start runs of what is deployed."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound

from waboard.domain.errors import NotFound
from waboard.prefect_client import get_client

ABOUT_TO_BEGIN = timedelta(seconds=15)
"""How long before its time a run of a schedule counts as begun: workers fetch it ahead."""
_UNFINISHED = FlowRunFilterStateType(
    any_=[StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING]
)


async def start_deployment(
    name: str,
    parameters: dict[str, Any],
    *,
    run_name: str | None = None,
    tags: Collection[str] = (),
    key: str,
) -> FlowRun:
    """Start a run of a deployment, once: with the same idempotency `key` it is the same run.

    Raises NotFound when it is not deployed.
    """
    async with get_client() as client:
        try:
            deployment = await client.read_deployment_by_name(name)
        except ObjectNotFound:
            raise NotFound(
                f"Prefect knows no deployment {name}.", remedy="Run `waboard deploy`."
            ) from None
        return await client.create_flow_run_from_deployment(
            deployment.id, parameters=parameters, name=run_name, tags=tags, idempotency_key=key
        )


async def is_under_way(name: str, now: datetime) -> bool:
    """Whether a run of a deployment runs, or is to begin now: also one that no worker has yet.

    Those of its schedule that are for later do not count.
    """
    async with get_client() as client:
        try:
            deployment = await client.read_deployment_by_name(name)
        except ObjectNotFound:
            return False
        found = await client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=_UNFINISHED),
                expected_start_time=FlowRunFilterExpectedStartTime.model_validate(
                    {"before_": now + ABOUT_TO_BEGIN}
                ),
            ),
            limit=1,
        )
    return bool(found)
