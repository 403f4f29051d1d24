"""What is next: which step an onboarding is due for, and which wait of it is over."""

from collections.abc import Callable

from waboard.domain.conditions import ConditionType
from waboard.domain.onboarding import Onboarding, Sender, VerifyBy
from waboard.domain.reasons import UPSTREAM_AWAY, Reason
from waboard.domain.waits import WaitKind


def is_past_the_door(onboarding: Onboarding) -> bool:
    """Whether the work at Infobip has begun, so that nothing keeps it waiting at the door."""
    return ConditionType.SHARED in onboarding.conditions


def is_to_be_connected(onboarding: Onboarding) -> bool:
    """Whether our subscription is not known to be there, and nobody has refused it."""
    connected = onboarding.conditions.get(ConditionType.CONNECTED)
    return connected is None or connected.reason in _NOT_YET_CONNECTED


_NOT_YET_CONNECTED = frozenset(
    {
        Reason.PARTNER_ADDED,
        Reason.RESTRICTION_ENDED,
        Reason.SUBSCRIPTION_GONE,
        Reason.PROVIDER_UNAVAILABLE,
    }
)


def is_kept_out(onboarding: Onboarding) -> bool:
    """Whether it does not get past the door: no usable solution, or no place in the queue."""
    needed = (ConditionType.SOLUTION_USABLE, ConditionType.ADMITTED)
    return not is_past_the_door(onboarding) and any(map(onboarding.lacks, needed))


def share_is_due(onboarding: Onboarding) -> bool:
    """Whether to share now.

    That is when nobody has, when Infobip certainly did not take it before, when a registration that
    failed was retried, and when a share went unanswered and a whole sleep has brought no evidence
    of it.
    """
    shared = onboarding.conditions.get(ConditionType.SHARED)
    if shared is None:
        return True
    return not shared.is_true and (onboarding.slept_since_share or shared.reason in _NOT_TAKEN)


_NOT_TAKEN = frozenset({Reason.SHARE_REFUSED, Reason.REGISTRATION_RETRY_REQUESTED, *UPSTREAM_AWAY})


def quality_comes_first(onboarding: Onboarding) -> bool:
    """Whether to look how its numbers stand before it is shared.

    One that failed before may be registered by now, and then needs no share.
    """
    registration = onboarding.registration
    return share_is_due(onboarding) and bool(registration.failed_before or registration.unanswered)


def share_was_refused(onboarding: Onboarding) -> bool:
    """Whether Infobip said no to the last share."""
    shared = onboarding.conditions.get(ConditionType.SHARED)
    return shared is not None and shared.reason == Reason.SHARE_REFUSED


def ends_at_share(onboarding: Onboarding) -> bool:
    """Whether Infobip said no to the share, and nothing can follow without it."""
    registered = any(sender.holds(ConditionType.REGISTERED) for sender in onboarding.senders)
    return share_was_refused(onboarding) and not registered


def registration_is_over(onboarding: Onboarding) -> bool:
    """Whether there is nothing more to wait for: settled, all known numbers done, given up.

    A number that was asked for anew is waited for, whatever is known of the others.
    """
    if share_was_refused(onboarding) or registration_was_given_up(onboarding):
        return True
    registration = onboarding.registration
    asked = onboarding.phone_numbers
    ended = [(known := registration.of(n)) is not None and known.is_terminal for n in asked]
    all_asked_done = bool(asked) and all(ended)
    known_either_way = registration.is_settled or all_asked_done or _is_seen_connected(onboarding)
    return known_either_way and not registration.unanswered


def _is_seen_connected(onboarding: Onboarding) -> bool:
    # Its last event was lost, and asking by number showed how all stand that are known.
    registered = [s.conditions.get(ConditionType.REGISTERED) for s in onboarding.senders]
    if not all(condition and condition.is_decided for condition in registered):
        return False
    return any(c and c.reason == Reason.SENDER_CONNECTED for c in registered)


def registration_was_given_up(onboarding: Onboarding) -> bool:
    """Whether no end of the registration was seen in the time that we wait for one."""
    return ConditionType.REGISTERED in onboarding.conditions


def senders_to_associate(onboarding: Onboarding) -> list[Sender]:
    """Return registered senders that are not yet known to be associated, and are ours."""
    return [
        sender
        for sender in onboarding.senders
        if sender.is_ours_to_work_on and not sender.holds(ConditionType.ASSOCIATED)
    ]


def template_is_needed(onboarding: Onboarding) -> bool:
    """Whether a template message is still to be sent from a registered sender."""
    by_template = onboarding.verify_by is not VerifyBy.INBOUND
    return by_template and any(
        sender.is_ours_to_work_on and not sender.has_been_tested for sender in onboarding.senders
    )


def template_is_over(onboarding: Onboarding) -> bool:
    """Whether Meta's review of the template is not awaited: not needed, over, or not to be seen."""
    template = onboarding.conditions.get(ConditionType.TEMPLATE_READY)
    reviewed = template is not None and template.reason != Reason.TEMPLATE_PENDING
    return reviewed or not template_is_needed(onboarding)


def senders_to_test(onboarding: Onboarding) -> list[Sender]:
    """Return associated senders from which a test message can go out, and none has."""
    return [
        sender
        for sender in onboarding.senders
        if sender.holds(ConditionType.ASSOCIATED) and may_be_tested(onboarding, sender)
    ]


def may_be_tested(onboarding: Onboarding, sender: Sender) -> bool:
    """Whether nothing but its association may keep a sender's test message back.

    A reply goes out to whoever has written. A template that is known not to be usable keeps all
    others back; one that cannot be seen does not, as it may be there.
    """
    if sender.has_been_tested or sender.lacks(ConditionType.OWNED):
        return False
    if onboarding.verify_by is VerifyBy.INBOUND:
        return sender.holds(ConditionType.RECEIVES)
    template = onboarding.conditions.get(ConditionType.TEMPLATE_READY)
    return template is None or template.reason not in _NO_TEMPLATE


_NO_TEMPLATE = frozenset(
    {Reason.TEMPLATE_PENDING, Reason.TEMPLATE_REJECTED, Reason.TEMPLATE_TIMED_OUT}
)


def delivery_is_over(onboarding: Onboarding) -> bool:
    """Whether no test message is still on its way, or to be sent again in a while."""
    return not any(sender.is_still_tested for sender in onboarding.senders)


def reports_are_due(onboarding: Onboarding) -> bool:
    """Whether to pull reports ourselves: a sleep that waited for them has brought not all."""
    return WaitKind.DELIVERY in onboarding.waited_for and not delivery_is_over(onboarding)


def senders_to_be_written_to(onboarding: Onboarding) -> list[Sender]:
    """Return associated senders that are to prove that they receive, and have not."""
    return [
        sender
        for sender in onboarding.senders
        if sender.holds(ConditionType.ASSOCIATED)
        and not sender.lacks(ConditionType.OWNED)
        and ConditionType.RECEIVES in sender.conditions
        and not sender.decided(ConditionType.RECEIVES)
    ]


def inbound_is_over(onboarding: Onboarding) -> bool:
    """Whether no sender waits to be written to, or there is one to reply from."""
    by_reply = onboarding.verify_by is VerifyBy.INBOUND
    reply_is_due = by_reply and bool(senders_to_test(onboarding))
    return reply_is_due or not senders_to_be_written_to(onboarding)


def facts_are_due(onboarding: Onboarding) -> bool:
    """Whether there is a registered sender of which nobody knows how it stands, or how it looks."""
    return any(
        sender.is_ours_to_work_on and None in (sender.standing, sender.profile)
        for sender in onboarding.senders
    )


def is_over(onboarding: Onboarding, kind: WaitKind) -> bool:
    """Whether what a wait of this kind waits for has come."""
    return _OVER[kind](onboarding)


_OVER: dict[WaitKind, Callable[[Onboarding], bool]] = {
    WaitKind.SOLUTION: lambda onboarding: onboarding.holds(ConditionType.SOLUTION_USABLE),
    WaitKind.SLOT: lambda onboarding: onboarding.holds(ConditionType.ADMITTED),
    WaitKind.REGISTRATION: registration_is_over,
    WaitKind.TEMPLATE: template_is_over,
    WaitKind.DELIVERY: delivery_is_over,
    WaitKind.INBOUND: inbound_is_over,
}
