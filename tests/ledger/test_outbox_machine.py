"""Any history of the outbox with two dispatchers: all is sent, or said to be given up.

The dispatchers are two postmen and a run, with the real client; the receiver's answers come when
the history has them come, or never. The model foretells who sends what, and what is kept of it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from pydantic import SecretStr
from sqlalchemy import select

from tasks.telling import deliver, heed
from tests.domain.samples import T0, WABA
from tests.ledger.databases import Databases
from tests.ledger.desk import Desk
from tests.machine import PATIENCE, Act, Machine, act, acts, play
from waboard.domain.posting import MessageState
from waboard.gateway.postman import Postman
from waboard.ledger.database import Ledger
from waboard.ledger.deliveries import claim
from waboard.ledger.models import OutboxRow, ReceiverRow
from waboard.ledger.outbox import put, read_message, replay
from waboard.ledger.receivers import resume
from waboard.provider import ProviderSystem

URL, SECRET = "http://receiver.test/hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LEASE = timedelta(minutes=1)
AT_ONCE = 8
SCHEDULE = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds after each try, as `docs/telling.md` has it; each is up to a fifth longer."""
REFUSED = {400, 406, 409, 413, 415, 422}
NO_ANSWER = 0
Said = tuple[int, int | None]
"""A status, and for how many seconds to stay away."""
RUN = 2
"""The third that sends: a run, by itself, one message."""
ANSWER = st.sampled_from(
    [
        (204, None),
        (200, None),
        (204, None),
        (503, None),
        (429, 30),
        (429, 200_000),
        (422, None),
        (409, 900),
        (410, None),
        (302, None),
        (NO_ANSWER, None),
    ]
)
AT_ALL = st.lists(ANSWER, max_size=AT_ONCE)
"""What a few are answered at once: the others wait."""
SELDOM = st.sampled_from([True, *[False] * 7])
WHO = st.integers(0, 1)
SECONDS = st.sampled_from([0, 0, 4, 5, 6, 60, 61, 400, 2_000, 90_000])

PLACE, TIMES = st.integers(0, 9), st.sampled_from([1, 3, 8, len(SCHEDULE) + 1])
SENDS = {"who": WHO, "answers": AT_ALL, "after": SECONDS}
ACT = st.one_of(
    *acts(2, "there_is_something_to_tell", who=WHO, count=st.integers(1, 6), after=SECONDS),
    *acts(4, "a_postman_goes_round", **SENDS),
    act("both_go_round_at_once"),
    act("a_run_takes_one", place=PLACE, died=st.booleans(), answers=AT_ALL),
    *acts(3, "the_receiver_answers", place=PLACE, answers=AT_ALL, after=SECONDS),
    act(
        "none_is_taken_for_days",
        happens=st.booleans(),
        times=TIMES,
        status=st.sampled_from([422, 503]),
    ),
    act("one_dies_in_the_middle", place=PLACE),
    act("somebody_resumes"),
    act("somebody_replays_one", place=PLACE, on_its_way=st.booleans()),
    act("a_gateway_starts_that_has_nobody_to_send_to", happens=SELDOM),
    act("all_goes_well_from_now_on", happens=SELDOM),
)


@dataclass
class Message:
    """What the model knows of a message."""

    id: str
    onboarding_id: str
    sequence: int
    created_at: datetime
    next_at: datetime
    state: str = MessageState.PENDING
    tries: int = 0
    answer: str = ""
    answered_at: datetime | None = None
    arrived: bool = False
    """Whether the receiver has ever said that it took it."""

    def is_due(self, now: datetime) -> bool:
        """Whether it may be sent."""
        return self.state == MessageState.PENDING and self.next_at <= now


@dataclass
class Receiver:
    """What the model knows of whom all are sent to."""

    failures: int = 0
    held_until: datetime | None = None
    stopped_at: datetime | None = None

    def room(self, now: datetime, most: int) -> int:
        """How many it may be sent; whoever asks one that was away does so for all."""
        if self.stopped_at or (self.held_until and self.held_until > now):
            return 0
        if self.failures == 0:
            return most
        self.held_until = now + LEASE
        return 1


@dataclass(eq=False)
class Sent:
    """A message that has reached the receiver, which has not answered yet."""

    id: str
    answer: asyncio.Future[Said]


@dataclass(eq=False)
class Sending:
    """One dispatcher's work: what it has sent that is not answered, and the answers so far."""

    task: asyncio.Task[object]
    sent: list[Sent] = field(default_factory=list)
    answers: list[tuple[int, int]] = field(default_factory=list)
    """Statuses, and for how many seconds each asked."""


class Line(ProviderSystem):
    """The way to the receiver, for one dispatcher."""

    def __init__(self, arrives: Callable[[httpx.Request], Awaitable[httpx.Response]]) -> None:
        super().__init__(URL, [SecretStr(SECRET)])
        self._spare, self._http = (
            self._http,
            httpx.AsyncClient(transport=httpx.MockTransport(arrives)),
        )

    async def __aexit__(self, *given: object) -> None:
        await self._spare.aclose()
        await super().__aexit__(*given)


class Watched(Ledger):
    """Says when a transaction has ended."""

    ended = 0

    @asynccontextmanager
    async def begin(self):
        try:
            async with super().begin() as session:
                yield session
        finally:
            self.ended += 1


class Outbox(Machine):
    """Two onboardings are told of, by two postmen and at times by a run."""

    def __init__(self, databases: Databases) -> None:
        super().__init__(databases)
        self.now = T0
        self.ledgers = [Watched(self.url) for _ in range(3)]
        self.lines = [self.run(self._line(who)) for who in range(3)]
        self.told = 0
        """How often the operator was told that the receiver wants no more."""
        self.foretold = 0
        self.postmen = [self.postman(who) for who in range(2)]
        self.forgot_at: list[datetime | None] = [None, None]
        self.sending: dict[int, Sending] = {}
        self.arriving: dict[int, list[Sent]] = {who: [] for who in range(3)}
        self.messages: list[Message] = []
        self.receiver: Receiver | None = None
        self.onboardings: list[str] = []
        self.bodies: dict[str, bytes] = {}
        self.leases: dict[str, datetime] = {}
        """Until when a message is somebody's, unless it is answered or replayed before."""

    async def close(self) -> None:
        """Whoever still sends dies."""
        for who in list(self.sending):
            await self._die(who)
        for line in self.lines:
            await line.__aexit__()
        for ledger in self.ledgers:
            await ledger.close()

    async def _line(self, who: int) -> Line:
        return Line(lambda request: self._arrives(who, request))

    def postman(self, who: int) -> Postman:
        """What a gateway has when it starts."""
        return Postman(self.ledgers[who], self.lines[who], lambda: self.now, self._tell)

    async def _tell(self, _subject: str, _text: str) -> None:
        self.told += 1

    async def _arrives(self, who: int, request: httpx.Request) -> httpx.Response:
        message_id = request.headers["webhook-id"]
        assert self.bodies.setdefault(message_id, request.content) == request.content
        data = json.loads(request.content)["data"]
        (message,) = [each for each in self.messages if each.id == message_id]
        assert data["sequence"] == message.sequence
        assert data["onboarding_id"] == message.onboarding_id
        assert not (self.receiver and self.receiver.stopped_at)
        sent = Sent(message_id, asyncio.get_running_loop().create_future())
        self.arriving[who].append(sent)
        status, asked = await sent.answer
        if status == NO_ANSWER:
            raise httpx.ReadTimeout("")
        headers = {"retry-after": str(asked)} if asked else {}
        return httpx.Response(status, headers=headers)

    @initialize()
    def begin(self) -> None:
        """Both are asked for, and have been told of."""
        for who in range(2):
            started = Desk(self.ledgers[0]).started(f"client-{who}", f"{WABA[:-1]}{who}")
            self.onboardings.append(self.run(started))
        self.run(self._read_new())

    async def _read_new(self) -> None:
        """Take over what was written of new messages: their ids are random."""
        known = {message.id for message in self.messages}
        for row in await self._rows():
            if row.id not in known:
                new = Message(row.id, row.onboarding_id, row.sequence, self.now, self.now)
                assert not self.messages or new.sequence > self.messages[-1].sequence
                self.messages.append(new)

    async def _rows(self) -> list[OutboxRow]:
        async with self.ledgers[0].begin() as session:
            rows = await session.scalars(select(OutboxRow).order_by(OutboxRow.sequence))
            return list(rows)

    def there_is_something_to_tell(self, who: int, count: int, after: int) -> None:
        """Of one onboarding."""
        self.now += timedelta(seconds=after)
        self.run(self._put(self.onboardings[who], count))

    async def _put(self, onboarding_id: str, count: int) -> None:
        async with self.ledgers[0].begin() as session:
            for number in range(count):
                await put(session, onboarding_id, "sender.verified", {"n": number}, self.now)
        await self._read_new()

    @rule(act=ACT)
    def something_happens(self, act: Act) -> None:
        """Any of what follows."""
        self.do(act)

    # Those who send

    def a_postman_goes_round(self, who: int, answers: list[Said], after: int) -> None:
        """And sends what is due, unless he is still about it."""
        self.now += timedelta(seconds=after)
        if who not in self.sending:
            self.goes_round(who)
            self.are_answered(who, answers)

    def goes_round(self, who: int) -> None:
        """One of them; what he sends is what the model says."""
        self.model_forgets(who)
        taken = self.model_claims(self.due(), AT_ONCE)
        self.sends(who, self.postmen[who].go_round(), [message.id for message in taken])

    def both_go_round_at_once(self) -> None:
        """What one sends, the other does not."""
        if self.sending.keys() & {0, 1}:
            return
        for who in range(2):
            self.model_forgets(who)
        receiver = self.receiver
        most = 2 * AT_ONCE if receiver is None or receiver.failures == 0 else AT_ONCE
        taken = self.model_claims(self.due(), most)
        ids = self.run(self._both(len(taken)))
        assert sorted(ids) == sorted(message.id for message in taken)

    async def _both(self, count: int) -> list[str]:
        for who in range(2):
            self.sending[who] = Sending(asyncio.create_task(self.postmen[who].go_round()))
        await self._until(lambda: all(self.has_sent(who) for who in range(2)))
        await self._until(lambda: sum(map(len, self.arriving.values())) >= count)
        ids = []
        for who in range(2):
            sent = self._arrived(who)
            assert len(sent) <= AT_ONCE
            ids += [each.id for each in sent]
            if not sent:
                await self.sending.pop(who).task
        return ids

    def a_run_takes_one(self, place: int, died: bool, answers: list[Said]) -> None:
        """By itself; the leg before it may have died with it."""
        if RUN in self.sending or not self.messages:
            return
        message = self.messages[-1 - place % min(len(self.messages), 4)]
        pending = message.state == MessageState.PENDING
        free = pending and (died or message.is_due(self.now))
        if free and died:
            self.leases.pop(message.id, None)
        taken = self.model_claims([message] if free else [], 1)
        self.sends(RUN, self._run_takes(message.id, died), [each.id for each in taken])
        self.are_answered(RUN, answers)

    async def _run_takes(self, message_id: str, died: bool) -> None:
        ledger, line = self.ledgers[RUN], self.lines[RUN]
        async with ledger.begin() as session:
            row = await read_message(session, message_id)
            letter = await claim(session, row, line.key, self.now, over=died)
        if letter is not None:
            answer = await deliver(ledger, line, letter, lambda: self.now)
            await heed(ledger, line, [answer], lambda: self.now, self._tell)

    def sends(self, who: int, work: Awaitable[object], ids: list[str]) -> None:
        """Let one work, until all that it is to send has reached the receiver."""
        arrived = self.run(self._send(who, work, len(ids)))
        assert sorted(arrived) == sorted(ids)

    async def _send(self, who: int, work: Awaitable[object], count: int) -> list[str]:
        task = asyncio.ensure_future(work)
        self.sending[who] = Sending(task)
        await self._until(lambda: self.has_sent(who) and len(self.arriving[who]) >= count)
        ids = [sent.id for sent in self._arrived(who)]
        if not ids:
            await self.sending.pop(who).task
        return ids

    def has_sent(self, who: int) -> bool:
        """Something, or found nothing to send."""
        return bool(self.arriving[who]) or self.sending[who].task.done()

    def _arrived(self, who: int) -> list[Sent]:
        new, self.arriving[who] = self.arriving[who], []
        self.sending[who].sent += new
        return new

    async def _until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE / 2):
            while not done():  # noqa: ASYNC110 - of several things that happen elsewhere
                await asyncio.sleep(0.0005)
        for _ in range(20):  # what is too much comes at once after it
            await asyncio.sleep(0)

    def due(self) -> list[Message]:
        """What may be sent, the longest due first."""
        due = [message for message in self.messages if message.is_due(self.now)]
        return sorted(due, key=lambda message: (message.next_at, message.sequence))

    def model_claims(self, free: list[Message], most: int) -> list[Message]:
        """Take as many as there is room for; a message is nobody else's within a lease."""
        if not free:
            return []
        taken = free[: self.receiver.room(self.now, most) if self.receiver else most]
        for message in taken:
            assert self.leases.get(message.id, self.now) <= self.now
            message.tries, message.next_at = message.tries + 1, self.now + LEASE
            self.leases[message.id] = message.next_at
        return taken

    def model_forgets(self, who: int) -> None:
        """Each hour a postman deletes what is older than thirty days."""
        forgot_at = self.forgot_at[who]
        if forgot_at is None or self.now - forgot_at >= timedelta(hours=1):
            oldest = self.now - timedelta(days=30)
            self.messages = [each for each in self.messages if each.created_at >= oldest]
            self.forgot_at[who] = self.now

    # What is answered

    def the_receiver_answers(self, place: int, answers: list[Said], after: int) -> None:
        """One of those who send, and perhaps late."""
        self.now += timedelta(seconds=after)
        if self.sending:
            self.are_answered(self.one_who_sends(place), answers)

    def one_who_sends(self, place: int) -> int:
        """Of those who are about it."""
        return sorted(self.sending)[place % len(self.sending)]

    def none_is_taken_for_days(self, happens: bool, times: int, status: int) -> None:
        """Each by itself is refused, and given up in the end; or the receiver is away."""
        for _ in range(times if happens and 0 not in self.sending else 0):
            pending = [each.next_at for each in self.messages if each.state == MessageState.PENDING]
            held_until = self.receiver and self.receiver.held_until
            self.now = max([self.now, held_until or self.now, *pending])
            self.goes_round(0)
            self.are_answered(0, [(status, None)] * AT_ONCE)

    def are_answered(self, who: int, answers: list[Said]) -> None:
        """As many of one's messages as there are answers."""
        for answer in answers:
            if who in self.sending:
                self.answers(who, *answer)

    def answers(self, who: int, status: int, asked: int | None) -> None:
        """To the first that waits; to the last of them, all answers are heeded."""
        sending = self.sending[who]
        sent = sending.sent.pop(0)
        seconds = min(asked or 0, 86_400)
        sending.answers.append((status, seconds))
        self.run(self._answer(who, sent, (status, asked)))
        message = next((each for each in self.messages if each.id == sent.id), None)
        if message is not None:
            self.run(self.model_settles(message, status, timedelta(seconds=seconds)))
        if not sending.sent:
            self.model_heeds(sending.answers)
            self.run(self._ended(self.sending.pop(who)))

    async def _answer(self, who: int, sent: Sent, answer: Said) -> None:
        ledger, sending = self.ledgers[who], self.sending[who]
        before = ledger.ended
        sent.answer.set_result(answer)
        more = 1 if sending.sent else 2  # it is settled, and at the end all are heeded
        await self._until(lambda: ledger.ended >= before + more)

    async def _ended(self, sending: Sending) -> None:
        await sending.task

    async def model_settles(self, message: Message, status: int, asked: timedelta) -> None:
        """What an answer makes of a message; within what is documented, the wait is random."""
        took = 200 <= status < 300
        if message.state == MessageState.DELIVERED:
            return
        message.arrived = message.arrived or took
        message.answer = f"HTTP {status}" if status else "ReadTimeout"
        message.answered_at = self.now
        self.leases.pop(message.id, None)
        if took:
            message.state = MessageState.DELIVERED
        elif status == 410:
            message.tries, message.next_at = max(message.tries - 1, 0), self.now
        elif message.tries > len(SCHEDULE):
            message.state = MessageState.GIVEN_UP
        else:
            message.next_at = await self._waits(message, asked)

    async def _waits(self, message: Message, asked: timedelta) -> datetime:
        async with self.ledgers[0].begin() as session:
            next_at = (await read_message(session, message.id)).next_at
        planned = timedelta(seconds=SCHEDULE[max(message.tries, 1) - 1])
        assert max(planned, asked) <= next_at - self.now <= max(planned * 1.2, asked)
        return next_at

    def model_heeds(self, answers: list[tuple[int, int]]) -> None:
        """What the answers to messages sent side by side say of the receiver."""
        statuses = {status for status, _ in answers}
        if 410 in statuses:
            self.receiver = self.receiver or Receiver()
            self.foretold += self.receiver.stopped_at is None
            self.receiver.stopped_at = self.receiver.stopped_at or self.now
        elif any(200 <= status < 300 or status in REFUSED for status in statuses):
            if self.receiver and self.receiver.failures:
                self.receiver.failures, self.receiver.held_until = 0, None
        else:
            self.receiver = self.receiver or Receiver()
            self.receiver.failures += 1
            pause = min(5 * 2 ** (self.receiver.failures - 1), 300)
            longest = max(pause, *(seconds for _, seconds in answers))
            self.receiver.held_until = self.now + timedelta(seconds=longest)

    # What goes wrong, and what people do

    def one_dies_in_the_middle(self, place: int) -> None:
        """What it has sent may have arrived: nobody knows, and it is sent again."""
        if not self.sending:
            return
        who = self.one_who_sends(place)
        self.run(self._die(who))
        if who != RUN:
            self.postmen[who], self.forgot_at[who] = self.postman(who), None

    async def _die(self, who: int) -> None:
        task = self.sending.pop(who).task
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    def somebody_resumes(self) -> None:
        """The receiver is to be sent to again, at once."""
        stopped = self.receiver is not None and self.receiver.stopped_at is not None
        if self.receiver is not None:
            self.receiver = Receiver()
        assert self.run(self._resume()) is stopped

    async def _resume(self) -> bool:
        async with self.ledgers[0].begin() as session:
            return await resume(session, self.lines[0].key)

    def somebody_replays_one(self, place: int, on_its_way: bool) -> None:
        """Whatever became of it, and whoever is about to send it."""
        if not self.messages:
            return
        sent = {each.id for sending in self.sending.values() for each in sending.sent}
        some = [message for message in self.messages if on_its_way and message.id in sent]
        message = (some or self.messages)[place % len(some or self.messages)]
        message.state, message.tries, message.next_at = MessageState.PENDING, 0, self.now
        self.leases.pop(message.id, None)
        self.run(self._replay(message.id))

    async def _replay(self, message_id: str) -> None:
        async with self.ledgers[0].begin() as session:
            await replay(session, message_id, self.now)

    def a_gateway_starts_that_has_nobody_to_send_to(self, happens: bool) -> None:
        """What waits is dropped, until somebody replays it."""
        if not happens:
            return
        for message in self.messages:
            if message.state == MessageState.PENDING:
                message.state = MessageState.DROPPED
        idle = Postman(self.ledgers[0], None, lambda: self.now, self._tell)
        self.model_forgets_anew()
        self.run(idle.go_round())

    def model_forgets_anew(self) -> None:
        """A postman that has just started deletes at once."""
        oldest = self.now - timedelta(days=30)
        self.messages = [each for each in self.messages if each.created_at >= oldest]

    def all_goes_well_from_now_on(self, happens: bool) -> None:
        """The receiver takes what it is sent: each message reaches it, or is kept as what it is."""
        if not happens:
            return
        for who in sorted(self.sending):
            while who in self.sending:
                self.answers(who, 204, None)
        self.somebody_resumes()
        while pending := [m for m in self.messages if m.state == MessageState.PENDING]:
            self.now = max(self.now, min(message.next_at for message in pending))
            self.goes_round(0)
            while 0 in self.sending:
                self.answers(0, 204, None)
        kept = {MessageState.GIVEN_UP, MessageState.DROPPED}
        assert all(message.arrived or message.state in kept for message in self.messages)

    # What must be

    @invariant()
    def it_is_as_foretold(self) -> None:
        """Each message, the receiver, and what the operator was told."""
        self.run(self._compare())

    async def _compare(self) -> None:
        rows = await self._rows()
        for row, message in zip(rows, self.messages, strict=True):
            for name in ("id", "onboarding_id", "sequence", "created_at", "state", "tries"):
                assert getattr(row, name) == getattr(message, name), (name, row.sequence)
            for name in ("next_at", "answer", "answered_at"):
                assert getattr(row, name) == getattr(message, name), (name, row.sequence)
        async with self.ledgers[0].begin() as session:
            kept = await session.get(ReceiverRow, self.lines[0].key)
        known = kept and Receiver(kept.failures, kept.held_until, kept.stopped_at)
        assert known == self.receiver
        assert self.told == self.foretold


@pytest.mark.timeout(300)
def test_no_history_of_the_outbox_loses_a_message_or_sends_it_twice(databases: Databases):
    """The machine above, over many histories."""
    play(Outbox, databases, examples=10, steps=50)
