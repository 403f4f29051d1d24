"""Cancelling and beginning again: the old run stays as history, another goes on from the ledger."""

import pytest
from prefect.client.schemas.objects import StateType

from tests.flows.bench import FlowBench
from tests.flows.prefect_api import Run
from tests.tasks.bench import GOOD, OTHER, SEND, SHARE, condition, sender_fate
from waboard.domain.conditions import ConditionType

WHO = {"client_ref": "acme", "by": "mia"}
HESITATES = {**WHO, "why": "The client hesitates."}
SURE = {**WHO, "why": "The client is sure."}


@pytest.fixture
async def asleep(flows: FlowBench) -> Run:
    """A client that waits for its registration."""
    await flows.bench.sandbox.decide(silent=True, senders=[sender_fate(GOOD)])
    run = await flows.onboard()
    assert run.state.name == "AwaitingRegistration"
    return run


class TestCancelling:
    """What is on its way is stopped; what was done stays done."""

    async def test_a_waiting_run_is_cancelled(self, flows: FlowBench, asleep: Run):
        run = await flows.start("cancel", **HESITATES)
        assert (run.name, run.state.name) == ("cancel acme", "Done")
        assert run.state.type is StateType.COMPLETED
        assert "mia: The client hesitates." in str(run.state.message)
        assert asleep.state.is_cancelled()
        assert (await flows.bench.look()).ended_as == "Cancelled"
        assert flows.opened[-1].beside

    async def test_what_comes_meanwhile_does_not_let_it_go_on(self, flows: FlowBench, asleep: Run):
        await flows.start("cancel", **HESITATES)
        await flows.registers()
        await flows.carry_on()
        await flows.tidy()
        assert asleep.state.is_cancelled()
        assert (await flows.bench.look()).senders
        assert flows.bench.calls("POST", SEND) == 0

    async def test_what_has_ended_is_not_cancelled(self, flows: FlowBench):
        onboarding = await flows.onboard()
        run = await flows.start("cancel", **HESITATES)
        assert (run.state.name, run.state.type) == ("CancelRefused", StateType.FAILED)
        assert "there is nothing to cancel" in str(run.state.message)
        assert onboarding.state.name == "LiveLimited"

    async def test_nobody_is_not_cancelled(self, flows: FlowBench):
        run = await flows.start("cancel", **HESITATES)
        assert (run.state.name, run.state.type) == ("CancelRefused", StateType.FAILED)


class TestRetrying:
    """A new attempt has a run of its own."""

    async def test_it_goes_on_from_what_is_true(self, flows: FlowBench, asleep: Run):
        await flows.start("cancel", **HESITATES)
        await flows.bench.later(60)
        await flows.registers()
        await flows.carry_on()
        run = await flows.start("retry", **SURE)
        assert (run.name, run.state.name) == ("retry acme", "Retried")
        assert run.state.type is StateType.COMPLETED
        assert run.state.message == "acme · WABA …3093 · attempt 2 has begun."
        first, second = flows.prefect.of("onboard-client")
        assert (first.state.type, second.state.name) == (StateType.CANCELLED, "Live")
        assert second.name == first.name.replace("attempt 1", "attempt 2")
        assert flows.bench.calls("POST", SHARE) == 1

    async def test_the_same_order_twice_is_one_attempt(self, flows: FlowBench, asleep: Run):
        await flows.start("cancel", **HESITATES)
        await flows.start("retry", **SURE)
        again = await flows.start("retry", **SURE)
        assert (again.state.name, len(flows.prefect.of("onboard-client"))) == ("Retried", 2)
        assert (await flows.bench.look()).attempt == 2

    async def test_what_is_on_its_way_is_not_retried(self, flows: FlowBench, asleep: Run):
        run = await flows.start("retry", **SURE)
        assert (run.state.name, run.state.type) == ("RetryRefused", StateType.FAILED)
        assert "on its way" in str(run.state.message)
        assert len(flows.prefect.of("onboard-client")) == 1

    async def test_nobody_is_not_retried(self, flows: FlowBench):
        run = await flows.start("retry", **SURE)
        assert (run.state.name, run.state.type) == ("RetryRefused", StateType.FAILED)

    async def test_with_one_number_nothing_of_the_others_is_tried_again(self, flows: FlowBench):
        fates = [sender_fate(number, delivery="expired") for number in (GOOD, OTHER)]
        await flows.bench.sandbox.decide(senders=fates)
        await flows.onboard()
        await flows.bench.later(60)
        await flows.bench.sandbox.decide(senders=[sender_fate(n) for n in (GOOD, OTHER)])
        run = await flows.start("retry", **SURE, sender=f"+{GOOD}")
        assert run.state.name == "Retried"
        onboarding = await flows.bench.look()
        verified = [condition(s, ConditionType.VERIFIED)[0] for s in onboarding.senders]
        assert sorted(verified) == ["False", "True"]
        assert onboarding.sender(GOOD).is_live
        assert flows.bench.calls("POST", SEND) == 3
