"""Sending messages: when each is tried again, what an answer means, and who then is told.

The schedule, and what 410 means, are as https://www.standardwebhooks.com advises.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from waboard.domain.conditions import Status
from waboard.domain.delivery import Verdict
from waboard.domain.reasons import Reason
from waboard.domain.retry_after import read_retry_after
from waboard.domain.sentences import sentence


class MessageState(StrEnum):
    """What became of a message.

    `pending` is tried, and tried again; `given-up` was tried to the end of the schedule; `dropped`
    had nobody to go to. All but the first can be replayed until they are deleted.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given-up"
    DROPPED = "dropped"


# When a message is tried again

SCHEDULE = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""How long after each try the next follows: ten tries over a little more than three days."""
JITTER = 0.2
"""By how much of itself such a time is longer at most, so that not all come again at once."""
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
"""How long a receiver is left alone that does not answer: the first time, and at most."""
LONGEST_ASKED = timedelta(hours=24)
"""How long we come again after at most, whatever `Retry-After` says."""


def next_try(message_id: str, tries: int) -> timedelta | None:
    """Return how long after its last try a message is tried again; None when it is given up."""
    if tries > len(SCHEDULE):
        return None
    share = int(message_id[:8], 16) / 16**8  # the id is random enough, and the same in every test
    return SCHEDULE[max(tries, 1) - 1] * (1 + JITTER * share)


def trying_until(tries: int, next_at: datetime) -> datetime:
    """Return when about a message that was tried so often is tried for the last time."""
    return next_at + sum(SCHEDULE[tries:], timedelta())


def pause_after(failures: int) -> timedelta:
    """Return how long a receiver is left alone that has failed so often in a row."""
    return min(SHORTEST_PAUSE * 2 ** min(failures - 1, 10), LONGEST_PAUSE)


# What a receiver answers


class Result(StrEnum):
    """What an answer means: for this message, or for all of them."""

    TAKEN = "taken"
    REFUSED = "refused"
    AWAY = "away"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered. `words` hold no address; `again_after` is what it asks for."""

    result: Result
    words: str
    again_after: timedelta = timedelta()


_ABOUT_THE_MESSAGE = frozenset({400, 406, 409, 413, 415, 422})


def read_answer(status: int, retry_after: str | None, now: datetime) -> Answer:
    """Judge an answer as Standard Webhooks has it: 2xx took it, 410 wants no more of any.

    A few statuses are about the one message; all others about the receiver as a whole.
    """
    words = f"HTTP {status}"
    if 200 <= status < 300:
        return Answer(Result.TAKEN, words)
    if status == 410:
        return Answer(Result.GONE, words)
    again = read_retry_after(retry_after, now, longest=LONGEST_ASKED) or timedelta()
    return Answer(Result.REFUSED if status in _ABOUT_THE_MESSAGE else Result.AWAY, words, again)


# What is known of who was told

NOBODY = "There is nobody to tell."
OF_RECEIVER = frozenset(
    {
        Reason.NO_RECEIVER,
        Reason.RECEIVER_AWAITED,
        Reason.RECEIVER_STOPPED,
        Reason.RECEIVER_GIVEN_UP,
    }
)
"""Reasons of Notified that end when the provider's system takes the outcome after all."""


def notified(
    outcome: str, state: str, answer: str, until: datetime, *, stopped: bool = False
) -> Verdict:
    """Return what Notified is, given what became of the message that tells the outcome."""
    if state == MessageState.DELIVERED:
        return Verdict(Status.TRUE, Reason.EVERYBODY_TOLD, f"Told of {outcome}.")
    if state == MessageState.DROPPED:
        return Verdict(Status.UNKNOWN, Reason.NO_RECEIVER, NOBODY)
    said = sentence(f"Could not tell the provider's system: {answer or 'it was not tried yet'}")
    if state == MessageState.GIVEN_UP:
        words = f"{said} It was tried for three days."
        return Verdict(Status.UNKNOWN, Reason.RECEIVER_GIVEN_UP, words)
    if stopped:
        said = "The provider's system has said that it wants no more messages."
        return Verdict(Status.UNKNOWN, Reason.RECEIVER_STOPPED, said)
    words = f"{said} It goes on trying until about {until:%Y-%m-%d %H:%M} UTC."
    return Verdict(Status.UNKNOWN, Reason.RECEIVER_AWAITED, words)
