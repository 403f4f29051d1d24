"""Mischief in answers: each is a failure as it could have been scripted."""

import json
from collections.abc import Callable
from typing import Any

from waboard.sandbox.errors import Refusal, answer
from waboard.sandbox.failures import Failure
from waboard.sandbox.hostility import Hostility, Mischief, Mischiefs
from waboard.sandbox.state import Books
from waboard.sandbox.visit import Visit

HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"


def mischief_in_answer(mischiefs: Mischiefs, books: Books, visit: Visit) -> Failure | None:
    """Return what goes wrong with the answer to this request, if anything does."""
    ordered = mischiefs.waiting_for
    about = next((each for each in ordered if books.registration(each).names() & visit.names), "")
    for mischief, fail in _FAILURES.items():
        if mischiefs.strikes(mischief, f"{visit.method} {visit.path}", about):
            return fail(visit.path, mischiefs.hostility)
    return None


def _body(path: str, status: int) -> Any:
    return json.loads(bytes(answer(path, Refusal(status)).body))


def _rate_limited(path: str, _: Hostility) -> Failure:
    return Failure(path=path, status=429, body=_body(path, 429))


def _rate_limited_retry_after(path: str, _: Hostility) -> Failure:
    return Failure(path=path, status=429, body=_body(path, 429), headers={"Retry-After": "1"})


def _error_before(path: str, _: Hostility) -> Failure:
    return Failure(path=path, status=503, body=_body(path, 503))


def _error_after(path: str, _: Hostility) -> Failure:
    return Failure(path=path, status=500, body=_body(path, 500), acting=True)


def _timeout_after(path: str, hostility: Hostility) -> Failure:
    return Failure(path=path, hang_seconds=hostility.hang)


def _reset_before(path: str, _: Hostility) -> Failure:
    return Failure(path=path, reset=True)


def _reset_after(path: str, _: Hostility) -> Failure:
    return Failure(path=path, reset=True, acting=True)


def _slow(path: str, hostility: Hostility) -> Failure:
    return Failure(path=path, hang_seconds=hostility.slow)


def _not_json(path: str, _: Hostility) -> Failure:
    return Failure(path=path, status=502, body=HTML)


_FAILURES: dict[Mischief, Callable[[str, Hostility], Failure]] = {
    Mischief.RATE_LIMITED: _rate_limited,
    Mischief.RATE_LIMITED_RETRY_AFTER: _rate_limited_retry_after,
    Mischief.ERROR_BEFORE: _error_before,
    Mischief.ERROR_AFTER: _error_after,
    Mischief.TIMEOUT_AFTER: _timeout_after,
    Mischief.RESET_BEFORE: _reset_before,
    Mischief.RESET_AFTER: _reset_after,
    Mischief.SLOW: _slow,
    Mischief.NOT_JSON: _not_json,
}
