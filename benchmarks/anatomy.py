"""Where the time of one onboarding goes: provider, Prefect's API, ledger, ours, Prefect's engine.

`python -m benchmarks.anatomy`, on PostgreSQL when `TEST_POSTGRES_URL` names one. Clients of one
sender each go through the whole sentence, one after the other, on a worker with stopwatches in it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from tests.live.board import Board, own_databases, running_board, sender
from waboard.settings import RUNNING_FILE

FIRST_WABA = 800_000
SETTINGS = {"WABOARD_WORKERS": "0", "WABOARD_INFOBIP_PROVISIONING_INTERVAL": "0.001"}
PROVIDER, LEDGER, LIMIT, PREFECT, OURS, ENGINE = (
    "Infobip and the receivers of notifications",
    "the ledger",
    "the turn in Infobip's rate limit",
    "Prefect's API",
    "our own code",
    "Prefect's engine, in the worker",
)
KINDS = (PROVIDER, LEDGER, LIMIT, PREFECT, OURS)
"""What a leg can be doing; of several at once, the first counts. Else it is the engine's time."""


class Stopwatch(threading.local):
    """Says what a leg's thread does now, and how long it did each thing."""

    def __init__(self) -> None:
        self._doing = Counter[str]()
        self._since: float | None = None

    def switch(self, kind: str, change: int) -> None:
        """Begin (1) or end (-1) something."""
        self._note()
        self._doing[kind] += change
        if change > 0:
            COUNTS[kind] += 1

    def run(self, *, running: bool) -> None:
        """Begin or end a leg."""
        self._note()
        self._since = time.perf_counter() if running else None

    def _note(self) -> None:
        if self._since is None:
            return
        now = time.perf_counter()
        kind = next((kind for kind in KINDS if self._doing[kind]), ENGINE)
        SECONDS[kind] += now - self._since
        self._since = now


SECONDS: dict[str, float] = defaultdict(float)
COUNTS, WATCH = Counter[str](), Stopwatch()
"""A leg at a time runs here, so one pair of counters will do."""


@contextmanager
def timed(kind: str) -> Generator[None]:
    """Time the body as something of this kind."""
    WATCH.switch(kind, 1)
    try:
        yield
    finally:
        WATCH.switch(kind, -1)


def timing(kind: str, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return the function, timed."""

    @wraps(function)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        with timed(kind):
            return await function(*args, **kwargs)

    return wrapped


def work(figures: Path) -> None:
    """Be a worker with stopwatches; write what they show after each leg."""
    from prefect import Task

    import flows.onboard
    from waboard.cli import app
    from waboard.ledger.database import Ledger
    from waboard.ledger.rate_limits import LedgerLimiter
    from waboard.worker.legs import Leg

    prefect_port = httpx.URL(os.environ["PREFECT_API_URL"]).port
    send, begin, run = httpx.AsyncClient.send, Ledger.begin, Leg._run  # pyright: ignore[reportPrivateUsage]

    async def timed_send(client: httpx.AsyncClient, request: httpx.Request, **kwargs: Any) -> Any:
        with timed(PREFECT if request.url.port == prefect_port else PROVIDER):
            return await send(client, request, **kwargs)

    @asynccontextmanager
    async def timed_begin(ledger: Ledger) -> AsyncGenerator[Any]:
        with timed(LEDGER):
            async with begin(ledger) as session:
                yield session

    async def timed_run(leg: Leg) -> None:
        WATCH.run(running=True)
        try:
            await run(leg)
        finally:
            WATCH.run(running=False)
            COUNTS["legs"] += 1
            figures.write_text(json.dumps([SECONDS, COUNTS]))  # noqa: ASYNC240 - once a leg

    httpx.AsyncClient.send, Ledger.begin, Leg._run = timed_send, timed_begin, timed_run  # type: ignore[method-assign]
    LedgerLimiter.acquire = timing(LIMIT, LedgerLimiter.acquire)  # type: ignore[method-assign]
    for step in vars(flows.onboard).values():
        if isinstance(step, Task):
            step.fn = timing(OURS, step.fn)
    sys.argv = ["waboard", "worker"]
    app()


def main() -> None:
    """Measure, or be the worker."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work)
        return
    home = Path(tempfile.mkdtemp(prefix="bench-"))
    with (
        own_databases(os.environ.get("TEST_POSTGRES_URL")) as databases,
        running_board(home, **SETTINGS, **databases) as board,
        stopwatched_worker(board) as figures,
    ):
        onboard(board, "warm-up", 3)
        before = read(figures)
        seconds = onboard(board, "client", given.clients)
        Console().print(table(given.clients, seconds, before, read(figures)))


@contextmanager
def stopwatched_worker(board: Board) -> Generator[Path]:
    """Run the worker, as `waboard up` would; give the file of its figures."""
    told = (board.home / ".waboard" / RUNNING_FILE).read_text().splitlines()
    environment = os.environ | dict(line.split("=", 1) for line in told)
    figures = board.home / "figures.json"
    with (board.home / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.anatomy", "--work", str(figures)],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        yield figures
    finally:
        process.terminate()
        process.wait()


def onboard(board: Board, name: str, clients: int) -> float:
    """Onboard so many, one after the other. Returns the seconds that it took."""
    began = time.monotonic()
    for index in range(clients):
        waba_id = FIRST_WABA + len(name) * 1000 + index
        board.decide(waba_id, senders=[sender(len(name) * 1000 + index)])
        board.start(f"{name}-{index}", waba_id)
        board.ended(f"{name}-{index}")
        board.state(f"{name}-{index}", "Live")
    return time.monotonic() - began


def read(figures: Path) -> tuple[Counter[str], Counter[str]]:
    """Read what the stopwatches show."""
    seconds, counts = json.loads(figures.read_text())
    return Counter(seconds), Counter(counts)


def table(
    clients: int,
    seconds: float,
    before: tuple[Counter[str], Counter[str]],
    after: tuple[Counter[str], Counter[str]],
) -> Table:
    """Draw an average onboarding."""
    spent = {kind: (after[0][kind] - before[0][kind]) / clients for kind in (*KINDS, ENGINE)}
    times = {kind: (after[1][kind] - before[1][kind]) / clients for kind in KINDS}
    legs, awake = (after[1]["legs"] - before[1]["legs"]) / clients, sum(spent.values())
    drawn = Table(title=f"One onboarding of {clients}: {seconds / clients:.2f} s, {legs:.1f} legs")
    for heading in ("where", "times", "seconds", "of the time awake"):
        drawn.add_column(heading)
    for kind, each in sorted(spent.items(), key=lambda item: -item[1]):
        count = f"{times[kind]:.1f}" if kind in times else ""
        drawn.add_row(kind, count, f"{each:.3f}", f"{each / awake:.0%}")
    drawn.add_section()
    asleep = seconds / clients - awake
    drawn.add_row("asleep, or on the way to a leg", "", f"{asleep:.3f}", "")
    return drawn


if __name__ == "__main__":
    main()
