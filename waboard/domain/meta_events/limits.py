"""How many new people a number or its business may write to in a day, as Meta last said.

Source: WH/phone_number_quality_update, WH/business_capability_update.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from waboard.domain.masking import scrub
from waboard.domain.meta_events.meanings import Meaning
from waboard.domain.meta_events.words import Word, latest


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit such as `TIER_1K`, in Meta's words, and when Meta said so."""

    value: str
    said_at: datetime


def limit_from(words: Iterable[Word]) -> Limit | None:
    """Return the latest limit that these words name."""
    found = [(w, _value(w)) for w in words if w.meaning is Meaning.LIMIT]
    last = latest((each for each in found if each[1]), lambda each: (each[0].second, each[1]))
    return Limit(scrub(last[1]), last[0].at) if last else None


def _value(word: Word) -> str:
    value = word.event.value
    return (
        value.max_daily_conversations_per_business
        or value.current_limit
        or value.max_daily_conversation_per_phone
    )
