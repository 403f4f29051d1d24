"""What is true in the end depends on what was said, not on when, how often or in which order.

Every story is told to a ledger twice: once straight, and once shuffled, with repeats, and looked at
in between. The two ledgers must agree.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.samples import BAD, GOOD, STATUSES, at
from tests.ledger.databases import SqliteDatabases
from tests.ledger.desk import Desk, reported, told
from waboard.domain.asks import UPSTREAM_CLOCK_SKEW
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.facts import Fact
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Onboarding
from waboard.ledger.attempts import begin_attempt
from waboard.ledger.database import Ledger
from waboard.ledger.locks import hold
from waboard.ledger.models import Disposition, EffectStatus, Verb
from waboard.ledger.onboardings import end_onboarding

REGISTRATION = st.sampled_from(["FINISHED", "FAILED", "IN_PROGRESS", "PARTIALLY_NOVEL"])
MINUTE = st.integers(0, 4)

registrations = st.builds(
    told,
    REGISTRATION,
    MINUTE,
    st.dictionaries(st.sampled_from([GOOD, BAD]), REGISTRATION, max_size=2),
)
reports = st.builds(
    reported,
    st.sampled_from(sorted(STATUSES)),
    MINUTE,
    st.sampled_from([f"waboard-{GOOD}", f"waboard-{BAD}", "waboard-of-nobody"]),
)
facts = st.one_of(registrations, reports)


@dataclass
class Story:
    """What is said, in two orders; `asked` is after how many of them somebody asks."""

    straight: list[Fact]
    shuffled: list[Fact]
    asked: int
    looks: set[int]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Any facts, then the same in any order with repeats."""
    straight = draw(st.lists(facts, min_size=1, max_size=6))
    repeats = draw(st.lists(st.sampled_from(straight), max_size=4))
    shuffled = draw(st.permutations(straight + repeats))
    places = st.integers(0, len(shuffled))
    return Story(straight, shuffled, draw(places), draw(st.sets(places)))


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("orders"))


@asynccontextmanager
async def new_desk(copies: SqliteDatabases) -> AsyncGenerator[Desk]:
    url = copies.create()
    ledger = Ledger(url)
    try:
        yield Desk(ledger)
    finally:
        await ledger.close()
        copies.drop(url)


def truth(onboarding: Onboarding) -> object:
    """What holds, without when it came to be known and by which event."""
    return (
        sorted((c.type, c.status, c.reason, c.message) for c in onboarding.conditions.values()),
        {
            s.phone_number: sorted(
                (c.type, c.status, c.reason, c.message) for c in s.conditions.values()
            )
            for s in onboarding.senders
        },
    )


async def ask(desk: Desk) -> str:
    """Start an onboarding that has sent a test message from both numbers."""
    onboarding_id = await desk.started()
    for number in (GOOD, BAD):
        await desk.send(onboarding_id, number)
    return onboarding_id


async def tell_straight(desk: Desk, story: Story) -> Onboarding:
    """Ask first, and hear everything once."""
    onboarding_id = await ask(desk)
    await desk.keep(*story.straight)
    return await desk.look(onboarding_id)


async def tell_shuffled(desk: Desk, story: Story) -> Onboarding:
    """Hear in another order, look now and then, and ask somewhere in the middle."""
    onboarding_id: str | None = None
    for place, fact in enumerate([*story.shuffled, None]):
        if place == story.asked:
            onboarding_id = await ask(desk)
        if onboarding_id is not None and place in story.looks:
            await desk.look(onboarding_id, minute=place)
        if fact is not None:
            await desk.keep(fact, minute=place)
    assert onboarding_id is not None
    return await desk.look(onboarding_id, minute=99)


@settings(max_examples=20, deadline=None)
@given(story=stories())
def test_the_end_depends_only_on_what_was_said(copies: SqliteDatabases, story: Story) -> None:
    """Not on order, number, or on when somebody looked or asked."""

    async def both() -> tuple[object, object]:
        async with new_desk(copies) as straight, new_desk(copies) as shuffled:
            one = await tell_straight(straight, story)
            other = await tell_shuffled(shuffled, story)
            return truth(one), truth(other)

    one, other = asyncio.run(both())
    assert one == other


@settings(max_examples=20, deadline=None)
@given(story=stories())
def test_every_event_is_kept_once_counted_and_given_a_disposition(
    copies: SqliteDatabases, story: Story
) -> None:
    """One row for each fact, and none that concerns the onboarding is left parked."""

    async def tell() -> None:
        async with new_desk(copies) as desk:
            await tell_shuffled(desk, story)
            events = await desk.events()
            assert {e.digest for e in events} == {f.digest for f in story.straight}
            assert sum(e.times_received for e in events) == len(story.shuffled)
            for event in events:
                parked = event.disposition == Disposition.PARKED
                assert parked == (event.message_id == "waboard-of-nobody")

    asyncio.run(tell())


def test_what_the_end_is_is_named_by_hand(copies: SqliteDatabases) -> None:
    """One number is registered and its message arrives, the other failed: in any order."""
    words = [
        told("FINISHED", 1, {GOOD: "FINISHED", BAD: "FAILED"}),
        reported("delivered", 2, message_id=f"waboard-{GOOD}"),
        reported("rejected", 2, message_id=f"waboard-{BAD}"),
    ]

    async def end(order: Sequence[Fact], asked: int) -> Onboarding:
        async with new_desk(copies) as desk:
            return await tell_shuffled(desk, Story(words, [*order], asked, {2}))

    for place, order in enumerate(permutations(words)):
        onboarding = asyncio.run(end(order, asked=place % 4))
        assert of(onboarding, GOOD) == (Status.TRUE, Status.TRUE)
        assert of(onboarding, BAD) == (Status.FALSE, Status.FALSE)


def of(onboarding: Onboarding, number: str) -> tuple[Status, Status]:
    """Whether a number is registered, and whether its message arrived."""
    conditions = onboarding.sender(PhoneNumber(number)).conditions
    return conditions[ConditionType.REGISTERED].status, conditions[ConditionType.VERIFIED].status


# Asked for, shared, retried: and words from before and after


@dataclass
class Heard:
    """A word about the registration: what it says of whom, when it was said, and when received."""

    senders: dict[str, str]
    said: float
    received: float

    @property
    def fact(self) -> Fact:
        """As it comes."""
        status = "FAILED" if set(self.senders.values()) == {"FAILED"} else "FINISHED"
        return told(status, self.said, self.senders)


heard = st.builds(
    lambda senders, said, late: Heard(senders, said, said + late),
    st.dictionaries(st.sampled_from([GOOD, BAD]), REGISTRATION, min_size=1, max_size=2),
    st.integers(-3, 12),
    st.integers(0, 8),
)


@dataclass
class Course:
    """What is heard, and when it is shared and retried; asked for is it at 0.

    `looks` are two sets of minutes after which somebody looks.
    """

    words: list[Heard]
    shared: list[float]
    retried: tuple[float, str] | None
    looks: tuple[set[int], set[int]]

    def asked(self, number: str) -> float:
        """When a number was last asked for, by hand: by a share, or else by who wanted that."""
        since = self.retried[0] if self.retried and self._had_failed(number) else 0
        return min((each for each in self.shared if each >= since), default=since)

    def _had_failed(self, number: str) -> bool:
        # By all that was received before the retry, so that there is nothing to ponder about.
        minute, whose = self.retried or (0, "")
        known = [w for w in self.words if number in w.senders and w.received < minute]
        return whose in {"", number} and {w.senders[number] for w in known} == {"FAILED"}


@st.composite
def courses(draw: st.DrawFn) -> Course:
    """It may be shared at 2, and again after a retry at 6."""
    retried = draw(st.sampled_from([None, (6.5, ""), (6.5, GOOD)]))
    shared = [2.5] if draw(st.booleans()) else []
    looks = st.sets(st.integers(0, 12))
    return Course(
        draw(st.lists(heard, min_size=1, max_size=6)),
        shared + ([7.5] if retried and draw(st.booleans()) else []),
        retried,
        (draw(looks), draw(looks)),
    )


async def live_through(
    desk: Desk, course: Course, words: Sequence[Heard], looks: set[int]
) -> Onboarding:
    """Let everything happen at its minute, and look after some of them."""
    onboarding_id = ""
    for minute in range(-3, 25):
        for word in words:
            if word.received == minute:
                await desk.keep(word.fact, minute=minute)
        if minute == 0:
            onboarding_id = await desk.started()
        for shared in course.shared:
            if int(shared) == minute:
                effect = await desk.begin(onboarding_id, Verb.SHARE, minute=shared)
                await desk.end(effect, EffectStatus.DONE, minute=shared)
        if course.retried and int(course.retried[0]) == minute:
            await retry(desk, onboarding_id, *course.retried)
        if onboarding_id and minute in looks:
            await desk.look(onboarding_id, minute + 0.9)
    return await desk.look(onboarding_id, 99)


async def retry(desk: Desk, onboarding_id: str, minute: float, number: str) -> None:
    """Somebody retries an onboarding that has ended."""
    async with desk.ledger.begin() as session:
        await hold(session, onboarding_id)
        await end_onboarding(session, onboarding_id, at(minute), "RegistrationFailed")
        await begin_attempt(session, onboarding_id, at(minute), number)


def of_registration(onboarding: Onboarding) -> object:
    """How the numbers stand, why, and whether Infobip is known to have the WABA."""
    registered = {
        s.phone_number: (c.status, c.reason, c.message)
        for s in onboarding.senders
        if (c := s.conditions.get(ConditionType.REGISTERED))
    }
    shared = onboarding.conditions.get(ConditionType.SHARED)
    return registered, shared.status if shared else None, onboarding.registration


@settings(max_examples=20, deadline=None)
@given(course=courses(), random=st.randoms(use_true_random=False))
def test_how_it_is_asked_and_answered_depends_on_no_look(
    copies: SqliteDatabases, course: Course, random: Random
) -> None:
    """What was said, when it was received, and when it was asked for decide; nobody's looking."""
    words = course.words * 2
    random.shuffle(words)

    async def both() -> tuple[Onboarding, Onboarding]:
        async with new_desk(copies) as one, new_desk(copies) as other:
            first, second = course.looks
            straight = await live_through(one, course, course.words, first)
            return straight, await live_through(other, course, words, second)

    one, other = asyncio.run(both())
    assert of_registration(one) == of_registration(other)


@settings(max_examples=20, deadline=None)
@given(course=courses())
def test_who_has_failed_failed_after_it_was_asked_for(
    copies: SqliteDatabases, course: Course
) -> None:
    """The answers are named here by hand: clearly not before, by Infobip's clock and by ours."""
    skew = UPSTREAM_CLOCK_SKEW / timedelta(minutes=1)

    async def end() -> Onboarding:
        async with new_desk(copies) as desk:
            return await live_through(desk, course, course.words, course.looks[0])

    onboarding = asyncio.run(end())
    for sender in onboarding.senders:
        if sender.conditions[ConditionType.REGISTERED].status is Status.FALSE:
            asked = course.asked(sender.phone_number)
            said = [w for w in course.words if w.senders.get(sender.phone_number) == "FAILED"]
            answers = [w for w in said if w.said >= asked - skew and w.received >= asked - skew]
            assert answers
