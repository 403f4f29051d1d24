"""What the signup page is made of: its language, its texts, its policy, Meta's `extras`."""

import json
from functools import cache
from pathlib import Path
from typing import Any, cast, get_args
from urllib.parse import urlsplit

from waboard.domain.json_values import as_object
from waboard.domain.requests import Language, SignupRequest
from waboard.ledger.models import SignupRow
from waboard.settings import Settings

LANGUAGES: tuple[Language, ...] = get_args(Language)
TEXTS = Path(__file__).parent / "pages" / "texts.json"


def language_of(row: SignupRow | None, accepted: str) -> Language:
    """Return the link's language, or the first that the browser accepts and we speak."""
    if row is not None and (named := row.facts.get("language")):
        return named
    for wanted in _in_order(accepted):
        for language in LANGUAGES:
            if wanted.split("-")[0].lower() == language:
                return language
    return "en"


def _in_order(accepted: str) -> list[str]:
    # `es-MX,es;q=0.9`: the order is by q, 1 where there is none.
    weighted: list[tuple[float, str]] = []
    for part in accepted.split(","):
        name, _, quality = "".join(part.split()).partition(";q=")
        try:
            weighted.append((float(quality or 1), name))
        except ValueError:
            continue
    wanted = [each for each in weighted if each[0] > 0]
    return [name for _, name in sorted(wanted, key=lambda each: -each[0])]


@cache
def page_texts(language: Language) -> dict[str, str]:
    """Return the page's texts in a language."""
    texts = json.loads(TEXTS.read_text("utf-8"))
    return {name: said[language] for name, said in texts.items()}


def extras_for(settings: Settings, row: SignupRow | None) -> dict[str, Any]:
    """Return what `FB.login` is given as `extras`.

    Meta's pages disagree over what v4 needs, so each member can be set, and taken out with a null.
    Source: ES/implementation, SP/multi-partner-solutions.
    """
    request = SignupRequest.model_validate(row.facts) if row else None
    setup = dict(request.prefill) if request else {}
    solution = (request.solution_id if request else None) or settings.meta_solution_id
    if solution:
        setup["solutionID"] = solution
    extras = {"setup": setup, "featureType": "", "sessionInfoVersion": "3"}
    return _merged(extras, settings.meta_extras)


def _merged(base: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    # As RFC 7396 merges JSON: objects member by member, a null takes its member out.
    merged = dict(base)
    for name, value in given.items():
        if isinstance(value, dict):
            merged[name] = _merged(as_object(merged.get(name)), as_object(cast("object", value)))
        elif value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    return merged


def content_policy(settings: Settings) -> str:
    """Return the page's Content-Security-Policy: our own files and Meta's SDK, nothing inline."""
    sdk = urlsplit(str(settings.meta_sdk_url))
    sdk_origin = f"{sdk.scheme}://{sdk.netloc}"
    meta = f"{sdk_origin} https://*.facebook.com https://*.facebook.net"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {sdk_origin}",
            "style-src 'self'",
            f"img-src 'self' data: {meta}",
            f"connect-src 'self' {meta}",
            f"frame-src {meta}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
