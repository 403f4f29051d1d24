"""No body over 1 MiB gets in, whatever its headers say of its length; of Meta's webhooks, 4 MiB."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from waboard.gateway.problems import problem

MOST_BYTES = 1024 * 1024
MOST_OF_META = 4 * MOST_BYTES
"""Meta's webhooks can be 3 MB (WA/webhooks/overview)."""
META = "/hooks/meta"


class BodyLimit:
    """Answers 413 to a body that is too long, before it is read to its end."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body up to the limit and hand it on whole, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = MOST_OF_META if scope.get("path") == META else MOST_BYTES
        try:
            body = await _read(receive, most)
        except ClientDisconnect:
            return
        if body is None:
            refusal = problem(413, f"The body is over {most} bytes.", "Send less in one request.")
            await refusal(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)


async def _read(receive: Receive, most: int) -> bytes | None:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body", False):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed
