"""When a verb of an operator fits how an onboarding stands. Each refusal says what to do."""

from waboard.domain.errors import OutOfPlace
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import outcome_of
from waboard.domain.reasons import Reason
from waboard.domain.requirements import requirements_of


def refuse_retry(
    onboarding: Onboarding, phone_number: PhoneNumber | None, *, run_lives: bool
) -> None:
    """Raise OutOfPlace when no new attempt may begin, NotFound for a sender that is not its own.

    `run_lives` says whether its run executes, sleeps, or is about to.
    """
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
    missing = {r.reason for r in requirements_of(onboarding)} - {Reason.NO_RECEIVER}
    return onboarding.cancelled is not None or not onboarding.senders or bool(missing)


def _refuse_live_sender(onboarding: Onboarding, phone_number: PhoneNumber) -> None:
    sender = onboarding.sender(phone_number)
    if sender.is_live:
        raise OutOfPlace(
            f"{sender.label} of {onboarding.client_ref} is live: there is nothing to retry.",
            remedy="`waboard status` shows which senders are not live.",
        )


def refuse_cancel(onboarding: Onboarding) -> None:
    """Raise OutOfPlace when there is nothing to cancel."""
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
