"""Legs that do what a test says, in the place of a flow."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from prefect.client.schemas.objects import FlowRun

from waboard.rest import Heard
from waboard.worker.legs import Leg

Work = Callable[[], Awaitable[None]]
ENTRYPOINT = "flows.onboard:onboard_client"
PATIENCE = 10.0
"""Seconds for what must come."""


class Yard:
    """Starts legs that do what a test says."""

    def __init__(self) -> None:
        self.open, self.blocked = threading.Event(), threading.Event()
        self._works: dict[Any, Work] = {}

    def flow_run(self, work: Work) -> FlowRun:
        """A run whose legs do this work."""
        run = FlowRun(id=uuid4(), flow_id=uuid4(), name="a leg", deployment_id=uuid4())
        self._works[run.id] = work
        return run

    def start(self, work: Work, heard: Heard = print) -> Leg:
        leg = Leg(self.flow_run(work), ENTRYPOINT, heard)
        leg.start()
        return leg

    async def run(self, _flow: object, run: FlowRun) -> None:
        await self._works[run.id]()

    async def blocks(self) -> None:
        """Hold the thread, as code does that never awaits."""
        self.blocked.set()
        self.open.wait(PATIENCE)

    async def waits(self) -> None:
        await asyncio.Event().wait()

    async def is_quick(self) -> None:
        await asyncio.sleep(0)
