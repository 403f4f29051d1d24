"""Why a condition is as it is, whose turn it then is, and what they do."""

import pytest

from waboard.domain.chat_errors import CHAT_ERRORS
from waboard.domain.parties import Party
from waboard.domain.reasons import (
    DISCONNECTION_HINTS,
    GUIDANCE,
    NAME_HINTS,
    Guidance,
    Reason,
    guidance_for,
)

PROOFS = {
    Reason.SOLUTION_ACTIVE,
    Reason.SLOT_TAKEN,
    Reason.PARTNER_ADDED,
    Reason.SUBSCRIPTION_READ_BACK,
    Reason.RESTRICTION_ENDED,
    Reason.SHARE_ACCEPTED,
    Reason.REGISTRATION_SEEN,
    Reason.REGISTRATION_FINISHED,
    Reason.SENDER_CONNECTED,
    Reason.ASSOCIATION_READ_BACK,
    Reason.TEMPLATE_APPROVED,
    Reason.INBOUND_ARRIVED,
    Reason.MESSAGE_DELIVERED,
    Reason.NUMBER_OWNED,
    Reason.SENDER_USABLE,
    Reason.META_LETS_SEND,
    Reason.NAME_APPROVED,
    Reason.EVERYBODY_TOLD,
    Reason.ALL_RELEASED,
    Reason.SAID_TO_BE_DONE,
}
"""Reasons for a condition to be true: they need nobody."""


@pytest.mark.parametrize("reason", sorted(set(Reason) - PROOFS))
def test_every_reason_for_something_not_to_be_true_says_whose_turn_it_is(reason):
    """And what they do, in a whole sentence."""
    guidance = guidance_for(reason, "")
    assert guidance.awaiting in Party
    assert guidance.remedy[0].isupper()
    assert guidance.remedy.endswith(".")


def test_what_is_proven_needs_nobody():
    """No guidance is kept for it."""
    assert not PROOFS & set(GUIDANCE)


def test_a_reason_reads_the_same_from_the_ledger():
    """There it is a text."""
    assert guidance_for("ShareRefused", "") is GUIDANCE[Reason.SHARE_REFUSED]


def test_a_known_text_of_the_provider_s_says_who_can_mend_it():
    """Two-step verification is turned off by the client, not by the operator."""
    message = "Registration failed: Two-Step verification is enabled on this number."
    guidance = guidance_for(Reason.REGISTRATION_FAILED, message)
    assert guidance.awaiting is Party.CLIENT
    assert "two-step" in guidance.remedy


def test_an_unknown_text_of_the_provider_s_leaves_it_to_the_operator():
    """Who asks the provider."""
    guidance = guidance_for(Reason.REGISTRATION_FAILED, "Registration failed: bad moon.")
    assert guidance is GUIDANCE[Reason.REGISTRATION_FAILED]


def test_a_hint_is_looked_for_in_a_failed_registration_alone():
    """Elsewhere the same words mean something else."""
    guidance = guidance_for(Reason.SHARE_REFUSED, "two-step")
    assert guidance is GUIDANCE[Reason.SHARE_REFUSED]


@pytest.mark.parametrize(("name", "guidance"), NAME_HINTS.items())
def test_a_declined_name_is_mended_as_metas_reason_says(name: str, guidance: Guidance):
    message = f"Meta's decision on the display name 'Acme': REJECTED ({name})."
    assert guidance_for(Reason.NAME_DECLINED, message) is guidance


@pytest.mark.parametrize("name", ["UNKNOWN", "", "NAME_NEW"])
def test_a_declined_name_without_a_known_reason_has_a_remedy_all_the_same(name: str):
    guidance = guidance_for(Reason.NAME_DECLINED, f"REJECTED ({name}).")
    assert guidance is GUIDANCE[Reason.NAME_DECLINED]


@pytest.mark.parametrize(("name", "guidance"), DISCONNECTION_HINTS.items())
def test_a_number_that_left_coexistence_comes_back_as_its_reason_says(
    name: str, guidance: Guidance
):
    message = f"Meta says: disconnected ({name}, by SYSTEM)."
    assert guidance_for(Reason.CLIENT_DISCONNECTED, message) is guidance


@pytest.mark.parametrize(
    ("code", "remedy_ends"),
    [
        (7002, "Then retry the run in the Prefect UI."),
        (7280, CHAT_ERRORS[7280].remedy),
    ],
)
def test_a_chat_error_says_when_to_retry_unless_it_is_up_to_us(code: int, remedy_ends: str):
    error = CHAT_ERRORS[code]
    found = guidance_for(Reason.MESSAGE_UNDELIVERABLE, f"{error.name} ({code})")
    assert found.awaiting is error.awaiting
    assert found.remedy.startswith(error.remedy)
    assert found.remedy.endswith(remedy_ends)


def test_a_code_in_a_message_of_another_reason_means_nothing():
    found = guidance_for(Reason.SHARE_REFUSED, "Refused (7002)")
    assert found == GUIDANCE[Reason.SHARE_REFUSED]
    unknown = guidance_for(Reason.MESSAGE_REJECTED, "Rejected (7999)")
    assert unknown == GUIDANCE[Reason.MESSAGE_REJECTED]
