"""Signup links: one live link a client, known only by the hash of its token."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.errors import NotFound, OutOfPlace
from waboard.domain.ids import WabaId
from waboard.domain.requests import SignupRequest
from waboard.ledger.locks import hold_client
from waboard.ledger.models import SignupRow


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link that was just made. The token is shown now and never again.

    `withdrew` is the live link that the client had, and has no more.
    """

    id: str
    token: str
    expires_at: datetime
    withdrew: str | None = None


def hash_of(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


async def make_link(
    session: AsyncSession,
    request: SignupRequest,
    lasts: timedelta,
    now: datetime,
    only: WabaId | None = None,
) -> NewLink:
    """Make a link; a live one that the client had is revoked.

    With `only` it connects that WABA again, and no other. Raises OutOfPlace while the client is
    finishing with the one that it has: what it did at Meta would be lost.
    """
    await hold_client(session, request.client_ref, request.client_name, now)
    withdrew = None
    for live in await _live_links(session, request.client_ref):
        _refuse_while_finishing(live)
        live.revoked_at, withdrew = now, live.id
    await session.flush()
    token = secrets.token_urlsafe(32)
    row = SignupRow(
        id=str(uuid4()),
        token_hash=hash_of(token),
        client_ref=request.client_ref,
        waba_id=only,
        facts=request.model_dump(mode="json"),
        created_at=now,
        expires_at=now + lasts,
    )
    session.add(row)
    await session.flush()
    return NewLink(row.id, token, row.expires_at, withdrew)


def _refuse_while_finishing(row: SignupRow) -> None:
    if row.signalled_at is not None and row.problem is None:
        raise OutOfPlace(
            f"{row.client_ref} is just finishing its signup, with the link that it has.",
            remedy=f"See in a moment what comes of it: `waboard signup-link {row.client_ref} "
            "--list`; or withdraw that link first, with `--revoke`.",
        )


async def _live_links(session: AsyncSession, client_ref: str) -> list[SignupRow]:
    query = select(SignupRow).where(
        SignupRow.client_ref == client_ref,
        SignupRow.revoked_at.is_(None),
        SignupRow.onboarding_id.is_(None),
    )
    return list(await session.scalars(query.with_for_update()))


async def find_link(session: AsyncSession, token: str) -> SignupRow:
    """Return the link of a token, to be read only. Raises NotFound."""
    return _found(await session.scalar(_of(token)))


async def read_link(session: AsyncSession, signup_id: str) -> SignupRow:
    """Return one link by its id, to be read only. Raises NotFound."""
    return _listed(await session.get(SignupRow, signup_id))


async def hold_link_of(session: AsyncSession, token: str) -> SignupRow:
    """Hold the link of a token, and return it as it is then. Raises NotFound."""
    held = _of(token).with_for_update().execution_options(populate_existing=True)
    return _found(await session.scalar(held))


async def hold_link(session: AsyncSession, signup_id: str) -> SignupRow:
    """Hold a link, and return it as it is then. Raises NotFound."""
    return _listed(await session.get(SignupRow, signup_id, with_for_update=True))


def _of(token: str) -> Select[tuple[SignupRow]]:
    return select(SignupRow).where(SignupRow.token_hash == hash_of(token))


def _found(row: SignupRow | None) -> SignupRow:
    if row is None:
        raise NotFound("There is no such signup link.", remedy="Ask your provider for a new one.")
    return row


def _listed(row: SignupRow | None) -> SignupRow:
    if row is None:
        raise NotFound("There is no such signup link.", remedy="See `GET /v1/signup-links`.")
    return row


async def list_links(
    session: AsyncSession, *, client_ref: str | None = None, limit: int = 50
) -> list[SignupRow]:
    """Return the newest links first."""
    query = select(SignupRow).order_by(SignupRow.created_at.desc(), SignupRow.id).limit(limit)
    if client_ref is not None:
        query = query.where(SignupRow.client_ref == client_ref)
    return list(await session.scalars(query))


async def unsettled(session: AsyncSession, signalled_before: datetime) -> list[str]:
    """Return links whose client gave a sign before that, and whose onboarding has not begun."""
    query = select(SignupRow.id).where(
        SignupRow.onboarding_id.is_(None),
        SignupRow.revoked_at.is_(None),
        SignupRow.problem.is_(None),
        SignupRow.signalled_at <= signalled_before,
    )
    return list(await session.scalars(query))


async def opened_by(session: AsyncSession, at: datetime) -> list[SignupRow]:
    """Return the links that a client had open at a time, and that have led to nothing yet."""
    query = select(SignupRow).where(
        SignupRow.opened_at <= at,
        SignupRow.expires_at > at,
        SignupRow.onboarding_id.is_(None),
        SignupRow.revoked_at.is_(None),
    )
    return list(await session.scalars(query.order_by(SignupRow.opened_at)))


def has_expired_unused(row: SignupRow, now: datetime) -> bool:
    """Whether a link has expired with nothing to show for it, and is not noted as such."""
    shows = (row.ending, row.signalled_at, row.revoked_at, row.onboarding_id)
    return row.expires_at <= now and all(each is None for each in shows)


async def expired_links(session: AsyncSession, now: datetime) -> list[SignupRow]:
    """Return the links that `has_expired_unused` is true of."""
    query = select(SignupRow).where(
        SignupRow.expires_at <= now,
        SignupRow.ending.is_(None),
        SignupRow.signalled_at.is_(None),
        SignupRow.revoked_at.is_(None),
        SignupRow.onboarding_id.is_(None),
    )
    return list(await session.scalars(query))
