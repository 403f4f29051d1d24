"""Starting an onboarding: once per client and WABA, whoever asks and however often.

Once a client has left, the same is another onboarding: nothing of the one before is true any more.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.clock import Clock
from waboard.domain.errors import FactsDiffer, OutOfPlace
from waboard.domain.requests import Defaults, OnboardingRequest
from waboard.ledger.database import Ledger
from waboard.ledger.models import ClientRow, OnboardingRow
from waboard.ledger.outbox import tell_start
from waboard.ledger.senders import expect_sender


@dataclass(frozen=True, slots=True)
class Started:
    """The onboarding that a request led to, and whether this request made it."""

    onboarding_id: str
    created: bool


async def start_onboarding(
    ledger: Ledger, request: OnboardingRequest, defaults: Defaults, clock: Clock
) -> Started:
    """Write down a new onboarding, or find the one that this request already led to.

    Raises FactsDiffer, naming the difference, when the client or the WABA is known with others;
    OutOfPlace while the client leaves.
    """
    try:
        return await _start(ledger, request, defaults, clock)
    except IntegrityError:
        # Somebody else wrote the same client or WABA in the same instant: now it can be read.
        return await _start(ledger, request, defaults, clock)


async def _start(
    ledger: Ledger, request: OnboardingRequest, defaults: Defaults, clock: Clock
) -> Started:
    async with ledger.begin() as session:
        known = await _known(session, request)
        if known is not None:
            client, onboarding = known
            _refuse_while_leaving(client, onboarding)
            _refuse_differences(request, client, onboarding)
            return Started(onboarding.id, created=False)
        onboarding_id = await _create(session, request, defaults, clock())
        return Started(onboarding_id, created=True)


async def _known(
    session: AsyncSession, request: OnboardingRequest
) -> tuple[ClientRow, OnboardingRow] | None:
    query = (
        select(ClientRow, OnboardingRow)
        .join(OnboardingRow, OnboardingRow.client_id == ClientRow.id)
        .where(
            or_(
                ClientRow.client_ref == request.client_ref,
                OnboardingRow.waba_id == request.waba_id,
            ),
            OnboardingRow.left_at.is_(None),
        )
        .order_by(OnboardingRow.attempt.desc(), OnboardingRow.created_at.desc())
        .limit(1)
    )
    row = (await session.execute(query)).first()
    return None if row is None else (row[0], row[1])


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
    session: AsyncSession, request: OnboardingRequest, defaults: Defaults, now: datetime
) -> str:
    client = await _client(session, request, now)
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


async def _client(session: AsyncSession, request: OnboardingRequest, now: datetime) -> ClientRow:
    query = select(ClientRow).where(ClientRow.client_ref == request.client_ref)
    client = await session.scalar(query)
    if client is None:
        name = request.client_name or request.client_ref
        client = ClientRow(client_ref=request.client_ref, name=name, created_at=now)
        session.add(client)
    client.name = request.client_name or client.name
    await session.flush()
    return client


async def _attempts(session: AsyncSession, waba_id: str) -> int:
    query = select(func.max(OnboardingRow.attempt)).where(OnboardingRow.waba_id == waba_id)
    return await session.scalar(query) or 0
