"""Meta's review of a WABA: its latest decision, told by a webhook or read by ourselves."""

from collections.abc import Iterable
from datetime import datetime

from waboard.domain.conditions import Condition, Status
from waboard.domain.delivery import Verdict
from waboard.domain.health import WabaHealth, verdict_on_waba
from waboard.domain.meta_events.meanings import Meaning
from waboard.domain.meta_events.words import Word, is_known_false, latest
from waboard.domain.reasons import Reason

_DECIDED: dict[str, tuple[Status, Reason]] = {
    "APPROVED": (Status.TRUE, Reason.META_LETS_SEND),
    "REJECTED": (Status.FALSE, Reason.WABA_BLOCKED),
}
"""PENDING and DEFERRED decide nothing: what was decided before goes on."""


def judge_review(
    words: Iterable[Word],
    shown: WabaHealth | None,
    shown_at: datetime | None,
    held: Condition | None,
) -> Verdict | None:
    """Judge a WABA's `Healthy`; None where it was never lost, or nothing was decided.

    Of a word and a read of the same second the worse counts.
    """
    decided = [_by_word(word) for word in words if word.meaning is Meaning.REVIEWED]
    read = verdict_on_waba(shown) if shown else None
    if read is not None and shown_at is not None:
        decided.append((int(shown_at.timestamp()), read))
    last = latest(
        (each for each in decided if each[1] is not None),
        lambda each: (each[0], each[1] is not None and each[1].status is Status.FALSE),
    )
    verdict = last[1] if last else None
    never_lost = verdict is not None and verdict.status is Status.TRUE and not is_known_false(held)
    return None if never_lost else verdict


def _by_word(word: Word) -> tuple[int, Verdict | None]:
    decision = word.event.value.decision
    if decision not in _DECIDED:
        return word.second, None
    status, reason = _DECIDED[decision]
    return word.second, Verdict(status, reason, f"Meta's review of the WABA: {decision}.")
