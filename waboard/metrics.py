"""What a process counts of its own doing: calls to the providers, and waits for their rate limits.

Each process counts for itself. Where `PROMETHEUS_MULTIPROC_DIR` names a directory, as it does for
the processes of `waboard up`, each keeps its counts in files there, and any tells those of all.
No label holds an id or a number: its values are names, templates of paths, and statuses.
"""

import fcntl
import os
import shutil
from collections.abc import Awaitable, Callable, Iterable
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    values,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The variable in which prometheus-client is told where processes keep their counts."""
NO_ANSWER = "none"
"""The status of a call that got no answer."""
_OURS = "waboard"
# Of these the library does not say the types.
_values: Any = values
_collector: Any = MultiProcessCollector
_REGISTRY = CollectorRegistry()
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


def empty_directory(data_dir: Path) -> Path:
    """Make a directory for counts that begin at zero, and return it.

    What was counted before is with whoever asked for it: a count may begin anew, and never shrink.
    """
    path = data_dir / "metrics"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, exist_ok=True)
    return path


def _take_place(directory: Path) -> str:
    """Take the first name that no living process has, for as long as this one lives.

    A process id would leave files behind with every process that ends. Whoever takes the place of
    one that has ended goes on counting in its files.
    """
    directory.mkdir(parents=True, exist_ok=True)
    places = (f"{_OURS}-{number}" for number in count())
    return next(place for place in places if _is_ours(directory / f"{place}.lock"))


def _is_ours(path: Path) -> bool:
    lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    return True  # and it stays open: the lock goes with the process, however that ends


def _share_counts(directory: Path) -> None:
    place = _take_place(directory)
    _values.ValueClass = _values.MultiProcessValue(lambda: place)


_directory = os.environ.get(DIRECTORY)
if _directory:
    _share_counts(Path(_directory))
disable_created_metrics()  # when a count began is nobody's question

PROVIDER_CALLS = Counter(
    "waboard_provider_calls",
    "Calls to the providers, by what was answered.",
    ("provider", "method", "endpoint", "status"),
    registry=_REGISTRY,
)
PROVIDER_CALL_SECONDS = Histogram(
    "waboard_provider_call_seconds",
    "How long a provider took to answer, or we to give up.",
    ("provider", "method", "endpoint"),
    registry=_REGISTRY,
    buckets=_SECONDS,
)
RATE_LIMIT_WAIT_SECONDS = Counter(
    "waboard_rate_limit_wait_seconds",
    "Seconds that calls waited for their turn within the provider's rate limits.",
    ("bucket",),
    registry=_REGISTRY,
)


async def count_call(
    provider: str,
    method: str,
    endpoint: str,
    call: Awaitable[httpx.Response],
    timer: Callable[[], float] = perf_counter,
) -> httpx.Response:
    """Make a call and count it. `endpoint` is the template of its path, without any id."""
    began, status = timer(), NO_ANSWER
    try:
        response = await call
        status = str(response.status_code)
        return response
    finally:
        PROVIDER_CALLS.labels(provider, method, endpoint, status).inc()
        PROVIDER_CALL_SECONDS.labels(provider, method, endpoint).observe(timer() - began)


def counted() -> Iterable[Metric]:
    """Return what was counted: by all processes that share a directory, or by this one."""
    if not _directory:
        return _REGISTRY.collect()
    # Other libraries of these processes count, too, in files of their own and in ours.
    files = sorted(map(str, Path(_directory).glob(f"*_{_OURS}-*.db")))
    merged: list[Metric] = list(_collector.merge(files))
    return [metric for metric in merged if metric.name.startswith(f"{_OURS}_")]
