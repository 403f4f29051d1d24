"""The run with which a client leaves: it asks, sleeps, hears the answer, and ends if none comes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.states import Cancelled, Failed, Running

from tasks import departures
from tasks.approval import AWAITING, Approval, Verdict, ask_for_approval, give_approval, hear
from tasks.departures import (
    LEFT_ALONE,
    NOBODY,
    begin_departure,
    end_of,
    record_trouble,
    settle_departures,
    take_up,
)
from tests.tasks.bench import Bench, policy
from tests.tasks.test_additions import FakePrefect, prefect_api
from waboard.domain.decisions import Order
from waboard.domain.departures import Departure, DepartureState
from waboard.domain.errors import FactsDiffer
from waboard.domain.requirements import requirements_of
from waboard.ledger.decisions import decisions_of
from waboard.ledger.departures import read_departure

__all__ = ["prefect_api"]

MIA = Order(by="mia", why="It has cancelled its contract.")
PATIENCE = timedelta(days=7)


@pytest.fixture
def api(prefect_api: FakePrefect, monkeypatch: pytest.MonkeyPatch) -> FakePrefect:
    monkeypatch.setattr(departures, "get_client", lambda: prefect_api)
    return prefect_api


async def falls_asleep(bench: Bench, departure: Departure) -> Departure:
    with pytest.raises(Pause):
        await ask_for_approval(bench.services, await bench.look(), departure)
    return await known(bench, departure)


async def known(bench: Bench, departure: Departure) -> Departure:
    async with bench.ledger.begin() as session:
        return await read_departure(session, departure.id)


async def asleep(bench: Bench, api: FakePrefect) -> Departure:
    """Somebody has asked that a client leaves, and its run waits for the approval."""
    bench.services.policy = policy(approval_give_up=PATIENCE.total_seconds())
    await bench.start()
    run_id = uuid4()
    api.runs[run_id] = Running()
    departure, _ = await begin_departure(
        bench.ledger, lambda: bench.now, str(run_id), bench.id, MIA
    )
    return await falls_asleep(bench, departure)


async def answered(bench: Bench, departure: Departure, **given: Any) -> Departure:
    """Somebody fills in the form, and the run hears it."""
    await give_approval(departure, "acme", Approval(by="noor", **given))
    return await hear(bench.services, await bench.look(), departure)


async def settled(bench: Bench, departure: Departure) -> Departure:
    await settle_departures(bench.ledger, lambda: bench.now)
    return await known(bench, departure)


def state_of(api: FakePrefect, departure: Departure) -> State[Any]:
    state = api.runs[UUID(departure.id)]
    assert state is not None
    return state


async def verbs(bench: Bench) -> list[str]:
    async with bench.ledger.begin() as session:
        return [each.verb for each in await decisions_of(session, bench.id)]


async def test_it_sleeps_in_a_state_of_its_own_and_status_says_whose_turn_it_is(
    bench: Bench, api: FakePrefect
):
    departure = await asleep(bench, api)
    assert state_of(api, departure).name == AWAITING
    assert "waiting:approval" in api.tags[UUID(departure.id)]
    (needed,) = requirements_of(await bench.look())
    assert (needed.reason, needed.awaiting) == ("ApprovalAwaited", "operator")
    assert "mia wants this client to leave" in needed.message


async def test_whoever_types_the_clients_id_approves_it(bench: Bench, api: FakePrefect):
    departure = await asleep(bench, api)
    heard = await answered(bench, departure, confirm="acme")
    assert heard.state is DepartureState.LEAVING
    assert await verbs(bench) == ["offboard", "approve"]
    assert not [key for _, key in api.inputs if "response" in key]


@pytest.mark.parametrize("typed", ["", "acm", "ACME"])
async def test_who_types_anything_else_is_asked_again_until_the_same_end(
    bench: Bench, api: FakePrefect, typed: str
):
    departure = await asleep(bench, api)
    bench.now += timedelta(days=1)
    heard = await answered(bench, departure, confirm=typed)
    assert (heard.state, await verbs(bench)) == (DepartureState.APPROVAL_AWAITED, ["offboard"])
    again = await falls_asleep(bench, heard)
    assert again.give_up_at == departure.give_up_at
    assert "acme has to be typed" in str(state_of(api, again).message)


async def test_refused_nothing_is_done_and_nobody_is_asked_any_more(bench: Bench, api: FakePrefect):
    departure = await asleep(bench, api)
    heard = await answered(bench, departure, verdict=Verdict.REFUSE)
    assert heard.state is DepartureState.REFUSED
    assert await verbs(bench) == ["offboard", "refuse"]
    onboarding = await bench.look()
    assert (requirements_of(onboarding), onboarding.leaving, bench.writes()) == ([], None, [])


async def test_approved_by_nobody_in_time_it_ends_and_nothing_is_done(
    bench: Bench, api: FakePrefect
):
    departure = await asleep(bench, api)
    bench.now += PATIENCE - timedelta(seconds=1)
    assert not (await settled(bench, departure)).state.is_over
    bench.now += timedelta(seconds=1)
    assert (await settled(bench, departure)).state is DepartureState.TIMED_OUT
    assert (state_of(api, departure).name, state_of(api, departure).message) == (
        "OffboardingTimedOut",
        NOBODY,
    )
    assert (requirements_of(await bench.look()), bench.writes()) == ([], [])


async def test_one_whose_end_prefect_was_told_is_over_whoever_died_over_it(
    bench: Bench, api: FakePrefect
):
    departure = await asleep(bench, api)
    told = replace(departure, state=DepartureState.TIMED_OUT, detail=NOBODY)
    api.runs[UUID(departure.id)] = end_of(told)
    ended = await settled(bench, departure)
    assert (ended.state, ended.detail) == (DepartureState.TIMED_OUT, NOBODY)
    assert requirements_of(await bench.look()) == []


async def test_cancelled_in_the_ui_it_is_over(bench: Bench, api: FakePrefect):
    departure = await asleep(bench, api)
    api.runs[UUID(departure.id)] = Cancelled()
    assert (await settled(bench, departure)).state is DepartureState.CANCELLED
    assert state_of(api, departure).is_cancelled()


async def test_an_answer_to_a_run_that_does_not_ask_is_refused(bench: Bench, api: FakePrefect):
    departure = await asleep(bench, api)
    api.runs[UUID(departure.id)] = Running()
    with pytest.raises(FactsDiffer, match="does not wait for an approval"):
        await answered(bench, departure, confirm="acme")


async def test_one_that_failed_goes_on_without_another_approval(bench: Bench, api: FakePrefect):
    departure = await answered(bench, await asleep(bench, api), confirm="acme")
    failed = await record_trouble(bench.services, departure, "Infobip is away.")
    assert failed.state is DepartureState.FAILED
    assert (await take_up(bench.services, failed)).state is DepartureState.LEAVING


async def test_one_that_was_refused_is_asked_anew(bench: Bench, api: FakePrefect):
    departure = await answered(bench, await asleep(bench, api), verdict=Verdict.REFUSE)
    again = await take_up(bench.services, departure)
    assert (again.state, again.pause_key) == (DepartureState.APPROVAL_AWAITED, None)


async def test_one_that_broke_off_for_good_says_so(bench: Bench, api: FakePrefect):
    departure = await answered(bench, await asleep(bench, api), confirm="acme")
    broken = Failed()
    broken.timestamp = bench.now - LEFT_ALONE - timedelta(seconds=1)
    api.runs[UUID(departure.id)] = broken
    assert (await settled(bench, departure)).state is DepartureState.FAILED
    (needed,) = requirements_of(await bench.look())
    assert needed.reason == "ReleaseFailed"
