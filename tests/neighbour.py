"""Other clients, who stand in every ledger that a test is given: what is theirs is not ours.

Much has happened to one of them, and it was called off in the end; the other waits for Infobip to
register its WABA. A query that does not ask whose a row is finds theirs too, and its test fails.

Nothing of theirs asks for anything in a test's time: no wait and no message is due, no link
expires, and a reconciliation looks at neither of them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import compress
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.domain.samples import at, registration, report
from waboard.domain.additions import AdditionState, SenderRequest
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.departures import DepartureState
from waboard.domain.facts import (
    Fact,
    canonical,
    delivery_facts,
    inbound_facts,
    quality_fact,
    registration_facts,
)
from waboard.domain.health import NumberHealth, WabaHealth
from waboard.domain.ids import NumberKey, PhoneNumber
from waboard.domain.outcome import outcome_of
from waboard.domain.posting import Answer, Result
from waboard.domain.reasons import Reason
from waboard.domain.requests import Defaults, OnboardingRequest, SignupRequest
from waboard.domain.standing import Profile, Standing
from waboard.domain.waits import WaitKind, WaitPlan
from waboard.ledger.additions import move_addition, note_addition
from waboard.ledger.admissions import admit
from waboard.ledger.attempts import begin_attempt, call_off, end_cancelled
from waboard.ledger.clients import start_onboarding
from waboard.ledger.conditions import write_condition
from waboard.ledger.database import Ledger
from waboard.ledger.decisions import record_decision
from waboard.ledger.deliveries import claim_due, settle
from waboard.ledger.departures import move_departure, note_departure
from waboard.ledger.effects import begin_effect, end_effect
from waboard.ledger.events import receive
from waboard.ledger.look import hold, look
from waboard.ledger.models import (
    BusinessTokenRow,
    ClientRow,
    EffectStatus,
    OnboardingRow,
    SignupRow,
    Verb,
)
from waboard.ledger.onboardings import client_of, read_onboarding, record_run
from waboard.ledger.outbox import tell_outcome
from waboard.ledger.receivers import note_answers
from waboard.ledger.senders import record_number_key, record_profile, record_standing
from waboard.ledger.showing import note_shown, shown_of
from waboard.ledger.signups import make_link, read_link
from waboard.ledger.tokens import keep_token
from waboard.ledger.waits import close_waits, open_wait
from waboard.ledger.watched_wabas import record_health

BUSY, WAITING = "neighbour-busy", "neighbour-waiting"
"""What the two are called: the one of whom there is everything, and the one that waits."""
WABAS = {BUSY: "118811110000021", WAITING: "118811110000022"}
NUMBERS = (PhoneNumber("4915735990021"), PhoneNumber("33639980021"))
PORTFOLIO = "418811110000021"
RECEIVER = "c0ffee" * 10
EVER = timedelta(days=3650)
BEGAN = -20 * 24 * 60
"""The minute, of the tests' time, in which the first of them was asked for: twenty days before."""
MOVED_IN = at(BEGAN + 60)
"""By then all has happened that ever happens to them."""
ENDINGS = (EffectStatus.REFUSED, EffectStatus.AMBIGUOUS, EffectStatus.STARTED, EffectStatus.DONE)
SOMEBODY = Order(by="petra", why="It is the neighbour.")


def is_not_theirs(model: Any) -> ColumnElement[bool]:
    """Say which rows of a table are none of the neighbours'."""
    if model in (ClientRow, OnboardingRow):
        return model.created_at > MOVED_IN
    if model in (BusinessTokenRow, SignupRow):
        return model.client_ref.not_in(WABAS)
    theirs = select(OnboardingRow.id).where(OnboardingRow.created_at < MOVED_IN)
    return or_(model.onboarding_id.is_(None), model.onboarding_id.not_in(theirs))


def without_neighbours(listed: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out of a list of onboardings, or of events, what is theirs."""
    times = (each.get("received_at") or each["created_at"] for each in listed)
    ours = (datetime.fromisoformat(time) > MOVED_IN for time in times)
    return list(compress(listed, ours))


async def move_in(url: str) -> None:
    """Have both of them in a ledger that is in its newest form."""
    ledger = Ledger(url)
    try:
        await _busy(ledger)
        await _waiting(ledger)
    finally:
        await ledger.close()


async def _busy(ledger: Ledger) -> None:
    busy = Neighbour(ledger, BUSY)
    await busy.is_asked_for(*NUMBERS)
    await busy.has_signed_up()
    await busy.does_everything()
    await busy.sleeps_for(WaitKind.REGISTRATION)
    await busy.hears(*_all_that_is_said())
    await busy.comes_live()
    await busy.stands_well()
    await busy.adds_a_sender()
    await busy.nearly_leaves()
    await busy.is_retried()
    await busy.sleeps_for(WaitKind.DELIVERY)
    await busy.is_called_off()
    await busy.has_told_all()
    await busy.is_shown()


async def _waiting(ledger: Ledger) -> None:
    waiting = Neighbour(ledger, WAITING)
    await waiting.is_asked_for()
    await waiting.falls_asleep(WaitKind.REGISTRATION)
    await waiting.puts_its_messages_off()
    await waiting.has_a_link()
    await waiting.is_shown()


def _all_that_is_said() -> Sequence[Fact]:
    """The news of the busy one: its registration, its messages, and how a number stands."""
    listed = dict.fromkeys(NUMBERS, "FINISHED")
    registered = registration("FINISHED", BEGAN + 7, listed, businessAccountId=int(WABAS[BUSY]))
    delivered = report("delivered", BEGAN + 9, _message_id(Verb.SEND_TEST_MESSAGE, NUMBERS[0]))
    written = {"from": "4915735990099", "to": NUMBERS[0], "receivedAt": at(BEGAN + 9).isoformat()}
    return (
        *registration_facts(_raw(registered)),
        *delivery_facts(_raw({"results": [delivered]})),
        *inbound_facts(_raw({"results": [{**written, "messageId": "neighbour.1"}]})),
        quality_fact({"sender": NUMBERS[0], "status": "CONNECTED"}, NUMBERS[0]),
    )


def _raw(body: object) -> bytes:
    return canonical(body).encode()


def _message_id(verb: Verb, subject: str, number: int = 0) -> str:
    return f"waboard-{verb}-of-neighbour-{subject}-{number}"


class Neighbour:
    """One of them, and what happens to it: a transaction each, a minute after the one before."""

    def __init__(self, ledger: Ledger, client_ref: str) -> None:
        self.ledger, self.client_ref = ledger, client_ref
        self.minute = BEGAN
        self.id = ""

    def now(self) -> datetime:
        """The time of the neighbour, which passes."""
        self.minute += 1
        return at(self.minute)

    async def is_asked_for(self, *numbers: PhoneNumber) -> None:
        """It is started, has a run, and has its place among the week's new clients."""
        facts: dict[str, Any] = {"client_name": "A Neighbour", "phone_numbers": numbers}
        request = OnboardingRequest(
            client_ref=self.client_ref, waba_id=WABAS[self.client_ref], **facts
        )
        defaults = Defaults("waboard-of-neighbours")
        self.id = (await start_onboarding(self.ledger, request, defaults, self.now)).onboarding_id
        async with self.ledger.begin() as session:
            await record_run(session, self.id, f"run of {self.client_ref}")
            await admit(session, await client_of(session, self.id), 1000, self.now())

    async def has_signed_up(self) -> None:
        """By a link that led to it; its token is kept."""
        async with self.ledger.begin() as session:
            row = await self._link(session)
            row.opened_at = row.signalled_at = self.now()
            row.onboarding_id, row.portfolio_id = self.id, PORTFOLIO
            row.granted = [WABAS[self.client_ref]]
            await keep_token(
                session,
                self.client_ref,
                "the sealed token of a neighbour",
                portfolio_id=PORTFOLIO,
                expires_at=None,
                now=self.now(),
            )

    async def has_a_link(self) -> None:
        """Which it has not opened yet."""
        async with self.ledger.begin() as session:
            await self._link(session)

    async def _link(self, session: AsyncSession) -> SignupRow:
        request = SignupRequest(client_ref=self.client_ref)
        link = await make_link(session, request, EVER, self.now())
        return await read_link(session, link.id)

    async def does_everything(self) -> None:
        """Every verb, for itself and for a sender, with each ending that there is."""
        for verb in Verb:
            for number, ending in enumerate(ENDINGS):
                await self._does(verb, "", ending, number)
            await self._does(verb, NUMBERS[1], EffectStatus.FAILED)
            await self._does(verb, NUMBERS[0], EffectStatus.DONE)

    async def _does(self, verb: Verb, subject: str, ending: EffectStatus, number: int = 0) -> None:
        async with self.ledger.begin() as session:
            external_id = _message_id(verb, subject, number)
            effect = await begin_effect(
                session, self.id, verb, subject, at(BEGAN + 4), external_id=external_id
            )
            if ending is not EffectStatus.STARTED:
                await end_effect(session, effect.id, ending, "As neighbours do.", at(BEGAN + 4))

    async def falls_asleep(self, kind: WaitKind) -> None:
        """Nobody wakes it for years."""
        async with self.ledger.begin() as session:
            await hold(session, self.id)
            run, now = f"run of {self.client_ref}", self.now()
            key, plan = f"{self.client_ref} {self.minute}", WaitPlan(EVER, EVER)
            await open_wait(
                session, self.id, kind, flow_run_id=run, pause_key=key, plan=plan, now=now
            )

    async def sleeps_for(self, kind: WaitKind) -> None:
        """It falls asleep, and wakes."""
        await self.falls_asleep(kind)
        async with self.ledger.begin() as session:
            await close_waits(session, self.id, self.now())

    async def hears(self, *facts: Fact) -> None:
        """What is said of it is kept, and taken up."""
        async with self.ledger.begin() as session:
            await receive(session, facts, "webhook", self.now())
        async with self.ledger.begin() as session:
            await look(session, self.id, self.now())

    async def comes_live(self) -> None:
        """The conditions that a run writes are true as well."""
        async with self.ledger.begin() as session:
            for kind, reason in _SEEN_BY_ITS_RUN.items():
                subject = NUMBERS[0] if kind in _OF_SENDERS else ""
                condition = Condition(kind, Status.TRUE, reason, "Yes.", "a neighbour", self.now())
                await write_condition(session, self.id, subject, condition)

    async def stands_well(self) -> None:
        """What Infobip and Meta say of it and its senders was read."""
        numbers = {number: NumberHealth(status="CONNECTED") for number in NUMBERS}
        async with self.ledger.begin() as session:
            now = self.now()
            for number in NUMBERS:
                standing = Standing("CONNECTED", "HIGH", "TIER_1K", now)
                await record_standing(session, self.id, number, standing)
                await record_profile(session, self.id, number, Profile({"about": "Hi."}, now))
                await record_number_key(session, self.id, number, NumberKey(f"KEY{number}"))
            await record_health(session, self.id, WabaHealth(review="APPROVED"), numbers, now)

    async def adds_a_sender(self) -> None:
        """It was added before, and nobody gave the password of it once more."""
        request = SenderRequest(phone_number=NUMBERS[1], display_name="Next")
        async with self.ledger.begin() as session:
            addition, _ = await note_addition(
                session, "addition of a neighbour", self.id, request, self.now()
            )
            await move_addition(
                session, addition.id, AdditionState.TIMED_OUT, "No password.", self.now()
            )

    async def nearly_leaves(self) -> None:
        """Somebody asked for it, and it was refused."""
        async with self.ledger.begin() as session:
            onboarding = await read_onboarding(session, self.id)
            departure, _ = await note_departure(
                session, "departure of a neighbour", onboarding, SOMEBODY, self.now()
            )
            await self._is_decided(session, DecisionVerb.REFUSE)
            await move_departure(session, departure.id, DepartureState.REFUSED, "No.", self.now())

    async def is_retried(self) -> None:
        """Another run carries it from then on."""
        async with self.ledger.begin() as session:
            await self._is_decided(session, DecisionVerb.ASSIGN, phone_number=NUMBERS[0])
            await self._is_decided(session, DecisionVerb.RETRY, leaving=f"run of {self.client_ref}")
            await begin_attempt(session, self.id, self.now())
            await record_run(session, self.id, f"second run of {self.client_ref}", 2)

    async def is_called_off(self) -> None:
        """And has ended."""
        async with self.ledger.begin() as session:
            await self._is_decided(session, DecisionVerb.CANCEL)
            await call_off(session, self.id, self.now())
            onboarding = await read_onboarding(session, self.id)
            await tell_outcome(session, onboarding, outcome_of(onboarding), self.now())
            await end_cancelled(session, self.id, self.now())

    async def _is_decided(self, session: AsyncSession, verb: DecisionVerb, **more: Any) -> None:
        await record_decision(session, self.id, verb, SOMEBODY, self.now(), **more)

    async def has_told_all(self) -> None:
        """All its messages were taken."""
        await self._sends(Answer(Result.TAKEN, "HTTP 204"))

    async def puts_its_messages_off(self) -> None:
        """They wait for a receiver that asked for years of rest."""
        answer = Answer(Result.AWAY, "HTTP 503", EVER)
        await self._sends(answer)
        async with self.ledger.begin() as session:
            await note_answers(session, RECEIVER, [answer], self.now())

    async def _sends(self, answer: Answer) -> None:
        async with self.ledger.begin() as session:
            now = self.now()
            for letter in await claim_due(session, RECEIVER, now, 1000):
                await settle(session, letter, answer, now)

    async def is_shown(self) -> None:
        """In the Prefect UI, as it is."""
        async with self.ledger.begin() as session:
            await note_shown(session, self.id, await shown_of(session, self.id))


_SEEN_BY_ITS_RUN = {
    ConditionType.ADMITTED: Reason.SLOT_TAKEN,
    ConditionType.SHARED: Reason.SHARE_ACCEPTED,
    ConditionType.TEMPLATE_READY: Reason.TEMPLATE_APPROVED,
    ConditionType.NOTIFIED: Reason.EVERYBODY_TOLD,
    ConditionType.ASSOCIATED: Reason.ASSOCIATION_READ_BACK,
    ConditionType.RECEIVES: Reason.INBOUND_ARRIVED,
}
_OF_SENDERS = frozenset({ConditionType.ASSOCIATED, ConditionType.RECEIVES})
