"""Starting an onboarding: once per client and WABA, however often it is asked for.

Once a client has left, another onboarding begins only for a request that says so (`again`): a
script that repeats an old one must not bring the client back.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.clock import Clock
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.errors import FactsDiffer, OutOfPlace
from waboard.domain.requests import Defaults, OnboardingRequest
from waboard.domain.verbs import refuse_same_words, refuse_unasked_return
from waboard.ledger.database import Ledger
from waboard.ledger.decisions import decisions_about, record_decision
from waboard.ledger.locks import hold_client
from waboard.ledger.models import ClientRow, OnboardingRow
from waboard.ledger.onboardings import read_onboarding
from waboard.ledger.outbox import tell_start
from waboard.ledger.races import one_transaction
from waboard.ledger.senders import expect_sender


@dataclass(frozen=True, slots=True)
class Started:
    """The onboarding that a request led to, and whether this request made it."""

    onboarding_id: str
    created: bool


@one_transaction
async def start_onboarding(
    ledger: Ledger, request: OnboardingRequest, defaults: Defaults, clock: Clock
) -> Started:
    """Write down a new onboarding, or find the one that this request already led to.

    Raises FactsDiffer, naming the difference, when the client or the WABA is known with others;
    OutOfPlace while the client leaves, and once it has left unless the request says `again`.
    """
    async with ledger.begin() as session:
        client = await hold_client(session, request.client_ref, request.client_name, clock())
        known = await _known(session, request)
        if known is not None:
            return Started(known, created=False)
        again, now = await _asked_again(session, request), clock()
        client.name = request.client_name or client.name
        onboarding_id = await _create(session, client, request, defaults, now)
        if again is not None:
            await record_decision(session, onboarding_id, DecisionVerb.AGAIN, again, now)
        return Started(onboarding_id, created=True)


async def would_start(ledger: Ledger, request: OnboardingRequest) -> str | None:
    """Return the onboarding that a request would find; None where it would begin a new one.

    Nothing is written. Raises what `start_onboarding` would.
    """
    async with ledger.read() as session:
        known = await _known(session, request)
        if known is None:
            await _asked_again(session, request)
        return known


async def _known(session: AsyncSession, request: OnboardingRequest) -> str | None:
    for client, onboarding in await _found(session, request, OnboardingRow.left_at.is_(None)):
        _refuse_while_leaving(client, onboarding)
        _refuse_differences(request, client, onboarding)
        return onboarding.id
    return None


async def _asked_again(session: AsyncSession, request: OnboardingRequest) -> Order | None:
    """Return who begins anew with a client, or a WABA, that has left; None where neither has.

    Raises OutOfPlace where nobody does, and where this very request was taken before.
    """
    left = await _found(session, request, OnboardingRow.left_at.is_not(None))
    if not left:
        return None
    left.sort(key=lambda each: each[0].client_ref != request.client_ref)
    again = refuse_unasked_return(await read_onboarding(session, left[0][1].id), request)
    same = [
        row.id
        for client, row in left
        if (client.client_ref, row.waba_id) == (request.client_ref, request.waba_id)
    ]
    for decisions in (await decisions_about(session, same)).values():
        refuse_same_words(again, decisions)
    return again


async def _found(
    session: AsyncSession, request: OnboardingRequest, which: ColumnElement[bool]
) -> list[tuple[ClientRow, OnboardingRow]]:
    query = (
        select(ClientRow, OnboardingRow)
        .join(OnboardingRow, OnboardingRow.client_id == ClientRow.id)
        .where(
            or_(
                ClientRow.client_ref == request.client_ref,
                OnboardingRow.waba_id == request.waba_id,
            ),
            which,
        )
        .order_by(OnboardingRow.attempt.desc(), OnboardingRow.created_at.desc())
    )
    return [(client, onboarding) for client, onboarding in await session.execute(query)]


def _refuse_while_leaving(client: ClientRow, onboarding: OnboardingRow) -> None:
    if onboarding.leaving_at is not None:
        raise OutOfPlace(f"{client.client_ref} is leaving.", remedy="Ask again once it has left.")


def _refuse_differences(
    request: OnboardingRequest, client: ClientRow, onboarding: OnboardingRow
) -> None:
    asked = {
        "client_ref": (request.client_ref, client.client_ref),
        "waba_id": (request.waba_id, onboarding.waba_id),
        "client_name": (request.client_name or client.name, client.name),
        "application_id": (
            request.application_id or onboarding.application_id,
            onboarding.application_id,
        ),
        "entity_id": (request.entity_id or request.client_ref, onboarding.entity_id),
        "verify_by": (request.verify_by or onboarding.verify_by, onboarding.verify_by),
        "solution_id": (request.solution_id or onboarding.solution_id, onboarding.solution_id),
    }
    differences = [
        f"{name} is {was!r}, not {now!r}" for name, (now, was) in asked.items() if now != was
    ]
    if set(request.phone_numbers) - set(onboarding.phone_numbers):
        differences.append("phone_numbers names others")
    if differences:
        raise FactsDiffer(
            f"This client or WABA is already known with other facts: {'; '.join(differences)}.",
            remedy="Correct the request, or ask for the onboarding as it was first asked for.",
        )


async def _create(
    session: AsyncSession,
    client: ClientRow,
    request: OnboardingRequest,
    defaults: Defaults,
    now: datetime,
) -> str:
    onboarding = OnboardingRow(
        id=str(uuid4()),
        client_id=client.id,
        waba_id=request.waba_id,
        attempt=await _attempts(session, request.waba_id) + 1,
        application_id=request.application_id or defaults.application_id,
        solution_id=request.solution_id,
        entity_id=request.entity_id or request.client_ref,
        verify_by=request.verify_by or defaults.verify_by,
        phone_numbers=list(request.phone_numbers),
        created_at=now,
    )
    session.add(onboarding)
    await session.flush()
    await tell_start(session, onboarding.id, now)
    for number in request.phone_numbers:
        await expect_sender(session, onboarding.id, number, "request", now)
    return onboarding.id


async def _attempts(session: AsyncSession, waba_id: str) -> int:
    query = select(func.max(OnboardingRow.attempt)).where(OnboardingRow.waba_id == waba_id)
    return await session.scalar(query) or 0
