"""An onboarding and its senders as they stand."""

from dataclasses import replace

import pytest

from tests.domain.samples import (
    ASSOCIATED,
    BAD,
    FAILED,
    GOOD,
    NO_REPORT,
    ON_ITS_WAY,
    REGISTERED,
    REJECTED,
    REPORT_AWAITED,
    RETRY_ASKED,
    SEND_UNANSWERED,
    SHARED,
    UNANSWERED,
    UNASSOCIATED,
    VERIFIED,
    holding,
    live_sender,
    not_true,
    onboarding,
    sender,
    true,
)
from waboard.domain.conditions import Status
from waboard.domain.filing import Filing
from waboard.domain.reasons import Reason
from waboard.domain.steps import (
    senders_to_test,
)

# A sender


def test_a_sender_is_live_when_it_is_registered_associated_and_verified():
    """All three, each on evidence."""
    assert live_sender().is_live


@pytest.mark.parametrize("missing", [REGISTERED, ASSOCIATED, VERIFIED])
def test_a_sender_that_lacks_one_of_the_three_is_not_live(missing):
    """Connected without evidence is how the second number was dead."""
    held = {kind: c for kind, c in live_sender().conditions.items() if kind is not missing}
    assert not replace(live_sender(), conditions=held).is_live
    unsure = not_true(missing, Reason.REPORT_AWAITED, Status.UNKNOWN)
    assert not replace(live_sender(), conditions={**held, missing: unsure}).is_live


def test_what_is_not_known_of_a_sender_neither_holds_nor_is_decided():
    """Nobody has looked yet."""
    assert not sender().holds(REGISTERED)
    assert not sender().decided(REGISTERED)


def test_what_is_known_to_be_false_is_decided_and_does_not_hold():
    """And what is unknown is neither."""
    assert sender(GOOD, FAILED).decided(REGISTERED)
    assert not sender(GOOD, FAILED).holds(REGISTERED)
    assert not sender(GOOD, ON_ITS_WAY).decided(REGISTERED)


@pytest.mark.parametrize(
    ("verified", "tested", "awaiting"),
    [
        (None, False, False),
        (REPORT_AWAITED, True, True),
        (SEND_UNANSWERED, True, True),
        (REJECTED, True, False),
        (true(VERIFIED), True, False),
        (not_true(VERIFIED, Reason.PROVIDER_UNAVAILABLE, Status.UNKNOWN), False, False),
    ],
)
def test_a_sender_is_tested_once_a_message_may_have_gone_out(verified, tested, awaiting):
    """A send that was not answered is not sent again; one that never left is."""
    tried = sender(GOOD, *([verified] if verified else []))
    assert (tried.has_been_tested, tried.is_awaiting_report) == (tested, awaiting)


@pytest.mark.parametrize(
    ("verified", "again"),
    [(None, False), (REJECTED, False), (NO_REPORT, False), (RETRY_ASKED, True)],
)
def test_a_sender_is_tested_again_when_somebody_asked_for_it(verified, again):
    """And not because its test failed."""
    tried = sender(GOOD, REGISTERED, ASSOCIATED, *([verified] if verified else []))
    assert tried.may_be_tested_again is again
    if again:
        assert senders_to_test(onboarding(senders=(tried,))) == [tried]


def test_the_trouble_of_a_sender_is_the_first_in_the_order_of_the_work():
    """What comes after it cannot be mended before."""
    troubled = sender(GOOD, REJECTED, UNASSOCIATED, true(REGISTERED))
    assert troubled.trouble == UNASSOCIATED


def test_a_live_sender_has_no_trouble():
    """Nothing is needed of anybody."""
    assert live_sender().trouble is None


# What is shown


def test_an_onboarding_shows_its_waba_and_numbers_by_their_last_digits():
    """A run's name is seen by everybody who sees the UI."""
    acme = onboarding(senders=(sender(),))
    assert acme.run_name == "acme · WABA …3093 · attempt 1"
    assert acme.waba_label == "…3093"
    assert acme.sender(GOOD).label == "…8538"
    assert GOOD not in acme.run_name


def test_a_sender_is_found_by_its_number():
    """Among the others of the WABA."""
    acme = onboarding(senders=(sender(GOOD), sender(BAD, FAILED)))
    assert acme.sender(BAD).decided(REGISTERED)


def test_a_run_can_be_found_by_its_client_and_its_waba():
    """Tags are searched for, not read."""
    assert onboarding().tags == ["client:acme", "waba:102384266223093"]


def test_a_condition_of_the_onboarding_holds_when_it_is_true():
    """Unknown or refused is not enough."""
    assert onboarding(conditions=holding(SHARED)).holds(SHARED)
    assert not onboarding(conditions=holding(UNANSWERED)).holds(SHARED)
    assert not onboarding().holds(SHARED)


def test_its_senders_are_to_be_filed_under_its_own_ids():
    asked = onboarding(application_id="provider", entity_id="acme-gmbh")
    assert asked.filing == Filing("provider", "acme-gmbh")
