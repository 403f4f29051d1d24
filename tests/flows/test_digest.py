"""The digest: drawn up, then told, once a day."""

import pytest
from prefect.client.schemas.objects import StateType

from tests.flows.bench import FlowBench
from tests.tasks.bench import GOOD, sender_fate
from tests.tasks.test_notify import Pager


async def test_what_has_ended_is_told_once(flows: FlowBench, pager: Pager):
    await flows.bench.sandbox.decide(senders=[sender_fate(GOOD, status="FAILED")])
    await flows.onboard()
    await flows.bench.later(60)
    flows.forget()
    pager.told.clear()
    run = await flows.start("digest")
    assert flows.steps == ["draw up digest", "tell digest"]
    assert (run.name, run.state.name, run.state.type) == ("digest", "Told", StateType.COMPLETED)
    assert [subject for subject, _ in pager.told] == [run.state.message]
    assert flows.opened[-1].beside


@pytest.mark.alone
async def test_where_there_is_nothing_to_say_nothing_is_told(flows: FlowBench, pager: Pager):
    run = await flows.start("digest")
    assert (run.state.name, run.state.type) == ("NothingTold", StateType.COMPLETED)
    assert pager.told == []
