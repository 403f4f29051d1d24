"""What is true in the end depends on what was said, not on when, how often or in which order.

Every story is told to a ledger twice: once straight, and once shuffled, with repeats, and looked at
in between. The two ledgers must agree.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.samples import BAD, GOOD, STATUSES
from tests.ledger.databases import SqliteDatabases
from tests.ledger.desk import Desk, reported, told
from waboard.domain.facts import Fact
from waboard.domain.onboarding import Onboarding
from waboard.ledger.database import Ledger
from waboard.ledger.models import Disposition

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


@settings(max_examples=80, deadline=None)
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


@settings(max_examples=40, deadline=None)
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
