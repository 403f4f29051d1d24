"""Our subscription to a client's WABA at Meta: what a look at it shows, and what follows.

A token that is refused shows either that it has ended, or that the client has removed us: then
Meta says that the WABA is not there, or that we lack the permission.
Source: WA/support/error-codes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.delivery import Verdict
from waboard.domain.ids import PhoneNumber, SolutionId, WabaId
from waboard.domain.onboarding import Conditions
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import Answer, Aspect, Finding
from waboard.domain.sentences import sentences

READ = "read from subscribed_apps"
"""The evidence of what was read at Meta."""
MADE = "read back from subscribed_apps"
"""The evidence of a subscription that we made, and then read."""
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
        """What is held of our subscription; None where we never saw it, nor heard of it."""
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


def read_of(waba: WatchedWaba, seen: Seen) -> Verdict | None:
    """Return what a look shows of `Connected`; None where it shows nothing.

    Of a client of which we hold nothing, that we cannot get at its WABA is no loss.
    """
    verdict = _VERDICTS.get(seen.shown)
    is_lost = seen.shown in (Shown.REMOVED, Shown.TOKEN_REFUSED)
    if verdict is None or (waba.connected is None and is_lost):
        return None
    told = sentences(verdict.message, seen.said)
    return Verdict(verdict.status, verdict.reason, told)


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


def is_to_be_made_again(waba: WatchedWaba, seen: Seen) -> bool:
    """Whether the subscription is not there and ours to make: the client has not ended it."""
    held = waba.connected
    if seen.shown is not Shown.GONE:
        return False
    return held is None or held.reason not in _SAID_BY_META or held.reason in _STILL_OURS


def compare_subscription(waba: WatchedWaba, seen: Seen, judged: Status | None) -> Finding:
    """Compare our subscription with what was seen of it.

    `judged` is what `Connected` is by that and by all that Meta has said.
    """
    held, aspect = waba.connected, Aspect.SUBSCRIPTION
    if seen.shown is Shown.UNSEEN:
        return waba.finding(aspect, Answer.UNKNOWN, seen.said)
    said = sentences(_VERDICTS[seen.shown].message, seen.said)
    if held is None and seen.shown is not Shown.THERE:
        answer = Answer.NO if seen.shown is Shown.GONE else Answer.UNKNOWN
        return waba.finding(aspect, answer, said)
    if seen.shown is not Shown.THERE:
        return waba.finding(aspect, Answer.NO, said)
    has_left = held is not None and held.reason == Reason.CLIENT_DISCONNECTED
    if held is not None and has_left and judged is not Status.TRUE:
        closer = sentences(said, f"Within the hour: {held.message}")
        return waba.finding(aspect, Answer.UNKNOWN, closer)
    return waba.finding(aspect, Answer.YES, said)


def is_our_own_trouble(looks: Collection[tuple[WatchedWaba, Seen]]) -> bool:
    """Whether so many clients' tokens are refused at once that our app must be the reason.

    Only those count that were connected: whoever has left before has left.
    """
    connected = [seen.shown for waba, seen in looks if waba.is_connected]
    refused = sum(shown in (Shown.REMOVED, Shown.TOKEN_REFUSED) for shown in connected)
    return refused >= MOST_REFUSED and refused * 2 > len(connected)
