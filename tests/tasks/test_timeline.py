"""What an onboarding takes up, and what is decided, is put on the timeline of its run."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import cycle
from uuid import uuid4

import pytest
from prefect.states import Crashed, Paused
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from tasks.departures import begin_departure
from tasks.reconnect import make_way_back
from tasks.retry import begin_again
from tests.tasks.bench import GOOD, Bench, sender_fate
from tests.tasks.conftest import Noted
from tests.tasks.test_cancel import MIA, Prefect, cancelled, on_its_way, prefect
from waboard.ledger.races import DEADLOCK

__all__ = ["prefect"]


async def test_an_event_is_shown_with_what_became_of_it_and_what_it_changed(
    bench: Bench, noted: Noted
):
    await bench.registered()
    what, facts = noted.last
    assert what == "event.registration.applied"
    assert facts["source"] == "webhook"
    assert facts["detail"] == "It changed what is known."
    assert "Registered of …8538: True, RegistrationFinished" in facts["changed"]
    assert GOOD not in str(noted.notes)


async def test_an_event_that_brings_nothing_new_is_shown_as_such(bench: Bench, noted: Noted):
    await bench.registered()
    noted.notes.clear()
    await bench.sandbox.decide(senders=[sender_fate(GOOD)], status="IN_PROGRESS")
    await bench.sandbox.share()
    await bench.hear()
    assert {what.rpartition(".")[2] for _, what, _ in noted.notes} <= {"stale", "applied"}


async def test_a_look_that_takes_up_nothing_shows_nothing(bench: Bench, noted: Noted):
    await bench.start()
    await bench.look()
    assert noted.notes == []


class LostARace(Exception):
    """PostgreSQL's word for a deadlock."""

    sqlstate = DEADLOCK


def let_it_lose(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two tries at a transaction the first is undone: somebody else was quicker."""
    begin, loses = bench.ledger.begin, cycle([True, False])

    @asynccontextmanager
    async def begins() -> AsyncGenerator[AsyncSession]:
        async with begin() as session:
            yield session
            if next(loses):
                raise DBAPIError("COMMIT", None, LostARace())

    monkeypatch.setattr(bench.ledger, "begin", begins)


async def test_what_is_seen_again_after_a_lost_race_is_shown_once(
    bench: Bench, noted: Noted, monkeypatch: pytest.MonkeyPatch
):
    await bench.start()
    await bench.sandbox.decide(senders=[sender_fate(GOOD)], status="FINISHED")
    await bench.sandbox.share()
    await bench.keep_posted()
    kept = await bench.events("webhook")
    let_it_lose(bench, monkeypatch)
    await bench.look()
    assert len(noted.notes) == len(kept) > 0


class TestDecisions:
    """Who decided what, and why, is read where the run is looked at."""

    async def test_that_it_is_cancelled_is_shown_once(
        self, bench: Bench, noted: Noted, prefect: Prefect
    ):
        run_id = await on_its_way(bench, prefect, Paused(name="AwaitingRegistration"))
        for _ in range(2):
            await cancelled(bench)
        assert noted.of(str(run_id)) == [
            ("decision.cancel", {"by": "mia", "why": "Wrong WABA."}),
        ]

    async def test_a_retry_is_shown_on_the_run_that_it_leaves_behind(
        self, bench: Bench, noted: Noted, prefect: Prefect
    ):
        run_id = await on_its_way(bench, prefect, Crashed())
        await begin_again(bench.ledger, lambda: bench.now, bench.id, MIA)
        assert [what for what, _ in noted.of(str(run_id))] == ["decision.retry"]

    async def test_who_wants_a_client_to_leave_is_shown_on_both_runs(
        self, bench: Bench, noted: Noted, prefect: Prefect
    ):
        run_id, asking = await on_its_way(bench, prefect, Crashed()), str(uuid4())
        for _ in range(2):
            await begin_departure(bench.ledger, lambda: bench.now, asking, bench.id, MIA)
        for each in (str(run_id), asking):
            assert [what for what, _ in noted.of(each)] == ["decision.offboard"]

    async def test_a_way_back_is_shown(self, bench: Bench, noted: Noted, prefect: Prefect):
        run_id = await on_its_way(bench, prefect, Crashed())
        await make_way_back(bench.ledger, lambda: bench.now, bench.id, MIA, timedelta(days=7))
        assert [what for what, _ in noted.of(str(run_id))] == ["decision.reconnect"]
