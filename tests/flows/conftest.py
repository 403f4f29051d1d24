"""Each test has a bench with a ledger, a sandbox and a Prefect of its own."""

from collections.abc import AsyncGenerator, Iterator

import pytest

from tasks import notify
from tests.flows.bench import INBOUND_URL, META_URL, FlowBench, install
from tests.flows.prefect_api import PrefectApi
from tests.sandbox.lab import DELIVERY_URL, lab
from tests.tasks.bench import Bench, bench_on, policy
from tests.tasks.conftest import ledger
from tests.tasks.test_notify import SLUG, Pager
from waboard.ledger.database import Ledger

__all__ = ["ledger"]


@pytest.fixture
async def bench(ledger: Ledger) -> AsyncGenerator[Bench]:
    """Infobip and Meta post all that they can."""
    posts = {"delivery_url": DELIVERY_URL, "inbound_url": INBOUND_URL, "meta_webhook_url": META_URL}
    async with lab(**posts) as sandbox, bench_on(ledger, sandbox) as bench:
        yield bench


@pytest.fixture
def flows(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[FlowBench]:
    """Flows run in this process. What the waker could not do, and tries again, is a failure."""
    flows = FlowBench(bench, PrefectApi(lambda: bench.now))
    install(flows, monkeypatch)
    yield flows
    assert "trying again" not in caplog.text


@pytest.fixture
def pager(flows: FlowBench, monkeypatch: pytest.MonkeyPatch) -> Pager:
    """The operator wants to be told, and can be."""
    pager = Pager()
    monkeypatch.setattr(notify, "_notification_block", pager.load)
    flows.bench.services.policy = policy(operator_block=SLUG)
    return pager
