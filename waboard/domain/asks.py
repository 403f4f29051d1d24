"""What answers the ask for a registration, and what was said before it.

Words from before the ask are context: they are shown, and decide nothing. Two kinds of them count
all the same. A number that ended well, and has not failed since, is registered whoever asked. And
one that was said to be on its way shortly before is on its way.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from waboard.domain.conditions import Status
from waboard.domain.delivery import Verdict
from waboard.domain.ids import PhoneNumber, mask_phone
from waboard.domain.masking import scrub
from waboard.domain.reasons import Reason
from waboard.domain.registration import (
    TERMINAL,
    Registration,
    RegistrationEvent,
    RegistrationStatus,
    SenderEvent,
    SenderRegistration,
    in_one_spelling,
    registration_from,
    sender_of,
)

UPSTREAM_CLOCK_SKEW = timedelta(minutes=1)
"""How much the clock of Infobip and ours may differ."""
OWN_CLOCK_SKEW = timedelta(seconds=2)
"""How much the clocks of two machines of ours may differ."""
UNFINISHED_COUNTS_FOR = timedelta(days=1)
"""How long before the ask a registration may have been said to be on its way, and still be.

A registration takes minutes, at times days. What was on its way for longer has most likely ended,
and its event was lost: then asking again does more good than waiting.
"""


@dataclass(frozen=True, slots=True)
class Ask:
    """When a registration was asked for.

    `since` is when somebody asked us: by the request or, where it had failed, by a retry.
    `shared_at` is when we first asked Infobip after that, by a share that was, or may have been,
    taken. One that is repeated because it was not answered belongs to the same ask.
    """

    since: datetime
    retried: bool = False
    shared_at: datetime | None = None

    @property
    def at(self) -> datetime:
        """When it was asked for, as far as it has come."""
        return self.shared_at or self.since

    def comes_after(self, said_at: datetime, received_at: datetime | None) -> bool:
        """Whether something was said, or received, before the ask: then it is no answer to it."""
        if received_at is not None and received_at < self._received_from:
            return True
        return said_at < self._said_from

    @property
    def _received_from(self) -> datetime:
        if self.shared_at is None:
            return self.since
        return max(self.since, self.shared_at - OWN_CLOCK_SKEW)

    @property
    def _said_from(self) -> datetime:
        # What was said about when somebody retried is the failure that made him do it.
        unasked = self.retried and self.shared_at is None
        return self.at + UPSTREAM_CLOCK_SKEW if unasked else self.at - UPSTREAM_CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class Asks:
    """All asks of one onboarding.

    `retried_at` is when a failed registration was last retried, `numbers` the same of its numbers;
    `shares` are when the shares began that were, or may have been, taken.
    """

    created_at: datetime
    retried_at: datetime | None = None
    numbers: Mapping[PhoneNumber, datetime] = field(default_factory=dict[PhoneNumber, datetime])
    shares: tuple[datetime, ...] = ()

    @property
    def of_waba(self) -> Ask:
        """The ask for the registration of the WABA as a whole."""
        return self._ask(self.retried_at)

    def of(self, number: PhoneNumber) -> Ask:
        """The ask for the registration of a number."""
        return self._ask(self.numbers.get(number))

    def _ask(self, retried_at: datetime | None) -> Ask:
        since = retried_at or self.created_at
        shared_at = min((at for at in self.shares if at >= since), default=None)
        return Ask(since, retried=retried_at is not None, shared_at=shared_at)


@dataclass(frozen=True, slots=True)
class _Word:
    """One thing that was said of the registration of a WABA or of a number."""

    status: str
    said_at: datetime
    received_at: datetime | None = None
    info: str | None = None
    phone_number_id: str | None = None

    @property
    def is_ending(self) -> bool:
        return self.status in TERMINAL

    @property
    def is_failure(self) -> bool:
        return self.status == RegistrationStatus.FAILED


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Which words answer the ask or hold at it, and how it had last ended before."""

    answers: frozenset[_Word]
    on_its_way: frozenset[_Word]
    ended: _Word | None

    @property
    def failure(self) -> _Word | None:
        """The failure from before the ask, where it has not ended well since."""
        return self.ended if self.ended is not None and self.ended.is_failure else None

    def counting(self, *, failed: bool = False) -> frozenset[_Word]:
        """All words that count, with the last ending if it was good, or `failed` counts as well."""
        words = self.answers | self.on_its_way
        if self.ended is None or (self.ended.is_failure and not failed):
            return words
        return words | {self.ended}


def registration_since(
    asks: Asks, events: Iterable[RegistrationEvent], connected: Iterable[SenderRegistration] = ()
) -> Registration:
    """Work out a WABA's registration from what answers the asks for it; the rest is context.

    Like `registration_from`, it depends on the set of evidence alone.
    """
    spelled = in_one_spelling(events, connected)
    told, seen = spelled.events, spelled.connected
    asks = replace(asks, numbers={spelled.spelled(n): at for n, at in asks.numbers.items()})
    verdicts = {
        number: _judged(words, asks.of(number)) for number, words in _by_number(told, seen).items()
    }
    counting = {number: verdict.counting() for number, verdict in verdicts.items()}
    numbers = registration_from(
        [_with_counting(event, counting) for event in told],
        [each for each in seen if _seen(each) in counting[each.phone_number]],
    )
    of_waba = _judged([_of_waba(event) for event in told], asks.of_waba)
    account = registration_from(_that_count(told, of_waba, numbers))
    ended = any(word.is_ending for word in of_waba.answers)
    return replace(
        numbers,
        senders={n: _with_names(each, spelled.known[n]) for n, each in numbers.senders.items()},
        status=account.status,
        info=account.info,
        portfolio_id=registration_from(told).portfolio_id,
        failed_before=_failures(verdicts, numbers),
        unanswered=frozenset() if ended else frozenset(asks.numbers) - set(numbers.senders),
    )


def _with_names(sender: SenderRegistration, known: SenderRegistration) -> SenderRegistration:
    return replace(
        sender,
        phone_number_id=sender.phone_number_id or known.phone_number_id,
        other_spellings=known.other_spellings,
    )


def _that_count(
    events: Iterable[RegistrationEvent], of_waba: _Verdict, numbers: Registration
) -> list[RegistrationEvent]:
    # That all had ended before the ask says nothing without a number that it has brought.
    known = of_waba.counting(failed=not of_waba.on_its_way)
    old = known if numbers.senders else of_waba.on_its_way
    return [event for event in events if _of_waba(event) in of_waba.answers | old]


def _judged(words: Iterable[_Word], ask: Ask) -> _Verdict:
    said = frozenset(words)
    before = {word for word in said if ask.comes_after(word.said_at, word.received_at)}
    ended = max((word for word in before if word.is_ending), key=_later, default=None)
    on_its_way = frozenset(word for word in before if _is_on_its_way(word, ask, ended))
    return _Verdict(said - before, on_its_way, ended)


def _is_on_its_way(word: _Word, ask: Ask, ended: _Word | None) -> bool:
    if word.is_ending or (ended is not None and word.said_at <= ended.said_at):
        return False
    return word.said_at >= ask.at - UNFINISHED_COUNTS_FOR


def _later(word: _Word) -> tuple[datetime, bool, str]:
    # At the same instant success wins, since somebody saw it.
    return word.said_at, not word.is_failure, str(word)


def _by_number(
    events: Iterable[RegistrationEvent], connected: Iterable[SenderRegistration]
) -> dict[PhoneNumber, list[_Word]]:
    words: dict[PhoneNumber, list[_Word]] = defaultdict(list)
    for event in events:
        for sender in event.senders:
            words[_number(sender)].append(_of_sender(event, sender))
    for each in connected:
        words[each.phone_number].append(_seen(each))
    return words


def _number(sender: SenderEvent) -> PhoneNumber:
    # In one spelling each has a number.
    return sender.phone_number or PhoneNumber("")


def _of_waba(event: RegistrationEvent) -> _Word:
    info = event.registration_info or None
    return _Word(event.status, event.modified_at, event.received_at, info)


def _of_sender(event: RegistrationEvent, sender: SenderEvent) -> _Word:
    said = sender_of(event, sender, _number(sender))
    return _Word(said.status, said.as_of, event.received_at, said.info, said.phone_number_id)


def _seen(sender: SenderRegistration) -> _Word:
    return _Word(sender.status, sender.as_of, info=sender.info)


def _with_counting(
    event: RegistrationEvent, counting: Mapping[PhoneNumber, frozenset[_Word]]
) -> RegistrationEvent:
    senders = tuple(
        sender for sender in event.senders if _of_sender(event, sender) in counting[_number(sender)]
    )
    return event.model_copy(update={"senders": senders})


def _failures(
    verdicts: Mapping[PhoneNumber, _Verdict], numbers: Registration
) -> dict[PhoneNumber, SenderRegistration]:
    failures = {n: v.failure for n, v in verdicts.items() if n not in numbers.senders}
    return {
        number: SenderRegistration(
            number, word.phone_number_id, word.status, word.info, word.said_at
        )
        for number, word in failures.items()
        if word is not None
    }


def unanswered(
    number: PhoneNumber, ask: Ask | None, failure: SenderRegistration | None, *, stays: bool
) -> Verdict:
    """Say how a number stands of which nothing was said since it was asked for.

    `stays` is whether its run does not ask Infobip: the WABA is shared all the same, or Infobip has
    refused to take it again.
    """
    asked = ask is not None and ask.shared_at is not None
    if stays and not asked:
        reason, now = Reason.REGISTRATION_FAILED_BEFORE, "It is not being registered."
    elif ask is not None and ask.retried and not asked:
        reason, now = Reason.REGISTRATION_RETRY_REQUESTED, "Somebody retried its registration."
    else:
        reason = Reason.REGISTRATION_IN_PROGRESS
        now = f"No evidence of {mask_phone(number)} being registered yet."
    return Verdict(Status.UNKNOWN, reason, f"{now}{_before(failure)}")


def _before(failure: SenderRegistration | None) -> str:
    if failure is None:
        return ""
    said = scrub(failure.info).rstrip(".") if failure.info else "Infobip gave no reason"
    return f" It failed before, on {failure.as_of:%Y-%m-%d %H:%M} UTC: {said}."
