"""Meta's words about one onboarding: those of each kind that count, and one sentence for each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from waboard.domain.ids import PortfolioId, mask_phone
from waboard.domain.masking import scrub
from waboard.domain.meta_events.connection import REASONS, Connection, connection_from
from waboard.domain.meta_events.meanings import Meaning
from waboard.domain.meta_events.notices import notices_in
from waboard.domain.meta_events.restrictions import told
from waboard.domain.meta_events.wire import MetaEvent
from waboard.domain.meta_events.words import Word
from waboard.domain.spelling import may_be_same


def about_number(words: Iterable[Word], number: str) -> list[Word]:
    """Return the words about a sender, however Meta spells its number."""
    return [word for word in words if is_same_number(word.event.value.number, number)]


def is_same_number(shown: str, number: str) -> bool:
    """Whether the number that Meta shows on the WABA is a sender's."""
    return bool(shown) and may_be_same(shown, number)


def owner_of_waba(words: Iterable[Word]) -> PortfolioId | None:
    """Return the portfolio that Meta last named as the WABA's owner."""
    named = ((word.second, word.event.value.waba_info.owner_business_id) for word in words)
    last = max(((second, owner) for second, owner in named if owner), default=None)
    return last[1] if last else None


@dataclass(frozen=True, slots=True)
class Counting:
    """What counts of Meta's words: the latest of each kind about each subject, every notice."""

    connection: Connection | None
    others: frozenset[tuple[str, str, int, str]]


def what_counts(words: Sequence[Word]) -> Counting:
    """Return what counts of a set of words."""
    last: dict[tuple[str, str], tuple[int, str]] = {}
    for word in (each for each in words if each.meaning not in _NOT_COMPARED):
        key, said = _kind_of(word), (word.second, _gist(word))
        last[key] = max(said, last.get(key, said))
    others = ((kind, of, second, gist) for (kind, of), (second, gist) in last.items())
    return Counting(connection_from(words), frozenset(others))


_NOT_COMPARED = frozenset({*REASONS, Meaning.KEPT, Meaning.UNKNOWN, Meaning.SOLUTION})


def _kind_of(word: Word) -> tuple[str, str]:
    is_notice = word.meaning is Meaning.NOTICE
    return word.meaning, f"{word.second} {_gist(word)}" if is_notice else word.event.value.number


def _gist(word: Word) -> str:
    return f"{word.meaning} {said_by(word.event)}"


def said_by(event: MetaEvent) -> str:
    """Say what an event says, in Meta's own names. Numbers are masked."""
    value = event.value
    name = value.event or value.decision or value.alert_info.alert_type or event.field
    of = f" of {mask_phone(value.number)}" if value.number else ""
    closer = f": {detail_of(event)}" if detail_of(event) else ""
    return f"{name}{of}{closer}."


def detail_of(event: MetaEvent) -> str:
    """Return what an event says more closely."""
    value = event.value
    by = value.disconnection_info.initiated_by
    said = (
        *map(told, value.restriction_info),
        value.violation_info.violation_type,
        value.disconnection_info.reason,
        f"by {by}" if by else "",
        *value.ban_info.waba_ban_state,
        value.solution_status,
        value.rejection_reason,
        value.reason,
        value.max_daily_conversations_per_business or value.current_limit,
        value.alert_info.alert_severity,
        value.alert_info.alert_description,
        value.message_template_name,
    )
    return scrub(", ".join(filter(None, said))).rstrip(".")


def grave_notices(words: Iterable[Word]) -> list[str]:
    """Return what an operator is to be told of at once."""
    return [each.said for word in words for each in notices_in(word) if each.is_grave]
