"""A reconciliation of ten thousand live senders, at the limits that Infobip documents.

`python -m benchmarks.reconcile`, with `TEST_POSTGRES_URL` on PostgreSQL as well. The flow runs in a
process of its own against a real Prefect server, and against an Infobip that refuses whoever is too
fast. The baseline is what the documented limits allow for the calls that are needed. Then the same
with somebody beside it who makes a provisioning call every two seconds, as an onboarding does, and
so takes half of that limit: how long he waits for his turn stands beside the same with nobody
reconciling.
"""

import argparse
import asyncio
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.provider import (
    APPLICATION,
    FIRST_WABA,
    KEY,
    SENDERS_EACH,
    entity_of,
    numbers_of,
)
from tests.live.board import free_port, own_databases, until
from waboard.domain.conditions import ConditionType
from waboard.domain.outcome import OutcomeName
from waboard.domain.reasons import Reason
from waboard.infobip.client import MOST_ASSOCIATIONS, MOST_SENDERS
from waboard.infobip.limits import LIMITS, PROVISIONING, SENDERS_QUALITY
from waboard.ledger.database import Ledger
from waboard.ledger.migrate import upgrade
from waboard.ledger.models import Base, ClientRow, ConditionRow, OnboardingRow, SenderRow
from waboard.ledger.rate_limits import LedgerLimiter
from waboard.sandbox.state import RegisteredSender

NOW = datetime.now(UTC) - timedelta(days=30)
"""When all of it happened: nothing is so new that it has yet to settle."""
BESIDE = 2.0
"""Seconds between two calls of the one who works beside it."""
THEIRS = "GET /provisioning/1/entities/"
"""What that one calls, which is not counted: a reconciliation never does."""
ALONE = 20.0
"""Seconds for which that one is watched alone."""


@dataclass
class Run:
    """What one run came to. `mib` is the most that its process ever held."""

    name: str
    allowed: float
    seconds: float
    cpu: float
    mib: float
    calls: int
    too_many: int
    waits: list[float]


def main() -> None:
    """Measure on every database there is, or be the process that runs the flow."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=5000)
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"), help="One database.")
    parser.add_argument("--run", metavar="PARAMETERS", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run is not None:
        print(asyncio.run(reconcile_here(json.loads(given.run))))
        return
    for name in ("SQLite", "PostgreSQL"):
        postgres = os.environ.get("TEST_POSTGRES_URL") if name == "PostgreSQL" else None
        if given.only in (None, name) and (name == "SQLite" or postgres):
            Console(width=140).print(table(name, given.clients, measure(postgres, given.clients)))


# In the process that runs the flow


async def reconcile_here(parameters: dict[str, Any]) -> str:
    """Run the flow; give its seconds, the most that this process ever held, and what it said."""
    from flows.reconcile import reconcile
    from waboard.deploy import fill_blocks
    from waboard.settings import load_settings

    if parameters.pop("prepare", False):
        await fill_blocks(load_settings())
        return "{}"
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    run_it: Any = reconcile
    state = await run_it(**parameters, return_state=True)
    seconds = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "seconds": seconds,
        "cpu": used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime,
        "mib": used.ru_maxrss / 1024,
        "said": f"{state.name}: {state.message}",
    }
    return json.dumps(figures)


# Around it


def measure(postgres: str | None, clients: int) -> list[Run]:
    """Fill both sides, and run it under all circumstances."""
    home = Path(tempfile.mkdtemp(prefix="bench-"))
    with own_databases(postgres) as databases:
        url = databases.get("WABOARD_SANDBOX_DATABASE_URL", f"sqlite:///{home}/ledger.db")
        environment = settings(home, url, databases)
        asyncio.run(fill_ledger(url, clients))
        with running(home, environment, clients) as infobip:
            child(environment, {"prepare": True})
            return list(runs(infobip, url, environment, clients))


def runs(infobip: str, url: str, environment: dict[str, str], clients: int) -> Iterable[Run]:
    """At full speed three times, and once as it is scheduled."""
    once = allowed(clients)
    yield asyncio.run(alone(url))
    yield run("nothing known", once, {}, infobip, url, environment)
    yield run("nothing changed", once, {}, infobip, url, environment)
    yield run("somebody beside it", 0, {}, infobip, url, environment, accompanied=True)
    yield run("as scheduled", 0, {"share": 0.1}, infobip, url, environment, accompanied=True)
    print(httpx.post(f"{infobip}/sandbox/harm", params={"share": 0.01}, timeout=60).json())
    yield run("1 % changed", allowed(clients, 2), {}, infobip, url, environment)
    yield run("once more", once, {}, infobip, url, environment)


def allowed(clients: int, listings: int = 1) -> float:
    """Seconds that the documented limits need for so many senders.

    Where associations differ, all of them are read twice before that is believed.
    """
    senders = clients * SENDERS_EACH
    standing = math.ceil(senders / MOST_SENDERS) * LIMITS[SENDERS_QUALITY].interval
    pages = math.ceil(senders / MOST_ASSOCIATIONS) * listings
    return max(standing, pages * LIMITS[PROVISIONING].interval)


def run(
    name: str,
    once: float,
    parameters: dict[str, Any],
    infobip: str,
    url: str,
    environment: dict[str, str],
    *,
    accompanied: bool = False,
) -> Run:
    """Run it once, alone or with somebody at work beside it."""
    httpx.post(f"{infobip}/sandbox/count").raise_for_status()
    if accompanied:
        done, waits = asyncio.run(beside(url, environment, parameters))
    else:
        done, waits = child(environment, parameters), []
    made: dict[str, int] = httpx.post(f"{infobip}/sandbox/count").json()
    made = {what: count for what, count in made.items() if not what.startswith(THEIRS)}
    too_many = sum(count for what, count in made.items() if what.endswith(" 429"))
    print(name, done["said"], made, "load", os.getloadavg()[0])
    return Run(
        name,
        once,
        done["seconds"],
        done["cpu"],
        done["mib"],
        sum(made.values()),
        too_many,
        waits,
    )


async def beside(
    url: str, environment: dict[str, str], parameters: dict[str, Any]
) -> tuple[dict[str, Any], list[float]]:
    """Make a provisioning call now and then for as long as the flow runs."""
    ledger = Ledger(url)
    work = asyncio.create_task(asyncio.to_thread(child, environment, parameters))
    waits: list[float] = []
    while not work.done():
        waits.append(await turn(ledger, environment))
        await asyncio.wait([work], timeout=BESIDE)
    await ledger.close()
    return await work, waits


async def turn(ledger: Ledger, environment: dict[str, str]) -> float:
    """Seconds until such a call had its turn; it is made, so that the limits see it as well."""
    limiter = LedgerLimiter(ledger, {PROVISIONING: 1.1})
    began = time.monotonic()
    await limiter.acquire(PROVISIONING)
    waited = time.monotonic() - began
    async with httpx.AsyncClient(base_url=environment["WABOARD_INFOBIP_BASE_URL"]) as client:
        await client.get(
            f"/provisioning/1/entities/{entity_of(0)}", headers={"Authorization": f"App {KEY}"}
        )
    return waited


async def alone(url: str) -> Run:
    """The baseline of that one: nobody reconciles."""
    ledger, waits, ends = Ledger(url), list[float](), time.monotonic() + ALONE
    limiter = LedgerLimiter(ledger, {PROVISIONING: 1.1})
    while time.monotonic() < ends:
        began = time.monotonic()
        await limiter.acquire(PROVISIONING)
        waits.append(time.monotonic() - began)
        await asyncio.sleep(BESIDE)
    await ledger.close()
    return Run("nobody reconciles", 0, 0, 0, 0, 0, 0, waits)


def child(environment: dict[str, str], parameters: dict[str, Any]) -> dict[str, Any]:
    """Run the flow in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.reconcile", "--run", json.dumps(parameters)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    return json.loads(done.stdout.splitlines()[-1])


def settings(home: Path, url: str, databases: dict[str, str]) -> dict[str, str]:
    """What the process that runs the flow is told."""
    ports = {name: free_port() for name in ("PREFECT", "SANDBOX")}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "WABOARD_"))}
    told = {
        "WABOARD_DATABASE_URL": url,
        "WABOARD_DATA_DIR": str(home),
        "WABOARD_PREFECT_PORT": str(ports["PREFECT"]),
        "WABOARD_INFOBIP_BASE_URL": f"http://127.0.0.1:{ports['SANDBOX']}",
        "WABOARD_INFOBIP_API_KEY": KEY,
        "WABOARD_INFOBIP_WEBHOOK_AUTH": "none",
        "WABOARD_API_KEYS": "a-key-of-our-own-for-the-benchmark",
        "WABOARD_TEST_RECIPIENT": "+447860099299",
        "PREFECT_API_URL": f"http://127.0.0.1:{ports['PREFECT']}/api",
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    if prefect := databases.get("WABOARD_SANDBOX_PREFECT_DATABASE_URL"):
        told["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = prefect
    return inherited | told


@contextmanager
def running(home: Path, environment: dict[str, str], clients: int) -> Generator[str]:
    """Run Infobip and Prefect; give Infobip's address."""
    infobip = environment["WABOARD_INFOBIP_BASE_URL"]
    port, prefect_port = infobip.rpartition(":")[2], environment["WABOARD_PREFECT_PORT"]
    commands = {
        "infobip": ["benchmarks.provider", "--port", port, "--clients", str(clients)],
        "prefect": ["waboard.prefect_server", "start", "--port", prefect_port],
    }
    started: list[subprocess.Popen[bytes]] = []
    try:
        for name, command in commands.items():
            with (home / f"{name}.log").open("wb") as log:
                whole = [sys.executable, "-m", *command]
                started.append(subprocess.Popen(whole, env=environment, stdout=log, stderr=log))
        until(lambda: _answers(f"{infobip}/sandbox/failures"), "Infobip")
        until(lambda: _answers(f"{environment['PREFECT_API_URL']}/health"), "Prefect")
        yield infobip
    finally:
        for process in started:
            process.terminate()
            process.wait()


def _answers(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(url).is_success
    return False


# The ledger


async def fill_ledger(url: str, clients: int) -> None:
    """Write down that they are all live."""
    ledger = Ledger(url)
    await upgrade(ledger)
    everyone = range(clients)
    async with ledger.begin() as session:
        for model, rows in (
            (ClientRow, map(client_row, everyone)),
            (OnboardingRow, map(onboarding_row, everyone)),
            (SenderRow, (row for n in everyone for row in sender_rows(n))),
            (ConditionRow, (row for n in everyone for row in condition_rows(n))),
        ):
            await write(session, model, list(rows))
        # As any database that lives: without statistics its plans are those of an empty one.
        await session.execute(text("ANALYZE"))
    await ledger.close()


async def write(session: AsyncSession, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Write rows, some thousands at a time."""
    for start in range(0, len(rows), 5000):
        await session.execute(insert(model), rows[start : start + 5000])


def client_row(n: int) -> dict[str, Any]:
    """One client."""
    return {"id": n + 1, "client_ref": entity_of(n), "name": f"Client {n}", "created_at": NOW}


def onboarding_row(n: int) -> dict[str, Any]:
    """One onboarding, over and live."""
    return {
        "id": f"{n:036}",
        "client_id": n + 1,
        "waba_id": str(FIRST_WABA + n),
        "attempt": 1,
        "application_id": APPLICATION,
        "entity_id": entity_of(n),
        "phone_numbers": numbers_of(n),
        "created_at": NOW,
        "ended_at": NOW,
        "ended_as": OutcomeName.LIVE,
    }


def sender_rows(n: int) -> Iterable[dict[str, Any]]:
    """Its senders, of whom Infobip has not said yet how they stand."""
    for number in numbers_of(n):
        key = RegisteredSender("", number, 0).key
        yield {"onboarding_id": f"{n:036}", "phone_number": number, "number_key": key}


def condition_rows(n: int) -> Iterable[dict[str, Any]]:
    """Everything is true."""
    of_senders = (ConditionType.REGISTERED, ConditionType.ASSOCIATED, ConditionType.VERIFIED)
    own = [("", kind) for kind in (ConditionType.ADMITTED, ConditionType.SHARED)]
    for subject, kind in [*own, *((no, kind) for no in numbers_of(n) for kind in of_senders)]:
        yield {
            "onboarding_id": f"{n:036}",
            "subject": subject,
            "type": kind,
            "status": "True",
            "reason": Reason.REGISTRATION_FINISHED,
            "message": "It was so in the benchmark.",
            "evidence": "benchmark",
            "changed_at": NOW,
        }


def table(database: str, clients: int, measured: list[Run]) -> Table:
    """Draw them, each beside what the limits allow."""
    drawn = Table(title=f"{clients * SENDERS_EACH} live senders, {database}")
    headings = ("", "limits allow s", "took s", "ratio", "CPU s", "most MiB", "calls", "429")
    for heading in (*headings, "median wait beside s", "longest"):
        drawn.add_column(heading)
    for each in measured:
        figures = (
            f"{each.allowed:.1f}",
            f"{each.seconds:.1f}",
            f"{each.seconds / each.allowed:.2f}" if each.allowed else "",
            f"{each.cpu:.1f}",
            f"{each.mib:.0f}",
            str(each.calls),
            str(each.too_many),
        )
        waits = each.waits
        waited = (f"{statistics.median(waits):.2f}", f"{max(waits):.2f}") if waits else ("", "")
        drawn.add_row(each.name, *figures, *waited)
    return drawn


if __name__ == "__main__":
    main()
