"""A new attempt: only when the run of the last is over, and with a run of its own."""

from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Crashed, Failed, Paused, Running, Scheduled

from tasks.notify import told_as
from tasks.retry import begin_again
from tasks.runs import start_run
from tests.tasks.bench import Bench
from tests.tasks.test_cancel import MIA, Prefect, cancelled, on_its_way, prefect
from waboard.domain.decisions import Order
from waboard.domain.errors import OutOfPlace
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import outcome_of
from waboard.ledger.decisions import decisions_of
from waboard.ledger.onboardings import end_onboarding

__all__ = ["prefect"]


async def retried(bench: Bench, order: Order = MIA) -> Onboarding:
    return await begin_again(bench.ledger, lambda: bench.now, bench.id, order)


@pytest.mark.parametrize(
    "state",
    [Running(), Paused(name="AwaitingRegistration"), Scheduled()],
    ids=lambda state: state.name,
)
async def test_while_its_run_lives_it_is_refused(bench: Bench, prefect: Prefect, state: State[Any]):
    await on_its_way(bench, prefect, state)
    with pytest.raises(OutOfPlace, match="on its way"):
        await retried(bench)
    async with bench.ledger.begin() as session:
        assert await decisions_of(session, bench.id) == []


@pytest.mark.parametrize("state", [Crashed(), Failed()], ids=lambda state: state.name)
async def test_a_run_that_broke_off_is_left_behind(
    bench: Bench, prefect: Prefect, state: State[Any]
):
    await on_its_way(bench, prefect, state)
    assert (await retried(bench)).attempt == 2


async def test_so_is_one_that_prefect_forgot(bench: Bench, prefect: Prefect):
    del prefect.states[await on_its_way(bench, prefect, Running())]
    assert (await retried(bench)).attempt == 2


async def test_one_that_is_about_to_start_is_on_its_way(bench: Bench, prefect: Prefect):
    await bench.start()
    with pytest.raises(OutOfPlace, match="on its way"):
        await retried(bench)


async def test_it_has_a_run_of_its_own_once_however_often_it_is_started(
    bench: Bench, prefect: Prefect
):
    first = await on_its_way(bench, prefect, Crashed())
    begun = await retried(bench)
    second = await start_run(bench.ledger, begun)
    assert await start_run(bench.ledger, begun) == second
    assert UUID(second) != first
    assert (await bench.look()).flow_run_id == second
    assert set(prefect.keys) == {bench.id, f"{bench.id}/2"}


async def test_the_run_of_the_attempt_before_says_no_more_that_it_needs_somebody(
    bench: Bench, prefect: Prefect
):
    first = await on_its_way(bench, prefect, Failed(name="RegistrationFailed"))
    prefect.tags[first] = ["awaiting:client"]
    begun = await retried(bench)
    await start_run(bench.ledger, begun)
    assert prefect.tags[first] == begun.tags


async def test_what_was_just_cancelled_goes_on_once_its_run_has_stopped(
    bench: Bench, prefect: Prefect
):
    run_id = await on_its_way(bench, prefect, Running())
    await cancelled(bench)
    with pytest.raises(OutOfPlace, match="its run has not stopped yet"):
        await retried(bench)
    prefect.states[run_id] = Cancelled()
    assert (await retried(bench)).attempt == 2


async def test_the_same_order_after_its_run_broke_off_is_another_attempt(
    bench: Bench, prefect: Prefect
):
    await on_its_way(bench, prefect, Crashed())
    run_id = UUID(await start_run(bench.ledger, await retried(bench)))
    assert (await retried(bench)).attempt == 2
    prefect.states[run_id] = Crashed()
    assert (await retried(bench)).attempt == 3


async def test_each_attempt_tells_its_outcome_under_a_name_of_its_own(
    bench: Bench, prefect: Prefect
):
    await on_its_way(bench, prefect, Failed(name="RegistrationFailed"))
    async with bench.ledger.begin() as session:
        await end_onboarding(session, bench.id, bench.now, "RegistrationFailed")
    first = await bench.look()
    assert told_as(first, outcome_of(first)) == "RegistrationFailed"
    second = await retried(bench)
    assert told_as(second, outcome_of(second)) == "RegistrationFailed.2"
