"""One sandbox: its books, its clock, its limits, its script and its postman, held together."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, cast

import httpx
from fastapi import Depends, Request

from waboard.sandbox.config import SandboxConfig
from waboard.sandbox.failures import Script
from waboard.sandbox.hostility import Hostility, Mischiefs
from waboard.sandbox.limits import Limiter
from waboard.sandbox.state import Books
from waboard.sandbox.tasks import Tasks
from waboard.sandbox.times import stamp
from waboard.sandbox.webhooks import Postman, Sleep

Clock = Callable[[], float]


class World:
    """What every route works on."""

    def __init__(
        self,
        config: SandboxConfig,
        clock: Clock,
        *,
        sleep: Sleep = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.config, self.clock, self.sleep = config, clock, sleep
        self.books, self.script, self.limiter = Books(), Script(), Limiter()
        self.mischiefs = Mischiefs(config.hostility, self.now)
        self.held: list[Callable[[], Awaitable[None]]] = []
        self.tasks = Tasks()
        self.postman = Postman(
            config, tasks=self.tasks, sleep=sleep, note=self._note_webhook, transport=transport
        )

    def now(self) -> str:
        """The time as events and reports write it."""
        return stamp(self.clock())

    def new_id(self) -> str:
        """An id like Infobip's own: digits, growing."""
        return f"{int(self.clock() * 1000)}{next(self.books.ids):06d}"

    def admits(self, method: str, path: str) -> bool:
        """Whether the account's rate limit lets one more request pass."""
        return not self.config.rate_limits or self.limiter.admits(method, path, self.clock())

    def knows(self, authorization: str) -> bool:
        """Whether the `Authorization` header carries the account's key (`App <key>`)."""
        expected = f"App {self.config.api_key.get_secret_value()}"
        return hmac.compare_digest(authorization.encode(), expected.encode())

    async def reset(self) -> None:
        """Stop what is under way and forget everything."""
        await self.tasks.cancel()
        self.books, self.limiter = Books(), Limiter()
        self.script.replace([])
        self.become(self.config.hostility)

    def become(self, hostility: Hostility) -> None:
        """Let mischief happen from now on as given; what it did so far is forgotten."""
        self.mischiefs, self.held = Mischiefs(hostility, self.now), []

    async def close(self) -> None:
        """For the end of the process."""
        await self.tasks.cancel()
        await self.postman.close()

    def _note_webhook(self, webhook: dict[str, Any]) -> None:
        self.books.webhooks.append({"at": self.now(), **webhook})


async def _world_of(request: Request) -> World:
    return cast("World", request.app.state.world)


Here = Annotated[World, Depends(_world_of)]
"""The sandbox a route belongs to."""
