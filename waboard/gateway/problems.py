"""Errors as RFC 9457 problem details: what is wrong with which field, and what to do about it."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from waboard.domain.errors import (
    BadInput,
    FactsDiffer,
    LinkClosed,
    NotFound,
    OutOfPlace,
    WaboardError,
)
from waboard.domain.sentences import sentences
from waboard.ledger.failures import ERRORS, is_away, is_crowded

MEDIA_TYPE = "application/problem+json"
_STATUS: dict[type[WaboardError], int] = {
    NotFound: 404,
    FactsDiffer: 409,
    OutOfPlace: 409,
    LinkClosed: 410,
    BadInput: 422,
}


class Unauthorized(WaboardError):
    """Whoever calls did not show who they are. `challenge` is HTTP's word for how they may."""

    def __init__(self, message: str, *, remedy: str, challenge: str | None) -> None:
        super().__init__(message, remedy=remedy)
        self.challenge = challenge


def problem(status: int, detail: str, remedy: str, **more: Any) -> JSONResponse:
    """Return a problem. `more` are members of our own, such as `errors`."""
    body = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body | {"remedy": remedy} | more, status_code=status, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make the app answer every error as a problem."""
    app.add_exception_handler(WaboardError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)
    for kind in ERRORS:
        app.add_exception_handler(kind, _of_the_ledger)
    app.add_exception_handler(Exception, _unforeseen)


def _known(_request: Request, error: Exception) -> JSONResponse:
    known = error if isinstance(error, WaboardError) else WaboardError(str(error), remedy="")
    if isinstance(known, Unauthorized):
        answer = problem(401, known.message, known.remedy)
        if known.challenge:
            answer.headers["WWW-Authenticate"] = known.challenge
        return answer
    return problem(_STATUS.get(type(known), 502), known.message, known.remedy)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    found = _found(error)
    # The values that were sent are left out: they may be phone numbers.
    errors = [{"field": _field(part["loc"]), "message": _said(part)} for part in found]
    named = "; ".join(f"{e['field']}: {e['message']}" for e in errors)
    remedy = "Correct the fields named; /docs describes each of them."
    detail = sentences("The request cannot be used.", named)
    return problem(422, detail, remedy, errors=errors)


def _said(part: dict[str, Any]) -> str:
    return str(part["msg"]).removeprefix("Value error, ")


def _found(error: Exception) -> list[dict[str, Any]]:
    return list(error.errors()) if isinstance(error, RequestValidationError) else []


def _field(location: tuple[Any, ...]) -> str:
    where, *path = location
    # Where the body is no JSON at all, the path is a position in it.
    named = [str(part) for part in path if isinstance(part, str)]
    return ".".join(named) or str(where)


def _plain(_request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else "Error."
    return problem(status, detail, "See /docs for what this gateway offers.")


def _of_the_ledger(_request: Request, error: Exception) -> JSONResponse:
    # Whoever sent a webhook repeats it on a 503, so nothing is lost.
    if is_away(error):
        return problem(
            503,
            "The ledger cannot be reached, so nothing was taken.",
            "Send it again later; the operator checks WABOARD_DATABASE_URL.",
        )
    if is_crowded(error):
        answer = problem(
            503, "Too many at once are at the ledger, so nothing was taken.", "Send it again."
        )
        answer.headers["Retry-After"] = "1"
        return answer
    raise error  # unforeseen, like any other: so it is logged


def _unforeseen(_request: Request, _error: Exception) -> JSONResponse:
    # The error goes to the log; its text may hold what nobody outside should see.
    return problem(500, "Something went wrong in here.", "The operator finds it in the log.")
