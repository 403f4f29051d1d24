"""Runs flows leg by leg in this process, with everything real but Prefect's engine and server.

The flow's own function is called inside a context of its run. A task that it calls runs at once,
and again as often as its own condition says. When the run sleeps, the world goes on: webhooks that
came are kept, the gateway's waker wakes who is due, and a leg begins that wakes.
"""

import copy
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from inspect import signature
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prefect import Flow, Task
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import AsyncClientContext, FlowRunContext
from prefect.exceptions import Abort, Pause
from prefect.logging.handlers import APILogHandler
from prefect.results import ResultRecord
from prefect.states import AwaitingRetry, Completed, Crashed, Failed, Running
from prefect.utilities.annotations import BaseAnnotation

from flows import (
    add_sender,
    assign_sender,
    cancel,
    digest,
    offboard,
    onboard,
    readiness,
    reconcile,
    reconnect,
    report,
    retry,
    set_profile,
)
from tasks import services
from tasks.runs import start_run
from tasks.services import Services
from tests.deployed import flow_named
from tests.flows.prefect_api import PrefectApi, Run
from tests.sandbox.lab import DELIVERY_URL, DOCUMENTED
from tests.tasks.bench import Bench
from waboard.domain.facts import (
    Fact,
    delivery_facts,
    inbound_facts,
    meta_facts,
    registration_facts,
)
from waboard.gateway.inbox import act_on
from waboard.gateway.waker import tidy, wake_due
from waboard.ledger.events import receive

FLOWS = (
    add_sender,
    assign_sender,
    cancel,
    digest,
    offboard,
    onboard,
    readiness,
    reconcile,
    reconnect,
    report,
    retry,
    set_profile,
)
INBOUND_URL = "http://gateway.test/hooks/infobip/inbound"
META_URL = "http://gateway.test/hooks/meta"
READERS: dict[str, Callable[[bytes], list[Fact]]] = {
    DELIVERY_URL: delivery_facts,
    INBOUND_URL: inbound_facts,
    META_URL: meta_facts,
}
TOLD = ["notify operator", "notify provider"]
"""The steps with which an onboarding, and a departure, ends."""
MOST_LEGS = 20
"""Legs after which a run that is woken again and again goes round in circles."""


@dataclass
class Opened:
    """With what a leg opened its services."""

    beside: bool
    share: float
    connections: int


@dataclass
class FlowBench:
    """The bench of the steps, a Prefect, and what the legs so far have called."""

    bench: Bench
    prefect: PrefectApi
    steps: list[str] = field(default_factory=list[str])
    """The tasks that were called, by name, in their order; a retry is no other call."""
    labels: list[str] = field(default_factory=list[str])
    """The same, as the Prefect UI names them."""
    tries: dict[str, int] = field(default_factory=dict[str, int])
    """How often each was begun, with its retries."""
    opened: list[Opened] = field(default_factory=list[Opened])
    meanwhile: Callable[[], Awaitable[Any]] | None = None
    """What happens, once, while a step waits to be tried again."""

    async def onboard(self, **facts: Any) -> Run:
        """Ask for an onboarding, and let its run go as far as it can by itself."""
        run = await self.ask(**facts)
        await self.carry_on()
        return run

    async def ask(self, **facts: Any) -> Run:
        """Ask for an onboarding; its run is about to begin."""
        run_id = await start_run(self.bench.ledger, await self.bench.start(**facts))
        return next(run for run in self.prefect.runs.values() if str(run.id) == run_id)

    async def start(self, deployment: str, **parameters: Any) -> Run:
        """Start a run of `deployment/deployment`, and let all go as far as it can by itself."""
        run = self.prefect.create(f"{deployment}/{deployment}", parameters)
        await self.carry_on()
        return run

    async def carry_on(self) -> None:
        """Wake who is due, run their legs, and keep what is posted, until all is quiet."""
        for _ in range(MOST_LEGS):
            await wake_due(self.bench.ledger, self._clock)
            scheduled = [run for run in self._runs() if run.state.is_scheduled()]
            for run in scheduled:
                await self.leg(run)
            if not await self.hear() and not scheduled:
                return
        raise AssertionError(f"It never comes to rest: {[run.story for run in self._runs()]}")

    async def answer(self, run: Run, **form: str) -> None:
        """Fill in the form that a run asks with, in the Prefect UI, and let all go on."""
        await self.prefect.resume_flow_run(run.id, form or None)
        await self.carry_on()

    async def retry(self, run: Run) -> None:
        """Click Retry in the Prefect UI, and let all go on."""
        self.prefect.set(run, AwaitingRetry())
        await self.carry_on()

    async def later(self, **span: float) -> None:
        """Let time pass, and all go on that is due by then."""
        await self.bench.later(timedelta(**span).total_seconds())
        await self.carry_on()

    async def tidy(self) -> None:
        """Have the gateway finish what was left undone, and let all go on."""
        await tidy(self.bench.ledger, self._clock)
        await self.carry_on()

    async def hear(self) -> bool:
        """Keep what the sandbox has posted since, as the gateway does, and act on it."""
        await self.bench.sandbox.settled()
        new = self.bench.posted()
        kept: list[int] = []
        for request in new:
            read = READERS.get(str(request.url), registration_facts)
            kept += await self.receive(read(request.content))
        await act_on(self.bench.ledger, kept, self._clock)
        return bool(new)

    async def registers(self, waba_id: str = DOCUMENTED) -> None:
        """Have Infobip end a registration now, and say so."""
        path = f"/sandbox/wabas/{waba_id}/registration-event"
        (await self.bench.sandbox.http.post(path)).raise_for_status()
        await self.bench.sandbox.settled()

    async def receive(self, facts: list[Fact]) -> list[int]:
        """Keep what a webhook said; return the ids of its events."""
        async with self.bench.ledger.begin() as session:
            receipts = await receive(session, facts, "webhook", self.bench.now)
        return [receipt.event_id for receipt in receipts]

    async def says(self, facts: list[Fact]) -> None:
        """Have a webhook come in, and all go on with it."""
        await act_on(self.bench.ledger, await self.receive(facts), self._clock)
        await self.carry_on()

    async def leg(self, run: Run) -> None:
        """Run one leg: until the run sleeps, ends, or breaks off."""
        flow = flow_named(run.deployment.rpartition("/")[2])
        parameters = flow.validate_parameters(run.parameters)
        self.prefect.set(run, Running())
        with _inside(flow, run, parameters):
            if callable(flow.flow_run_name):
                run.name = flow.flow_run_name()
            elif flow.flow_run_name:
                run.name = flow.flow_run_name
            try:
                self.prefect.set(run, await flow.fn(**parameters))
            except (Pause, Abort):
                pass
            except BaseException:
                self.prefect.set(run, Crashed())
                raise

    async def call(self, step: Task[..., Any], args: Any, kwargs: Any) -> State[Any]:
        """Run a task as its own options say, with no time between but on the bench's clock."""
        self._note(step, args, kwargs)
        for delay in (*_delays(step), None):
            self.tries[step.name] = self.tries.get(step.name, 0) + 1
            state = await _outcome(step, args, kwargs)
            if delay is None or not await _goes_again(step, state):
                break
            self.bench.set_clock(self.bench.now + timedelta(seconds=delay))
            if self.meanwhile is not None:
                happens, self.meanwhile = self.meanwhile, None
                await happens()
        return state

    def _note(self, step: Task[..., Any], args: Any, kwargs: Any) -> None:
        bound = signature(step.fn).bind(*args, **kwargs).arguments
        self.steps.append(step.name)
        self.labels.append(str(step.task_run_name).format(**bound))

    def refuse(self, method: str, path: str, text: str = "No.") -> None:
        """Let Infobip say no to this, once."""
        body = {"requestError": {"serviceException": {"messageId": "REJECTED", "text": text}}}
        self.bench.network.instead(method, path, lambda _: httpx.Response(400, json=body))

    def forget(self) -> None:
        """Begin a new list of steps."""
        self.steps.clear()
        self.labels.clear()
        self.tries.clear()

    def calls(self, *paths: str) -> list[str]:
        """Which of these paths the sandbox was asked for, each with its method, in their order."""
        asked = [(each["method"], each["path"]) for each in self.bench.books.requests]
        return [f"{method} {path}" for method, path in asked if path in paths]

    @asynccontextmanager
    async def open_services(
        self, *, beside: bool = False, share: float = 1.0, connections: int = 1
    ) -> AsyncGenerator[Services]:
        """Give a leg the bench's services, under a name of its own."""
        self.opened.append(Opened(beside, share, connections))
        given = copy.copy(self.bench.services)
        given.leg = None if beside else str(uuid4())
        given.began_at = self.bench.now
        yield given

    def _clock(self) -> Any:
        return self.bench.now

    def _runs(self) -> list[Run]:
        return list(self.prefect.runs.values())


def _inside(flow: Flow[..., Any], run: Run, parameters: dict[str, Any]) -> FlowRunContext:
    shown = FlowRun(id=run.id, flow_id=uuid4(), name=run.name, tags=list(run.tags))
    return FlowRunContext.model_construct(flow=flow, flow_run=shown, parameters=parameters)


def _delays(step: Task[..., Any]) -> list[float]:
    given = step.retry_delay_seconds
    return list(given) if isinstance(given, list) else [float(given or 0)] * step.retries


async def _goes_again(step: Task[..., Any], state: State[Any]) -> bool:
    if not state.is_failed():
        return False
    condition = step.retry_condition_fn
    return condition is None or await condition(step, None, state)


async def _outcome(step: Task[..., Any], args: Any, kwargs: Any) -> State[Any]:
    try:
        result = await step.fn(*args, **kwargs)
    except Exception as error:
        return Failed(data=error)
    return Completed(data=ResultRecord.model_construct(result=result))


def install(flows: FlowBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tasks run in this process, and everybody reach the bench's Prefect and services."""

    async def call(step: Task[..., Any], *args: Any, **kwargs: Any) -> Any:
        wants_state = kwargs.pop("return_state", False)
        plain = [a.unwrap() if isinstance(a, BaseAnnotation) else a for a in args]
        state = await flows.call(step, plain, kwargs)
        return state if wants_state else await state.aresult()

    client = SimpleNamespace(client=flows.prefect, _httpx_settings=None)
    monkeypatch.setattr(Task, "__call__", call)
    monkeypatch.setattr(AsyncClientContext, "get", lambda: client)
    monkeypatch.setattr(services, "_kept", {})
    monkeypatch.setattr(APILogHandler, "emit", lambda *_: None)
    for module in FLOWS:
        monkeypatch.setattr(module, "open_services", flows.open_services)
