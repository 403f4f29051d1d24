"""What Meta says that an operator should see, and that changes no condition."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from waboard.domain.ids import mask_phone
from waboard.domain.masking import scrub
from waboard.domain.meta_events.meanings import Field, Meaning, field_of
from waboard.domain.meta_events.restrictions import is_of_adding, is_of_messages, told
from waboard.domain.meta_events.wire import Restriction
from waboard.domain.meta_events.words import Word

SHOWN_FOR = timedelta(days=30)
"""How long a notice without an end is shown."""
_PIN = {
    "PIN_CHANGED": "Somebody changed the PIN{}",
    "PIN_RESET_REQUEST": "Somebody asked to reset the PIN{}",
    "PIN_REQUEST_SUCCESS": "The PIN{} was reset, as asked",
}
_OF_QUALITY = {
    "FLAGGED": "The quality{} is low",
    "DOWNGRADE": "The limit{} was lowered",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that Meta said, and until when it matters; `is_grave` where it cannot wait."""

    said_at: datetime
    said: str
    until: datetime | None = None
    is_grave: bool = False
    blocks_adding: bool = False

    def is_shown(self, now: datetime) -> bool:
        """Whether it still says something."""
        return now < (self.until or self.said_at + SHOWN_FOR)


def notices_from(words: Iterable[Word]) -> tuple[Notice, ...]:
    """Return what is to be seen, the latest first. An alert that is over is none."""
    listed = list(words)
    over = [word for word in listed if _is_over(word)]
    found = (
        notice
        for word in listed
        if not any(_ends(end, word) for end in over)
        for notice in notices_in(word)
    )
    return tuple(sorted(found, key=lambda notice: (notice.said_at, notice.said), reverse=True))


def _is_alert(word: Word) -> bool:
    return field_of(word.event) is Field.ACCOUNT_ALERTS


def _is_over(word: Word) -> bool:
    return _is_alert(word) and word.event.value.alert_info.alert_status == "NONE"


def _ends(end: Word, word: Word) -> bool:
    ended, value = end.event.value, word.event.value
    is_same = (ended.entity_id, ended.alert_info.alert_type) == (
        value.entity_id,
        value.alert_info.alert_type,
    )
    return _is_alert(word) and is_same and end.second >= word.second


def notices_in(word: Word) -> list[Notice]:
    """Return what is to be seen of one event."""
    value, field = word.event.value, field_of(word.event)
    of = f" of {mask_phone(value.number)}" if value.number else ""
    if _is_alert(word):
        return [] if _is_over(word) else [_alert(word)]
    if field is Field.SECURITY and word.meaning is Meaning.NOTICE:
        is_change = value.event == "PIN_CHANGED"
        return [
            Notice(word.at, f"{_PIN[value.event].format(of)} ({value.event}).", is_grave=is_change)
        ]
    if field is Field.PHONE_NUMBER_QUALITY_UPDATE and value.event in _OF_QUALITY:
        return [Notice(word.at, f"{_OF_QUALITY[value.event].format(of)} ({value.event}).")]
    return [_restriction(word, each) for each in value.restriction_info if not is_of_messages(each)]


def _alert(word: Word) -> Notice:
    alert = word.event.value.alert_info
    severity = alert.alert_severity or "an alert"
    named = ": ".join(filter(None, (alert.alert_type, alert.alert_description)))
    said = f"Meta warns ({severity}): {named or 'it does not say of what'}"
    return Notice(word.at, f"{scrub(said).rstrip('.')}.", is_grave=severity == "CRITICAL")


def _restriction(word: Word, restriction: Restriction) -> Notice:
    adding = is_of_adding(restriction)
    what = "No number can be added" if adding else "Calls are restricted, messages are not"
    said = f"{what}: {told(restriction)}."
    return Notice(word.at, said, restriction.expiration, blocks_adding=adding)
