"""A request as it comes in: where to, and what it names."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote

from starlette.requests import Request
from starlette.types import Message, Receive, Scope


@dataclass(frozen=True)
class Visit:
    """One request. `names` are the words of its path, its query and its body."""

    method: str
    path: str
    names: frozenset[str] = frozenset()

    @classmethod
    async def read(cls, scope: Scope, receive: Receive) -> tuple[Self, Receive]:
        """Read a request whole, and give what lets the routes read it again."""
        body = await Request(scope, receive).body()
        query = unquote(scope["query_string"].decode("latin-1"))
        said = f"{scope['path']} {query} {body.decode(errors='replace')}"
        visit = cls(scope["method"], scope["path"], frozenset(re.findall(r"[\w.-]+", said)))
        return visit, _again(body, receive)


def _again(body: bytes, receive: Receive) -> Receive:
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return unread.pop() if unread else await receive()

    return again
