"""Reads what Infobip says in the body of an error, in whichever of its two shapes.

legacy   `{"requestError": {"serviceException": {"messageId", "text", "validationErrors"}}}`
newer    `{"errorCode", "description", "action", "violations": [{"property", "violation"}]}`

Nothing in here raises: a gateway answers with HTML, and shapes change. A body of no known shape
is an `ErrorBody` that says nothing; it is never quoted, as it may hold what must not be shown.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from waboard.domain.json_values import as_object
from waboard.domain.masking import scrub


@dataclass(frozen=True)
class ErrorBody:
    """What could be read, made fit to be shown. `violations` name what was wrong with a request."""

    code: str | None = None
    text: str = ""
    action: str = ""
    violations: tuple[str, ...] = ()
    request_id: str | None = None


def read_error_body(raw: str) -> ErrorBody:
    """Read the body of an error. Never raises."""
    body = as_object(read_json(raw))
    legacy = as_object(body.get("requestError"))
    if legacy:
        inner = as_object(legacy.get("serviceException") or legacy.get("policyException"))
        code, text, wrong = "messageId", "text", inner.get("validationErrors")
    else:
        inner, code, text, wrong = body, "errorCode", "description", body.get("violations")
    return ErrorBody(
        code=_text(inner.get(code)) or None,
        text=_text(inner.get(text)),
        action=_text(inner.get("action")),
        violations=tuple(_violations(wrong)),
        request_id=_text(body.get("requestId")) or None,
    )


def read_json(raw: str) -> object:
    """Read JSON, or give None for what is none."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _items(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _text(value: object) -> str:
    return scrub(str(value)) if isinstance(value, str | int) else ""


def _violations(value: object) -> Iterator[str]:
    """Read `{field: [text]}` (legacy) or `[{property, violation}]` (newer), or a list of texts."""
    if isinstance(value, dict):
        for name, texts in as_object(cast("object", value)).items():
            yield _named(name, ", ".join(filter(None, map(_text, _items(texts)))))
        return
    for item in _items(value):
        fields = as_object(item)
        name, text = fields.get("property"), fields.get("violation", item)
        if shown := _named(_text(name), _text(text)):
            yield shown


def _named(name: str, text: str) -> str:
    return ": ".join(part for part in (scrub(name), text) if part)
