"""A ledger, and what is done to it, one transaction each, at minutes after the start."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.domain.samples import WABA, at, registration, report
from tests.neighbour import MOVED_IN, is_not_theirs
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.facts import Fact, canonical, delivery_facts, quality_fact, registration_facts
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import Reason
from waboard.domain.requests import Defaults, OnboardingRequest
from waboard.domain.waits import WaitKind, WaitPlan
from waboard.ledger.clients import Started, start_onboarding, would_start
from waboard.ledger.conditions import write_condition
from waboard.ledger.database import Ledger
from waboard.ledger.effects import begin_effect, end_effect
from waboard.ledger.events import Receipt, list_events, read_event, receive
from waboard.ledger.locks import hold
from waboard.ledger.look import look
from waboard.ledger.models import Base, ConditionChangeRow, EffectStatus, EventRow, Verb
from waboard.ledger.waits import DueWait, claim_due, close_waits, open_wait

PLAN = WaitPlan(nudge=timedelta(minutes=10), give_up=timedelta(minutes=60))
LEASE = timedelta(minutes=1)


def told(*args: Any, **fields: Any) -> Fact:
    """The fact of a registration webhook: see `samples.registration`."""
    return registration_facts(canonical(registration(*args, **fields)).encode())[0]


def reported(*args: Any, **fields: Any) -> Fact:
    """The fact of a delivery report: see `samples.report`."""
    return delivery_facts(canonical({"results": [report(*args, **fields)]}).encode())[0]


def connected(number: str, status: str = "CONNECTED") -> Fact:
    """The fact of an answer of the quality endpoint."""
    return quality_fact({"sender": number, "status": status}, number)


async def open_as(
    session: AsyncSession,
    onboarding_id: str,
    kind: WaitKind = WaitKind.REGISTRATION,
    minute: float = 0,
    pause_key: str | None = None,
) -> None:
    """Open a wait with the plan of these tests, holding the onboarding first as a run does."""
    await hold(session, onboarding_id)
    await open_wait(
        session,
        onboarding_id,
        kind,
        flow_run_id=f"run of {onboarding_id[:8]}",
        pause_key=pause_key or str(uuid4()),
        plan=PLAN,
        now=at(minute),
    )


class Desk:
    """Where one process works on the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    async def start(
        self, client_ref: str = "acme", waba_id: str = WABA, minute: float = 0, **facts: Any
    ) -> Started:
        request = OnboardingRequest(client_ref=client_ref, waba_id=waba_id, **facts)
        return await start_onboarding(self.ledger, request, Defaults("waboard"), lambda: at(minute))

    async def would_start(
        self, client_ref: str = "acme", waba_id: str = WABA, **facts: Any
    ) -> str | None:
        request = OnboardingRequest(client_ref=client_ref, waba_id=waba_id, **facts)
        return await would_start(self.ledger, request)

    async def started(self, *args: Any, **facts: Any) -> str:
        """The id of a new onboarding."""
        return (await self.start(*args, **facts)).onboarding_id

    async def keep(self, *facts: Fact, minute: float = 0) -> list[Receipt]:
        async with self.ledger.begin() as session:
            return await receive(session, facts, "webhook", at(minute))

    async def look(self, onboarding_id: str, minute: float = 0) -> Onboarding:
        async with self.ledger.begin() as session:
            return await look(session, onboarding_id, at(minute))

    async def hear(self, onboarding_id: str, *facts: Fact, minute: float = 0) -> Onboarding:
        """Keep facts one after the other, each looked at as it comes."""
        for fact in facts:
            await self.keep(fact, minute=minute)
            await self.look(onboarding_id, minute)
        return await self.look(onboarding_id, minute)

    async def event(self, event_id: int) -> EventRow:
        async with self.ledger.begin() as session:
            return await read_event(session, event_id)

    async def events(self) -> list[EventRow]:
        """All events but the neighbours', in the order they came."""
        async with self.ledger.begin() as session:
            rows = (await list_events(session))[::-1]
        return [row for row in rows if row.received_at > MOVED_IN]

    async def write(
        self,
        onboarding_id: str,
        condition: Condition,
        subject: str = "",
    ) -> bool:
        async with self.ledger.begin() as session:
            return await write_condition(session, onboarding_id, subject, condition)

    async def associate(self, onboarding_id: str, *numbers: str, minute: float = 0) -> None:
        """Write down that numbers were read back as associated."""
        done = Condition(
            ConditionType.ASSOCIATED,
            Status.TRUE,
            Reason.ASSOCIATION_READ_BACK,
            "Associated.",
            "GET associations",
            at(minute),
        )
        for number in numbers:
            await self.write(onboarding_id, done, number)

    async def begin(
        self, onboarding_id: str, verb: Verb, subject: str = "", minute: float = 0, **ids: Any
    ) -> int:
        """Write down that an effect is about to be done; returns its id."""
        async with self.ledger.begin() as session:
            row = await begin_effect(session, onboarding_id, verb, subject, at(minute), **ids)
            return row.id

    async def end(
        self, effect_id: int, status: EffectStatus, detail: str = "", minute: float = 0
    ) -> None:
        async with self.ledger.begin() as session:
            await end_effect(session, effect_id, status, detail, at(minute))

    async def send(
        self, onboarding_id: str, number: str, status: EffectStatus | None = EffectStatus.DONE
    ) -> str:
        """Send a test message, with this answer or none; returns the message's id."""
        message_id = f"waboard-{number}"
        verb = Verb.SEND_TEST_MESSAGE
        effect = await self.begin(onboarding_id, verb, number, external_id=message_id)
        if status is not None:
            await self.end(effect, status)
        return message_id

    async def sleep(self, onboarding_id: str, *args: Any, **words: Any) -> None:
        """Write down that a run is about to sleep."""
        async with self.ledger.begin() as session:
            await open_as(session, onboarding_id, *args, **words)

    async def fall_asleep(self, onboarding_id: str, minute: float = 0) -> Onboarding:
        """Do so and look once more, in one transaction, as a run does."""
        async with self.ledger.begin() as session:
            await open_as(session, onboarding_id, minute=minute)
            return await look(session, onboarding_id, at(minute))

    async def wake(self, onboarding_id: str, minute: float = 0) -> None:
        async with self.ledger.begin() as session:
            await close_waits(session, onboarding_id, at(minute))

    async def claim(self, minute: float) -> list[DueWait]:
        async with self.ledger.begin() as session:
            return await claim_due(session, at(minute), LEASE)

    async def history(self, onboarding_id: str) -> Sequence[ConditionChangeRow]:
        async with self.ledger.begin() as session:
            query = select(ConditionChangeRow).where(
                ConditionChangeRow.onboarding_id == onboarding_id
            )
            return (await session.scalars(query.order_by(ConditionChangeRow.id))).all()

    async def count(self, model: type[Base]) -> int:
        """Count the rows of a table, those of the neighbours left out."""
        async with self.ledger.begin() as session:
            query = select(func.count()).select_from(model).where(is_not_theirs(model))
            return await session.scalar(query) or 0
