"""Several hands at once, each a process of its own."""

import asyncio
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.hammer.hand import CAP, Hand, Tally
from tests.hammer.judge import faults_in
from tests.ledger.databases import PostgresDatabases
from waboard.ledger.database import Ledger

LANES = 3
"""Things that one process does at once, as a gateway does."""


def strike_ledger(postgres: str, processes: int, seconds: float, seed: int) -> Tally:
    """Hammer on a ledger of one's own on a PostgreSQL server."""
    databases = PostgresDatabases(postgres)
    try:
        return strike(databases.create(), processes, seconds, seed)
    finally:
        databases.close()


def strike(url: str, processes: int, seconds: float, seed: int) -> Tally:
    """Hammer on a ledger in its newest form, and judge it: what was done, and all faults."""
    began = time.time()
    whole = Tally()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        work = [
            pool.submit(_one_process, url, seed * 100 + number, began, seconds)
            for number in range(processes)
        ]
        for each in work:
            tally = each.result()
            whole.counts += tally.counts
            whole.faults += tally.faults
    whole.faults += asyncio.run(_judge(url))
    return whole


def _one_process(url: str, seed: int, began: float, seconds: float) -> Tally:
    return asyncio.run(_lanes(url, seed, began, seconds))


async def _lanes(url: str, seed: int, began: float, seconds: float) -> Tally:
    ledger, whole = Ledger(url), Tally()
    try:
        ends = time.time() + seconds  # a process takes some to begin
        hands = [Hand(ledger, seed * 10 + lane, began, ends) for lane in range(LANES)]
        for tally in await asyncio.gather(*(hand.work() for hand in hands)):
            whole.counts += tally.counts
            whole.faults += tally.faults
    finally:
        await ledger.close()
    return whole


async def _judge(url: str) -> list[str]:
    ledger = Ledger(url)
    try:
        return await faults_in(ledger, CAP)
    finally:
        await ledger.close()
