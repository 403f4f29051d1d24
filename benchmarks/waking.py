"""From a webhook's answer to the run's next task, with 20 onboardings in flight.

`python -m benchmarks.waking`, with `TEST_POSTGRES_URL` on PostgreSQL as well. They sleep, and
Infobip registers one every two seconds, which two cores can bear; each then goes on to its end,
beside the others.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.workers import BASELINE, CONCURRENCY, FIRST_WABA, OURS, SETTINGS, wake_times
from tests.live.board import Board, own_databases, running_board, until

IN_FLIGHT = 20
EVERY = 2.0
"""Seconds between registrations."""


def main() -> None:
    """Measure both workers on every database there is, and print them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    databases: dict[str, str | None] = {"SQLite": None}
    if url := os.environ.get("TEST_POSTGRES_URL"):
        databases["PostgreSQL"] = url
    for name, url in databases.items():
        # Ours comes first: what the baseline has written keeps PostgreSQL busy for a while. A round
        # of the baseline takes minutes, and its wakes are all alike.
        ours, base = measure(OURS, name, url, rounds), measure(BASELINE, name, url, 1)
        Console().print(table(name, base, ours))


def measure(worker: str, database: str, url: str | None, rounds: int) -> list[float]:
    """Return the seconds of each wake, over so many rounds of 20."""
    settings = SETTINGS | {"WABOARD_WORKER": worker, "WABOARD_CONCURRENCY": CONCURRENCY[database]}
    home = Path(tempfile.mkdtemp(prefix="bench-"))
    with own_databases(url) as own, running_board(home, **settings, **own) as board:
        board.start("warm-up", FIRST_WABA)
        board.ended("warm-up")
        for round_ in range(rounds):
            wake_one_by_one(board, range(round_ * IN_FLIGHT, (round_ + 1) * IN_FLIGHT))
        return wake_times(board)


def wake_one_by_one(board: Board, indices: range) -> None:
    """Let all sleep, wake one after the other, and wait until all have ended."""
    for index in indices:
        waba_id = FIRST_WABA + 1 + index
        board.decide(waba_id, silent=True)
        board.start(f"client-{index}", waba_id)
    for index in indices:
        board.state(f"client-{index}", "AwaitingRegistration")
    for index in indices:
        time.sleep(EVERY)  # one after the other, each while the others are in flight
        path = f"/sandbox/wabas/{FIRST_WABA + 1 + index}/registration-event"
        board.sandbox.post(path).raise_for_status()
    until(lambda: not board.unfinished(), "everybody to end")


def table(database: str, base: list[float], ours: list[float]) -> Table:
    """Draw both, and how they compare."""
    drawn = Table(title=f"webhook answered to next task, {IN_FLIGHT} in flight, {database}")
    for heading in ("", "stock process worker", "our worker", "ratio"):
        drawn.add_column(heading)
    for name, at in (("median s", 50), ("99th s", 99)):
        one, other = (statistics.quantiles(each, n=100)[at - 1] for each in (base, ours))
        drawn.add_row(name, f"{one:.2f}", f"{other:.2f}", f"{other / one:.2f}")
    return drawn


if __name__ == "__main__":
    main()
