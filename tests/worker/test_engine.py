"""A leg in Prefect's engine, told by a Prefect API over HTTP that remembers what it is asked."""

import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import prefect
import pytest
import respx
from prefect import Flow, flow
from prefect._flow_run_suspension import raise_if_flow_run_suspension_requested
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Abort, Pause
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelled, Paused, Pending

from waboard.worker.engine import run_leg, suspend

API = "http://prefect.test/api"


class Server:
    """One flow run at a Prefect server, and what its states were set to."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.run = FlowRun(id=uuid4(), flow_id=uuid4(), name="a leg", state=Pending())
        self.told: list[str | None] = []
        self.refuses: tuple[str, State[Any] | None] | None = None
        router.post(path__regex="/set_state$").mock(side_effect=self._set)
        router.get(path__regex="/flow_runs/").mock(side_effect=self._read)
        router.get(path__regex="/admin/version$").respond(json=prefect.__version__)
        router.get(path__regex="/csrf-token$").respond(404)
        router.route().respond(204)

    def _read(self, _: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=self.run.model_dump(mode="json"))

    def _set(self, request: httpx.Request) -> httpx.Response:
        asked = httpx.Response(200, content=request.content).json()["state"]
        self.told.append(asked["name"])
        status, state = self.refuses or ("ACCEPT", State.model_validate(asked))
        self.run.state = state or self.run.state
        kind = {"ACCEPT": "accept_details", "REJECT": "reject_details", "ABORT": "abort_details"}
        shown = self.run.state.model_dump(mode="json") if self.run.state else None
        body = {"status": status, "details": {"type": kind[status]}, "state": shown}
        return httpx.Response(201, json=body)


@pytest.fixture
def server() -> Iterator[Server]:
    with temporary_settings({PREFECT_API_URL: API}), respx.mock(assert_all_called=False) as router:
        yield Server(router)


def flow_that(work: Any) -> Flow[..., Any]:
    """A flow that does this."""
    return flow(work, persist_result=False)


async def test_a_leg_runs_its_flow_and_tells_its_end(server: Server):
    ran: list[str] = []

    async def works() -> None:
        ran.append("once")

    await run_leg(flow_that(works), server.run)
    assert (ran, server.told) == (["once"], ["Running", "Completed"])


async def test_it_begins_no_thread_that_beats_or_listens(server: Server):
    seen: list[list[str]] = []

    async def works() -> None:
        seen.append([t.name for t in threading.enumerate()])

    before = {t.name for t in threading.enumerate()}
    await run_leg(flow_that(works), server.run)
    begun = set(seen[0]) - before
    assert not [name for name in begun if "heart" in name.lower() or "suspen" in name.lower()]


async def test_one_that_goes_to_sleep_tells_nothing_more(server: Server):
    async def sleeps() -> None:
        raise Pause(state=Paused())

    with pytest.raises(Pause):
        await run_leg(flow_that(sleeps), server.run)
    assert server.told == ["Running"]


async def test_a_run_that_somebody_suspends_ends_before_its_next_step(server: Server):
    steps: list[str] = []

    async def works() -> None:
        steps.append("first")
        server.run.state = Paused(name="Suspended", reschedule=True)
        assert suspend(server.run)
        raise_if_flow_run_suspension_requested()
        steps.append("second")

    with pytest.raises(Pause):
        await run_leg(flow_that(works), server.run)
    assert steps == ["first"]


async def test_a_run_that_no_leg_runs_cannot_be_suspended_here(server: Server):
    server.run.state = Paused(name="Suspended", reschedule=True)
    assert not suspend(server.run)
    server.run.state = None
    assert not suspend(server.run)


async def test_a_run_that_prefect_lets_not_begin_does_nothing(server: Server):
    async def works() -> None:
        raise AssertionError("it ran")

    server.refuses = ("ABORT", None)
    with pytest.raises(Abort):
        await run_leg(flow_that(works), server.run)


async def test_a_run_that_has_ended_meanwhile_does_nothing(server: Server):
    async def works() -> None:
        raise AssertionError("it ran")

    server.refuses = ("REJECT", Cancelled())
    await run_leg(flow_that(works), server.run)
    assert server.told == ["Running"]
