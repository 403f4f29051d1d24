"""What a restriction stops, and until when. One ends by itself: no event says so."""

from collections.abc import Iterable
from datetime import datetime

from waboard.domain.meta_events.wire import Restriction

_ADDING = "RESTRICTED_ADD_PHONE_NUMBER_ACTION"


def is_of_messages(restriction: Restriction) -> bool:
    """Whether it stops messages. Not documented ones may: better to look in vain."""
    return not is_of_calls(restriction) and restriction.restriction_type != _ADDING


def is_of_calls(restriction: Restriction) -> bool:
    """Whether it stops calls only."""
    return "CALLING" in restriction.restriction_type


def is_of_adding(restriction: Restriction) -> bool:
    """Whether it only stops numbers from being added."""
    return restriction.restriction_type == _ADDING


def in_force(restrictions: Iterable[Restriction], now: datetime) -> list[Restriction]:
    """Return those that have not ended."""
    return [r for r in restrictions if r.expiration is None or r.expiration > now]


def told(restriction: Restriction) -> str:
    """Name a restriction, and its end where it has one."""
    name = restriction.restriction_type or "an unnamed restriction"
    until = restriction.expiration
    return f"{name} until {until:%Y-%m-%d %H:%M} UTC" if until else name
