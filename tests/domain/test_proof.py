"""What proves a sender: a template's message that arrives, a message that somebody writes to it."""

from typing import Any

import pytest

from tests.domain.samples import (
    ASSOCIATED,
    BAD,
    DONE,
    GOOD,
    RECEIVES,
    REGISTERED,
    REJECTED,
    REPORT_AWAITED,
    SHARED,
    TEMPLATE,
    VERIFIED,
    live_sender,
    not_true,
    onboarding,
    sender,
    true,
)
from waboard.domain.conditions import Condition, Status
from waboard.domain.onboarding import Onboarding, VerifyBy
from waboard.domain.outcome import Stage, stage_of
from waboard.domain.reasons import Reason
from waboard.domain.requirements import requirements_of
from waboard.domain.steps import (
    delivery_is_over,
    inbound_is_over,
    senders_to_be_written_to,
    senders_to_test,
    template_is_needed,
    template_is_over,
)

PENDING = not_true(TEMPLATE, Reason.TEMPLATE_PENDING, Status.UNKNOWN)
TEMPLATE_REJECTED = not_true(TEMPLATE, Reason.TEMPLATE_REJECTED)
TIMED_OUT = not_true(TEMPLATE, Reason.TEMPLATE_TIMED_OUT, Status.UNKNOWN)
UNREADABLE = not_true(TEMPLATE, Reason.TEMPLATE_UNREADABLE, Status.UNKNOWN)
AWAY = not_true(TEMPLATE, Reason.PROVIDER_UNAVAILABLE, Status.UNKNOWN)
AWAITED = not_true(RECEIVES, Reason.INBOUND_AWAITED, Status.UNKNOWN)
NOBODY_WROTE = not_true(RECEIVES, Reason.NO_INBOUND)
NOT_SYNCED = not_true(VERIFIED, Reason.TEMPLATE_NOT_SYNCED, Status.UNKNOWN)

READY = sender(GOOD, REGISTERED, ASSOCIATED)
UNWRITTEN = sender(GOOD, REGISTERED, ASSOCIATED, AWAITED)
WRITTEN = sender(GOOD, REGISTERED, ASSOCIATED, RECEIVES)
REPLIED = sender(GOOD, REGISTERED, ASSOCIATED, RECEIVES, REPORT_AWAITED)


def one(its_sender: Any, *conditions: Condition, by: VerifyBy = VerifyBy.TEMPLATE) -> Onboarding:
    """An onboarding with one sender."""
    known = {condition.type: condition for condition in (true(SHARED), *conditions)}
    return onboarding(senders=(its_sender,), conditions=known, registration=DONE, verify_by=by)


# By a template


@pytest.mark.parametrize("by", [VerifyBy.TEMPLATE, VerifyBy.BOTH])
def test_a_template_is_needed_while_a_registered_sender_is_untested(by: VerifyBy):
    """Before it is associated, too: Meta's review takes its time."""
    assert template_is_needed(one(sender(GOOD, REGISTERED), by=by))


@pytest.mark.parametrize(
    ("its_sender", "by"),
    [
        (sender(GOOD), VerifyBy.TEMPLATE),
        (live_sender(), VerifyBy.TEMPLATE),
        (sender(GOOD, REGISTERED, REPORT_AWAITED), VerifyBy.TEMPLATE),
        (READY, VerifyBy.INBOUND),
    ],
)
def test_no_template_is_needed_where_none_is_to_be_sent(its_sender: Any, by: VerifyBy):
    """Nobody registered, everybody tested, or proven in another way."""
    assert not template_is_needed(one(its_sender, by=by))


@pytest.mark.parametrize(
    ("template", "settled", "sent"),
    [
        (None, False, True),
        (PENDING, False, False),
        (TEMPLATE_REJECTED, True, False),
        (TIMED_OUT, True, False),
        (UNREADABLE, True, True),
        (AWAY, True, True),
        (true(TEMPLATE), True, True),
    ],
)
def test_a_template_that_is_known_to_be_unusable_keeps_the_message_back(
    template: Condition | None, settled: bool, sent: bool
):
    """One that cannot be seen does not: it may be there."""
    at_hand = one(READY, *([template] if template else []))
    assert template_is_over(at_hand) is settled
    assert senders_to_test(at_hand) == ([READY] if sent else [])


def test_while_meta_reviews_the_template_that_is_the_stage():
    assert stage_of(one(READY, PENDING)) == Stage.AWAITING_TEMPLATE


def test_a_rejected_template_is_what_is_needed():
    needed = requirements_of(one(READY, TEMPLATE_REJECTED))
    assert [requirement.reason for requirement in needed] == ["TemplateRejected"]


def test_a_template_that_is_not_synced_is_waited_out_and_sent_again():
    """The delivery is not over, and at the next look another message goes out."""
    early = one(sender(GOOD, REGISTERED, ASSOCIATED, NOT_SYNCED), true(TEMPLATE))
    assert not delivery_is_over(early)
    assert senders_to_test(early) == list(early.senders)
    assert early.senders[0].may_be_tested_again
    assert stage_of(early) == Stage.AWAITING_DELIVERY


# By a message that somebody writes


def test_a_sender_that_is_to_prove_that_it_receives_is_live_only_then():
    for condition, live in ((AWAITED, False), (NOBODY_WROTE, False), (true(RECEIVES), True)):
        assert sender(GOOD, REGISTERED, ASSOCIATED, VERIFIED, condition).is_live is live


def test_who_is_not_asked_for_that_proof_is_live_without_it():
    assert live_sender().is_live


def test_a_reply_is_due_once_somebody_has_written():
    assert senders_to_test(one(UNWRITTEN, by=VerifyBy.INBOUND)) == []
    assert senders_to_test(one(WRITTEN, by=VerifyBy.INBOUND)) == [WRITTEN]
    assert senders_to_test(one(REPLIED, by=VerifyBy.INBOUND)) == []


@pytest.mark.parametrize(
    ("its_sender", "by", "over"),
    [
        (READY, VerifyBy.TEMPLATE, True),
        (sender(GOOD, AWAITED), VerifyBy.BOTH, True),
        (UNWRITTEN, VerifyBy.INBOUND, False),
        (UNWRITTEN, VerifyBy.BOTH, False),
        (WRITTEN, VerifyBy.INBOUND, True),
        (REPLIED, VerifyBy.INBOUND, True),
        (sender(GOOD, REGISTERED, ASSOCIATED, NOBODY_WROTE), VerifyBy.INBOUND, True),
    ],
)
def test_the_wait_for_a_message_is_over_when_all_have_got_one_or_were_given_up(
    its_sender: Any, by: VerifyBy, over: bool
):
    assert inbound_is_over(one(its_sender, by=by)) is over


def test_the_wait_for_a_message_is_over_when_there_is_one_to_reply_to():
    """Although another sender still waits for one."""
    other = sender(BAD, REGISTERED, ASSOCIATED, AWAITED)
    both = onboarding(senders=(WRITTEN, other), verify_by=VerifyBy.INBOUND)
    assert senders_to_be_written_to(both) == [other]
    assert inbound_is_over(both)
    replied = onboarding(senders=(REPLIED, other), verify_by=VerifyBy.INBOUND)
    assert not inbound_is_over(replied)


def test_while_nobody_has_written_that_is_the_stage():
    assert stage_of(one(UNWRITTEN, by=VerifyBy.INBOUND)) == Stage.AWAITING_INBOUND


def test_a_reply_that_was_rejected_is_not_repeated():
    rejected = sender(GOOD, REGISTERED, ASSOCIATED, RECEIVES, REJECTED)
    assert senders_to_test(one(rejected, by=VerifyBy.INBOUND)) == []
