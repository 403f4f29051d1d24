"""Show how it goes: how far onboardings come, how long it takes, what fails, who is awaited."""

from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic import Field

from tasks.report import draw_up_report, show_report
from tasks.services import open_services

Days = Annotated[int, Field(ge=1, le=365)]


def _named() -> str:
    given: dict[str, Any] = flow_run.get_parameters()
    return f"report · days: {given.get('days')}"


@flow(name="report", flow_run_name=_named, persist_result=False)
async def report(days: Days = 7) -> State[None]:
    """Draw the report of everyone up, from the ledger alone, and show it as an artifact.

    Args:
        days: How far it looks back.
    """
    async with open_services(beside=True) as services:
        drawn = await draw_up_report(services, days)
        await show_report(drawn)
    return Completed(name="Reported", message=drawn.summary)
