"""The card of an onboarding: all that an operator asks about it, on one page."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.domain.samples import (
    BAD,
    FAILED,
    GOOD,
    T0,
    WABA,
    live_sender,
    not_true,
    onboarding,
    sender,
)
from waboard.card import History, card_of
from waboard.domain.clocks import OF_THE_FIELD, Clocks
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.decisions import Decision, DecisionVerb
from waboard.domain.filing import Filing
from waboard.domain.meta_events.limits import Limit
from waboard.domain.meta_events.notices import Notice
from waboard.domain.onboarding import Onboarding, VerifyBy
from waboard.domain.reasons import Reason
from waboard.domain.standing import Standing
from waboard.domain.waits import OpenWait, WaitKind
from waboard.ledger.models import ConditionChangeRow, EffectRow, EventRow

LATER = T0 + timedelta(hours=26)
LIMITED = onboarding(senders=(live_sender(), sender(BAD, FAILED)), ended_at=LATER)
WRITTEN_TO = not_true(ConditionType.RECEIVES, Reason.INBOUND_AWAITED, Status.UNKNOWN)


def drawn(given: Onboarding, **history: list[object]) -> str:
    """The card, a day and two hours after the beginning."""
    return card_of(given, History(**history), LATER)  # pyright: ignore[reportArgumentType]


def section(card: str, title: str) -> str:
    """One section of a card."""
    return card.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_head_says_who_it_is_about_and_how_far_it_is():
    head = drawn(LIMITED).partition("\n## ")[0]
    assert head.startswith(f"# {LIMITED.client_ref}: LiveLimited\n")
    assert "WABA …3093 · attempt 1" in head
    assert "1 of 2 senders live" in head


def test_what_is_needed_names_whose_turn_it_is_since_when_and_what_to_do():
    needed = section(drawn(LIMITED), "What is needed")
    assert "- **operator**, since 2026-01-05 09:00:00 (26 h). " in needed
    assert f"Registered of …{BAD[-4:]}: No. Ask Infobip support why" in needed


def test_a_wait_says_when_it_is_given_up():
    wait = OpenWait(WaitKind.REGISTRATION, T0, LATER, T0 + timedelta(days=14))
    needed = section(drawn(onboarding(wait=wait)), "What is needed")
    assert (
        "**infobip**, since 2026-01-05 09:00:00 (26 h), given up at 2026-01-19 09:00:00." in needed
    )
    assert "Registered of the onboarding: " in needed


def test_each_sender_has_a_line_with_what_is_true_of_it():
    """A sender that is live, and one that is not, with the reason."""
    lines = section(drawn(LIMITED), "Senders").splitlines()
    assert lines[1] == (
        "| Sender | Live | Registered | Associated | Verified | Filed under | At Infobip |"
    )
    live, failed = lines[3:5]
    assert live.startswith(f"| …{GOOD[-4:]} | **yes** | ✓ | ✓ | ✓ | ")
    assert failed.startswith(f"| …{BAD[-4:]} | no | ✗ RegistrationFailed | … | … | ")


def test_a_sender_shows_the_ids_that_it_works_with_and_how_it_stands():
    standing = Standing("CONNECTED", "HIGH", "LIMIT_2K", T0)
    adopted = replace(sender(GOOD), adopted=Filing("waboard", "506914"), standing=standing)
    line = section(drawn(onboarding(senders=(adopted,))), "Senders").splitlines()[3]
    assert "| waboard / 506914 |" in line
    assert "| CONNECTED, quality HIGH, LIMIT_2K (2026-01-05 09:00:00) |" in line


def test_who_is_to_be_written_to_has_a_link_and_a_code():
    """Only while somebody is to write: the link holds the whole number."""
    ready = sender(GOOD, ConditionType.REGISTERED, ConditionType.ASSOCIATED, WRITTEN_TO)
    waiting = onboarding(senders=(ready,), verify_by=VerifyBy.INBOUND)
    shown = section(drawn(waiting), "Write a message to")
    assert f"[https://wa.me/{GOOD}](https://wa.me/{GOOD})" in shown
    assert "](data:image/svg+xml" in shown
    over = onboarding(senders=(ready,), verify_by=VerifyBy.INBOUND, ended_at=LATER)
    assert "wa.me" not in drawn(over)


def test_the_way_so_far_says_when_and_after_how_long_what_became_true():
    change = ConditionChangeRow(type="Registered", subject=GOOD, at=T0 + timedelta(minutes=5))
    way = section(drawn(LIMITED, reached=[change]), "The way so far")
    assert f"| Registered | …{GOOD[-4:]} | 2026-01-05 09:05:00 | 5 min |" in way


def test_what_came_in_shows_what_became_of_it():
    event = EventRow(
        received_at=T0,
        kind="registration",
        source="webhook",
        times_received=2,
        disposition="applied",
        detail="It changed what is known.",
    )
    shown = section(drawn(LIMITED, events=[event]), "What came in")
    assert (
        "| 2026-01-05 09:00:00 | registration | webhook | 2 | applied | It changed what is known. |"
    ) in shown


def test_what_was_done_shows_how_it_went_and_no_whole_number():
    effect = EffectRow(
        started_at=T0, verb="associate", subject=GOOD, attempt=1, status="done", detail=""
    )
    shown = section(drawn(LIMITED, effects=[effect]), "What was done")
    assert f"| associate | …{GOOD[-4:]} | 1 | done |" in shown


def test_no_whole_number_is_on_a_card():
    """But for those that somebody is to write to."""
    card = drawn(LIMITED)
    assert GOOD not in card
    assert BAD not in card
    assert WABA not in card


@pytest.mark.parametrize("name", ["a|b", "<script>alert(1)</script>", "two\nlines"])
def test_what_others_wrote_breaks_no_table_and_is_no_markup(name: str):
    head = drawn(onboarding(client_name=name)).partition("\n## ")[0]
    assert "<script" not in head
    assert len([line for line in head.splitlines() if line.startswith("#")]) == 1
    assert name not in head


def test_a_new_onboarding_has_a_card_too():
    card = drawn(onboarding())
    assert "## Senders" not in card
    assert "## What came in" not in card


def test_a_wait_is_held_against_what_is_usual():
    """And what is needed of whom it waits for says that it is late."""
    wait = OpenWait(WaitKind.REGISTRATION, T0, LATER, T0 + timedelta(days=14))
    clock = Clocks(OF_THE_FIELD, {}).of(wait)
    card = card_of(onboarding(wait=wait), History(), LATER, clock)
    assert "**Late: waiting for Infobip for 26 h, usually under 24 h.** Half end within" in card
    assert "late from 2026-01-06 09:00:00" in card
    assert "- **late** · **infobip**, since " in section(card, "What is needed")


def test_whoever_waits_for_nothing_has_no_clock():
    assert "usually under" not in drawn(LIMITED)


def test_what_people_decided_says_who_and_why():
    decided = Decision(DecisionVerb.RETRY, "mia", "Call +1 202-456-1111.", T0, BAD)
    drawn_with = card_of(LIMITED, History(decisions=[decided]), LATER)
    shown = section(drawn_with, "What people decided")
    assert "| 2026-01-05 09:00:00 | retry | …6042 | mia | Call …1111. |" in shown


def test_what_was_cancelled_says_so_in_the_head_and_needs_nobody():
    decided = Decision(DecisionVerb.CANCEL, "mia", "Wrong WABA.", T0)
    card = drawn(replace(onboarding(), cancelled=decided))
    assert card.startswith("# acme: Cancelled\n")
    assert "Cancelled by mia: Wrong WABA. Nothing had been done." in card
    assert "## What is needed" not in card


def test_what_meta_says_beside_stands_there_until_it_is_over():
    until = LATER + timedelta(hours=1)
    notices = (
        Notice(T0, "Somebody changed the PIN of …8538 (PIN_CHANGED)."),
        Notice(T0, "Calls are restricted.", until),
        Notice(T0, "Calls were restricted.", LATER),
    )
    limited = replace(LIMITED, limit=Limit("TIER_1K", T0), notices=notices)
    said = section(drawn(limited), "What Meta says")
    assert "The WABA: limit TIER\\_1K" in said or "The WABA: limit TIER_1K" in said
    assert "Somebody changed the PIN of …8538" in said
    assert "Calls are restricted" in said
    assert "Calls were restricted" not in said
    assert "What Meta says" not in drawn(LIMITED)
