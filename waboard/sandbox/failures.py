"""Scripted answers: what the sandbox says instead of, or long after, the truth."""

import asyncio
from typing import Any

from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from waboard.sandbox.limits import OPERATIONS, template_matches
from waboard.sandbox.visit import Visit


class Failure(BaseModel):
    """One scripted answer, used up after so many times.

    Without a `status` the real answer is given, after `hang_seconds`. With `acting` the request
    takes effect although the answer says otherwise: the accident behind every unknown outcome.
    """

    model_config = ConfigDict(extra="forbid")

    method: str = "*"
    path: str
    """A documented path, or its template, matches only itself; anything else is a prefix."""
    naming: str | None = None
    """Only requests whose path, query or body names this: a WABA's id, a sender, an entity."""
    status: int | None = Field(default=None, ge=200, le=599)
    body: Any = None
    """A string is sent as text, None as no body, anything else as JSON."""
    headers: dict[str, str] = Field(default_factory=dict[str, str])
    times: int = Field(default=1, ge=1)
    acting: bool = False
    hang_seconds: float = Field(default=0, ge=0)
    reset: bool = False
    """The connection breaks in the middle of the answer."""

    @property
    def acts(self) -> bool:
        """Whether the request reaches the real route."""
        return self.acting or (self.status is None and not self.reset)

    def concerns(self, visit: Visit) -> bool:
        """Whether it is about this request."""
        if self.method not in ("*", visit.method):
            return False
        if self.naming is not None and self.naming not in visit.names:
            return False
        exact = any(template_matches(each.template, self.path) for each in OPERATIONS)
        path = visit.path
        return template_matches(self.path, path) or (not exact and path.startswith(self.path))

    def response(self) -> Response:
        """The scripted answer."""
        status = self.status or 200
        if self.body is None:
            return Response(status_code=status, headers=self.headers)
        if isinstance(self.body, str):
            return Response(self.body, status, self.headers, media_type="text/plain")
        return JSONResponse(self.body, status, self.headers)


class Script:
    """The failures still to come, in the order in which they were given."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self.released = asyncio.Event()

    def replace(self, failures: list[Failure]) -> None:
        """Forget the old ones."""
        self.failures = [each.model_copy() for each in failures]

    def release(self) -> None:
        """Let whoever hangs have an answer now; who hangs later waits for another release."""
        self.released.set()
        self.released = asyncio.Event()

    def take(self, visit: Visit) -> Failure | None:
        """The first failure for this request, used once."""
        found = next((each for each in self.failures if each.concerns(visit)), None)
        if found is not None:
            found.times -= 1
            self.failures = [each for each in self.failures if each.times > 0]
        return found
