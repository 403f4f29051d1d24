"""The ids of the run that executes here, for the lines that it logs."""

from prefect.context import FlowRunContext

from waboard.log_ids import Ids


def ids_of_run() -> Ids:
    """Return the run's id, and its onboarding's, or nothing outside a run."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return {}
    return {
        "run": context.flow_run.id,
        "onboarding": (context.parameters or {}).get("onboarding_id"),
    }
