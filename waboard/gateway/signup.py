"""The client's own way in: signup links for the provider, the signup page for the client."""

import json
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from waboard.domain.clock import Clock
from waboard.domain.errors import NotFound
from waboard.domain.requests import SignupRequest
from waboard.domain.signup import CodeState, LinkState
from waboard.gateway.dependencies import TheClock, TheDoor, TheLedger, TheSettings, authorized
from waboard.gateway.door import FrontDoor, why_closed
from waboard.gateway.page import content_policy, extras_for, language_of, page_texts
from waboard.gateway.progress import Progress, progress_of, stopped
from waboard.ledger.database import Ledger
from waboard.ledger.locks import hold_client
from waboard.ledger.models import SignupRow
from waboard.ledger.onboardings import read_onboarding
from waboard.ledger.races import one_transaction
from waboard.ledger.signups import NewLink, hold_link, list_links, make_link, read_link
from waboard.settings import Settings

links = APIRouter(prefix="/v1/signup-links", tags=["signup"], dependencies=[Depends(authorized)])
pages = APIRouter(prefix="/signup", tags=["signup"])
PAGES = Path(__file__).parent / "pages"


class LinkView(BaseModel):
    """A signup link. `url` is shown once, when it is made: only a hash of its token is kept.

    `withdrew` names, in the same answer, the live link that the client had, which is withdrawn.
    """

    id: str
    client_ref: str
    waba_id: str | None = None
    state: LinkState
    created_at: datetime
    expires_at: datetime
    opened_at: datetime | None
    ending: str | None
    detail: str
    onboarding_id: str | None
    problem: str | None
    url: str | None = None
    withdrew: str | None = None


class SignupResult(BaseModel):
    """What the page has heard: a code of `FB.login`, a window message of Meta's, or both.

    `opened` says that the page runs in the client's browser.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    opened: bool = False
    code: SecretStr | None = Field(default=None, max_length=4096)
    message: dict[str, Any] | None = None


@links.post("", status_code=201)
async def make(
    request: SignupRequest, ledger: TheLedger, settings: TheSettings, clock: TheClock
) -> LinkView:
    """Make a link for a client, once; one that it had and did not use is withdrawn.

    409 while the client is finishing with the one that it has.
    """
    refuse_without_meta(settings)
    new = await _write_down(ledger, request, settings.signup_link_lasts, clock)
    return await new_link_view(new, ledger, settings, clock)


@one_transaction
async def _write_down(
    ledger: Ledger, request: SignupRequest, lasts: timedelta, clock: Clock
) -> NewLink:
    async with ledger.begin() as session:
        await hold_client(session, request.client_ref, request.client_name, clock())
        return await make_link(session, request, lasts, clock())


async def new_link_view(
    new: NewLink, ledger: TheLedger, settings: TheSettings, clock: TheClock
) -> LinkView:
    """Show a link that was just made, with its address, which nobody is shown again."""
    async with ledger.read() as session:
        view = _link(await read_link(session, new.id), clock())
    url = f"{settings.signup_url}/signup/{new.token}"
    return view.model_copy(update={"url": url, "withdrew": new.withdrew})


@links.get("")
async def search(
    ledger: TheLedger,
    clock: TheClock,
    client_ref: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> list[LinkView]:
    """List links, the newest first."""
    async with ledger.read() as session:
        found = await list_links(session, client_ref=client_ref, limit=limit)
    return [_link(row, clock()) for row in found]


@links.delete("/{signup_id}")
async def revoke(signup_id: str, ledger: TheLedger, clock: TheClock) -> LinkView:
    """Withdraw a link. One that was used stays as it is."""
    return _link(await _note_revoked(ledger, signup_id, clock), clock())


@one_transaction
async def _note_revoked(ledger: Ledger, signup_id: str, clock: Clock) -> SignupRow:
    async with ledger.begin() as session:
        row = await hold_link(session, signup_id)
        if row.onboarding_id is None:
            row.revoked_at = row.revoked_at or clock()
        return row


def _link(row: SignupRow, now: datetime) -> LinkView:
    return LinkView(
        id=row.id,
        client_ref=row.client_ref,
        waba_id=row.waba_id,
        state=_state_of(row, now),
        created_at=row.created_at,
        expires_at=row.expires_at,
        opened_at=row.opened_at,
        ending=row.ending,
        detail=row.ending_detail,
        onboarding_id=row.onboarding_id,
        problem=row.problem,
    )


def _state_of(row: SignupRow, now: datetime) -> LinkState:
    if row.onboarding_id is not None:
        return LinkState.USED
    if row.revoked_at is not None:
        return LinkState.REVOKED
    if row.problem is not None:
        return LinkState.STOPPED
    if row.signalled_at is not None:
        return LinkState.FINISHING
    if now >= row.expires_at:
        return LinkState.EXPIRED
    return LinkState.OPEN if row.opened_at is not None else LinkState.UNOPENED


def refuse_without_meta(settings: Settings) -> None:
    """Raise NotFound where clients cannot sign themselves up."""
    if not settings.has_meta:
        raise NotFound(
            "Clients cannot sign themselves up here: Meta's side is not set up.",
            remedy="Set the WABOARD_META_… settings; docs/signup.md says which.",
        )


@pages.get("/{token}", response_class=HTMLResponse)
async def page(
    token: str, request: Request, door: TheDoor, settings: TheSettings, ledger: TheLedger
) -> Response:
    """Show the client its signup page, or how its onboarding stands."""
    try:
        row = await door.progress_of(token)
    except NotFound:
        return _render(request, settings, None, stopped("unknown"), 404)
    if closed := why_closed(row, door.clock()):
        return _render(request, settings, row, stopped(closed.why), 410)
    return _render(request, settings, row, await _progress(door, ledger, row), 200)


@pages.get("/{token}/progress")
async def progress(token: str, door: TheDoor, ledger: TheLedger) -> Progress:
    """Say how far the client is, for a page that was loaded before."""
    return await _progress(door, ledger, await door.progress_of(token))


@pages.post("/{token}/result")
async def result(token: str, heard: SignupResult, door: TheDoor, ledger: TheLedger) -> Progress:
    """Take what the page has heard, each as soon as it hears it. Again is no harm."""
    row = await (door.open(token) if heard.opened else door.progress_of(token))
    if heard.message is not None:
        row = await door.take_message(token, heard.message)
    if heard.code is not None and (
        row.onboarding_id is None or row.code_state != CodeState.EXCHANGED
    ):
        row = await door.take_code(token, heard.code)
    return await _progress(door, ledger, row)


async def _progress(door: FrontDoor, ledger: TheLedger, row: SignupRow) -> Progress:
    if row.onboarding_id is None:
        return progress_of(row, None, door.clock())
    async with ledger.read() as session:
        return progress_of(row, await read_onboarding(session, row.onboarding_id), door.clock())


@cache
def _templates() -> Jinja2Templates:
    return Jinja2Templates(directory=PAGES)


def _render(
    request: Request, settings: Settings, row: SignupRow | None, now: Progress, status: int
) -> Response:
    language = language_of(row, request.headers.get("accept-language", ""))
    texts = page_texts(language)
    options = {
        "texts": texts,
        "progress": now.model_dump(mode="json"),
        "language": language,
        "sdk": str(settings.meta_sdk_url),
        "origin": str(settings.meta_signup_origin).rstrip("/"),
        "app_id": settings.meta_app_id,
        "version": settings.meta_graph_version,
        "config_id": settings.meta_config_id,
        "extras": extras_for(settings, row),
    }
    headers = {
        "Content-Security-Policy": content_policy(settings),
        "Referrer-Policy": "no-referrer",  # the address holds the token
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        # The popup must be able to speak to its opener, and nobody else must.
        "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    }
    context = {"language": language, "texts": texts, "options": _embedded(options)}
    return _templates().TemplateResponse(
        request, "signup.html", context, status_code=status, headers=headers
    )


def _embedded(options: dict[str, Any]) -> str:
    # Inside a <script> only these could end it early or open a comment.
    text = json.dumps(options, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
