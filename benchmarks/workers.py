"""Onboardings a minute: our worker against Prefect's stock process worker.

`python -m benchmarks.workers --clients 20`, with `TEST_POSTGRES_URL` on PostgreSQL as well. Each
onboarding is the whole sentence, asleep twice. Both workers ask for runs four times a second.

A machine's speed can change by a third within minutes, and the baseline takes several: so ours is
measured before it and after, and the mean is shown.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.machine import CpuMeter
from tests.chaos.killer import children_of
from tests.live.board import Board, own_databases, running_board, until

BASELINE, OURS = "process", "waboard"
SETTINGS = {
    "WABOARD_INFOBIP_PROVISIONING_INTERVAL": "0.02",
    "WABOARD_REGISTRATION_NUDGE": "600",
    "WABOARD_DELIVERY_NUDGE": "600",
}
CONCURRENCY = {"SQLite": "4", "PostgreSQL": "8"}
FIRST_WABA = 700_000


@dataclass
class Figures:
    """What one run of one worker came to."""

    a_minute: float
    cpu_worker: float
    cpu_server: float
    wake_median: float
    wake_p99: float


def main() -> None:
    """Measure all combinations and print them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"), help="One database.")
    given = parser.parse_args()
    clients = given.clients
    databases: dict[str, str | None] = {"SQLite": None}
    if url := os.environ.get("TEST_POSTGRES_URL"):
        databases["PostgreSQL"] = url
    for name, url in databases.items():
        if given.only not in (None, name):
            continue
        before, base, after = (measure(each, name, url, clients) for each in (OURS, BASELINE, OURS))
        Console().print(table(name, clients, base, mean(before, after)))


def mean(*figures: Figures) -> Figures:
    """Return the mean of each figure."""
    return Figures(*map(statistics.fmean, zip(*map(astuple, figures), strict=True)))


def measure(worker: str, database: str, url: str | None, clients: int) -> Figures:
    """Onboard so many clients at once, and look at the clock."""
    settings = SETTINGS | {"WABOARD_WORKER": worker, "WABOARD_CONCURRENCY": CONCURRENCY[database]}
    home = Path(tempfile.mkdtemp(prefix="bench-"))
    with own_databases(url) as own, running_board(home, **settings, **own) as board:
        board.start("warm-up", FIRST_WABA)
        board.ended("warm-up")
        (worker_cpu, server_cpu), began = meters(board), time.monotonic()
        for index in range(clients):
            board.start(f"client-{index}", FIRST_WABA + 1 + index)
        until(lambda: not board.unfinished(), "everybody to end", patience=1200)
        seconds = time.monotonic() - began
        wakes = wake_times(board)
        return Figures(
            a_minute=clients / seconds * 60,
            cpu_worker=worker_cpu.seconds() / clients,
            cpu_server=server_cpu.seconds() / clients,
            wake_median=statistics.median(wakes),
            wake_p99=statistics.quantiles(wakes, n=100)[98],
        )


def meters(board: Board) -> tuple[CpuMeter, CpuMeter]:
    """The worker with what it starts, and the Prefect server."""
    worker, server = (
        CpuMeter(children_of(board.process.pid, name))
        for name in (" worker", "waboard.prefect_server")
    )
    return worker, server


def wake_times(board: Board) -> list[float]:
    """Seconds from a registration event's answer to the start of the run's next task."""
    answered = {
        str(each["body"]["businessAccountId"]): datetime.fromisoformat(each["at"])
        for each in board.books()["webhooks"]
        if each["kind"] == "registration" and each["body"]["status"] != "IN_PROGRESS"
    }
    wabas = {
        run["id"]: tag.removeprefix("waba:")
        for run in _all(board, "flow_runs")
        for tag in run["tags"]
        if tag.startswith("waba:")
    }
    waits: dict[str, float] = {}
    for task in _all(board, "task_runs"):
        waba = wabas.get(task["flow_run_id"])
        if waba not in answered or not task["start_time"]:
            continue
        started = datetime.fromisoformat(task["start_time"])
        seconds = (started - answered[waba]).total_seconds()
        if seconds > 0:
            waits[waba] = min(seconds, waits.get(waba, seconds))
    return list(waits.values())


def _all(board: Board, what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        query = {"limit": 200, "offset": len(found), "sort": "ID_DESC"}
        url = f"{board.prefect_url}/api/{what}/filter"
        page = httpx.post(url, json=query, timeout=60).json()
        found += page
        if len(page) < 200:
            return found


def table(database: str, clients: int, base: Figures, ours: Figures) -> Table:
    """Draw both, and how they compare."""
    drawn = Table(title=f"{clients} onboardings at once, {database}")
    for heading in ("", "stock process worker", "our worker", "ratio"):
        drawn.add_column(heading)
    rows: list[tuple[str, Callable[[Figures], float]]] = [
        ("onboardings a minute", lambda f: f.a_minute),
        ("CPU s an onboarding, worker", lambda f: f.cpu_worker),
        ("CPU s an onboarding, Prefect server", lambda f: f.cpu_server),
        ("webhook answered to next task, median s", lambda f: f.wake_median),
        ("webhook answered to next task, 99th s", lambda f: f.wake_p99),
    ]
    for name, of in rows:
        ratio = of(ours) / of(base) if of(base) else float("nan")
        drawn.add_row(name, f"{of(base):.2f}", f"{of(ours):.2f}", f"{ratio:.2f}")
    return drawn


if __name__ == "__main__":
    main()
