"""The report: drawn up from the ledger, then shown."""

from datetime import timedelta

from prefect.client.schemas.objects import StateType

from tests.flows.bench import FlowBench


async def test_it_is_drawn_up_and_shown(flows: FlowBench):
    await flows.onboard()
    flows.forget()
    run = await flows.start("report")
    assert flows.steps == ["draw up report", "show report"]
    assert (run.state.name, run.state.type) == ("Reported", StateType.COMPLETED)
    (shown,) = flows.prefect.shown("report")
    assert shown.description == run.state.message
    assert str(shown.description).startswith("1 asked for in 7 days")
    assert flows.opened[-1].beside


async def test_it_looks_back_as_far_as_is_asked_for(flows: FlowBench):
    await flows.onboard()
    await flows.bench.later(timedelta(days=2).total_seconds())
    run = await flows.start("report", days=1)
    assert run.name == "report · days: 1"
    assert str(run.state.message).startswith("0 asked for in 1 day")
