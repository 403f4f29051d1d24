"""When a verb of an operator fits how an onboarding stands. Each refusal says what to do."""

from collections.abc import Iterable

from waboard.domain.conditions import ConditionType
from waboard.domain.decisions import Decision, DecisionVerb, Order
from waboard.domain.departures import Handwork, open_handwork
from waboard.domain.errors import OutOfPlace
from waboard.domain.ids import PhoneNumber
from waboard.domain.masking import scrub
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.outcome import outcome_of
from waboard.domain.reasons import Reason
from waboard.domain.requests import OnboardingRequest
from waboard.domain.requirements import requirements_of


def refuse_retry(
    onboarding: Onboarding, phone_number: PhoneNumber | None, *, run_lives: bool
) -> None:
    """Raise OutOfPlace when no new attempt may begin, NotFound for a sender that is not its own.

    `run_lives` says whether its run executes, sleeps, or is about to.
    """
    refuse_once_leaving(onboarding)
    if phone_number is not None:
        _refuse_live_sender(onboarding, phone_number)
    if onboarding.cancelled is not None and onboarding.ended_at is None:
        raise OutOfPlace(
            f"{onboarding.client_ref} is being cancelled: its run has not stopped yet.",
            remedy="Try again in a minute.",
        )
    if onboarding.ended_at is None and run_lives:
        raise OutOfPlace(
            f"{onboarding.client_ref} is on its way, as attempt {onboarding.attempt}.",
            remedy="Wait for its end, or cancel it first: `waboard cancel`.",
        )
    if onboarding.ended_at is not None and not is_retriable(onboarding):
        raise OutOfPlace(
            f"{onboarding.client_ref} is {outcome_of(onboarding).name}: there is nothing to retry.",
            remedy="`waboard status` shows that nothing is missing.",
        )


def is_retriable(onboarding: Onboarding) -> bool:
    """Whether something is left that a new attempt could bring about."""
    beside = {Reason.NO_RECEIVER, Reason.APPROVAL_AWAITED, Reason.RELEASE_FAILED, *_TO_ASSIGN}
    missing = {r.reason for r in requirements_of(onboarding)} - beside
    return onboarding.cancelled is not None or not onboarding.senders or bool(missing)


_TO_ASSIGN = frozenset({Reason.NUMBER_MOVED, Reason.OWNER_UNCLEAR})


def _refuse_live_sender(onboarding: Onboarding, phone_number: PhoneNumber) -> None:
    sender = onboarding.sender(phone_number)
    owned = sender.conditions.get(ConditionType.OWNED)
    if owned is not None and not owned.is_true:
        raise OutOfPlace(
            f"{sender.label}: {owned.message}",
            remedy="`waboard sender assign` decides whose it is; to retry changes nothing.",
        )
    if sender.is_live:
        raise OutOfPlace(
            f"{sender.label} of {onboarding.client_ref} is live: there is nothing to retry.",
            remedy="`waboard status` shows which senders are not live.",
        )


def refuse_assign(onboarding: Onboarding, sender: Sender, *, is_shared: bool) -> None:
    """Raise OutOfPlace when nobody has to decide whose a number is.

    `is_shared` is whether another client has it, too.
    """
    refuse_once_leaving(onboarding)
    associated = sender.conditions.get(ConditionType.ASSOCIATED)
    is_held = associated is not None and associated.reason == Reason.HELD_BY_ANOTHER_CLIENT
    if not is_shared and not is_held:
        raise OutOfPlace(
            f"No other client has {sender.label} of {onboarding.client_ref}: it is its own.",
            remedy="`waboard status` shows what it still needs.",
        )
    if sender.holds(ConditionType.OWNED):
        raise OutOfPlace(
            f"{sender.label} belongs to {onboarding.client_ref} already.",
            remedy="`waboard status` shows what it still needs.",
        )


def refuse_cancel(onboarding: Onboarding) -> None:
    """Raise OutOfPlace when there is nothing to cancel."""
    refuse_once_leaving(onboarding)
    decision = onboarding.cancelled
    if decision is not None:
        raise OutOfPlace(
            f"{onboarding.client_ref} was cancelled already, by {decision.by}.",
            remedy="`waboard retry` lets it go on.",
        )
    if onboarding.ended_at is not None:
        raise OutOfPlace(
            f"{onboarding.client_ref} has ended as {outcome_of(onboarding).name}: there is nothing "
            "to cancel.",
            remedy="`waboard status` shows what it came to.",
        )


def refuse_once_leaving(onboarding: Onboarding) -> None:
    """Raise OutOfPlace when nothing is done for a client any more, since it leaves or has left."""
    if onboarding.left_at is not None:
        raise OutOfPlace(
            f"{onboarding.client_ref} has left.",
            remedy="`waboard onboard CLIENT_REF WABA_ID --again` begins anew with it, or a new "
            "signup link does.",
        )
    if onboarding.leaving is not None:
        raise OutOfPlace(
            f"{onboarding.client_ref} is leaving.",
            remedy="Wait until it has left; then `waboard onboard CLIENT_REF WABA_ID --again` "
            "begins anew with it.",
        )


def refuse_offboard(onboarding: Onboarding) -> None:
    """Raise OutOfPlace when a client has left already. One that is leaving goes on leaving."""
    if onboarding.left_at is not None:
        raise OutOfPlace(
            f"{onboarding.client_ref} has left already.",
            remedy="`waboard status` shows what is left for people to do.",
        )


def refuse_done(onboarding: Onboarding, work: Handwork) -> None:
    """Raise OutOfPlace when there is nothing that somebody can say is done."""
    if work.condition not in onboarding.conditions:
        raise OutOfPlace(
            f"Nobody is asked for this of {onboarding.client_ref}: {work}.",
            remedy="`waboard status` shows what is needed; it follows once the client has left.",
        )


def refuse_reconnect(onboarding: Onboarding) -> None:
    """Raise OutOfPlace when a client cannot connect again: it leaves, or is being cancelled."""
    refuse_once_leaving(onboarding)
    if onboarding.cancelled is not None and onboarding.ended_at is None:
        raise OutOfPlace(
            f"{onboarding.client_ref} is being cancelled: its run has not stopped yet.",
            remedy="Try again in a minute.",
        )


def refuse_unasked_return(left: Onboarding, request: OnboardingRequest) -> Order:
    """Return who begins anew with a client that has left; raise OutOfPlace where nobody does.

    A WABA of another client that has left is refused in the same way: it may be a slip.
    """
    if request.again is not None:
        return request.again
    own = left.client_ref == request.client_ref
    whose = left.client_ref if own else f"WABA {left.waba_label} was {left.client_ref}'s, which"
    raise OutOfPlace(
        f"{whose} has left{_how_it_left(left)}",
        remedy=f"To begin anew: `waboard onboard {request.client_ref} {request.waba_id} --again "
        "--by NAME --why TEXT`, or `again` with `by` and `why` in the request.",
    )


def _how_it_left(left: Onboarding) -> str:
    when = f", on {left.left_at:%Y-%m-%d at %H:%M} UTC" if left.left_at else ""
    decided = left.leaving
    by = f", as {scrub(decided.by)} approved: {scrub(decided.why).rstrip('.')}" if decided else ""
    to_do = ", ".join(open_handwork(left))
    return f"{when}{by}.{f' Left to do: {to_do}.' if to_do else ''}"


def refuse_same_words(again: Order, decisions: Iterable[Decision]) -> None:
    """Raise OutOfPlace for a return that was taken before in the same words.

    The client has left since: to repeat that request must not bring it back once more.
    """
    for taken in decisions:
        if taken.is_what(DecisionVerb.AGAIN, again):
            raise OutOfPlace(
                f"{scrub(again.by)} has asked for this in the same words, on "
                f"{taken.at:%Y-%m-%d at %H:%M} UTC, and the client has left since.",
                remedy="Give another reason if it is to begin anew once more: `--why`.",
            )
