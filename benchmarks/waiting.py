"""What a thousand waiting onboardings hold, and whether they survive a reboot.

`python -m benchmarks.waiting --clients 1000`, on PostgreSQL when `TEST_POSTGRES_URL` names one.
Every figure stands beside the same figure with nobody waiting. In the end everything but the
provider is killed in the same instant and starts again. Infobip then ends all registrations: one in
ten finishes, the others fail, which is the shorter way; each must end as that says, or this
exits with 1.
"""

import argparse
import asyncio
import os
import signal
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.machine import CpuMeter, memory_of
from tests.chaos.killer import children_of
from tests.live.board import Board, descendants_of, own_databases, running_board, sender, until

FIRST_WABA = 600_000
SETTINGS = {
    "WABOARD_INFOBIP_PROVISIONING_INTERVAL": "0.02",
    "WABOARD_CONCURRENCY": "8",
    "WABOARD_REGISTRATION_NUDGE": "86400",
    "WABOARD_DELIVERY_NUDGE": "60",
    "WABOARD_RESTARTS": "10",
}
SERVICES = ("waboard worker", "waboard gateway", "waboard.prefect_server")
ONE_IN = 10
WARM_UP = 20
WATCHED = 30.0
"""Seconds for which idle CPU is measured."""


@dataclass
class Held:
    """What the machine holds at one time."""

    processes: int
    worker_mib: float
    gateway_mib: float
    cpu: float
    """Cores in use, of our two services together."""


def main() -> None:
    """Let them wait, weigh them, reboot, and wake them all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=1000)
    clients = parser.parse_args().clients
    home = Path(tempfile.mkdtemp(prefix="bench-"))
    postgres = os.environ.get("TEST_POSTGRES_URL")
    with (
        own_databases(postgres) as databases,
        running_board(home, **SETTINGS, **databases) as board,
    ):
        warm_up(board)
        before = held(board)
        seconds = fall_asleep(board, clients)
        waiting = held(board)
        Console().print(table(clients, seconds, before, waiting))
        reboot(board)
        ended, seconds = wake_all(board, clients)
        print(f"woken after a reboot: {dict(ended)} in {seconds:.0f} s")
        raise SystemExit(ended != expected(clients))


def warm_up(board: Board) -> None:
    """Let some go through everything, so that all that is loaded once is loaded."""
    for index in range(WARM_UP):
        board.start(f"warm-up-{index}", FIRST_WABA - 1 - index)
    for index in range(WARM_UP):
        board.ended(f"warm-up-{index}")


def fall_asleep(board: Board, clients: int) -> float:
    """Start so many whose registration does not come. Returns the seconds until all sleep."""
    began = time.monotonic()
    for index in range(clients):
        status = "FAILED" if index % ONE_IN else "FINISHED"
        only = sender(index, status=status)
        board.decide(FIRST_WABA + index, silent=True, status=status, senders=[only])
        board.start(f"client-{index}", FIRST_WABA + index)
    until(lambda: states(board)["AwaitingRegistration"] == clients, "all to sleep", 3600)
    return time.monotonic() - began


def states(board: Board) -> Counter[str]:
    """How many onboardings' runs are in a state of each name."""
    url, found = f"{board.prefect_url}/api/flow_runs/filter", Counter[str]()
    onboarding = {"name": {"any_": ["onboard-client"]}}
    while True:
        query = {"limit": 200, "offset": found.total(), "sort": "ID_DESC", "flows": onboarding}
        page: list[dict[str, Any]] = httpx.post(url, json=query, timeout=60).json()
        found.update(run["state"]["name"] for run in page)
        if len(page) < 200:
            return found


def held(board: Board) -> Held:
    """Weigh the services once they have nothing left to do."""
    time.sleep(10)  # what was in hand is put down by then; idle is when nothing happens
    meter = CpuMeter([*_pids(board, "waboard worker"), *_pids(board, "waboard gateway")])
    time.sleep(WATCHED)
    return Held(
        processes=len(descendants_of(board.process.pid)),
        worker_mib=sum(map(memory_of, _pids(board, "waboard worker"))),
        gateway_mib=sum(map(memory_of, _pids(board, "waboard gateway"))),
        cpu=meter.seconds() / WATCHED,
    )


def _pids(board: Board, service: str) -> list[int]:
    return children_of(board.process.pid, service)


def reboot(board: Board) -> None:
    """Kill everything of ours and Prefect's at once; `waboard up` starts it again."""
    for pid in [pid for service in SERVICES for pid in _pids(board, service)]:
        os.kill(pid, signal.SIGKILL)
    until(lambda: _is_ready(board), "everything to be up again")


def _is_ready(board: Board) -> bool:
    with suppress(httpx.HTTPError):
        return board.gateway.get("/readyz").is_success
    return False


def wake_all(board: Board, clients: int) -> tuple[Counter[str], float]:
    """End all registrations at once. Returns how all ended, and after how many seconds."""
    began = time.monotonic()
    asyncio.run(_register(str(board.sandbox.base_url), clients))
    until(lambda: states(board)["AwaitingRegistration"] == 0, "all to wake", 3600)
    until(lambda: not board.unfinished(), "all to end", 3600)
    until(lambda: not states(board)["Running"], "the last run to say so")
    return states(board), time.monotonic() - began


def expected(clients: int) -> Counter[str]:
    """How they must end, those of the warm-up included."""
    live = len(range(0, clients, ONE_IN))
    return Counter({"Live": WARM_UP + live, "RegistrationFailed": clients - live})


async def _register(sandbox: str, clients: int) -> None:
    async with httpx.AsyncClient(base_url=sandbox, timeout=60) as client:
        for index in range(clients):
            path = f"/sandbox/wabas/{FIRST_WABA + index}/registration-event"
            (await client.post(path)).raise_for_status()


def table(clients: int, seconds: float, before: Held, waiting: Held) -> Table:
    """Draw both."""
    drawn = Table(title=f"{clients} asleep after {seconds:.0f} s")
    for heading in ("", "nobody waits", "all wait", "growth"):
        drawn.add_column(heading)
    for name, base, now in (
        ("processes", before.processes, waiting.processes),
        ("worker MiB", before.worker_mib, waiting.worker_mib),
        ("gateway MiB", before.gateway_mib, waiting.gateway_mib),
        ("idle cores, worker and gateway", before.cpu, waiting.cpu),
    ):
        drawn.add_row(name, f"{base:.2f}", f"{now:.2f}", f"{now - base:+.2f}")
    return drawn


if __name__ == "__main__":
    main()
