"""Infobip's documented rate limits, and the two kinds of limiter that they need.

Source: `x-throttling-info` of each operation in the Infobip OpenAPI 3.210.0 documents. share-waba
is in none of them: its 15/s is taken from the other embedded-signup operations (inferred).
"""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

TOLERANCE = 0.02
"""Seconds by which a caller may be early: two requests sent 1 s apart jitter on loopback."""


class Limit(Protocol):
    """Says whether one more request may pass now, and counts it if so."""

    def admits(self, now: float) -> bool:
        """Whether one more may pass."""
        ...


HOUR = 3600.0


class Window:
    """At most so many requests in any second, or other while (`type: time`)."""

    def __init__(self, requests: int, seconds: float = 1.0) -> None:
        self._requests, self._seconds = requests, seconds
        self._passed: deque[float] = deque()

    def admits(self, now: float) -> bool:
        """Count the request if fewer than the limit passed in the last while."""
        while self._passed and now - self._passed[0] >= self._seconds - TOLERANCE:
            self._passed.popleft()
        if len(self._passed) >= self._requests:
            return False
        self._passed.append(now)
        return True


class Bucket:
    """A token bucket, full at first (`type: token`)."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second, self._burst = per_second, burst
        self._tokens, self._filled_at = float(burst), 0.0

    def admits(self, now: float) -> bool:
        """Take one token if there is one."""
        grown = (now - self._filled_at) * self._per_second
        self._tokens = min(self._burst, self._tokens + max(grown, 0.0))
        self._filled_at = now
        if self._tokens + TOLERANCE < 1:
            return False
        self._tokens = max(self._tokens - 1, 0.0)
        return True


@dataclass(frozen=True)
class Operation:
    """One documented operation: method and path template, with its limit if it has one."""

    method: str
    template: str
    limit: Callable[[], Limit] | None = None

    def serves(self, method: str, path: str) -> bool:
        """Whether a request is for this operation."""
        return method == self.method and template_matches(self.template, path)


def template_matches(template: str, path: str) -> bool:
    """Whether a path fits a template such as `/provisioning/1/entities/{entityId}`."""
    parts = re.split(r"\{[^/]*\}", template)
    return re.fullmatch("[^/]+".join(map(re.escape, parts)), path) is not None


def _once_a_second() -> Limit:
    return Window(1)


_SIGNUP = "/whatsapp/1/embedded-signup/registrations"
_TEMPLATES = "/whatsapp/2/senders/{sender}/templates"
_PROVISIONING = "/provisioning/1"

OPERATIONS = (
    Operation("POST", f"{_SIGNUP}/share-waba", lambda: Window(15)),
    Operation("POST", f"{_SIGNUP}/business-account/{{id}}/senders", lambda: Window(15)),
    *(
        Operation(method, f"{_SIGNUP}/senders/{{sender}}/verification", lambda: Window(15))
        for method in ("PUT", "POST")
    ),
    Operation("GET", "/whatsapp/1/senders/quality", lambda: Window(10)),
    *(
        Operation(method, "/whatsapp/1/senders/{sender}/business-info", lambda: Window(10))
        for method in ("GET", "PATCH")
    ),
    Operation("GET", "/whatsapp/1/templates", lambda: Window(15)),
    Operation("GET", _TEMPLATES, lambda: Window(2500)),
    Operation("POST", _TEMPLATES, lambda: Window(1000, HOUR)),
    Operation("GET", f"{_TEMPLATES}/{{id}}", lambda: Window(2500)),
    Operation("PATCH", f"{_TEMPLATES}/{{id}}", lambda: Window(100, HOUR)),
    Operation("DELETE", f"{_TEMPLATES}/{{name}}", lambda: Window(200, HOUR)),
    *(
        Operation(method, f"{_PROVISIONING}/{kind}", _once_a_second)
        for kind in ("applications", "entities", "associations")
        for method in ("GET", "POST")
    ),
    *(
        Operation(method, f"{_PROVISIONING}/{kind}/{{id}}", _once_a_second)
        for kind in ("applications", "entities")
        for method in ("GET", "PUT", "DELETE")
    ),
    Operation("DELETE", f"{_PROVISIONING}/associations", _once_a_second),
    Operation("GET", f"{_PROVISIONING}/associations/single", _once_a_second),
    Operation("GET", "/numbers/1/numbers", lambda: Bucket(per_second=1, burst=2)),
    Operation("POST", "/messages-api/1/messages/validate", lambda: Window(10)),
    Operation("POST", "/messages-api/1/messages"),
    *(
        Operation("POST", f"/whatsapp/1/message/{kind}", lambda: Window(4000))
        for kind in ("template", "text")
    ),
    Operation("GET", "/messages-api/1/reports"),
    Operation("GET", "/messages-api/1/inbound"),
    *(
        Operation(method, f"/subscriptions/1/{kind}")
        for kind in ("security", "profiles", "subscription/{channel}")
        for method in ("GET", "POST")
    ),
    *(
        Operation(method, f"/subscriptions/1/{kind}/{{id}}")
        for kind in ("security", "profiles", "subscription/{channel}")
        for method in ("GET", "PUT", "DELETE")
    ),
)


class Limiter:
    """The limits of the whole account, one for each operation."""

    def __init__(self) -> None:
        self._limits = [(each, each.limit()) for each in OPERATIONS if each.limit]

    def admits(self, method: str, path: str, now: float) -> bool:
        """Whether the request may pass; unlimited operations always may."""
        for operation, limit in self._limits:
            if operation.serves(method, path):
                return limit.admits(now)
        return True
