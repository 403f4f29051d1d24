"""Whether a partner solution lets new clients in."""

import pytest

from waboard.domain.parties import Party
from waboard.domain.solution import solution_state


@pytest.mark.parametrize(
    ("status", "pending", "title", "usable"),
    [
        ("ACTIVE", "NONE", "Active", True),
        ("ACTIVE", "", "Active", True),
        ("INITIATED", "PENDING_ACTIVATION", "Pending", False),
        ("INITIATED", "NONE", "Pending", False),
        ("DRAFT", "NONE", "Draft", False),
        ("REJECTED", "NONE", "Inactive", False),
        ("ACTIVE", "PENDING_DEACTIVATION", "Pending deactivation", True),
        ("PENDING_DEACTIVATION", "NONE", "Pending deactivation", True),
        ("DEACTIVATED", "NONE", "Deactivated", False),
    ],
)
def test_the_six_states_of_the_dashboard_and_their_pairs(
    status: str, pending: str, title: str, usable: bool
):
    state = solution_state(status, pending)
    assert (state.title, state.usable) == (title, usable)
    assert state.remedy or title == "Active"


def test_a_pending_solution_is_infobips_turn():
    assert solution_state("INITIATED", "PENDING_ACTIVATION").awaiting is Party.INFOBIP


def test_a_state_that_nobody_documented_is_shown_and_lets_nobody_in():
    state = solution_state("FROZEN", "PENDING_THAW")
    assert (state.title, state.usable) == ("FROZEN/PENDING_THAW", False)
    assert "does not know" in state.remedy
