"""What the numbers cost: counting a call to a provider, and a scrape with many onboardings.

`python -m benchmarks.scrape`, with `TEST_POSTGRES_URL` on PostgreSQL as well. A counted call stands
beside the same call uncounted, a full ledger beside an empty one.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from prometheus_client import generate_latest
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.intake import own_database
from waboard.domain.conditions import ConditionType
from waboard.domain.outcome import OutcomeName
from waboard.domain.reasons import Reason
from waboard.domain.waits import WaitKind
from waboard.gateway.metrics import Numbers
from waboard.ledger.database import Ledger
from waboard.ledger.migrate import upgrade
from waboard.ledger.models import (
    AdmissionRow,
    Base,
    ClientRow,
    ConditionRow,
    Disposition,
    EventKind,
    EventRow,
    OnboardingRow,
    WaitRow,
)
from waboard.ledger.tally import take_tally
from waboard.metrics import DIRECTORY, count_call

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
CALLS = 20_000
SCRAPES = 20
EVENTS_EACH = 8
SLEEPS_EACH = 4
BODY = '{"businessAccountId": 102384266223093, "status": "FINISHED"}' + " " * 700


def main() -> None:
    """Measure both, on every database there is."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--onboardings", type=int, default=10_000)
    parser.add_argument("--count", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.count:
        print(asyncio.run(microseconds()))
        return
    Console().print(table_of_calls())
    for name in ("SQLite", "PostgreSQL"):
        postgres = os.environ.get("TEST_POSTGRES_URL") if name == "PostgreSQL" else None
        if name == "SQLite" or postgres:
            with own_database(postgres) as url:
                Console().print(asyncio.run(table_of_scrapes(name, url, given.onboardings)))


# Counting a call


async def answer() -> httpx.Response:
    """A call that takes no time, so that what is left is the counting."""
    return _ANSWER


_ANSWER = httpx.Response(200)


async def microseconds() -> float:
    """Microseconds that counting adds to a call: the best of five rounds."""

    async def counted() -> httpx.Response:
        return await count_call("infobip", "GET", "/whatsapp/1/senders/quality", answer())

    both = [(await lasting(counted)) - (await lasting(answer)) for _ in range(5)]
    return min(both)


async def lasting(call: Callable[[], Awaitable[object]]) -> float:
    """Microseconds of a call, over many."""
    began = time.perf_counter()
    for _ in range(CALLS):
        await call()
    return (time.perf_counter() - began) / CALLS * 1e6


async def request() -> float:
    """Microseconds of a request that goes nowhere: what the HTTP library itself takes."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    async with httpx.AsyncClient(transport=transport) as client:
        began = time.perf_counter()
        for _ in range(1000):
            await client.get("https://infobip.test/whatsapp/1/senders/quality")
    return (time.perf_counter() - began) / 1000 * 1e6


def counting(directory: str | None) -> float:
    """The same in a process of its own, alone or in a directory."""
    environment = {k: v for k, v in os.environ.items() if k != DIRECTORY}
    environment |= {DIRECTORY: directory} if directory else {}
    command = [sys.executable, "-m", "benchmarks.scrape", "--count"]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout)


def table_of_calls() -> Table:
    """What counting a call costs."""
    uncounted = asyncio.run(request())
    rows = {
        "counted, process alone": counting(None),
        "counted, shared directory": counting(tempfile.mkdtemp(prefix="bench-")),
    }
    table = Table("a call", "µs", "of a request that goes nowhere", title="Counting")
    table.add_row("a request that goes nowhere", f"{uncounted:.0f}", "1")
    for name, cost in rows.items():
        table.add_row(name, f"+ {cost:.1f}", f"{cost / uncounted:.3f}")
    return table


# A scrape


async def table_of_scrapes(name: str, url: str, onboardings: int) -> Table:
    """What a scrape costs with so many onboardings, against none."""
    ledger = Ledger(url)
    await upgrade(ledger)
    await scrape(ledger)
    empty = [await scrape(ledger) for _ in range(SCRAPES)]
    async with ledger.begin() as session:
        await fill(session, onboardings)
    full = [await scrape(ledger) for _ in range(SCRAPES)]
    await ledger.close()
    table = Table("ledger", "median ms", "longest", "of it in the ledger", "ratio", title=name)
    usual = statistics.median(sum(each) for each in empty)
    for what, found in {"empty": empty, f"{onboardings} onboardings": full}.items():
        whole = [sum(each) for each in found]
        inside = statistics.median(each[0] for each in found)
        median = statistics.median(whole)
        cells = [f"{median:.1f}", f"{max(whole):.1f}", f"{inside:.1f}", f"{median / usual:.1f}"]
        table.add_row(what, *cells)
    return table


async def scrape(ledger: Ledger) -> tuple[float, float]:
    """Milliseconds of a scrape: in the ledger, and for the text."""
    began = time.perf_counter()
    async with ledger.begin() as session:
        tally = await take_tally(session, NOW)
    read = time.perf_counter()
    generate_latest(Numbers(tally, 10, NOW))
    return (read - began) * 1e3, (time.perf_counter() - read) * 1e3


async def fill(session: AsyncSession, onboardings: int) -> None:
    """Write so many onboardings: four in five have ended, the others sleep."""
    numbers = range(1, onboardings + 1)
    for model, rows in (
        (ClientRow, map(client, numbers)),
        (AdmissionRow, map(admission, numbers)),
        (OnboardingRow, map(onboarding, numbers)),
        (ConditionRow, (row for n in numbers for row in conditions(n))),
        (WaitRow, (row for n in numbers for row in waits(n))),
        (EventRow, (row for n in numbers for row in events(n))),
    ):
        await write(session, model, list(rows))


async def write(session: AsyncSession, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Write rows, some thousands at a time."""
    for start in range(0, len(rows), 5000):
        await session.execute(insert(model), rows[start : start + 5000])


def client(n: int) -> dict[str, Any]:
    """One client."""
    return {"id": n, "client_ref": f"client-{n}", "name": f"Client {n}", "created_at": NOW}


def admission(n: int) -> dict[str, Any]:
    """All were let in, over ten weeks."""
    let_in = NOW - timedelta(days=n % 70)
    return {"id": n, "client_id": n, "applied_at": let_in, "admitted_at": let_in}


def has_ended(n: int) -> bool:
    """Four in five have."""
    return n % 5 != 0


def onboarding(n: int) -> dict[str, Any]:
    """One onboarding; nine in ten of those that have ended are live."""
    outcome = OutcomeName.REGISTRATION_FAILED if n % 10 == 1 else OutcomeName.LIVE
    return {
        "id": f"{n:036}",
        "client_id": n,
        "waba_id": str(n),
        "attempt": 1,
        "application_id": "waboard",
        "entity_id": f"client-{n}",
        "phone_numbers": [],
        "flow_run_id": f"{n:036}",
        "created_at": NOW,
        "ended_at": NOW if has_ended(n) else None,
        "ended_as": outcome if has_ended(n) else None,
    }


def conditions(n: int) -> Iterable[dict[str, Any]]:
    """Five of an onboarding's own, four of each of its two senders; one in ten is not true."""
    own = [("", kind) for kind in list(ConditionType)[:5]]
    of_senders = [(f"{n}{s}", kind) for s in "12" for kind in list(ConditionType)[4:8]]
    for place, (subject, kind) in enumerate([*own, *of_senders]):
        is_true = (n + place) % 10 != 0
        yield {
            "onboarding_id": f"{n:036}",
            "subject": subject,
            "type": kind,
            "status": "True" if is_true else "False",
            "reason": Reason.SHARE_ACCEPTED if is_true else Reason.REGISTRATION_FAILED,
            "message": "Infobip accepted the WABA for registration.",
            "evidence": "answer to share-waba",
            "changed_at": NOW,
        }


def waits(n: int) -> Iterable[dict[str, Any]]:
    """It slept four times; those that have not ended still do."""
    for place in range(SLEEPS_EACH):
        is_open = place == 0 and not has_ended(n)
        yield {
            "onboarding_id": f"{n:036}",
            "kind": list(WaitKind)[n % 6],
            "flow_run_id": f"{n:036}",
            "pause_key": f"{n}-{place}",
            "since": NOW,
            "opened_at": NOW,
            "wake_at": NOW,
            "give_up_at": NOW,
            "closed_at": None if is_open else NOW,
        }


def events(n: int) -> Iterable[dict[str, Any]]:
    """Eight, of which one in a hundred is parked."""
    for place in range(EVENTS_EACH):
        parked = (n * EVENTS_EACH + place) % 100 == 0
        yield {
            "digest": f"{n}-{place}",
            "kind": list(EventKind)[place],
            "source": "webhook",
            "body": BODY,
            "waba_id": str(n),
            "onboarding_id": f"{n:036}",
            "disposition": Disposition.PARKED if parked else Disposition.APPLIED,
            "received_at": NOW,
            "last_received_at": NOW,
        }


if __name__ == "__main__":
    main()
