"""The template of the test message: Meta's latest word on it and our own last look.

Source: WH/message_template_status_update.
"""

from collections.abc import Iterable

from waboard.domain.conditions import Status
from waboard.domain.masking import scrub
from waboard.domain.meta_events.meanings import Meaning
from waboard.domain.meta_events.words import BY_META, Judgement, OwnRead, Word, latest
from waboard.domain.reasons import Reason

USABLE = frozenset({"APPROVED", "REINSTATED", "UNARCHIVED", "FLAGGED", "UNPAUSE"})
"""It can be sent. One that is flagged may be paused next."""
LOST = frozenset({"ARCHIVED", "DELETED", "DISABLED", "PAUSED", "PENDING_DELETION", "REJECTED"})
"""It cannot be sent."""
IN_REVIEW = frozenset({"PENDING", "IN_APPEAL"})
NEVER_MADE = frozenset({"LIMIT_EXCEEDED"})
"""The WABA holds as many templates as it may: one that was approved stays."""
UNCHANGED = frozenset({"LOCKED"})
"""It cannot be edited, which nobody wants to."""
_UNPAUSED = "UNPAUSE"


def judge_template(words: Iterable[Word], own: OwnRead | None) -> Judgement | None:
    """Judge `TemplateReady`; None where we have not looked for it ourselves yet.

    Whether it is needed, and is to be made, is its run's to see: a word alone begins nothing.
    """
    if own is None:
        return None
    said = [w for w in words if w.meaning is Meaning.TEMPLATE and state_of(w) not in UNCHANGED]
    was_usable = own.status is Status.TRUE or any(state_of(w) in USABLE for w in said)
    counting = (w for w in said if not (was_usable and state_of(w) in NEVER_MADE))
    last = latest(counting, lambda w: (w.second, state_of(w) not in USABLE, state_of(w)))
    if last is None or last.second <= own.second:
        return Judgement.by(own)
    return _by_word(last, was_usable=was_usable)


def state_of(word: Word) -> str:
    """Return how a word says that a template stands."""
    value = word.event.value
    return _UNPAUSED if value.other_info.title == _UNPAUSED else value.event


def _by_word(last: Word, *, was_usable: bool) -> Judgement:
    state = state_of(last)
    message = f"Meta says: the template is {state}{_why(last)}."
    if state in USABLE:
        return Judgement(Status.TRUE, Reason.TEMPLATE_APPROVED, message, BY_META)
    if state in IN_REVIEW:
        return Judgement(Status.UNKNOWN, Reason.TEMPLATE_PENDING, message, BY_META)
    reason = Reason.TEMPLATE_LOST if was_usable else Reason.TEMPLATE_REJECTED
    return Judgement(Status.FALSE, reason, message, BY_META)


def _why(word: Word) -> str:
    value = word.event.value
    said = (value.reason if value.reason != "NONE" else "", value.rejection_info.reason)
    told = scrub(", ".join(filter(None, said)))
    return f" ({told.rstrip('.')})" if told else ""
