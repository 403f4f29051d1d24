"""A number's display name: Meta's latest decision on it, told by a webhook or read by ourselves.

Without an approved name Meta refuses its messages (131037), so one that was declined keeps a sender
from being live, until another decision or read. A review that is still on decides nothing.
Source: WH/phone_number_name_update, WA/support/error-codes.
"""

from collections.abc import Iterable
from datetime import datetime

from waboard.domain.conditions import Condition, Status
from waboard.domain.delivery import Verdict
from waboard.domain.health import NumberHealth
from waboard.domain.masking import scrub
from waboard.domain.meta_events.meanings import Meaning
from waboard.domain.meta_events.words import Word, latest
from waboard.domain.reasons import Reason

_APPROVED = frozenset({"APPROVED", "AVAILABLE_WITHOUT_REVIEW"})
_DECLINED = frozenset({"REJECTED", "DECLINED"})
_IN_REVIEW = frozenset({"PENDING", "DEFERRED", "PENDING_REVIEW"})


def judge_name(
    words: Iterable[Word],
    shown: NumberHealth | None,
    shown_at: datetime | None,
    held: Condition | None,
) -> Verdict | None:
    """Judge a number's `NameApproved` by the words about it and what we last read of it.

    None where nothing says that there is anything to tell: most names are approved at once.
    """
    said = [(w.second, w.event.value.decision, _said(w)) for w in words if _is_of_name(w)]
    is_told = bool(said) or held is not None
    if shown is not None and shown_at is not None:
        read = f"Meta shows the display name as {shown.name_status}."
        said.append((int(shown_at.timestamp()), shown.name_status, read))
    decided = [each for each in said if each[1] in _APPROVED | _DECLINED]
    waiting = [each for each in said if each[1] in _IN_REVIEW]
    last = latest(decided or waiting, lambda each: (each[0], each[1] in _DECLINED, each[2]))
    if last is None or (last[1] in _APPROVED and not is_told):
        return None
    return Verdict(*_judged(last[1]), last[2])


def _is_of_name(word: Word) -> bool:
    return word.meaning is Meaning.NAMED


def _judged(decision: str) -> tuple[Status, Reason]:
    if decision in _DECLINED:
        return Status.FALSE, Reason.NAME_DECLINED
    if decision in _IN_REVIEW:
        return Status.UNKNOWN, Reason.NAME_IN_REVIEW
    return Status.TRUE, Reason.NAME_APPROVED


def _said(word: Word) -> str:
    value = word.event.value
    name = f" {scrub(value.requested_verified_name)!r}" if value.requested_verified_name else ""
    why = f" ({value.rejection_reason})" if value.rejection_reason else ""
    return f"Meta's decision on the display name{name}: {value.decision}{why}."
