"""The worker as a service: it watches itself, works on through outages, and ends in order."""

import asyncio
import io
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from rich.console import Console

from waboard.worker import service
from waboard.worker.service import GRACE, Stop, memory_used, run, watch_memory

PLENTY = 1_000_000
"""MiB that no test uses."""


async def test_one_that_has_outgrown_its_memory_is_told_to_end():
    stop = Stop()
    await asyncio.wait_for(watch_memory(memory_used() - 1, stop), 10)
    assert stop.is_told
    assert stop.outgrown


async def test_one_that_has_not_goes_on():
    stop = Stop()
    watching = asyncio.create_task(watch_memory(memory_used() + 10_000, stop))
    await asyncio.sleep(0)
    assert not watching.done()
    assert not stop.is_told
    watching.cancel()


async def test_it_looks_again_and_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(service, "LOOK_EVERY", 0)
    used = iter([1, 1, 3])
    monkeypatch.setattr(service, "memory_used", lambda: next(used))
    stop = Stop()
    await asyncio.wait_for(watch_memory(2, stop), 10)
    assert stop.outgrown


def test_where_there_is_no_proc_its_peak_is_what_it_uses(monkeypatch: pytest.MonkeyPatch):
    def none_there(*_: object) -> None:
        raise FileNotFoundError

    now = memory_used()
    monkeypatch.setattr(service, "open", none_there, raising=False)
    assert memory_used() >= now - 1  # each is rounded by itself


class Worker:
    """A worker that does what a test says, one thing after the other; the last one for good."""

    works: list[Callable[[], Awaitable[None]]]
    made: list["Worker"]

    def __init__(self, pool: str, *, limit: int, create_pool_if_not_found: bool) -> None:
        assert (pool, limit, create_pool_if_not_found) == ("pool", 4, False)
        self.drained: list[float] = []
        self.made.append(self)

    async def start(self, printer: Any) -> None:
        await self.works[len(self.made) - 1]()

    async def drain(self, grace: float) -> None:
        self.drained.append(grace)

    def whereabouts(self) -> str:
        return "it is [here]"


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> type[Worker]:
    Worker.works, Worker.made = [], []
    monkeypatch.setattr(service, "OnboardingWorker", Worker)
    monkeypatch.setattr(service, "collect_seldom", lambda: None)
    monkeypatch.setattr(service, "_RESTART_AFTER", 0)
    return Worker


def serve(memory: int = PLENTY) -> str:
    """Work until somebody asks for the end, and return what was said."""
    said = io.StringIO()
    run("pool", 4, memory, Console(file=said, width=200))
    return said.getvalue()


async def until_killed(number: signal.Signals = signal.SIGTERM) -> None:
    """Somebody sends a signal, and the worker works on until it is stopped."""
    os.kill(os.getpid(), number)
    await asyncio.Event().wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_it_and_ends(worker: type[Worker], number: signal.Signals):
    worker.works = [lambda: until_killed(number)]
    assert serve() == ""
    assert [each.drained for each in worker.made] == [[GRACE]]


async def breaks() -> None:
    raise RuntimeError("the server stayed away")


async def gives_up() -> None:
    """As Prefect's own does after some minutes."""


@pytest.mark.parametrize("ends", [breaks, gives_up])
def test_one_that_gives_up_is_started_again(
    worker: type[Worker], ends: Callable[[], Awaitable[None]]
):
    worker.works = [ends, until_killed]
    assert "The worker ended (" in serve()
    assert [each.drained for each in worker.made] == [[], [GRACE]]


def test_one_that_ends_as_it_is_told_to_is_not_drained(worker: type[Worker]):
    async def ends() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        while True:
            await asyncio.sleep(0)
            if (found := told()) and found.is_told:
                return

    worker.works = [ends]
    assert serve() == ""


def told() -> Stop | None:
    """What the service was asked."""
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        stop = frame.f_locals.get("stop") if frame else None
        if isinstance(stop, Stop):
            return stop
    return None


def test_one_that_has_outgrown_its_memory_drains_and_starts_itself_anew(
    worker: type[Worker], monkeypatch: pytest.MonkeyPatch
):
    became: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "execv", lambda path, args: became.append((path, args)))
    monkeypatch.setattr("sys.argv", ["waboard", "worker"])

    async def works() -> None:
        await asyncio.Event().wait()

    worker.works = [works]
    assert "has outgrown its memory limit and starts anew" in serve(memory=1)
    ((path, args),) = became
    assert args == [path, "-m", "waboard", "worker"]
    assert worker.made[0].drained == [GRACE]


def test_whoever_looks_why_it_hangs_is_told_where_it_is(worker: type[Worker]):
    async def hangs() -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.sleep(0)
        await until_killed()

    worker.works = [hangs]
    assert "it is [here]" in serve()
