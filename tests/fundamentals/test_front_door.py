"""How a client comes in: what is believed of a signup, who may begin, and what Meta's word means.

Read this from top to bottom: it follows Acme from its click to the moment its run may go on.
"""

from datetime import UTC, datetime, timedelta

from waboard.domain.ids import PortfolioId, WabaId
from waboard.domain.meta_events.connection import connection_from
from waboard.domain.meta_events.meanings import Meaning
from waboard.domain.meta_events.wire import MetaEvent
from waboard.domain.meta_events.words import Word, word_of
from waboard.domain.signup import Ending, Signals, find_waba, read_message
from waboard.domain.solution import solution_state
from waboard.domain.weekly_cap import next_slot

ACME, BAKERY = WabaId("102384266223093"), WabaId("200000000000002")
PORTFOLIO = PortfolioId("506914307656634")
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_metas_window_says_how_the_client_left():
    finished = read_message({"event": "FINISH", "data": {"waba_id": ACME}})
    assert (finished.ending, finished.waba_ids) == (Ending.FINISHED, (ACME,))
    left = read_message({"event": "CANCEL", "data": {"current_step": "PERMISSIONS"}})
    assert left.ending is Ending.ABANDONED


def test_any_one_signal_is_enough_and_none_is_needed():
    """The window, the token, Meta's webhook: whichever comes."""
    assert find_waba(Signals(claimed=(ACME,))).waba_id == ACME
    assert find_waba(Signals(granted=frozenset({ACME}))).waba_id == ACME
    assert find_waba(Signals(added=frozenset({ACME}))).waba_id == ACME


def test_a_token_names_every_waba_that_was_ever_shared_so_its_order_means_nothing():
    several = frozenset({BAKERY, ACME})
    assert find_waba(Signals(claimed=(ACME,), granted=several)).waba_id == ACME
    assert find_waba(Signals(granted=several, taken=frozenset({BAKERY}))).waba_id == ACME
    assert find_waba(Signals(granted=several)).problem is not None


def test_signals_that_contradict_each_other_start_nothing():
    assert find_waba(Signals(claimed=(ACME,), granted=frozenset({BAKERY}))).waba_id is None
    portfolio_as_waba = Signals(claimed=(WabaId(PORTFOLIO),), claimed_portfolio=PORTFOLIO)
    assert find_waba(portfolio_as_waba).waba_id is None


def test_nobody_is_onboarded_through_a_solution_that_is_not_active():
    assert solution_state("ACTIVE", "NONE").usable
    assert not solution_state("INITIATED", "PENDING_ACTIVATION").usable
    assert not solution_state("A_NEW_STATE", "NONE").usable


def test_so_many_new_clients_a_week_and_the_next_is_told_when():
    yesterday = NOW - timedelta(days=1)
    assert next_slot([], ahead=0, cap=1, now=NOW) is None
    assert next_slot([yesterday], ahead=0, cap=1, now=NOW) == yesterday + timedelta(days=7)
    assert next_slot([yesterday], ahead=1, cap=1, now=NOW) == yesterday + timedelta(days=14)


def test_metas_latest_word_says_whether_a_waba_is_connected():
    def said(event: str, time: int) -> Word:
        value = {"event": event, "waba_info": {"waba_id": ACME}}
        change = {"entry_id": "1", "time": time, "field": "account_update", "value": value}
        return word_of(MetaEvent.model_validate(change), NOW)

    added, removed = said("PARTNER_ADDED", 100), said("PARTNER_REMOVED", 200)
    for some in ([added, removed], [removed, added], [removed, added, removed]):
        connection = connection_from(some)
        assert connection is not None
        assert connection.meaning is Meaning.DISCONNECTED
