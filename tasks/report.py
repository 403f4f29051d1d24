"""Draw up the report of everyone, and show it where operators look."""

from datetime import timedelta

from prefect import task
from prefect.artifacts import acreate_markdown_artifact

from tasks.services import Services
from tasks.step import STEP
from waboard.domain.report import Report, report_of
from waboard.ledger.admissions import cap_use
from waboard.ledger.figures import ways_since
from waboard.ledger.queries.counted import count_stages
from waboard.report import page_of

ARTIFACT = "report"
"""The key of the artifact: the Prefect UI keeps its versions under it."""


@task(name="draw up report", task_run_name="draw up the report", **STEP)
async def draw_up_report(services: Services, days: int) -> Report:
    """Read the figures of the last days, and work out what they say."""
    now = services.clock()
    since = now - timedelta(days=days)
    async with services.ledger.read() as session:
        ways = await ways_since(session, since)
        cap = await cap_use(session, services.policy.weekly_cap, now)
        stages = await count_stages(session)
    return report_of(ways, cap, since, now, stages)


@task(name="show report", task_run_name="show the report", **STEP)
async def show_report(report: Report) -> None:
    """Put the report beside the run.

    One page, and not a table for each part: its parts are of the same moment, are read together,
    and one key keeps one row of versions.
    """
    await acreate_markdown_artifact(
        markdown=page_of(report), key=ARTIFACT, description=report.summary
    )
