"""What the judge of the chaos run calls a fault."""

from typing import Any

from tests.chaos.judge import Case, Judgement, judge_reminded, judge_told
from tests.domain.samples import T0, onboarding
from waboard.domain.outcome import stage_of
from waboard.ledger.models import EffectRow, EffectStatus, Verb

ACME = onboarding(client_ref="acme", ended_at=T0)
END = stage_of(ACME)
LATE = ("acme: late, AwaitingDelivery", "acme: Waiting for Infobip for 20 min.")
BOTH_LATE = ("2 clients wait longer than is usual", "acme: Waiting.\n\nglobex: Waiting.")


def heard(subject: str, body: str = "") -> dict[str, Any]:
    """A message to the operator that arrived."""
    return {"receiver": "operator", "status": 204, "body": {"subject": subject, "body": body}}


def faults(*notifications: dict[str, Any], reminded: int = 0) -> list[str]:
    """What is wrong, where the operator heard this and so many reminders are done in the ledger."""
    reminder = {"verb": Verb.REMIND_OPERATOR, "subject": "delivery", "status": EffectStatus.DONE}
    rows = [EffectRow(**reminder) for _ in range(reminded)]
    rows.append(EffectRow(verb=Verb.NOTIFY_OPERATOR, subject=END))
    end = {"client_ref": "acme", "outcome": END}
    provider = {"receiver": "provider", "status": 204, "headers": {"webhook-id": "1"}}
    books = {"notifications": [*notifications, provider | {"body": {"data": end}}]}
    judgement, case = Judgement(), Case(ACME, rows)
    judge_told(judgement, case, books)
    judge_reminded(judgement, case, books)
    return judgement.faults


def test_an_end_that_was_told_once_is_no_fault():
    assert faults(heard(f"acme: {END}")) == []


def test_an_end_that_nobody_was_told_is_a_fault():
    assert faults(heard("globex: Live")) == [f"operator did not hear that acme is {END}"]


def test_an_end_that_was_told_twice_without_doubt_is_a_fault():
    assert faults(heard(f"acme: {END}"), heard(f"acme: {END}")) == [
        f"operator heard 2 times: acme is {END}"
    ]


def test_that_a_wait_is_late_is_no_end():
    """Also where it is one client's alone, and so named in the subject."""
    assert faults(heard(f"acme: {END}"), heard(*LATE), reminded=1) == []


def test_a_wait_that_was_called_late_twice_is_a_fault():
    """Once by itself and once together with another's, though a single reminder was done."""
    told = faults(heard(f"acme: {END}"), heard(*LATE), heard(*BOTH_LATE), reminded=1)
    assert told == ["acme was 2 times called late, of 1 to 1"]


def test_a_reminder_that_is_done_and_was_never_heard_is_a_fault():
    """Also where the judge no longer knew what a reminder looks like."""
    told = faults(heard(f"acme: {END}"), reminded=1)
    assert told == ["acme was 0 times called late, of 1 to 1"]
