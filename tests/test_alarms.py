"""The alarms: Prefect automations that tell the operator what no run can tell of itself."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Self
from uuid import UUID, uuid4

import pytest
from prefect.events.schemas.automations import AutomationCore, Posture
from prefect.exceptions import ObjectNotFound

from waboard import alarms as module
from waboard.alarms import Alarm, alarms, set_alarms
from waboard.domain.errors import BadInput
from waboard.domain.waits import WORDS, WaitKind, WaitPlan

PLANS = {kind: WaitPlan(timedelta(minutes=15), timedelta(days=14)) for kind in WaitKind}
ALL = alarms(PLANS)
BLOCK = uuid4()


class FakePrefect:
    """Keeps automations as Prefect does, and has one notification block."""

    def __init__(self) -> None:
        self.automations: dict[UUID, AutomationCore] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def read_automations(self) -> list[Any]:
        return [SimpleNamespace(id=i, name=a.name) for i, a in self.automations.items()]

    async def create_automation(self, automation: AutomationCore) -> UUID:
        made = uuid4()
        self.automations[made] = automation
        return made

    async def update_automation(self, automation_id: UUID, automation: AutomationCore) -> None:
        self.automations[automation_id] = automation

    async def delete_automation(self, automation_id: UUID) -> None:
        del self.automations[automation_id]

    async def read_block_document_by_name(self, name: str, kind: str, **_: Any) -> Any:
        if (kind, name) != ("slack-webhook", "ops"):
            raise ObjectNotFound(ValueError(name))
        return SimpleNamespace(id=BLOCK)

    def names(self) -> list[str]:
        return sorted(automation.name for automation in self.automations.values())


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> FakePrefect:
    fake = FakePrefect()
    monkeypatch.setattr(module, "get_client", lambda: fake)
    return fake


def alarm(name: str) -> Alarm:
    return next(each for each in ALL if name in each.name)


async def test_all_are_made_once_and_then_kept(prefect: FakePrefect):
    await set_alarms("slack-webhook/ops", ALL)
    made = dict(prefect.automations)
    await set_alarms("slack-webhook/ops", ALL)
    assert prefect.names() == sorted(each.name for each in ALL)
    assert prefect.automations.keys() == made.keys()


async def test_each_tells_by_the_block_that_is_named_which_run_it_is_about(prefect: FakePrefect):
    await set_alarms("slack-webhook/ops", ALL)
    for automation in prefect.automations.values():
        (action,) = automation.actions
        assert action.type == "send-notification"
        assert action.block_document_id == BLOCK
        assert "{{ flow_run.name }}" in action.subject
        assert "{{ flow_run|ui_url }}" in action.body


async def test_where_nobody_is_told_there_are_none(prefect: FakePrefect):
    await set_alarms("slack-webhook/ops", ALL)
    await set_alarms(None, ALL)
    assert prefect.names() == []


async def test_one_that_is_not_wanted_any_more_goes(prefect: FakePrefect):
    await set_alarms("slack-webhook/ops", ALL)
    await set_alarms("slack-webhook/ops", ALL[:1])
    assert prefect.names() == [ALL[0].name]


async def test_somebody_elses_automation_stays(prefect: FakePrefect):
    await prefect.create_automation(
        AutomationCore(name="theirs", trigger=ALL[0].trigger, actions=[])
    )
    await set_alarms(None, [])
    assert prefect.names() == ["theirs"]


async def test_a_block_that_does_not_exist_is_named(prefect: FakePrefect):
    with pytest.raises(BadInput, match="WABOARD_OPERATOR_BLOCK: there is no block 'slack/none'"):
        await set_alarms("slack/none", ALL)


def test_a_crash_alone_wakes_nobody():
    """It is taken up again by itself, as is one that is plainly `Failed`; an outcome has a name."""
    trigger = alarm("breaks off").trigger
    assert trigger.posture is Posture.Reactive
    assert trigger.threshold == 3
    assert trigger.expect == {"prefect.flow-run.Crashed", "prefect.flow-run.Failed"}


@pytest.mark.parametrize("kind", WaitKind)
def test_every_wait_has_an_alarm_of_its_own_that_is_slower_than_its_nudge(kind: WaitKind):
    trigger = alarm(WORDS[kind].state).trigger
    assert trigger.posture is Posture.Proactive
    assert trigger.after == {f"prefect.flow-run.{WORDS[kind].state}"}
    assert trigger.within == timedelta(minutes=45)


@pytest.mark.parametrize("kind", WaitKind)
def test_a_wait_ends_when_it_is_woken_or_over_and_counts_anew_when_it_is_slept_again(
    kind: WaitKind,
):
    trigger = alarm(WORDS[kind].state).trigger
    ends = {"Cancelled", "Completed", "Crashed", "Failed"}
    assert {each.removeprefix("prefect.flow-run.") for each in trigger.expect} == {
        "Resuming",
        WORDS[kind].state,
        *ends,
    }


def test_a_wait_that_is_looked_at_every_few_seconds_is_not_doubted_at_once():
    quick = alarms({WaitKind.DELIVERY: WaitPlan(timedelta(seconds=5), timedelta(hours=1))})
    assert quick[-1].trigger.within == timedelta(minutes=10)


def test_each_looks_at_every_run_by_itself_and_at_onboardings_alone():
    for each in ALL:
        assert each.trigger.for_each == {"prefect.resource.id"}
        assert "onboard-client" in str(each.trigger.match_related)
