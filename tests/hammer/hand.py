"""One process that hammers: it does at random what waboard's processes do, on the same few clients.

Each thing is one transaction, done again where it lost a race, as in the product. What the product
refuses with a sentence is an answer; anything else that reaches us is a fault.
"""

import asyncio
import random
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from tests.domain.samples import registration, report
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.errors import WaboardError
from waboard.domain.facts import Fact, canonical, delivery_facts, registration_facts, template_facts
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import OutcomeName, outcome_of
from waboard.domain.posting import Answer, Result
from waboard.domain.requests import Defaults, OnboardingRequest, SignupRequest
from waboard.domain.standing import Standing
from waboard.domain.waits import WaitKind, WaitPlan
from waboard.ledger.admissions import admit
from waboard.ledger.attempts import begin_attempt, begin_leg, call_off, end_cancelled
from waboard.ledger.clients import start_onboarding
from waboard.ledger.confirmations import confirm
from waboard.ledger.database import Ledger
from waboard.ledger.decisions import record_decision
from waboard.ledger.deliveries import claim_due as claim_messages
from waboard.ledger.deliveries import settle
from waboard.ledger.departures import begin_leaving, finish_leaving
from waboard.ledger.effects import begin_effect, end_effect
from waboard.ledger.events import concerned_by, receive
from waboard.ledger.locks import hold, hold_queue
from waboard.ledger.look import look
from waboard.ledger.models import EffectStatus, OnboardingRow, SenderRow, Verb, WaitRow
from waboard.ledger.onboardings import end_onboarding, read_onboarding, record_card, record_run
from waboard.ledger.outbox import replay_since, tell_outcome
from waboard.ledger.races import one_transaction
from waboard.ledger.receivers import note_answers, resume
from waboard.ledger.senders import expect_numbers, record_standings
from waboard.ledger.signups import make_link
from waboard.ledger.tokens import keep_token
from waboard.ledger.waits import claim_due, close_waits, open_wait, put_off

CLIENTS, WABAS, NUMBERS = 10, 12, 3
AT_ONCE = (1, 1, 5)
"""How often one thing is done at the same moment: who comes in a crowd meets."""
CAP = 2
A_SECOND = timedelta(hours=8)
"""How far waboard's clock goes in one of ours: a minute is twenty days, or almost three windows."""
BEGINNING = datetime(2026, 1, 5, tzinfo=UTC)
PLAN = WaitPlan(timedelta(days=10), timedelta(days=90))
RECEIVER = "the provider's system"
ORDER = Order(by="a hammer", why="It hits what it finds.")

Work = Callable[[AsyncSession], Awaitable[Any]]


@dataclass
class Tally:
    """What one process did: how often each thing was done or refused, and what went wrong."""

    counts: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])


class Hand:
    """Does things until the time is over."""

    def __init__(self, ledger: Ledger, seed: int, began: float, ends: float) -> None:
        self.ledger = ledger
        self.dice = random.Random(seed)  # noqa: S311 - it shall be repeatable
        self.began, self.ends = began, ends
        self.tally = Tally()

    def clock(self) -> datetime:
        return BEGINNING + (time.time() - self.began) * A_SECOND

    async def work(self) -> Tally:
        set_on_retry_hooks([self._count_race])
        deeds = self.deeds()
        while time.time() < self.ends:
            deed, times = self.dice.choice(deeds), self.dice.choice(AT_ONCE)
            await asyncio.gather(*(self._do(deed) for _ in range(times)))
        return self.tally

    def deeds(self) -> list[Callable[[], Awaitable[Any]]]:
        """Everything that it can do; what happens more often stands here more often."""
        often = [self.ask, self.hear, self.hear, self.fall_asleep, self.fall_asleep, self.wake]
        seldom = [self.link, self.keep_token, self.confirm, self.cancel, self.end, self.go_on]
        other = [self.leave, self.act, self.stand, self.list_numbers, self.post]
        crowds = [self.queue_up, self.queue_up, self.cancel_queue, self.hear_again]
        return [*often, *seldom, *other, self.run, self.tell, *crowds]

    async def _do(self, deed: Callable[[], Awaitable[Any]]) -> None:
        name = getattr(deed, "__name__", str(deed))
        try:
            await deed()
        except WaboardError:
            self.tally.counts[f"{name}: refused"] += 1
        except Exception:
            self.tally.faults.append(f"{name}: {traceback.format_exc(limit=-6)}")
        else:
            self.tally.counts[name] += 1

    def _count_race(self, _details: RetryDetails) -> None:
        self.tally.counts["races that were begun again"] += 1

    async def transaction(self, work: Work) -> Any:
        @one_transaction
        async def once() -> Any:
            async with self.ledger.begin() as session:
                return await work(session)

        return await once()

    async def about(
        self,
        work: Callable[[AsyncSession, str, datetime], Awaitable[Any]],
        which: str | None = None,
    ) -> None:
        """Do something about any onboarding, holding it first and reading the clock then."""
        onboarding_id = which or await self.any_onboarding()
        if onboarding_id is None:
            return

        async def held(session: AsyncSession) -> None:
            await hold(session, onboarding_id)
            await work(session, onboarding_id, self.clock())

        await self.transaction(held)

    async def any_onboarding(self) -> str | None:
        async with self.ledger.read() as session:
            query = select(OnboardingRow.id).where(OnboardingRow.left_at.is_(None))
            found = sorted(await session.scalars(query))
        return self.dice.choice(found) if found else None

    # What clients and the provider do

    async def ask(self) -> None:
        client = self.dice.randrange(CLIENTS)
        waba = client if self.dice.random() < 0.7 else self.dice.randrange(WABAS)
        again = ORDER.model_copy(update={"why": f"They are back: {uuid4()}."})
        request = OnboardingRequest(
            client_ref=f"client-{client}",
            waba_id=waba_id_of(waba),
            again=again if self.dice.random() < 0.7 else None,
        )
        await start_onboarding(self.ledger, request, Defaults("waboard"), self.clock)

    async def link(self) -> None:
        request = SignupRequest(client_ref=f"client-{self.dice.randrange(CLIENTS)}")
        lasts = timedelta(days=1)
        await self.transaction(lambda s: make_link(s, request, lasts, self.clock()))

    async def keep_token(self) -> None:
        async def work(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
            client_ref = (await read_onboarding(session, onboarding_id)).client_ref
            expires = now + timedelta(days=60)
            given: Any = {"portfolio_id": None, "expires_at": expires, "now": now}
            await keep_token(session, client_ref, "sealed", **given)

        await self.about(work)

    async def confirm(self) -> None:
        item = self.dice.choice(["billing", "domain"])
        told: Any = {"holds": True, "who": "a hammer", "note": "", "now": self.clock()}
        await self.transaction(lambda s: confirm(s, item, **told))

    # What upstreams say

    async def hear(self) -> None:
        await self._hear([fact for _ in range(self.dice.randint(1, 6)) for fact in self._facts()])

    async def hear_again(self) -> None:
        """Hear a batch that nobody has answered, again and again, at once."""
        facts = [fact for _ in range(6) for fact in self._facts()]
        await asyncio.gather(*(self._hear(self.dice.sample(facts, len(facts))) for _ in range(3)))

    async def _hear(self, facts: list[Fact]) -> None:
        async def keep(session: AsyncSession) -> list[str]:
            receipts = await receive(session, facts, "webhook", self.clock())
            return await concerned_by(session, [receipt.event_id for receipt in receipts])

        for onboarding_id in await self.transaction(keep):
            await self.transaction(lambda s, of=onboarding_id: look(s, of, self.clock()))

    def _facts(self) -> list[Fact]:
        dice, waba = self.dice, self.dice.randrange(WABAS)
        kind = dice.randrange(4)
        if kind == 0:
            body = {"messageTemplateId": dice.randint(1, 3), "change": {"newStatus": "APPROVED"}}
            return template_facts(canonical(body).encode())
        if kind == 1:
            number = number_of(waba, dice.randrange(NUMBERS))
            one = report(dice.choice(["delivered", "rejected"]), message_id=f"waboard-{number}")
            return delivery_facts(canonical({"results": [one]}).encode())
        status = dice.choice(["IN_PROGRESS", "FINISHED", "FAILED"])
        senders = {number_of(waba, n): status for n in range(NUMBERS)}
        body = registration(
            status, dice.randrange(5), senders, businessAccountId=int(waba_id_of(waba))
        )
        return registration_facts(canonical(body).encode())

    async def list_numbers(self) -> None:
        async def work(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
            waba = (await read_onboarding(session, onboarding_id)).waba_id
            numbers = [(number_of(int(waba) % 100, n), f"9{waba}{n}") for n in range(NUMBERS)]
            await expect_numbers(session, onboarding_id, numbers, now)

        await self.about(work)

    async def stand(self) -> None:
        async def work(session: AsyncSession) -> None:
            query = select(SenderRow.onboarding_id, SenderRow.phone_number).order_by(func.random())
            rows = (await session.execute(query.limit(20))).tuples()
            known = Standing("CONNECTED", "HIGH", "LIMIT_250", read_at=self.clock())
            await record_standings(session, [(of, PhoneNumber(no), known) for of, no in rows])

        await self.transaction(work)

    # What runs do

    async def run(self) -> None:
        async def work(session: AsyncSession, onboarding_id: str, _now: datetime) -> None:
            onboarding = await read_onboarding(session, onboarding_id)
            run_id = onboarding.flow_run_id or str(uuid4())
            await record_run(session, onboarding_id, run_id, onboarding.attempt)
            await begin_leg(session, onboarding_id, run_id, str(uuid4()))
            await record_card(session, onboarding_id, str(uuid4()), onboarding.attempt)

        await self.about(work)

    async def fall_asleep(self) -> None:
        async def work(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
            onboarding = await read_onboarding(session, onboarding_id)
            if onboarding.ended_at is None and onboarding.cancelled is None:
                await self._sleep(session, onboarding, now)

        await self.about(work)

    async def queue_up(self) -> None:
        """Begin anew where it has ended, and wait for a place in the weekly cap."""

        async def work(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
            await hold_queue(session)
            onboarding = await read_onboarding(session, onboarding_id)
            if onboarding.leaving is not None:
                return
            if onboarding.ended_at is not None:
                await begin_attempt(session, onboarding_id, now)
            elif onboarding.cancelled is not None:
                return  # none of its legs may act any more
            await self._sleep(session, onboarding, now, WaitKind.SLOT)

        async with self.ledger.read() as session:
            found = list(await session.scalars(select(OnboardingRow.id)))
        await asyncio.gather(*(self.about(work, each) for each in found))

    async def _sleep(
        self,
        session: AsyncSession,
        onboarding: Onboarding,
        now: datetime,
        which: WaitKind | None = None,
    ) -> None:
        kind = which or self.dice.choice([*WaitKind])
        row = await session.get_one(OnboardingRow, onboarding.id)
        if kind is WaitKind.SLOT:
            await hold_queue(session)
            await admit(session, row.client_id, CAP, self.clock())
        ids: Any = {"flow_run_id": "run", "pause_key": str(uuid4()), "plan": PLAN, "now": now}
        await open_wait(session, onboarding.id, kind, **ids)
        await look(session, onboarding.id, now)

    async def wake(self) -> None:
        now, lease = self.clock(), timedelta(hours=1)
        for due in await self.transaction(lambda s: claim_due(s, now, lease, 5)):

            async def one(session: AsyncSession, due: Any = due) -> None:
                await hold(session, due.onboarding_id)
                if self.dice.random() < 0.5:
                    await close_waits(session, due.onboarding_id, self.clock())
                else:
                    await put_off(session, due, self.clock() + lease)

            await self.transaction(one)

    async def act(self) -> None:
        """Do something to the outside world: written before and after, in two transactions."""
        onboarding_id, verb = await self.any_onboarding(), self.dice.choice([*Verb])
        if onboarding_id is None:
            return
        status = self.dice.choice([e for e in EffectStatus if e is not EffectStatus.STARTED])

        async def begin(session: AsyncSession) -> int:
            await hold(session, onboarding_id)
            sent = f"waboard-{uuid4()}" if verb is Verb.SEND_TEST_MESSAGE else None
            now = self.clock()
            row = await begin_effect(session, onboarding_id, verb, "12", now, external_id=sent)
            return row.id

        async def end(session: AsyncSession, effect_id: int) -> None:
            await hold(session, onboarding_id)
            await end_effect(session, effect_id, status, "", self.clock())

        effect_id = await self.transaction(begin)
        await asyncio.sleep(self.dice.random() * 0.005)
        await self.transaction(lambda s: end(s, effect_id))

    async def end(self) -> None:
        async def work(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
            onboarding = await read_onboarding(session, onboarding_id)
            if onboarding.ended_at is None and onboarding.cancelled is None:
                await close_waits(session, onboarding_id, now)
                await end_onboarding(session, onboarding_id, now, OutcomeName.NO_SLOT)

        await self.about(work)

    # What people decide

    async def _call_off(self, session: AsyncSession, onboarding_id: str, now: datetime) -> None:
        onboarding = await read_onboarding(session, onboarding_id)
        if onboarding.ended_at is None and onboarding.cancelled is None:
            await record_decision(session, onboarding_id, DecisionVerb.CANCEL, ORDER, now)
            await call_off(session, onboarding_id, now)

    async def cancel_queue(self) -> None:
        """Cancel all that wait for a place in the weekly cap, at once."""
        async with self.ledger.read() as session:
            waits = (WaitRow.kind == WaitKind.SLOT, WaitRow.closed_at.is_(None))
            waiting = list(await session.scalars(select(WaitRow.onboarding_id).where(*waits)))
        await asyncio.gather(*(self.about(self._call_off, each) for each in waiting))

    async def cancel(self) -> None:
        async def finish(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
            await end_cancelled(session, onboarding_id, now)

        await self.about(self._call_off)
        await self.about(finish)

    async def go_on(self) -> None:
        async def work(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
            onboarding = await read_onboarding(session, onboarding_id)
            if onboarding.ended_at is not None and onboarding.leaving is None:
                left = onboarding.flow_run_id
                verb = DecisionVerb.RETRY
                await record_decision(session, onboarding_id, verb, ORDER, now, leaving=left)
                await begin_attempt(session, onboarding_id, now)

        await self.about(work)

    async def leave(self) -> None:
        if self.dice.random() < 0.7:
            return

        async def work(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
            if await begin_leaving(session, onboarding_id, now):
                await record_decision(session, onboarding_id, DecisionVerb.APPROVE, ORDER, now)
                onboarding = await read_onboarding(session, onboarding_id)
                await finish_leaving(session, onboarding, "Given back.", now)

        await self.about(work)

    # What is told

    async def tell(self) -> None:
        async def work(session: AsyncSession, onboarding_id: str, now: datetime) -> None:

            onboarding = await look(session, onboarding_id, now)
            await tell_outcome(session, onboarding, outcome_of(onboarding), now)

        await self.about(work)
        if self.dice.random() < 0.1:
            since = self.clock() - timedelta(hours=6)
            await self.transaction(lambda s: replay_since(s, since, self.clock()))

    async def post(self) -> None:
        now = self.clock()
        letters = await self.transaction(lambda s: claim_messages(s, RECEIVER, now, 5))
        results = self.dice.choices([*Result], k=len(letters))
        answers = [Answer(result, "an answer") for result in results]
        for letter, answer in zip(letters, answers, strict=True):
            await self.transaction(lambda s, m=letter, a=answer: settle(s, m, a, self.clock()))
        if answers:
            await self.transaction(lambda s: note_answers(s, RECEIVER, answers, self.clock()))
        if self.dice.random() < 0.3:
            await self.transaction(lambda s: resume(s, RECEIVER))


def waba_id_of(number: int) -> str:
    """The id of one of the few WABAs."""
    return str(500_000 + number)


def number_of(waba: int, number: int) -> str:
    """One of a WABA's phone numbers."""
    return f"44786004{waba:02}{number:02}"
