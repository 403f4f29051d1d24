"""Our subscription to a client's WABA at Meta: what a look at it shows, and what follows.

A token that is refused shows either that it has ended, or that the client has removed us: then
Meta says that the WABA is not there, or that we lack the permission.
Source: WA/support/error-codes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.delivery import Verdict
from waboard.domain.ids import PhoneNumber, SolutionId, WabaId
from waboard.domain.onboarding import Conditions
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import SETTLES_IN, Answer, Aspect, Finding

READ = "read from subscribed_apps"
"""The evidence of what was read at Meta: no webhook of before says more."""
MOST_REFUSED = 5
"""So many refused, and more than half: then it is our app that Meta refuses, not its clients."""


class Shown(StrEnum):
    """What a look at Meta showed of our subscription."""

    THERE = "there"
    GONE = "gone"
    REMOVED = "removed"
    """The client has taken our access away."""
    TOKEN_REFUSED = "token refused"  # noqa: S105 - a name, no password
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class WatchedWaba:
    """A WABA that is looked at: what we hold for true of it, and of its senders."""

    onboarding_id: str
    client_ref: str
    waba_id: WabaId
    solution_id: SolutionId | None
    conditions: Conditions
    senders: Mapping[PhoneNumber, Conditions]

    @property
    def connected(self) -> Condition | None:
        """What is held of our subscription; None for whoever came without a signup link."""
        return self.conditions.get(ConditionType.CONNECTED)

    @property
    def is_connected(self) -> bool:
        """Whether our subscription is held to be there."""
        return self.connected is not None and self.connected.is_true

    def finding(self, aspect: Aspect, answer: Answer, said: str, number: str = "") -> Finding:
        """Return an answer about it, or about one of its senders."""
        return Finding(self.onboarding_id, self.client_ref, number, aspect, answer, said)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a subscription, and Meta's words where it refused."""

    shown: Shown
    said: str = ""


def refusal_of(code: int | None, subcode: int | None) -> Shown:
    """Return what it shows of a subscription that Meta refuses the client's token with this code.

    A bare 100 is a bad request of ours, and shows nothing.
    """
    if code in (0, 190):
        return Shown.TOKEN_REFUSED
    permission = code is not None and (code == 10 or 200 <= code <= 299)
    if permission or code == 33 or (code == 100 and subcode == 33):
        return Shown.REMOVED
    return Shown.UNSEEN


_SAID_BY_META = frozenset(
    {
        Reason.CLIENT_DISCONNECTED,
        Reason.ACCOUNT_RESTRICTED,
        Reason.ACCOUNT_BANNED,
        Reason.ACCOUNT_DELETED,
        Reason.ACCOUNT_SUSPENDED,
    }
)
_STILL_OURS = frozenset({Reason.ACCOUNT_RESTRICTED, Reason.ACCOUNT_SUSPENDED})


def news_of_subscription(waba: WatchedWaba, seen: Seen, now: datetime) -> Verdict | None:
    """Return what a look changes of `Connected`; None where it changes nothing.

    That a WABA is restricted, banned or deleted only Meta's webhook takes back.
    """
    held = waba.connected
    verdict = _VERDICTS.get(seen.shown)
    if held is None or verdict is None:
        return None
    if held.reason in _SAID_BY_META and not _is_back(held, seen, now):
        return None
    told = f"{verdict.message} {seen.said}".strip()
    return None if held.reason == verdict.reason else Verdict(verdict.status, verdict.reason, told)


_VERDICTS: dict[Shown, Verdict] = {
    Shown.THERE: Verdict(
        Status.TRUE, Reason.SUBSCRIPTION_READ_BACK, "Our app is subscribed to the WABA."
    ),
    Shown.GONE: Verdict(
        Status.FALSE, Reason.SUBSCRIPTION_GONE, "Our app is no longer subscribed to the WABA."
    ),
    Shown.REMOVED: Verdict(
        Status.FALSE, Reason.CLIENT_DISCONNECTED, "Meta lets us see the WABA no more."
    ),
    Shown.TOKEN_REFUSED: Verdict(
        Status.UNKNOWN, Reason.TOKEN_REFUSED, "Meta refuses the client's token."
    ),
}


def _is_back(held: Condition, seen: Seen, now: datetime) -> bool:
    # Meta may show for a while what it has just said is over.
    settled = now - held.changed_at >= SETTLES_IN
    left = held.reason == Reason.CLIENT_DISCONNECTED
    return left and settled and seen.shown is Shown.THERE


def is_to_be_made_again(waba: WatchedWaba, seen: Seen) -> bool:
    """Whether the subscription is gone and ours to make again: the client has not ended it."""
    held = waba.connected
    if held is None or seen.shown is not Shown.GONE:
        return False
    return held.reason not in _SAID_BY_META or held.reason in _STILL_OURS


def compare_subscription(waba: WatchedWaba, seen: Seen, now: datetime) -> Finding:
    """Compare what we hold for true of our subscription with what was seen."""
    held, aspect = waba.connected, Aspect.SUBSCRIPTION
    if seen.shown is Shown.UNSEEN:
        return waba.finding(aspect, Answer.UNKNOWN, seen.said)
    said = f"{_VERDICTS[seen.shown].message} {seen.said}".strip()
    if seen.shown is not Shown.THERE:
        return waba.finding(aspect, Answer.NO, said)
    if held is not None and held.reason == Reason.CLIENT_DISCONNECTED:
        answer = Answer.YES if _is_back(held, seen, now) else Answer.UNKNOWN
        closer = "" if answer is Answer.YES else f" Within the hour: {held.message}"
        return waba.finding(aspect, answer, f"{said}{closer}")
    return waba.finding(aspect, Answer.YES, said)


def is_our_own_trouble(looks: Collection[tuple[WatchedWaba, Seen]]) -> bool:
    """Whether so many clients' tokens are refused at once that our app must be the reason.

    Only those count that were connected: whoever has left before has left.
    """
    connected = [seen.shown for waba, seen in looks if waba.is_connected]
    refused = sum(shown in (Shown.REMOVED, Shown.TOKEN_REFUSED) for shown in connected)
    return refused >= MOST_REFUSED and refused * 2 > len(connected)
