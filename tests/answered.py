"""What a client makes of an answer, without a loop: nothing is waited for."""

import json
from collections.abc import Coroutine
from typing import Any

import httpx


class Answering(httpx.AsyncBaseTransport):
    """Answers every request with what it holds."""

    body: Any = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=json.dumps(self.body).encode(), request=request)


def at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run what never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits for something")
