"""A client that leaves: what is then left for people, and what becomes of its entity."""

import pytest

from tests.domain.samples import (
    BAD,
    FAILED,
    GOOD,
    REGISTERED,
    SHARED,
    T0,
    at,
    holding,
    live_sender,
    not_true,
    onboarding,
    sender,
)
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.departures import (
    Departure,
    DepartureState,
    Handwork,
    OffboardingDuty,
    handwork_of,
    open_handwork,
    why_kept,
)
from waboard.domain.ids import WabaId
from waboard.domain.onboarding import Onboarding
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason, guidance_for

PARTNER, UNSHARED = ConditionType.PARTNER_REMOVED, ConditionType.UNSHARED
DEREGISTERED, CONNECTED = ConditionType.DEREGISTERED, ConditionType.CONNECTED


def left_of(left: Onboarding) -> list[ConditionType]:
    return [each.type for each in handwork_of(left, at(3))]


def test_of_a_client_that_was_live_everything_is_left_to_do():
    live = onboarding(senders=(live_sender(), sender(BAD, FAILED)), conditions=holding(SHARED))
    deregister, unshare, partner = handwork_of(live, at(3))
    assert (deregister.type, deregister.reason) == (DEREGISTERED, Reason.TO_BE_DEREGISTERED)
    assert deregister.message == "…8538: registered at Infobip."
    assert (unshare.type, unshare.reason) == (UNSHARED, Reason.TO_BE_UNSHARED)
    assert (partner.type, partner.reason) == (PARTNER, Reason.PARTNER_TO_BE_REMOVED)
    assert {each.status for each in (deregister, unshare, partner)} == {Status.UNKNOWN}
    assert {each.changed_at for each in (deregister, unshare, partner)} == {at(3)}


def test_what_never_was_there_is_not_left_to_do():
    assert left_of(onboarding()) == [PARTNER]
    assert left_of(onboarding(senders=(sender(GOOD, FAILED),))) == [PARTNER]
    assert left_of(onboarding(conditions=holding(SHARED))) == [UNSHARED, PARTNER]


def test_a_registered_number_means_that_the_waba_is_shared():
    """Although nothing is held of the share, which somebody else may have made."""
    found = left_of(onboarding(senders=(sender(GOOD, REGISTERED),)))
    assert found == [DEREGISTERED, UNSHARED, PARTNER]


def test_a_client_that_has_disconnected_us_itself_need_not_remove_us():
    gone = not_true(CONNECTED, Reason.CLIENT_DISCONNECTED)
    (partner,) = handwork_of(onboarding(conditions=holding(gone)), at(3))
    assert (partner.status, partner.reason) == (Status.TRUE, Reason.CLIENT_DISCONNECTED)
    assert (partner.evidence, partner.changed_at) == (gone.evidence, at(3))


@pytest.mark.parametrize("reason", [Reason.ACCOUNT_RESTRICTED, Reason.SUBSCRIPTION_GONE])
def test_another_loss_of_the_connection_says_nothing_of_us_as_a_partner(reason: Reason):
    lost = onboarding(conditions=holding(not_true(CONNECTED, reason)))
    (partner,) = handwork_of(lost, at(3))
    assert (partner.status, partner.reason) == (Status.UNKNOWN, Reason.PARTNER_TO_BE_REMOVED)


def test_a_connected_client_may_still_have_us_as_a_partner():
    (partner,) = handwork_of(onboarding(conditions=holding(CONNECTED)), at(3))
    assert partner.status is Status.UNKNOWN


def test_what_is_open_is_what_nobody_has_said_is_done():
    undone = not_true(UNSHARED, Reason.TO_BE_UNSHARED, Status.UNKNOWN)
    left = onboarding(conditions=holding(DEREGISTERED, undone))
    assert open_handwork(left) == [Handwork.UNSHARED]


def duty(*, is_back: bool) -> OffboardingDuty:
    undone = Condition(
        UNSHARED, Status.UNKNOWN, Reason.TO_BE_UNSHARED, "Shared.", "no API shows it", T0
    )
    return OffboardingDuty("1", "acme", WabaId("102384266223093"), undone, is_back=is_back)


def test_what_is_left_to_do_names_the_command_that_says_it_is_done():
    left = duty(is_back=False)
    assert "waboard offboard acme --done unshared" in left.remedy
    assert "CLIENT_REF" not in left.remedy


def test_an_operator_is_asked_to_unshare_a_waba():
    assert duty(is_back=False).awaiting is guidance_for(Reason.TO_BE_UNSHARED, "").awaiting


def test_a_departure_says_who_asks_for_what_and_why():
    asked = Departure(
        "1", "2", DepartureState.LEAVING, "mia", "Moves away.", "", None, T0, None, None
    )
    assert asked.request == "mia wants this client to leave: Moves away."


def test_of_a_waba_that_is_back_nothing_may_be_taken_away():
    back = duty(is_back=True)
    assert back.awaiting is Party.OPERATOR
    assert "withdraw what you have asked for" in back.remedy
    assert "waboard offboard acme --done unshared" in back.remedy


@pytest.mark.parametrize(
    ("hanging", "shared_with", "ours", "why"),
    [
        ([], [], True, ""),
        ([], [], False, "it was there before us"),
        ([], ["zoo", "bakery"], True, "bakery, zoo use it as well"),
        (["a", "b"], ["bakery"], True, "2 other resources are filed under it"),
    ],
)
def test_an_entity_is_deleted_only_when_it_is_ours_and_nothing_hangs_on_it(
    hanging: list[str], shared_with: list[str], ours: bool, why: str
):
    assert why_kept(hanging, shared_with, ours=ours) == why


def test_a_departure_is_over_unless_somebody_is_to_decide_or_it_goes_on():
    going_on = {state for state in DepartureState if not state.is_over}
    assert going_on == {DepartureState.APPROVAL_AWAITED, DepartureState.LEAVING}
