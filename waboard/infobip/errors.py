"""What went wrong at Infobip, told so that a person can act on it.

InfobipError              the one error of this package, a waboard.domain.errors.ProviderError
├── no answer             `no_answer`: the connection failed, broke, or timed out
├── refused               `refused`: an answer that is not 2xx, read by its status (`_RULES`)
└── unusable              `unusable`: a 2xx whose body we needed and could not read
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple

import httpx

from waboard.domain.errors import ProviderError
from waboard.domain.masking import mask_digits, scrub
from waboard.domain.parties import Party
from waboard.domain.retry_after import read_retry_after
from waboard.domain.sentences import sentence, sentences
from waboard.http_failures import may_have_arrived
from waboard.infobip.endpoints import Endpoint
from waboard.infobip.error_bodies import ErrorBody, read_error_body

API_KEY_SETTING = "WABOARD_INFOBIP_API_KEY"
BASE_URL_SETTING = "WABOARD_INFOBIP_BASE_URL"
LONGEST_HOLD = timedelta(hours=1)
"""A longer `Retry-After` is taken for a mistake, or it would stop a whole account."""

# No request id is documented. These are the names that gateways commonly use; a miss shows nothing.
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id")
_REQUEST_ID = re.compile(r"[\w.:\-]{1,100}", re.ASCII)


class InfobipError(ProviderError):
    """Infobip refused, failed, or did not answer.

    `operation`: what was being done for whom, masked. `status`: of HTTP, None without an answer.
    `code`, `text`: Infobip's own, fit to be shown. `request_id`: what Infobip's support asks for.
    `retry_after`: seconds that Infobip asked us to wait, None when it did not.
    """

    def __init__(
        self,
        operation: str,
        what_happened: str,
        *,
        remedy: str,
        awaiting: Party,
        retryable: bool,
        ambiguous: bool,
        status: int | None = None,
        code: str | None = None,
        text: str = "",
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.operation = mask_digits(operation)
        super().__init__(
            f"{self.operation}: {what_happened}",
            remedy=remedy,
            awaiting=awaiting,
            retryable=retryable,
            ambiguous=ambiguous,
        )
        self.status = status
        self.code = code
        self.text = text
        self.request_id = request_id
        self.retry_after = retry_after


class _Rule(NamedTuple):
    retryable: bool
    unclear: bool  # Infobip may have acted: ambiguous, when the operation changes something
    awaiting: Party
    remedy: Callable[[Endpoint, ErrorBody], str]


def _correct(endpoint: Endpoint, body: ErrorBody) -> str:
    wrong = "; ".join(body.violations)
    named = sentence(f"Correct what Infobip names: {scrub(wrong)}")
    return named if wrong else _advised(endpoint, body)


def _advised(_: Endpoint, body: ErrorBody) -> str:
    advice = sentence(body.action)
    return sentences(
        "Correct what was asked for and try again.", f"Infobip advises: {advice}" if advice else ""
    )


def _scopes(endpoint: Endpoint) -> str:
    one_of = "one of the scopes" if len(endpoint.scopes) > 1 else "the scope"
    return f"{one_of} {', '.join(endpoint.scopes)}"


def _give_key(endpoint: Endpoint, _: ErrorBody) -> str:
    return f"Set {API_KEY_SETTING} to a valid API key with {_scopes(endpoint)}."


def _give_scope(endpoint: Endpoint, _: ErrorBody) -> str:
    return (
        f"Give the API key in {API_KEY_SETTING} {_scopes(endpoint)} in Infobip's portal, and see "
        "that its allowed IP addresses and its application and entity include ours."
    )


def _look(_: Endpoint, __: ErrorBody) -> str:
    return "See in Infobip's portal whether what this names exists as we think, then try again."


def _slow_down(_: Endpoint, __: ErrorBody) -> str:
    return "Nothing to do: it is tried again, more slowly."


def _wait(_: Endpoint, __: ErrorBody) -> str:
    return "Nothing to do yet: it is tried again. If it lasts, give Infobip's support the request."


def _check_url(_: Endpoint, __: ErrorBody) -> str:
    return f"See that {BASE_URL_SETTING} is the base URL that Infobip's portal shows."


# status            retryable unclear  awaiting        remedy
_RULES: dict[int, _Rule] = {
    400: _Rule(False, False, Party.OPERATOR, _correct),
    401: _Rule(False, False, Party.OPERATOR, _give_key),
    403: _Rule(False, False, Party.OPERATOR, _give_scope),
    404: _Rule(False, False, Party.OPERATOR, _look),
    408: _Rule(True, True, Party.INFOBIP, _wait),
    409: _Rule(False, False, Party.OPERATOR, _look),
    429: _Rule(True, False, Party.US, _slow_down),
}
_OTHER_3XX = _Rule(False, False, Party.OPERATOR, _check_url)
_OTHER_4XX = _Rule(False, False, Party.OPERATOR, _advised)
_ANY_5XX = _Rule(True, True, Party.INFOBIP, _wait)


def _rule(status: int) -> _Rule:
    if status in _RULES:
        return _RULES[status]
    return _ANY_5XX if status >= 500 else _OTHER_4XX if status >= 400 else _OTHER_3XX


def refused(
    operation: str, endpoint: Endpoint, response: httpx.Response, *, raw: str, now: datetime
) -> InfobipError:
    """Read an answer that is not a success. `raw` is its body, free of our key. Never raises."""
    body, status = read_error_body(raw), response.status_code
    rule, request_id = _rule(status), _request_id(response, body)
    text = body.text or _phrase(status)
    named = " ".join(filter(None, (str(status), body.code)))
    return InfobipError(
        operation,
        sentence(f"Infobip answered {named}{_of(request_id)}: {text}"),
        remedy=rule.remedy(endpoint, body),
        awaiting=rule.awaiting,
        retryable=rule.retryable,
        ambiguous=rule.unclear and endpoint.changes,
        status=status,
        code=body.code,
        text=text,
        request_id=request_id,
        retry_after=_retry_after(response, now),
    )


def no_answer(operation: str, endpoint: Endpoint, error: httpx.RequestError) -> InfobipError:
    """Say that a request got no answer, and whether it may have arrived."""
    sent = may_have_arrived(error)
    what = "did not answer" if sent else "could not be reached"
    reason = ": ".join(filter(None, (type(error).__name__, scrub(str(error)))))
    return InfobipError(
        operation,
        f"Infobip {what} ({reason}).",
        remedy=_UNANSWERED if sent else _UNREACHED,
        awaiting=Party.INFOBIP if sent else Party.OPERATOR,
        retryable=True,
        ambiguous=sent and endpoint.changes,
        text=reason,
    )


_UNANSWERED = (
    "Nothing to do yet: it is tried again. If it lasts, see that "
    f"{BASE_URL_SETTING} is right and that this machine reaches it."
)
_UNREACHED = (
    f"See that {BASE_URL_SETTING} is right and that this machine reaches it. "
    "It is tried again meanwhile."
)


def unusable(
    operation: str, endpoint: Endpoint, response: httpx.Response, *, missing: str
) -> InfobipError:
    """Say that a success came without what we needed. `missing` names it, without quoting.

    Not retryable: the same call would get the same answer, because the address is not Infobip's or
    because its API has changed. Ambiguous when the operation changes something: a 2xx says it did.
    """
    status, request_id = response.status_code, _request_id(response, ErrorBody())
    text = scrub(f"an answer that we cannot use, {missing}")
    return InfobipError(
        operation,
        f"Infobip gave {status}{_of(request_id)} with {text}.",
        remedy=f"See that {BASE_URL_SETTING} is Infobip's; if it is, its API has changed, and "
        "waboard needs an update.",
        awaiting=Party.OPERATOR,
        retryable=False,
        ambiguous=endpoint.changes,
        status=status,
        text=text,
        request_id=request_id,
    )


def _retry_after(response: httpx.Response, now: datetime) -> float | None:
    # Infobip documents none: it is honoured where it comes.
    asked = read_retry_after(response.headers.get("retry-after"), now, longest=LONGEST_HOLD)
    return None if asked is None else asked.total_seconds()


def _request_id(response: httpx.Response, body: ErrorBody) -> str | None:
    named = (response.headers.get(name, "") for name in _REQUEST_ID_HEADERS)
    return next((found for found in named if _REQUEST_ID.fullmatch(found)), body.request_id)


def _of(request_id: str | None) -> str:
    return f" (request {request_id})" if request_id else ""


def _phrase(status: int) -> str:
    try:
        return f"{HTTPStatus(status).phrase}, in a form that Infobip does not document"
    except ValueError:
        return "in a form that Infobip does not document"
