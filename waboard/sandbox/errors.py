"""Infobip's error bodies: an older and a newer family, chosen by the endpoint.

Sources: Infobip OpenAPI 3.210.0, `ApiException` (whatsapp, application-entity, numbers,
subscriptions-api), `ApiError` and `ValidationBadResponse` (messages-api, a few of whatsapp). The
`messageId`s of 409 and 405 are inferred.
"""

import re
from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

VALIDATE = "/messages-api/1/messages/validate"

_NEWER_PATHS = re.compile(
    r"/messages-api/|/whatsapp/1/templates$|/whatsapp/1/senders/[^/]+/business-info"
)

_LEGACY = {
    400: ("BAD_REQUEST", "Bad request"),
    401: ("UNAUTHORIZED", "Unauthorized"),
    403: ("FORBIDDEN", "Forbidden"),
    404: ("NOT_FOUND", "Not found"),
    405: ("METHOD_NOT_ALLOWED", "Method not allowed"),
    409: ("CONFLICT", "Conflict"),
    429: ("TOO_MANY_REQUESTS", "Too many requests"),
}

_DOCS = "https://www.infobip.com/docs/essentials"
_NEWER: dict[int, tuple[str, str, list[dict[str, str]]]] = {
    400: (
        "Request cannot be processed.",
        "Check the syntax, violations and adjust the request.",
        [],
    ),
    401: (
        "The request lacks valid authentication credentials for the requested resource.",
        "Check the resources and adjust authentication credentials.",
        [{"name": "API Authentication", "url": f"{_DOCS}/api-authentication"}],
    ),
    403: (
        "Insufficient permissions to access the requested resource.",
        "Repeat the request with new or different credentials.",
        [
            {
                "name": "API Scopes",
                "url": f"{_DOCS}/api-essentials/api-authorization#api-scopes",
            }
        ],
    ),
    404: (
        "Not found - request URL doesn't exist on the API server or resource is not found.",
        "Check the resources and adjust your request.",
        [],
    ),
    429: (
        "Too many requests sent.",
        "Check request rate limit specified in the API endpoint documentation resource.",
        [
            {
                "name": "Throttling handling errors",
                "url": f"{_DOCS}/integration-best-practices#throttling-handling-errors",
            }
        ],
    ),
}
_NEWER_OTHER = ("The request was not understood.", "Check method and path.")

Violation = tuple[str, str]
"""The name of a property, and what is wrong with it."""


class Refusal(Exception):
    """Raised anywhere behind a route: answer with this status, in the endpoint's own family."""

    def __init__(self, status: int, *violations: Violation, text: str | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.violations = violations
        self.text = text


def answer(path: str, refusal: Refusal, headers: dict[str, str] | None = None) -> JSONResponse:
    """The refusal as the endpoint at `path` words it."""
    body = _newer(path, refusal) if _NEWER_PATHS.match(path) else _legacy(refusal)
    return JSONResponse(body, refusal.status, headers)


def _legacy(refusal: Refusal) -> dict[str, Any]:
    code, text = _LEGACY.get(refusal.status, ("GENERAL_ERROR", "Something went wrong"))
    details: dict[str, Any] = {"messageId": code, "text": refusal.text or text}
    for name, violation in refusal.violations:
        details.setdefault("validationErrors", {}).setdefault(name, []).append(violation)
    return {"requestError": {"serviceException": details}}


def _newer(path: str, refusal: Refusal) -> dict[str, Any]:
    description, action, resources = _NEWER.get(refusal.status, (*_NEWER_OTHER, []))
    violations = [{"property": name, "violation": text} for name, text in refusal.violations]
    body: dict[str, Any] = {
        "errorCode": f"E{refusal.status}",
        "description": refusal.text or description,
        "action": action,
        "violations": violations,
        "resources": resources,
    }
    if path == VALIDATE and refusal.status == 400:  # the one body without a code
        del body["errorCode"], body["resources"]
    return body


async def on_refusal(request: Request, error: Exception) -> JSONResponse:
    """Exception handler for `Refusal`."""
    assert isinstance(error, Refusal)  # noqa: S101 - it is registered for nothing else
    return answer(request.url.path, error)


async def on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    """Exception handler for what FastAPI could not read: 400, as at Infobip, and never 422."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = [_violation(each) for each in error.errors()]
    return answer(request.url.path, Refusal(400, *found))


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    """Exception handler for unknown paths and methods."""
    assert isinstance(error, HTTPException)  # noqa: S101
    return answer(request.url.path, Refusal(error.status_code))


def _violation(found: dict[str, Any]) -> Violation:
    name = "body" if found["type"] == "json_invalid" else _property(found["loc"])
    return name, str(found["msg"]).removeprefix("Value error, ")


def _property(location: Sequence[int | str]) -> str:
    """`("body", "messages", 0, "sender")` as Infobip writes it: `messages[0].sender`."""
    joined = "".join(f"[{x}]" if isinstance(x, int) else f".{x}" for x in location[1:])
    return re.sub(r"^\.", "", joined) or "body"
