"""Reading onboardings: a snapshot, computed from what the ledger holds."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.decisions import Decision, DecisionVerb
from waboard.domain.errors import NotFound
from waboard.domain.evidence import Evidence
from waboard.domain.health import WabaHealth
from waboard.domain.ids import PhoneNumber, SolutionId, WabaId
from waboard.domain.meta_events.limits import limit_from
from waboard.domain.meta_events.notices import notices_from
from waboard.domain.meta_events.saying import about_number
from waboard.domain.onboarding import Onboarding, Sender, VerifyBy
from waboard.domain.waits import WaitKind
from waboard.ledger.admissions import leave_queue
from waboard.ledger.claims import evidence_of
from waboard.ledger.conditions import conditions_of
from waboard.ledger.decisions import last_decision
from waboard.ledger.effects import find_effect
from waboard.ledger.locks import hold
from waboard.ledger.models import (
    AdditionRow,
    ClientRow,
    DepartureRow,
    OnboardingRow,
    Verb,
    WaitRow,
)
from waboard.ledger.queries.counted import counted
from waboard.ledger.queries.situations import situation_of
from waboard.ledger.senders import senders_of
from waboard.ledger.showing import show_soon
from waboard.ledger.waits import hurry, last_slept, open_wait_of, waited_for


async def read_onboarding(
    session: AsyncSession, onboarding_id: str, evidence: Evidence | None = None
) -> Onboarding:
    """Return an onboarding as it stands, by the evidence if it is at hand. Raises NotFound."""
    row = await session.get(OnboardingRow, onboarding_id)
    if row is None:
        raise NotFound(f"There is no onboarding {onboarding_id}.", remedy="See `waboard status`.")
    client = await session.get_one(ClientRow, row.client_id)
    conditions = await conditions_of(session, onboarding_id)
    evidence = evidence or await evidence_of(session, onboarding_id)
    return Onboarding(
        **_facts(row, client),
        conditions=conditions.get("", {}),
        registration=evidence.registration(),
        senders=_limited(await senders_of(session, onboarding_id, conditions), evidence),
        limit=limit_from(word for word in evidence.account if not word.event.value.number),
        notices=notices_from(evidence.account),
        cancelled=await _cancelled(session, row),
        leaving=await _leaving(session, row),
        wait=await open_wait_of(session, onboarding_id),
        waited_for=await waited_for(session, onboarding_id),
        slept_since_share=await _slept_since_share(session, onboarding_id),
        has_page=(await situation_of(session, row)).has_page,
    )


def _limited(senders: Iterable[Sender], evidence: Evidence) -> tuple[Sender, ...]:
    return tuple(
        replace(each, limit=limit_from(about_number(evidence.account, each.phone_number)))
        for each in senders
    )


async def _cancelled(session: AsyncSession, row: OnboardingRow) -> Decision | None:
    if row.cancelled_at is None:
        return None
    return await last_decision(session, row.id, DecisionVerb.CANCEL)


async def _leaving(session: AsyncSession, row: OnboardingRow) -> Decision | None:
    if row.leaving_at is None:
        return None
    return await last_decision(session, row.id, DecisionVerb.APPROVE)


async def _slept_since_share(session: AsyncSession, onboarding_id: str) -> bool:
    slept = await last_slept(session, onboarding_id, WaitKind.REGISTRATION)
    if slept is None:
        return False
    share = await find_effect(session, onboarding_id, Verb.SHARE)
    return share is not None and slept >= share.started_at


def _facts(row: OnboardingRow, client: ClientRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "client_ref": client.client_ref,
        "client_name": client.name,
        "waba_id": WabaId(row.waba_id),
        "attempt": row.attempt,
        "application_id": row.application_id,
        "entity_id": row.entity_id,
        "solution_id": SolutionId(row.solution_id) if row.solution_id else None,
        "phone_numbers": tuple(map(PhoneNumber, row.phone_numbers)),
        "flow_run_id": row.flow_run_id,
        "verify_by": VerifyBy(row.verify_by),
        "created_at": row.created_at,
        "ended_at": row.ended_at,
        "ended_as": row.ended_as,
        "health": WabaHealth(**row.health) if row.health else None,
        "health_at": row.health_at,
        "left_at": row.left_at,
        "was_retried": row.reopened_at is not None,
    }


async def find_onboardings(
    session: AsyncSession, *, client_ref: str | None = None, limit: int | None = None
) -> list[str]:
    """Return the ids of the onboardings that count, the newest first.

    Of one client also those before: it left, and came back.
    """
    query = (
        select(OnboardingRow.id)
        .join(ClientRow, ClientRow.id == OnboardingRow.client_id)
        .order_by(OnboardingRow.created_at.desc(), OnboardingRow.id)
        .limit(limit)
    )
    which = counted() if client_ref is None else ClientRow.client_ref == client_ref
    return list(await session.scalars(query.where(which)))


async def newest_of(session: AsyncSession, client_ref: str) -> str:
    """Return the id of a client's newest onboarding. Raises NotFound."""
    found = await find_onboardings(session, client_ref=client_ref, limit=1)
    if not found:
        raise NotFound(
            f"Nobody has asked to onboard {client_ref!r}.",
            remedy="`waboard status` lists the clients.",
        )
    return found[0]


async def without_run(session: AsyncSession) -> list[str]:
    """Return onboardings that nobody has started a run for: the starter died in between."""
    query = select(OnboardingRow.id).where(
        OnboardingRow.flow_run_id.is_(None),
        OnboardingRow.ended_at.is_(None),
        OnboardingRow.cancelled_at.is_(None),
    )
    return list(await session.scalars(query))


async def runs_not_asleep(
    session: AsyncSession, run_ids: Collection[str], since: datetime
) -> set[str]:
    """Return those runs whose onboardings do not sleep, and have not ended before `since`.

    None that was cancelled is among them. And those that are not done with adding a sender, or
    with a client that leaves.
    """
    asleep = select(WaitRow.onboarding_id).where(WaitRow.closed_at.is_(None))
    query = select(OnboardingRow.flow_run_id).where(
        OnboardingRow.flow_run_id.in_(run_ids),
        OnboardingRow.id.not_in(asleep),
        OnboardingRow.cancelled_at.is_(None),
        or_(OnboardingRow.ended_at.is_(None), OnboardingRow.ended_at > since),
    )
    adding = select(AdditionRow.id).where(
        AdditionRow.id.in_(run_ids), AdditionRow.ended_at.is_(None)
    )
    leaving = select(DepartureRow.id).where(
        DepartureRow.id.in_(run_ids), DepartureRow.ended_at.is_(None)
    )
    queries = (query, adding, leaving)
    found = [run_id for each in queries for run_id in await session.scalars(each)]
    return {run_id for run_id in found if run_id}


async def record_run(
    session: AsyncSession, onboarding_id: str, flow_run_id: str, attempt: int = 1
) -> None:
    """Write down which Prefect flow run carries an attempt, unless another attempt goes on."""
    row = await hold(session, onboarding_id)
    if row is not None and row.attempt == attempt:
        row.flow_run_id = flow_run_id


async def record_card(
    session: AsyncSession, onboarding_id: str, card_id: str, attempt: int = 1
) -> None:
    """Write down which artifact is the card of an attempt, unless another attempt goes on."""
    row = await hold(session, onboarding_id)
    if row is not None and row.attempt == attempt:
        row.card_id = card_id


async def forget_run(session: AsyncSession, onboarding_id: str) -> None:
    """Write down that no run carries an onboarding any more: Prefect knows it not."""
    row = await hold(session, onboarding_id)
    if row is not None:
        row.flow_run_id = row.leg = row.card_id = None


async def with_news(session: AsyncSession) -> list[str]:
    """Return onboardings that have ended and are to go on: something came after their end."""
    query = select(OnboardingRow.id).where(
        OnboardingRow.news_at.is_not(None), OnboardingRow.ended_at.is_not(None)
    )
    return list(await session.scalars(query))


async def go_on_soon(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
    """Let an attempt that has ended go on within seconds, as with what came after its end.

    One that was cancelled does not, nor one whose client leaves.
    """
    row = await session.get_one(OnboardingRow, onboarding_id)
    if row.ended_at is not None and row.cancelled_at is None and row.leaving_at is None:
        row.news_at = row.news_at or now


async def take_up_news(session: AsyncSession, onboarding_id: str) -> None:
    """Let an attempt that had ended go on with what came since, if something did."""
    row = await session.get(OnboardingRow, onboarding_id)
    if row is not None and row.news_at is not None:
        row.ended_at, row.news_at = None, None


async def end_onboarding(
    session: AsyncSession, onboarding_id: str, now: datetime, told: str | None = None
) -> None:
    """Write down that this attempt is over, and as what that was told.

    What it comes to is never read from here: it follows from its senders.
    """
    row = await session.get_one(OnboardingRow, onboarding_id)
    row.ended_at, row.ended_as = row.ended_at or now, told
    await show_soon(session, onboarding_id, now)
    if await leave_queue(session, row.client_id):
        await hurry(session, WaitKind.SLOT, now)  # who stood behind it may be next


async def client_of(session: AsyncSession, onboarding_id: str) -> int:
    """Return the id of the client whose onboarding this is."""
    return (await session.get_one(OnboardingRow, onboarding_id)).client_id


async def known_wabas(session: AsyncSession, named: Collection[str]) -> frozenset[str]:
    """Return which of these WABAs are onboarded, or being onboarded: of no client that left."""
    query = select(OnboardingRow.waba_id).where(
        OnboardingRow.waba_id.in_(named), OnboardingRow.left_at.is_(None)
    )
    return frozenset(await session.scalars(query))
