"""Whether a receiver may be sent to now, and how much at once."""

from datetime import timedelta

from tests.domain.samples import T0
from tests.ledger.desk import Desk
from waboard.domain.posting import LONGEST_PAUSE, SHORTEST_PAUSE, Answer, Result
from waboard.ledger.receivers import is_stopped, note_answers, resume, room_at

KEY, MOST = "receiver", 8
LEASE = timedelta(minutes=1)
TAKEN, REFUSED, AWAY, GONE = (Answer(result, "") for result in Result)


async def room(desk: Desk, after: timedelta = timedelta(), key: str = KEY) -> int:
    async with desk.ledger.begin() as session:
        return await room_at(session, key, T0 + after, LEASE, MOST)


async def answers(desk: Desk, *given: Answer, after: timedelta = timedelta()) -> bool:
    async with desk.ledger.begin() as session:
        return await note_answers(session, KEY, given, T0 + after)


async def test_a_receiver_of_which_nothing_is_known_is_sent_all(desk: Desk):
    assert await room(desk) == MOST
    await answers(desk, TAKEN)
    assert await room(desk) == MOST


async def test_one_that_is_away_is_asked_later_with_one_message_and_by_one(desk: Desk):
    """However many were sent to it side by side, it has failed once."""
    await answers(desk, AWAY, AWAY, AWAY)
    assert await room(desk, SHORTEST_PAUSE * 0.99) == 0
    assert await room(desk, SHORTEST_PAUSE) == 1
    assert await room(desk, SHORTEST_PAUSE) == 0
    assert await room(desk, SHORTEST_PAUSE + LEASE) == 1


async def test_it_is_asked_ever_less_often(desk: Desk):
    await answers(desk, AWAY)
    await answers(desk, AWAY)
    assert await room(desk, SHORTEST_PAUSE) == 0
    assert await room(desk, SHORTEST_PAUSE * 2) == 1
    for _ in range(20):
        await answers(desk, AWAY)
    assert await room(desk, LONGEST_PAUSE) == 1


async def test_it_is_left_alone_for_as_long_as_it_asks(desk: Desk):
    await answers(desk, Answer(Result.AWAY, "", timedelta(hours=2)))
    assert await room(desk, timedelta(minutes=119)) == 0
    assert await room(desk, timedelta(hours=2)) == 1


async def test_one_that_is_back_is_sent_all(desk: Desk):
    for back in (TAKEN, REFUSED):
        await answers(desk, AWAY)
        await answers(desk, back)
        assert await room(desk) == MOST


async def test_one_answer_shows_that_it_is_there(desk: Desk):
    await answers(desk, AWAY, TAKEN, AWAY)
    assert await room(desk) == MOST


async def test_one_that_wants_no_more_is_left_alone_until_somebody_resumes(desk: Desk):
    assert await answers(desk, TAKEN, GONE)
    assert await room(desk, timedelta(days=400)) == 0
    async with desk.ledger.begin() as session:
        assert await is_stopped(session, KEY)
        assert await resume(session, KEY)
        assert not await is_stopped(session, KEY)
    assert await room(desk) == MOST


async def test_that_it_wants_no_more_is_news_once(desk: Desk):
    assert await answers(desk, GONE)
    assert not await answers(desk, GONE)


async def test_a_receiver_at_another_address_is_another(desk: Desk):
    await answers(desk, GONE)
    assert await room(desk, key="elsewhere") == MOST


async def test_resuming_what_is_not_stopped_changes_nothing_but_the_pause(desk: Desk):
    async with desk.ledger.begin() as session:
        assert not await resume(session, KEY)
    await answers(desk, AWAY)
    async with desk.ledger.begin() as session:
        assert not await resume(session, KEY)
    assert await room(desk) == MOST
