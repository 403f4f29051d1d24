"""The daily report: drawn up from the ledger, and shown as an artifact."""

from datetime import timedelta
from typing import Any

import pytest
import yaml
from prefect.exceptions import ParameterTypeError

from flows.report import report
from tasks import report as tasks_report
from tasks.report import draw_up_report, show_report
from tests.tasks.bench import Bench
from waboard.deploy import PREFECT_FILE
from waboard.domain.report import Milestone


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The artifacts that are made."""
    made: list[dict[str, Any]] = []

    async def create(**artifact: Any) -> None:
        made.append(artifact)

    monkeypatch.setattr(tasks_report, "acreate_markdown_artifact", create)
    return made


@pytest.mark.alone
async def test_it_looks_back_as_many_days_as_are_asked_for(bench: Bench):
    await bench.start()
    await bench.later(timedelta(days=2).total_seconds())
    three, one = [await draw_up_report.fn(bench.services, days) for days in (3, 1)]
    assert three.funnel[Milestone.ASKED_FOR] == 1
    assert one.funnel[Milestone.ASKED_FOR] == 0
    assert (one.on_the_way, one.length) == (1, "1 day")


async def test_the_cap_is_the_one_that_is_set(bench: Bench):
    drawn = await draw_up_report.fn(bench.services, 7)
    assert drawn.cap.cap == bench.services.policy.weekly_cap


async def test_it_is_one_page_under_one_key(bench: Bench, shown: list[dict[str, Any]]):
    await bench.registered()
    await show_report.fn(await draw_up_report.fn(bench.services, 7))
    (artifact,) = shown
    assert artifact["key"] == "report"
    assert artifact["description"].startswith("1 asked for in 7 days")
    assert "## The weekly cap" in artifact["markdown"]


@pytest.mark.parametrize("days", [0, 366, "a week"])
def test_a_time_that_is_none_is_refused(days: object):
    with pytest.raises(ParameterTypeError):
        report.validate_parameters({"days": days})


@pytest.mark.parametrize("days", [1, 365])
def test_it_looks_back_a_day_to_a_year(days: int):
    assert report.validate_parameters({"days": days}) == {"days": days}


def test_it_is_drawn_up_each_morning():
    deployments = yaml.safe_load(PREFECT_FILE.read_text())["deployments"]
    (deployed,) = [each for each in deployments if each["name"] == "report"]
    (schedule,) = deployed["schedules"]
    assert (schedule["cron"], schedule["timezone"]) == ("0 7 * * *", "UTC")
