"""What the judge of the chaos run calls a fault."""

from typing import Any

import pytest

from tests.chaos.judge import (
    Case,
    Judgement,
    judge_kept,
    judge_reminded,
    judge_senders,
    judge_share,
    judge_told,
)
from tests.domain.samples import DOCUMENTED, GOOD, T0, live_sender, not_true, onboarding, sender
from waboard.domain.conditions import ConditionType
from waboard.domain.facts import registration_facts
from waboard.domain.outcome import stage_of
from waboard.domain.reasons import Reason
from waboard.ledger.models import EffectRow, EffectStatus, Verb
from waboard.sandbox.state import number_key

DONE, STARTED = EffectStatus.DONE, EffectStatus.STARTED
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


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([DONE], ["acme was shared 2 times"]),
        ([DONE, DONE], ["acme was shared 2 times"]),
        ([STARTED, DONE], []),
    ],
    ids=["once", "again although it was done", "again in doubt"],
)
def test_a_share_may_be_repeated_in_doubt_alone(rows: list[EffectStatus], found: list[str]):
    effects = [EffectRow(verb=Verb.SHARE, subject="", status=status) for status in rows]
    judgement = Judgement()
    judge_share(judgement, Case(ACME, effects), {"shares": {ACME.waba_id: 2}})
    assert judgement.faults == found


def event(status: str, answered: int | None = 200) -> dict[str, Any]:
    """A registration webhook about the one sender, and how it was answered."""
    said = {"phoneNumberId": "1", "status": status}
    body = {"businessAccountId": int(ACME.waba_id), "senders": [said]}
    return {"kind": "registration", "status": answered, "body": body}


def of_senders(known: list[Any], *webhooks: dict[str, Any], filed: str = GOOD) -> list[str]:
    """What is wrong, where Infobip has one good sender and said this of it."""
    decided = {"phone_number_id": "1", "number": GOOD, "status": "FINISHED"}
    books: dict[str, Any] = {
        "webhooks": list(webhooks),
        "messages": [{"sender": GOOD, "status": "DELIVERED"}],
        "senders": {GOOD: {}},
        "associations": [{"resourceId": number_key(filed), "entityId": ACME.entity_id}],
        "handed_out": [],
    }
    judgement, case = Judgement(), Case(onboarding(client_ref="acme", senders=tuple(known)), [])
    judge_senders(judgement, case, books, {"senders": [decided | {"delivery": "delivered"}]})
    return judgement.faults


def test_a_sender_that_is_live_in_truth_is_no_fault():
    assert of_senders([live_sender()], event("FINISHED")) == []


def test_a_live_sender_needs_an_association_of_its_own():
    """That of another sender of the same client is none."""
    assert of_senders([live_sender()], filed="442071838750") == [f"acme: no association of {GOOD}"]


def test_a_sender_that_we_were_told_of_and_do_not_know_is_a_fault():
    """Else a webhook that is answered and lost would look like one that never came."""
    told = [f"acme: {GOOD} was told of, and is forgotten"]
    assert of_senders([], event("FINISHED")) == told
    assert of_senders([], event("FINISHED", answered=503)) == []


def test_a_sender_that_failed_first_has_to_go_live_once_we_are_told_that_it_finished():
    failed = sender(GOOD, not_true(ConditionType.REGISTERED, Reason.REGISTRATION_FAILED))
    fault = [f"acme: {GOOD} is not live, and should be: RegistrationFailed"]
    assert of_senders([failed], event("FAILED"), event("FINISHED")) == fault
    assert of_senders([failed], event("FAILED"), event("FINISHED", answered=None)) == []


def test_a_sender_that_is_registered_has_to_go_live_though_nobody_told_us():
    stuck = sender(GOOD, not_true(ConditionType.VERIFIED, Reason.NO_REPORT))
    assert of_senders([stuck]) == [f"acme: {GOOD} is not live, and should be: NoReport"]


def test_what_a_webhook_said_that_was_taken_has_to_be_kept():
    books = {"webhooks": [{"kind": "registration", "status": 200, "body": DOCUMENTED.decode()}]}
    (fact,) = registration_facts(DOCUMENTED)
    for kept, faults in (({fact.digest}, 0), (set[str](), 1)):
        judgement = Judgement()
        judge_kept(judgement, books, kept)
        assert len(judgement.faults) == faults
