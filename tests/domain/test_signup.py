"""What a signup says, and which WABA it was about."""

from typing import Any

import pytest
from pydantic import ValidationError

from waboard.domain.ids import PortfolioId, WabaId
from waboard.domain.lenient import left_out
from waboard.domain.signup import (
    ANOTHER_WABA,
    Ending,
    Finding,
    LinkState,
    Signals,
    find_waba,
    read_message,
)

OURS, OTHER, THIRD = WabaId("2000000002"), WabaId("2000000005"), WabaId("2000000008")
PORTFOLIO = PortfolioId("3000000003")


def message(event: str = "FINISH", **data: Any) -> dict[str, Any]:
    return {"type": "WA_EMBEDDED_SIGNUP", "event": event, "version": 3, "data": data}


@pytest.mark.parametrize(
    "event",
    [
        "FINISH",
        "FINISH_ONLY_WABA",
        "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING",
        "FINISH_OBO_MIGRATION",
        "FINISH_GRANT_ONLY_API_ACCESS",
    ],
)
def test_every_finish_is_one_whatever_it_carries(event: str):
    read = read_message(message(event, waba_id=OURS))
    assert (read.ending, read.waba_ids) == (Ending.FINISHED, (OURS,))
    assert read_message(message(event)).waba_ids == ()


def test_ids_may_come_as_numbers_and_as_a_list():
    read = read_message(message(waba_id=int(OURS), waba_ids=[OURS, OTHER], business_id=PORTFOLIO))
    assert read.waba_ids == (OURS, OTHER)
    assert read.data.business_id == PORTFOLIO


@pytest.mark.parametrize(
    ("event", "data", "ending"),
    [
        ("CANCEL", {"current_step": "PHONE_NUMBER_SETUP"}, Ending.ABANDONED),
        ("CANCEL", {"error_message": "In use", "error_code": "3441030"}, Ending.ERROR_REPORTED),
        ("CANCEL", {"error_id": 3441030}, Ending.ERROR_REPORTED),
        ("CANCEL", {"error_code": "3441030"}, Ending.ERROR_REPORTED),
        ("CANCEL", {"error_message": "In use"}, Ending.ERROR_REPORTED),
        ("CANCEL", {}, Ending.ABANDONED),
        ("ERROR", {}, Ending.ERROR_REPORTED),
        ("SOMETHING_NEW", {"error_message": "In use"}, Ending.ERROR_REPORTED),
        ("SOMETHING_NEW", {"more": 1}, Ending.UNKNOWN),
    ],
)
def test_the_two_kinds_of_cancel_are_told_apart_by_what_they_carry(
    event: str, data: dict[str, Any], ending: Ending
):
    assert read_message(message(event, **data)).ending is ending


def test_an_older_page_calls_the_code_of_an_error_an_id():
    assert read_message(message("CANCEL", error_id="3441030")).error_code == "3441030"
    assert read_message(message("CANCEL", error_code="1", error_id="2")).error_code == "1"


def test_what_is_shown_of_an_error_holds_no_phone_number():
    read = read_message(message("CANCEL", error_message="+44 7860 041117 is in use"))
    assert read.data.error_message == "…1117 is in use"


@pytest.mark.parametrize("bad", [{}, {"event": 5}, {"event": " "}, [], "FINISH"])
def test_what_is_no_message_is_refused(bad: Any):
    with pytest.raises(ValidationError):
        read_message(bad)


@pytest.mark.parametrize("odd", ["", None, "12ab", 7.5, [], {"id": OURS}, True])
def test_an_odd_member_is_as_good_as_none(odd: Any):
    """The window names the WABA beside it all the same."""
    ids = {"phone_number_id": odd, "business_id": odd, "waba_ids": odd, "error_code": [odd]}
    assert read_message(message(waba_id=OURS, **ids)) == read_message(message(waba_id=OURS))
    assert read_message(message(waba_id=odd)).waba_ids == ()


def test_one_odd_id_costs_itself_alone():
    read = read_message(message("FINISH", waba_ids=[OURS, None, "", int(THIRD)]))
    assert read.waba_ids == (OURS, THIRD)
    assert left_out(read)[0].startswith("2 of 4 data.waba_ids could not be read: data.waba_ids.1: ")


def test_nothing_is_found_from_nothing():
    assert find_waba(Signals()) == Finding()
    assert find_waba(Signals(taken=frozenset({OURS}))) == Finding()


@pytest.mark.parametrize(
    "signals",
    [
        Signals(claimed=(OURS,)),
        Signals(granted=frozenset({OURS})),
        Signals(added=frozenset({OURS})),
        Signals(claimed=(OURS,), granted=frozenset({OTHER, OURS, THIRD})),
        Signals(claimed=(OURS,), granted=frozenset()),
        Signals(granted=frozenset({OURS, OTHER}), added=frozenset({OURS})),
        Signals(granted=frozenset({OURS, OTHER}), taken=frozenset({OTHER})),
        Signals(claimed=(OURS, OTHER), granted=frozenset({OURS, THIRD})),
        Signals(claimed=(OURS, OTHER), added=frozenset({OURS})),
        Signals(claimed=(OURS,), claimed_portfolio=PORTFOLIO, portfolio=PORTFOLIO),
        Signals(claimed=(OURS,), taken=frozenset({OURS})),
    ],
)
def test_one_waba_is_found_by_membership_and_never_by_its_place_in_a_list(signals: Signals):
    assert find_waba(signals) == Finding(waba_id=OURS)


@pytest.mark.parametrize(
    ("signals", "problem"),
    [
        (Signals(claimed=(OURS,), granted=frozenset({OTHER})), "the token is not for"),
        (
            Signals(
                claimed=(OURS,), claimed_portfolio=PORTFOLIO, portfolio=PortfolioId("3000000009")
            ),
            "another portfolio",
        ),
        (Signals(granted=frozenset({OURS, OTHER})), "2 WABAs were shared"),
        (Signals(claimed=(OURS, OTHER)), "nothing tells which"),
    ],
)
def test_a_contradiction_is_for_a_person_to_settle(signals: Signals, problem: str):
    found = find_waba(signals)
    assert found.waba_id is None
    assert problem in (found.problem or "")


@pytest.mark.parametrize("how", ["claimed_portfolio", "portfolio"])
def test_a_portfolio_is_never_taken_for_a_waba(how: str):
    signals = Signals(claimed=(WabaId(PORTFOLIO),), **{how: PORTFOLIO})
    assert "a portfolio as the WABA" in (find_waba(signals).problem or "")
    both = Signals(claimed=(WabaId(PORTFOLIO), OURS), **{how: PORTFOLIO})
    assert find_waba(both) == Finding(waba_id=OURS)


def test_what_metas_word_may_still_settle_is_not_final():
    """Of two that were shared, Meta's webhook may name one; a contradiction it cannot settle."""
    unclear = find_waba(Signals(granted=frozenset({OURS, OTHER})))
    assert (unclear.may_clear, unclear.is_final) == (True, False)
    contrary = find_waba(Signals(claimed=(OURS,), granted=frozenset({OTHER})))
    assert (contrary.may_clear, contrary.is_final) == (False, True)
    assert find_waba(Signals(claimed=(OURS,))).is_final
    assert not find_waba(Signals()).is_final


@pytest.mark.parametrize(
    "signals",
    [
        Signals(granted=frozenset({OURS, OTHER}), taken=frozenset({OURS, OTHER})),
        Signals(granted=frozenset({OURS, OTHER}), added=frozenset({OURS, OTHER})),
        Signals(granted=frozenset({OURS, OTHER}), added=frozenset({THIRD})),
        Signals(added=frozenset({OURS, OTHER})),
        Signals(granted=frozenset({OURS, OTHER, THIRD}), taken=frozenset({THIRD})),
    ],
)
def test_what_does_not_leave_exactly_one_settles_nothing(signals: Signals):
    found = find_waba(signals)
    assert (found.waba_id, found.may_clear) == (None, True)
    assert "nothing tells which" in (found.problem or "")


@pytest.mark.parametrize(
    "live", [LinkState.UNOPENED, LinkState.OPEN, LinkState.FINISHING, LinkState.STOPPED]
)
def test_a_link_is_live_until_it_is_used_withdrawn_or_expired(live: LinkState):
    assert live.is_live
    for over in (LinkState.USED, LinkState.REVOKED, LinkState.EXPIRED):
        assert not over.is_live


ANOTHER = Finding(problem=ANOTHER_WABA)


@pytest.mark.parametrize(
    ("signals", "finding"),
    [
        (Signals(claimed=(OURS,), only=OURS), Finding(waba_id=OURS)),
        (Signals(granted=frozenset({OURS, OTHER}), only=OURS), Finding(waba_id=OURS)),
        (Signals(added=frozenset({OURS}), only=OURS), Finding(waba_id=OURS)),
        (Signals(claimed=(OURS,), taken=frozenset({OURS}), only=OURS), Finding(waba_id=OURS)),
        (Signals(claimed=(OTHER,), granted=frozenset({OURS, OTHER}), only=OURS), ANOTHER),
        (Signals(claimed=(OURS,), granted=frozenset({OTHER}), only=OURS), ANOTHER),
        (Signals(granted=frozenset({OTHER}), only=OURS), ANOTHER),
        (Signals(added=frozenset({OTHER}), only=OURS), Finding()),
        (Signals(only=OURS), Finding()),
    ],
)
def test_a_link_for_one_waba_leads_to_that_one_or_to_none(signals: Signals, finding: Finding):
    assert find_waba(signals) == finding
