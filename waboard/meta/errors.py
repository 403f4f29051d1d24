"""What went wrong at Meta, told so that a person can act on it.

MetaError                 the one error of this package, a waboard.domain.errors.ProviderError
├── no answer             `no_answer`: the connection failed, broke, or timed out
├── refused               `refused`: read by Meta's `code`, or by the HTTP status without one
└── unusable              `unusable`: a success whose body we needed and could not read

Meta decides by `error.code`, not by the HTTP status: throttling comes as 400 in one place and as
429 in another, and code 3 is a permission problem that comes as 500.
Source: WA/support/error-codes, GRAPH/overview/rate-limiting.
"""

import json
from typing import Any, NamedTuple

import httpx

from waboard.domain.errors import ProviderError
from waboard.domain.json_values import as_object
from waboard.domain.masking import mask_digits, scrub
from waboard.domain.parties import Party
from waboard.domain.sentences import sentence
from waboard.http_failures import may_have_arrived


class MetaError(ProviderError):
    """Meta refused, failed, or did not answer.

    `operation`: what was being done for whom, masked. `status`: of HTTP, None without an answer.
    `code`, `subcode`, `text`: Meta's own, fit to be shown. `trace`: what Meta's support asks for.
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
        code: int | None = None,
        subcode: int | None = None,
        text: str = "",
        trace: str | None = None,
    ) -> None:
        self.operation = mask_digits(operation)
        super().__init__(
            f"{self.operation}: {what_happened}",
            remedy=remedy,
            awaiting=awaiting,
            retryable=retryable,
            ambiguous=ambiguous,
        )
        self.status, self.code, self.subcode = status, code, subcode
        self.text, self.trace = text, trace


class Body(NamedTuple):
    """What could be read of an error's body. `text` is fit to be shown."""

    code: int | None
    subcode: int | None
    text: str
    trace: str | None
    transient: bool


class _Rule(NamedTuple):
    retryable: bool
    unclear: bool  # Meta may have acted: ambiguous, when the operation changes something
    awaiting: Party
    remedy: str


_THROTTLED = _Rule(True, False, Party.US, "Nothing to do: it is tried again, more slowly.")
_DOWN = _Rule(
    True,
    True,
    Party.META,
    "Nothing to do yet: it is tried again. If it lasts, see metastatus.com and give Meta's support "
    "the trace id.",
)
_TOKEN = _Rule(
    False,
    False,
    Party.OPERATOR,
    "Renew WABOARD_META_SYSTEM_TOKEN, which has expired or was revoked; or, when it is the "
    "client's token that has, send the client a new signup link.",
)
_PERMISSION = _Rule(
    False,
    False,
    Party.OPERATOR,
    "See `waboard readiness`, app review above all: the app lacks a permission for this.",
)
_UNKNOWN_OBJECT = _Rule(
    False,
    False,
    Party.OPERATOR,
    "See that the id is right and that the client has shared what it names with your app: Meta "
    "says the same of what does not exist and of what may not be seen.",
)
_LOCKED = _Rule(
    False, False, Party.OPERATOR, "See Business Support Home: Meta has locked this for its policy."
)
_PAYMENT = _Rule(
    False,
    False,
    Party.INFOBIP,
    "Infobip shares the credit line, which is missing or used up: ask your account manager there.",
)
_OTHER = _Rule(False, False, Party.OPERATOR, "Correct what Meta names, and try again.")

RULES: dict[int, _Rule] = {
    **dict.fromkeys((4, 17, 341, 613, 80004, 80007, 80008, 130429), _THROTTLED),
    **dict.fromkeys((1, 2, 131000, 131016, 131057, 133004), _DOWN),
    **dict.fromkeys((0, 190), _TOKEN),
    **dict.fromkeys((3, 10, 131005, *range(200, 300)), _PERMISSION),
    **dict.fromkeys((33, 100, 803), _UNKNOWN_OBJECT),
    **dict.fromkeys((368, 131031), _LOCKED),
    131042: _PAYMENT,
}


def _rule(status: int, body: Body) -> _Rule:
    if body.code in RULES:
        return RULES[body.code]
    if status == 429:
        return _THROTTLED
    return _DOWN if status >= 500 or body.transient else _OTHER


def read_error_body(raw: str) -> Body:
    """Read the body of an error: `{"error": {"message", "code", …}}`. Never raises."""
    try:
        found: object = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    fields = as_object(as_object(found).get("error"))
    trace = fields.get("fbtrace_id")
    return Body(
        code=_number(fields.get("code")),
        subcode=_number(fields.get("error_subcode")),
        text=_text(fields),
        trace=scrub(trace) if isinstance(trace, str) else None,
        transient=fields.get("is_transient") is True,
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(fields: dict[str, Any]) -> str:
    details = as_object(fields.get("error_data")).get("details")
    said = (fields.get("error_user_msg"), details, fields.get("message"))
    return next((scrub(text) for text in said if isinstance(text, str) and text), "")


def refused(operation: str, response: httpx.Response, *, raw: str, changes: bool) -> MetaError:
    """Read an answer that is not a success. `raw` is its body, free of secrets. Never raises."""
    body, status = read_error_body(raw), response.status_code
    rule = _rule(status, body)
    named = "/".join(str(code) for code in (body.code, body.subcode) if code is not None)
    of_trace = f" (trace {body.trace})" if body.trace else ""
    text = body.text or "in a form that Meta does not document"
    return MetaError(
        operation,
        sentence(f"Meta answered {' '.join(filter(None, (str(status), named)))}{of_trace}: {text}"),
        remedy=rule.remedy,
        awaiting=rule.awaiting,
        retryable=rule.retryable,
        ambiguous=rule.unclear and changes,
        status=status,
        code=body.code,
        subcode=body.subcode,
        text=text,
        trace=body.trace,
    )


def no_answer(operation: str, error: httpx.RequestError, *, changes: bool) -> MetaError:
    """Say that a request got no answer, and whether it may have arrived."""
    sent = may_have_arrived(error)
    what = "did not answer" if sent else "could not be reached"
    return MetaError(
        operation,
        f"Meta {what} ({type(error).__name__}).",
        remedy=_UNANSWERED if sent else _UNREACHED,
        awaiting=Party.META if sent else Party.OPERATOR,
        retryable=True,
        ambiguous=sent and changes,
        text=type(error).__name__,
    )


_UNANSWERED = (
    "Nothing to do yet: it is tried again. If it lasts, see that "
    "WABOARD_META_GRAPH_URL is right and that this machine reaches it."
)
_UNREACHED = (
    "See that WABOARD_META_GRAPH_URL is right and that this machine reaches it. "
    "It is tried again meanwhile."
)


def unusable(operation: str, response: httpx.Response, *, missing: str, changes: bool) -> MetaError:
    """Say that a success came without what we needed. `missing` names it, without quoting."""
    return MetaError(
        operation,
        f"Meta gave {response.status_code} with an answer that we cannot use, {scrub(missing)}.",
        remedy="See that WABOARD_META_GRAPH_URL is Meta's; if it is, its API has changed, and "
        "waboard needs an update.",
        awaiting=Party.OPERATOR,
        retryable=False,
        ambiguous=changes,
        status=response.status_code,
    )
