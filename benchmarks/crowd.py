"""200 onboardings started in the same instant on the embedded default, SQLite.

`python -m benchmarks.crowd --concurrency 4 8`. All must end live, with no 503 and no crashed run.
Only the provider's rate limit is lifted: at one provisioning call a second it alone takes half an
hour. Exits with 1 when anything else happened. The first concurrency is the baseline of the others.
"""

import argparse
import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.waiting import states
from tests.chaos.judge import run_states
from tests.live.board import Board, running_board, until

FIRST_WABA = 900_000
REFUSED = ("503 Service Unavailable", "database is locked", "retryable exception in request")
"""What the services write when Prefect or the ledger refuses somebody."""
TELLING = "[server]\nlog_retryable_errors = true\n"
"""For `prefect.toml`. By itself Prefect's server keeps quiet of a 503, which its clients repeat."""
BROKEN = {"Crashed", "AwaitingRetry"}
"""States of a run whose leg broke off, also where it was taken up again."""


@dataclass
class Crowd:
    """How it went."""

    seconds: float
    live: int
    otherwise: dict[str, int]
    refused: int
    broken: int

    @property
    def all_is_well(self) -> bool:
        """Whether all are live, and nothing went wrong on the way."""
        return not (self.otherwise or self.refused or self.broken)


def main() -> None:
    """Start crowds and print how they went."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--concurrency", nargs="+", default=["4"])
    given = parser.parse_args()
    went = {each: measure(given.clients, each) for each in given.concurrency}
    Console().print(table(given.clients, went))
    raise SystemExit(not all(crowd.all_is_well for crowd in went.values()))


def measure(clients: int, concurrency: str) -> Crowd:
    """Let everybody in at once."""
    home = Path(tempfile.mkdtemp(prefix="bench-"))
    (home / "prefect.toml").write_text(TELLING)
    settings = {
        "WABOARD_CONCURRENCY": concurrency,
        "WABOARD_INFOBIP_PROVISIONING_INTERVAL": "0.02",
        "WABOARD_REGISTRATION_NUDGE": "900",
        "WABOARD_DELIVERY_NUDGE": "300",
    }
    with running_board(home, **settings) as board:
        began = time.monotonic()
        asyncio.run(ask_all(board, clients))
        until(lambda: not board.unfinished(), "everybody to end", patience=3600)
        seconds = time.monotonic() - began
        until(lambda: not states(board)["Running"], "the last run to say so")
        ended = states(board)
        live = ended.pop("Live", 0)
        return Crowd(seconds, live, dict(ended), refusals(home), broken(board))


async def ask_all(board: Board, clients: int) -> None:
    """Ask for all of them in the same instant."""
    async with httpx.AsyncClient(
        base_url=board.gateway.base_url, headers=board.gateway.headers, timeout=120
    ) as client:
        requests = (
            client.post(
                "/v1/onboardings", json={"client_ref": f"client-{i}", "waba_id": FIRST_WABA + i}
            )
            for i in range(clients)
        )
        for answer in await asyncio.gather(*requests):
            answer.raise_for_status()


def refusals(home: Path) -> int:
    """Count the lines of all logs that tell of somebody who was refused."""
    lines = (line for log in home.rglob("*.log") for line in log.read_text().splitlines())
    return sum(any(each in line for each in REFUSED) for line in lines)


def broken(board: Board) -> int:
    """Count the runs that broke off at any time."""
    states = f"{board.prefect_url}/api/flow_run_states/"
    histories = (
        httpx.get(states, params={"flow_run_id": run}).json()
        for run in run_states(board.prefect_url)
    )
    return sum(any(state["name"] in BROKEN for state in history) for history in histories)


def table(clients: int, went: dict[str, Crowd]) -> Table:
    """Draw them, each compared with the first."""
    first = next(iter(went.values()))
    drawn = Table(title=f"{clients} onboardings started at once, SQLite")
    for heading in ("concurrency", "a minute", "ratio", "live", "otherwise", "refused", "broken"):
        drawn.add_column(heading)
    for concurrency, crowd in went.items():
        rate, ratio = f"{clients / crowd.seconds * 60:.1f}", f"{first.seconds / crowd.seconds:.2f}"
        counts = str(crowd.live), str(crowd.otherwise or "none")
        counts += str(crowd.refused), str(crowd.broken)
        drawn.add_row(concurrency, rate, ratio, *counts)
    return drawn


if __name__ == "__main__":
    main()
