"""Whether a WABA is connected to us: Meta's latest word and our own last read, whichever counts.

A pure table of both with their times, so the end depends on what was said and seen, never on the
order in which it reached us.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from waboard.domain.conditions import Status
from waboard.domain.masking import scrub
from waboard.domain.meta_events.meanings import Meaning
from waboard.domain.meta_events.restrictions import in_force, is_of_messages, told
from waboard.domain.meta_events.wire import Restriction
from waboard.domain.meta_events.words import BY_META, Judgement, OwnRead, Word, latest
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import SETTLES_IN

REASONS: dict[Meaning, Reason] = {
    Meaning.START: Reason.PARTNER_ADDED,
    Meaning.CONNECTED: Reason.PARTNER_ADDED,
    Meaning.RESTRICTED: Reason.ACCOUNT_RESTRICTED,
    Meaning.SUSPENDED: Reason.ACCOUNT_SUSPENDED,
    Meaning.DISCONNECTED: Reason.CLIENT_DISCONNECTED,
    Meaning.BANNED: Reason.ACCOUNT_BANNED,
    Meaning.DELETED: Reason.ACCOUNT_DELETED,
}
"""The reason of `Connected` after each meaning that has to do with it, from good to bad."""
_UP = frozenset({Meaning.START, Meaning.CONNECTED})


@dataclass(frozen=True, slots=True)
class Connection:
    """What Meta's latest word says of a connection."""

    meaning: Meaning
    detail: str
    at: datetime

    @property
    def is_up(self) -> bool:
        """Whether the WABA can be worked with."""
        return self.meaning in _UP

    @property
    def second(self) -> int:
        """When it was said."""
        return int(self.at.timestamp())


def connection_from(
    words: Iterable[Word], now: datetime | None = None, since: datetime | None = None
) -> Connection | None:
    """Return what the latest word says. Of two words of the same second the worse counts.

    A restriction that has ended by `now` says nothing any more, nor does what was lost before
    `since`, when the client connected again.
    """
    found = (_connection(word, now) for word in words if word.meaning in REASONS)
    counting = (each for each in found if each and not _is_outlived(each, since))
    return latest(counting, lambda c: (c.second, not c.is_up, _rank(c), c.detail))


def _rank(connection: Connection) -> int:
    return list(REASONS).index(connection.meaning)


def _connection(word: Word, now: datetime | None) -> Connection | None:
    listed = restrictions_of(word)
    held = listed if now is None else in_force(listed, now)
    if listed and not held:
        return None
    return Connection(word.meaning, _detail(word, held), word.at)


def restrictions_of(word: Word) -> Sequence[Restriction]:
    """Return the restrictions of messages that a word names."""
    if word.meaning is not Meaning.RESTRICTED:
        return ()
    return [each for each in word.event.value.restriction_info if is_of_messages(each)]


def _detail(word: Word, held: Sequence[Restriction]) -> str:
    value = word.event.value
    by = value.disconnection_info.initiated_by
    said = (
        *map(told, held),
        value.violation_info.violation_type,
        value.disconnection_info.reason,
        f"by {by}" if by else "",
        *value.ban_info.waba_ban_state,
    )
    return ", ".join(filter(None, said))


def _is_outlived(connection: Connection, since: datetime | None) -> bool:
    return since is not None and connection.at < since and not connection.is_up


def judge_connection(
    words: Sequence[Word],
    own: OwnRead | None,
    now: datetime,
    *,
    since: datetime | None = None,
    is_held: bool = False,
) -> Judgement | None:
    """Judge `Connected`; None where nothing says anything of it.

    `since` is when the client last connected again, `is_held` whether the condition is there: a
    restriction that has ended, with nothing else known, takes back only what was held.
    """
    last = connection_from(words, now, since)
    if own is not None and (last is None or _outweighs(own, last)):
        return Judgement.by(own)
    if last is not None:
        return _by_word(last)
    is_over = is_held and any(restrictions_of(word) for word in words)
    return _RESTRICTION_ENDED if is_over else None


def _outweighs(own: OwnRead, last: Connection) -> bool:
    is_up = own.status is Status.TRUE
    if last.is_up:
        return is_up or own.second >= last.second
    # Meta may show for a while what it has just said is over. And what it restricts, bans, deletes
    # or suspends stays subscribed: no look shows the end of that.
    made = own.made_at is not None and int(own.made_at.timestamp()) > last.second
    settled = own.at - last.at >= SETTLES_IN
    return is_up and last.meaning is Meaning.DISCONNECTED and (made or settled)


def _by_word(last: Connection) -> Judgement:
    status = Status.TRUE if last.is_up else Status.FALSE
    closer = f" ({scrub(last.detail)})" if last.detail else ""
    return Judgement(status, REASONS[last.meaning], f"Meta says: {last.meaning}{closer}.", BY_META)


_RESTRICTION_ENDED = Judgement(
    Status.TRUE,
    Reason.RESTRICTION_ENDED,
    "Meta's restriction of this WABA has ended.",
    "the restriction's own end",
)


def next_end(words: Iterable[Word], now: datetime) -> datetime | None:
    """Return when the next restriction ends, of whatever kind."""
    ends = (r.expiration for word in words for r in word.event.value.restriction_info)
    return min((end for end in ends if end is not None and end > now), default=None)
