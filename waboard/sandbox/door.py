"""What every request passes on its way in: the books, the script, the key, the rate limit."""

import asyncio
from ipaddress import ip_address
from typing import Any

from starlette.datastructures import Headers, State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from waboard.sandbox.bad_answers import mischief_in_answer
from waboard.sandbox.errors import Refusal, answer
from waboard.sandbox.failures import Failure
from waboard.sandbox.visit import Visit
from waboard.sandbox.world import World

CONTROL = "/sandbox/"
RECEIVERS = "/sandbox/receivers/"
OTHERS = (RECEIVERS, "/graph/", "/facebook/")
"""What is not Infobip's: neither its key nor its limits nor its mischief are for it."""


class Door:
    """ASGI middleware; a real gateway stands in front of the real routes in the same way."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app, self._state = app, state

    @property
    def _world(self) -> World:
        return self._state.world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, by the door that it came to."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _is_control(scope["path"]):
            await self._control(scope, receive, send)
        else:
            await self._visit(scope, receive, self._noting(scope, send))

    async def _control(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = None if _is_loopback(scope) else answer(scope["path"], Refusal(403))
        await (refused or self._app)(scope, receive, send)

    async def _visit(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit, receive = await Visit.read(scope, receive)
        failure = self._world.script.take(visit)
        if failure is None and not visit.path.startswith(OTHERS):
            failure = mischief_in_answer(self._world.mischiefs, self._world.books, visit)
        if failure is None:
            await self._serve(scope, receive, send)
        else:
            await self._play(failure, scope, receive, send)

    async def _play(self, failure: Failure, scope: Scope, receive: Receive, send: Send) -> None:
        """Act if the script says so, hang, and answer: as scripted, or late with the truth."""
        truth: list[Message] = []

        async def hold(message: Message) -> None:
            truth.append(message)

        if failure.acts:
            await self._serve(scope, receive, hold)
        await self._hang(failure.hang_seconds, receive)
        if failure.reset:
            await _break_off(send)
        if failure.status is not None:
            await failure.response()(scope, receive, send)
            return
        for message in truth:
            await send(message)

    async def _hang(self, seconds: float, receive: Receive) -> None:
        """Wait, but not for a caller who has hung up: that would hold up our own shutdown.

        Nor any longer when somebody releases those who hang.
        """
        if not seconds:
            return
        waits: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(self._world.sleep(seconds)),
            asyncio.ensure_future(self._world.script.released.wait()),
            asyncio.ensure_future(_gone(receive)),
        ]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
            return
        slow = refusal.status == 429 and self._world.config.retry_after
        headers = {"Retry-After": "1"} if slow else None
        await answer(scope["path"], refusal, headers)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        if scope["path"].startswith(OTHERS):
            return None
        if not self._world.knows(Headers(scope=scope).get("authorization", "")):
            return Refusal(401)
        if not self._world.books.account.allows(scope["path"]):
            return Refusal(403)
        if not self._world.admits(scope["method"], scope["path"]):
            return Refusal(429)
        return None

    def _noting(self, scope: Scope, send: Send) -> Send:
        """A `send` that writes the status into the books; None there means never answered."""
        entry = {
            "at": self._world.now(),
            "method": scope["method"],
            "path": scope["path"],
            "status": None,
        }
        self._world.books.requests.append(entry)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

        return noting


def _is_control(path: str) -> bool:
    return path.startswith(CONTROL) and not path.startswith(RECEIVERS)


def _is_loopback(scope: Scope) -> bool:
    """Control has no key, so it is for this machine only."""
    try:
        return ip_address((scope.get("client") or ("",))[0]).is_loopback
    except ValueError:
        return False


async def _break_off(send: Send) -> None:
    # Uvicorn closes the connection of an answer that was begun and not ended.
    length = [(b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise ConnectionResetError


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
