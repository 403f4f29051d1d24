"""The net under the webhooks: whose time has come is woken, and what a crash left is finished."""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.domain.samples import DOCUMENTED, GOOD, WABA
from tests.gateway.conftest import OpenDesk
from tests.gateway.desk import REGISTRATION, Desk, FakePrefect, desk_settings
from waboard.domain.facts import registration_facts
from waboard.domain.onboarding import Onboarding
from waboard.gateway import app, waker
from waboard.gateway.waker import LEASE, keep_waking, tidy, wake_due
from waboard.ledger.look import Seen


async def asleep(desk: Desk, number: int, nudge: float) -> str:
    onboarding = await desk.asked(client_ref=f"client-{number}", waba_id=str(number))
    await desk.sleeps(onboarding["id"], nudge=nudge)
    return onboarding["id"]


async def test_those_whose_time_has_come_are_woken_and_no_others(desk: Desk, prefect: FakePrefect):
    early, exact, late = [await asleep(desk, n, nudge) for n, nudge in enumerate((5, 10, 15), 1)]
    desk.pass_time(minutes=10)
    await wake_due(desk.ledger, desk.now)
    assert set(prefect.woken) == {early, exact}
    desk.pass_time(minutes=5)
    prefect.woken.clear()
    await wake_due(desk.ledger, desk.now)
    assert late in prefect.woken


async def test_nobody_is_woken_before_time(desk: Desk, prefect: FakePrefect):
    await asleep(desk, 1, nudge=5)
    desk.pass_time(minutes=5, microseconds=-1)
    await wake_due(desk.ledger, desk.now)
    assert prefect.woken == []


async def test_one_that_cannot_be_woken_does_not_stop_the_others(desk: Desk, prefect: FakePrefect):
    ids = [await asleep(desk, number, nudge=5) for number in range(1, 6)]
    prefect.refuses = {ids[0], ids[2]}
    desk.pass_time(minutes=5)
    await wake_due(desk.ledger, desk.now)
    assert set(prefect.woken) == set(ids) - prefect.refuses


async def test_one_that_could_not_be_woken_is_due_again_after_the_lease(
    desk: Desk, prefect: FakePrefect
):
    onboarding_id = await asleep(desk, 1, nudge=5)
    desk.pass_time(minutes=5)
    prefect.away = True
    await wake_due(desk.ledger, desk.now)
    prefect.away = False
    desk.time += LEASE - timedelta(microseconds=1)
    await wake_due(desk.ledger, desk.now)
    assert prefect.woken == []
    desk.pass_time(microseconds=1)
    await wake_due(desk.ledger, desk.now)
    assert prefect.woken == [onboarding_id]


async def test_two_gateways_do_not_wake_the_same_run(desk: Desk, prefect: FakePrefect):
    ids = [await asleep(desk, number, nudge=5) for number in range(1, 4)]
    desk.pass_time(minutes=5)
    await asyncio.gather(*(wake_due(desk.ledger, desk.now) for _ in range(3)))
    assert sorted(prefect.woken) == sorted(ids)


async def test_runs_that_were_asked_for_and_never_started_are_started(
    desk: Desk, prefect: FakePrefect
):
    prefect.away = True
    asked = [await desk.asked(client_ref=f"c{n}", waba_id=str(n)) for n in (1, 2)]
    prefect.away = False
    await tidy(desk.ledger, desk.now)
    assert sorted(prefect.started) == sorted(onboarding["id"] for onboarding in asked)


async def test_events_that_a_crash_left_behind_are_taken_up(desk: Desk, prefect: FakePrefect):
    onboarding = await desk.asked()
    await desk.sleeps(onboarding["id"])
    await desk.inbox.keep(registration_facts(DOCUMENTED))
    assert [event["disposition"] for event in await desk.events()] == ["parked"]

    await tidy(desk.ledger, desk.now)
    assert [event["disposition"] for event in await desk.events()] == ["applied"]
    await wake_due(desk.ledger, desk.now)
    assert prefect.woken == [onboarding["id"]]


async def test_events_that_nobody_asked_about_stay_parked(desk: Desk):
    await desk.hook(REGISTRATION, DOCUMENTED)
    await tidy(desk.ledger, desk.now)
    assert [event["disposition"] for event in await desk.events()] == ["parked"]


@pytest.mark.parametrize("refused", [0, 1])
async def test_a_run_that_cannot_be_started_stops_neither_the_others_nor_the_events(
    desk: Desk, prefect: FakePrefect, refused: int
):
    prefect.away = True
    bolt = await desk.asked(client_ref="bolt", waba_id="555")
    acme = await desk.asked(client_ref="acme", waba_id=WABA)
    await desk.inbox.keep(registration_facts(DOCUMENTED))
    prefect.away = False
    prefect.refuses = {(bolt, acme)[refused]["id"]}
    with suppress(httpx.ConnectError):
        await tidy(desk.ledger, desk.now)
    assert {bolt["id"], acme["id"]} - prefect.refuses == set(prefect.started)
    assert [event["disposition"] for event in await desk.events()] == ["applied"]


@pytest.mark.parametrize("stuck", ["acme", "bolt"])
async def test_an_event_that_cannot_be_taken_up_does_not_stop_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, stuck: str
):
    wabas = {"acme": WABA, "bolt": "555"}
    ids = {ref: (await desk.asked(client_ref=ref, waba_id=wabas[ref]))["id"] for ref in wabas}
    for waba in wabas.values():
        body = DOCUMENTED.replace(WABA.encode(), waba.encode())
        await desk.inbox.keep(registration_facts(body))
    look = waker.look

    async def looks(
        session: AsyncSession, onboarding_id: str, now: datetime, seen: Seen
    ) -> Onboarding:
        if onboarding_id == ids[stuck]:
            raise TypeError("a stone in the way")
        return await look(session, onboarding_id, now, seen)

    monkeypatch.setattr(waker, "look", looks)
    with suppress(TypeError):
        await tidy(desk.ledger, desk.now)
    dispositions = {event["waba_id"]: event["disposition"] for event in await desk.events()}
    assert dispositions.pop(wabas[stuck]) == "parked"
    assert list(dispositions.values()) == ["applied"]


async def test_the_waker_goes_on_whatever_goes_wrong(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    turns: list[str] = []
    enough = asyncio.Event()

    async def wakes(*_: object) -> None:
        turns.append("wake")
        if len(turns) == 1:
            raise OSError(f"no route for {GOOD}")

    async def tidies(*_: object) -> None:
        turns.append("tidy")
        if turns.count("tidy") == 2:
            enough.set()

    monkeypatch.setattr(waker, "wake_due", wakes)
    monkeypatch.setattr(waker, "tidy", tidies)
    monkeypatch.setattr(waker, "EVERY", 0)
    monkeypatch.setattr(waker, "TIDY_EVERY", 3)
    with caplog.at_level(logging.WARNING):
        task = asyncio.create_task(keep_waking(desk.ledger, desk.now))
        await asyncio.wait_for(enough.wait(), 10)
        task.cancel()
    assert turns[:9] == [*("wake",) * 4, "tidy", *("wake",) * 3, "tidy"]
    assert "OSError" in caplog.text
    assert GOOD not in caplog.text


async def test_a_gateway_wakes_by_itself_for_as_long_as_it_is_open(
    open_desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
):
    woke, gone = asyncio.Event(), asyncio.Event()

    async def wakes(*_: object) -> None:
        woke.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()

    monkeypatch.setattr(app, "keep_waking", wakes)
    async with open_desk():
        await asyncio.wait_for(woke.wait(), 10)
        assert not gone.is_set()
    assert gone.is_set()


async def test_the_first_start_makes_the_ledger(tmp_path: Path):
    settings = desk_settings(tmp_path / "made" / "on the way" / "ledger.db")
    async with Desk(settings).opened() as desk:
        assert (await desk.ask()).status_code == 201
    async with Desk(settings).opened() as desk:
        assert (await desk.ask()).status_code == 200
