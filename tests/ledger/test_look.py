"""Looking again: what was received is taken up, and what is true because of it is written."""

import asyncio
import json

import pytest

from tests.domain.samples import BAD, DOCUMENTED, GOOD, at, not_true, true
from tests.ledger.desk import Desk, connected, reported, told
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import NotFound
from waboard.domain.facts import registration_facts
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import OutcomeName, Stage, outcome_of, stage_of
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.requirements import requirements_of
from waboard.domain.steps import share_is_due
from waboard.ledger.attempts import reopen_onboarding
from waboard.ledger.claims import evidence_of
from waboard.ledger.look import Seen, look
from waboard.ledger.models import Disposition, EffectStatus, EventRow, Verb
from waboard.ledger.onboardings import end_onboarding, take_up_news, with_news

SHARED, REGISTERED, ASSOCIATED = list(ConditionType)[3:6]
VERIFIED, NOTIFIED = ConditionType.VERIFIED, ConditionType.NOTIFIED


@pytest.fixture
async def onboarding_id(desk) -> str:
    return await desk.started()


async def ready_to_verify(desk: Desk, onboarding_id: str, *numbers: str) -> None:
    """Registered and associated."""
    await desk.hear(onboarding_id, told(senders=dict.fromkeys(numbers, "FINISHED")))
    await desk.associate(onboarding_id, *numbers)


def verified(onboarding: Onboarding, number: str = GOOD) -> tuple[str, str]:
    condition = next(s for s in onboarding.senders if s.phone_number == number).conditions[VERIFIED]
    return condition.status, condition.reason


async def dispositions(desk: Desk) -> list[str]:
    return [event.disposition for event in await desk.events()]


# From one end to the other


async def test_the_documented_example_ends_live_limited(desk, onboarding_id):
    """FINISHED with one FAILED sender is not a success of the whole; the other goes live."""
    await desk.keep(*registration_facts(DOCUMENTED))
    registered = await desk.look(onboarding_id, 1)
    assert registered.holds(SHARED)
    assert registered.registration.is_settled
    good, bad = registered.sender(GOOD), registered.sender(BAD)
    assert (good.phone_number_id, bad.phone_number_id) == ("122098754222007518", "119302867930080")
    assert good.holds(REGISTERED)
    assert bad.conditions[REGISTERED].status is Status.FALSE
    assert stage_of(registered) == Stage.ASSOCIATING

    await desk.associate(onboarding_id, GOOD, minute=2)
    assert stage_of(await desk.look(onboarding_id, 2)) == Stage.VERIFYING
    message_id = await desk.send(onboarding_id, GOOD)
    assert stage_of(await desk.look(onboarding_id, 3)) == Stage.AWAITING_DELIVERY
    done = await desk.hear(onboarding_id, reported("delivered", 4, message_id), minute=4)

    assert stage_of(done) == Stage.NOTIFYING
    assert done.sender(GOOD).is_live
    assert outcome_of(done).name is OutcomeName.LIVE_LIMITED
    (needed,) = requirements_of(done)
    assert (needed.subject, needed.reason) == (BAD, Reason.REGISTRATION_FAILED)
    assert await dispositions(desk) == [Disposition.APPLIED] * 2


async def test_the_newer_form_of_the_event_says_whose_turn_it_is(desk, onboarding_id):
    """Two-step verification is turned off by the client."""
    two_step = told(senders={GOOD: "FINISHED", BAD: "FAILED"}, businessPortfolioId=506914307656634)
    body = two_step.body.replace(
        '"status":"FAILED"',
        '"registrationInfo":"Two-step verification is enabled on this number","status":"FAILED"',
    )
    onboarding = await desk.hear(onboarding_id, *registration_facts(body.encode()))
    (needed,) = requirements_of(onboarding)
    assert needed.awaiting is Party.CLIENT
    assert onboarding.registration.portfolio_id == "506914307656634"


async def test_what_could_not_be_read_of_an_event_stays_noted(desk, onboarding_id):
    """The good sender is registered; the odd one is shown with its reason, whatever comes of it."""
    body = json.loads(told().body)
    body["senders"].append({"phoneNumberId": None, "displayPhoneNumber": "", "status": "FAILED"})
    (fact,) = registration_facts(json.dumps(body).encode())
    (receipt,) = await desk.keep(fact)
    parked = (await desk.event(receipt.event_id)).detail
    onboarding = await desk.look(onboarding_id)
    row = await desk.event(receipt.event_id)
    note = "Note: 1 of 2 senders could not be read: senders.1.displayPhoneNumber: "
    assert onboarding.sender(GOOD).holds(REGISTERED)
    assert parked.startswith(f"Nobody has asked about this yet. {note}")
    assert row.disposition == Disposition.APPLIED
    assert row.detail.startswith(f"It changed what is known. {note}")


@pytest.mark.parametrize("arrival", [1, 3])
async def test_what_does_not_say_when_it_was_counts_as_of_its_arrival(desk, onboarding_id, arrival):
    """Before or after an event that says it."""
    await desk.hear(onboarding_id, told(minute=2), minute=5)
    untimed = told(senders={GOOD: "FAILED"}, lastModifiedAt=None)
    onboarding = await desk.hear(onboarding_id, untimed, minute=arrival)
    assert onboarding.sender(GOOD).holds(REGISTERED) is (arrival < 2)


async def test_an_unknown_onboarding_is_not_found(desk):
    """And nothing is written."""
    with pytest.raises(NotFound, match="no onboarding nobody's"):
        await desk.look("nobody's")


async def test_a_look_at_nothing_finds_nothing(desk, onboarding_id):
    """No condition is made up."""
    onboarding = await desk.look(onboarding_id)
    assert (onboarding.conditions, onboarding.senders) == ({}, ())
    assert await desk.history(onboarding_id) == []


async def test_a_second_look_changes_nothing(desk, onboarding_id):
    """Level, not edge: what is true is worked out again and is the same."""
    message_id = await desk.send(onboarding_id, GOOD)
    first = await desk.hear(onboarding_id, told(), reported("delivered", message_id=message_id))
    history = await desk.history(onboarding_id)
    assert await desk.look(onboarding_id, 9) == first
    assert len(await desk.history(onboarding_id)) == len(history)


# Whatever the order


@pytest.mark.parametrize("order", ["0123", "3210", "2031", "1302", "30120"])
async def test_the_end_does_not_depend_on_the_order_of_events(desk, onboarding_id, order):
    """Whichever comes first or twice, one look at a time: the same onboarding in the end."""
    facts = [
        told("IN_PROGRESS", 1, {GOOD: "IN_PROGRESS"}),
        told("IN_PROGRESS", 2, {GOOD: "FINISHED", BAD: "ON_HOLD"}),
        told("FINISHED", 3, {GOOD: "FINISHED", BAD: "FAILED"}),
        told("FINISHED", 4, {BAD: "FINISHED"}, registrationInfo="Mended"),
    ]
    end = await desk.hear(onboarding_id, *(facts[int(n)] for n in order))
    assert {s.phone_number for s in end.senders if s.holds(REGISTERED)} == {GOOD, BAD}
    assert {n: s.as_of for n, s in end.registration.senders.items()} == {GOOD: at(3), BAD: at(4)}
    assert (end.registration.status, end.registration.info) == ("FINISHED", "Mended")
    assert stage_of(end) == Stage.ASSOCIATING
    assert Disposition.PARKED not in await dispositions(desk)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)])
async def test_an_arrival_counts_in_whatever_order_reports_come(desk, onboarding_id, order):
    """Sent, delivered, and a failure that somebody reports besides."""
    await ready_to_verify(desk, onboarding_id, GOOD)
    message_id = await desk.send(onboarding_id, GOOD)
    facts = [reported(w, i, message_id) for i, w in enumerate(("sent", "delivered", "rejected"))]
    end = await desk.hear(onboarding_id, *(facts[n] for n in order))
    assert verified(end) == (Status.TRUE, Reason.MESSAGE_DELIVERED)
    assert outcome_of(end).name is OutcomeName.LIVE


async def test_events_that_come_at_once_are_as_good_as_one_after_the_other(
    desk, other_desk, onboarding_id
):
    """Two processes look at the same onboarding at the same time."""
    facts = [told("IN_PROGRESS", i, {GOOD: "IN_PROGRESS"}) for i in range(4)]
    facts += [told(minute=9, senders={GOOD: "FINISHED", BAD: "FAILED"})] * 4
    desks = [desk, other_desk] * 4
    await asyncio.gather(
        *(d.hear(onboarding_id, fact) for d, fact in zip(desks, facts, strict=True))
    )
    end = await desk.look(onboarding_id)
    assert end.sender(GOOD).holds(REGISTERED)
    assert end.sender(BAD).conditions[REGISTERED].status is Status.FALSE
    assert len(end.senders) == 2
    assert await desk.count(EventRow) == 5
    assert Disposition.PARKED not in await dispositions(desk)


# What became of each event


async def test_a_late_event_is_a_recorded_no_op(desk, onboarding_id):
    """A finished onboarding is not moved backwards, and the event says so."""
    before = await desk.hear(onboarding_id, told(minute=5))
    history = await desk.history(onboarding_id)
    late = told("IN_PROGRESS", 1, {GOOD: "IN_PROGRESS"})
    assert await desk.hear(onboarding_id, late, minute=6) == before
    assert await dispositions(desk) == [Disposition.APPLIED, Disposition.STALE]
    assert len(await desk.history(onboarding_id)) == len(history)


async def test_an_event_on_the_way_that_claims_to_be_newer_is_stale_as_well(desk, onboarding_id):
    """What has ended is ended."""
    await desk.hear(onboarding_id, told(minute=5))
    newer = told("IN_PROGRESS", 9, {GOOD: "IN_PROGRESS"})
    end = await desk.hear(onboarding_id, newer)
    assert end.sender(GOOD).holds(REGISTERED)
    assert await dispositions(desk) == [Disposition.APPLIED, Disposition.STALE]


async def test_a_repeated_event_leaves_its_disposition(desk, onboarding_id):
    """It was applied, and it is not parked again."""
    await desk.hear(onboarding_id, told(), told())
    (event,) = await desk.events()
    assert (event.disposition, event.times_received) == (Disposition.APPLIED, 2)


async def test_a_report_that_is_known_is_stale_in_other_words(desk, onboarding_id):
    """The pull tells what the webhook told, with a field more."""
    message_id = await desk.send(onboarding_id, GOOD)
    webhook = reported("delivered", message_id=message_id)
    pull = reported("delivered", message_id=message_id, price=0)
    await desk.hear(onboarding_id, webhook, pull)
    assert await dispositions(desk) == [Disposition.APPLIED, Disposition.STALE]


async def test_an_event_that_changes_what_is_shown_is_applied(desk, onboarding_id):
    """Another error behind the same failure is what is to be mended now."""
    await ready_to_verify(desk, onboarding_id, GOOD)
    message_id = await desk.send(onboarding_id, GOOD)
    errors = [{"id": i, "name": f"EC_{i}", "groupId": 1} for i in (1, 2)]
    facts = [reported("rejected", e["id"], message_id, error=e) for e in errors]
    end = await desk.hear(onboarding_id, *facts)
    assert "EC_2" in end.sender(GOOD).conditions[VERIFIED].message
    assert await dispositions(desk) == [Disposition.APPLIED] * 3


@pytest.mark.parametrize(
    "poor",
    [
        told("IN_PROGRESS", lastModifiedAt="2026-01-05T09:00:00"),
        told("IN_PROGRESS", 1, {"1" * 30: "IN_PROGRESS"}),
        told("IN_PROGRESS", 1, {GOOD: "\x00"}),
        *registration_facts(DOCUMENTED.replace(b'"CLOUD"', b"[" * 300 + b"]" * 300)),
        *registration_facts(
            DOCUMENTED.replace(b'"type"', b'"new":' + b"[" * 300 + b"]" * 300 + b',"type"')
        ),
    ],
    ids=["a time without a zone", "an endless number", "a nul", "too deep", "too deep and unknown"],
)
async def test_one_poor_event_does_not_stop_the_others(desk, onboarding_id, poor):
    """It is kept, readable or not, and the onboarding goes on."""
    await desk.keep(poor, told(minute=5))
    end = await desk.look(onboarding_id)
    assert end.sender(GOOD).holds(REGISTERED)


# Conditions


async def test_a_registration_event_proves_that_the_share_was_taken(desk, onboarding_id):
    """Also when the share itself was never answered."""
    onboarding = await desk.hear(onboarding_id, told("IN_PROGRESS", senders={}))
    shared = onboarding.conditions[SHARED]
    assert (shared.status, shared.reason) == (Status.TRUE, Reason.REGISTRATION_SEEN)


@pytest.mark.parametrize("status", [None, EffectStatus.AMBIGUOUS])
async def test_a_share_without_an_answer_may_have_been_taken(desk, onboarding_id, status):
    """By a crash or by the network: it is not shared again before a sleep brought no evidence."""
    effect = await desk.begin(onboarding_id, Verb.SHARE)
    if status is not None:
        await desk.end(effect, status)
    onboarding = await desk.look(onboarding_id)
    shared = onboarding.conditions[SHARED]
    assert (shared.status, shared.reason) == (Status.UNKNOWN, Reason.SHARE_NOT_ANSWERED)
    assert not share_is_due(onboarding)


async def test_a_share_without_an_answer_takes_nothing_from_what_is_known(desk, onboarding_id):
    """A registration event was there first."""
    await desk.begin(onboarding_id, Verb.SHARE)
    onboarding = await desk.hear(onboarding_id, told())
    assert onboarding.holds(SHARED)


async def test_a_share_that_certainly_failed_is_not_in_doubt(desk, onboarding_id):
    """It may be repeated."""
    await desk.end(await desk.begin(onboarding_id, Verb.SHARE), EffectStatus.FAILED)
    onboarding = await desk.look(onboarding_id)
    assert SHARED not in onboarding.conditions
    assert share_is_due(onboarding)


async def test_a_share_that_is_known_is_not_proven_again(desk, onboarding_id):
    """Its first evidence stands."""
    await desk.write(onboarding_id, true(SHARED))
    onboarding = await desk.hear(onboarding_id, told())
    assert onboarding.conditions[SHARED] == true(SHARED)


async def test_what_the_provider_says_about_a_sender_is_shown_without_phone_numbers(
    desk, onboarding_id
):
    """Free text, in one line."""
    fact = told("FAILED", senders={GOOD: "FAILED"})
    body = fact.body.replace(
        '"phoneNumberId"', '"registrationInfo":"Number 13135138538\\nis taken","phoneNumberId"'
    )
    onboarding = await desk.hear(onboarding_id, *registration_facts(body.encode()))
    condition = onboarding.sender(GOOD).conditions[REGISTERED]
    assert condition.message == "Registration failed: Number …8538 is taken."
    assert (condition.status, condition.reason) == (Status.FALSE, Reason.REGISTRATION_FAILED)


async def test_a_failure_without_a_reason_says_so(desk, onboarding_id):
    """The documented form of the event gives none."""
    onboarding = await desk.hear(onboarding_id, told("FAILED", senders={GOOD: "FAILED"}))
    message = onboarding.sender(GOOD).conditions[REGISTERED].message
    assert message == "Registration failed: Infobip gave no reason."


async def test_an_unknown_status_of_a_sender_is_kept_and_shown(desk, onboarding_id):
    """As unknown: it is neither an end nor an error."""
    onboarding = await desk.hear(onboarding_id, told("ON_HOLD", senders={GOOD: "ON_HOLD"}))
    condition = onboarding.sender(GOOD).conditions[REGISTERED]
    assert (condition.status, condition.message) == (Status.UNKNOWN, "Registration is ON_HOLD.")
    assert onboarding.registration.status == "ON_HOLD"
    assert not onboarding.registration.is_settled


async def test_a_condition_keeps_its_time_when_only_its_message_changes(desk, onboarding_id):
    """And each message is a line of its history."""
    await desk.hear(onboarding_id, told("IN_PROGRESS", 1, {GOOD: "IN_PROGRESS"}), minute=1)
    held = await desk.hear(onboarding_id, told("IN_PROGRESS", 2, {GOOD: "ON_HOLD"}), minute=2)
    assert held.sender(GOOD).conditions[REGISTERED].changed_at == at(1)
    done = await desk.hear(onboarding_id, told(minute=3), minute=3)
    assert done.sender(GOOD).conditions[REGISTERED].changed_at == at(3)
    lines = [row for row in await desk.history(onboarding_id) if row.subject == GOOD]
    assert [(row.status_before, row.status, row.at) for row in lines] == [
        (None, "Unknown", at(1)),
        ("Unknown", "Unknown", at(2)),
        ("Unknown", "True", at(3)),
    ]


async def test_a_failed_number_that_is_registered_again_recovers(desk, onboarding_id):
    """The later ending wins."""
    await desk.hear(onboarding_id, told("FAILED", 1, {GOOD: "FAILED"}), minute=1)
    end = await desk.hear(onboarding_id, told("FINISHED", 5), minute=5)
    condition = end.sender(GOOD).conditions[REGISTERED]
    assert (condition.status, condition.changed_at) == (Status.TRUE, at(5))


async def test_a_connected_number_is_registered(desk):
    """The webhook was lost; the provider's quality endpoint shows it."""
    onboarding_id = await desk.started(phone_numbers=(GOOD,))
    onboarding = await desk.hear(onboarding_id, connected(GOOD, "PENDING"), connected(GOOD))
    condition = onboarding.sender(GOOD).conditions[REGISTERED]
    assert (condition.status, condition.reason) == (Status.TRUE, Reason.SENDER_CONNECTED)
    assert onboarding.holds(SHARED)
    assert await dispositions(desk) == [Disposition.STALE, Disposition.APPLIED]


async def test_a_number_that_is_seen_connected_again_has_recovered(desk):
    """Connected, failed, and connected now: the same answer again is new evidence."""
    onboarding_id = await desk.started(phone_numbers=(GOOD,))
    await desk.hear(onboarding_id, connected(GOOD), minute=1)
    failed = await desk.hear(onboarding_id, told("FAILED", 5, {GOOD: "FAILED"}), minute=5)
    assert not failed.sender(GOOD).holds(REGISTERED)
    end = await desk.hear(onboarding_id, connected(GOOD), minute=9)
    assert end.sender(GOOD).holds(REGISTERED)


async def test_a_phone_number_id_once_known_is_kept(desk):
    """Evidence without it does not take it away."""
    onboarding_id = await desk.started(phone_numbers=(GOOD,))
    await desk.hear(onboarding_id, told("IN_PROGRESS", 1, {GOOD: "IN_PROGRESS"}))
    end = await desk.hear(onboarding_id, connected(GOOD), minute=2)
    assert end.sender(GOOD).phone_number_id == GOOD[:6]


# Verdicts


@pytest.mark.parametrize(
    ("status", "known"),
    [
        (EffectStatus.DONE, (Status.UNKNOWN, Reason.REPORT_AWAITED)),
        (EffectStatus.AMBIGUOUS, (Status.UNKNOWN, Reason.SEND_NOT_ANSWERED)),
        (None, (Status.UNKNOWN, Reason.SEND_NOT_ANSWERED)),
    ],
)
async def test_a_sent_message_is_no_proof(desk, onboarding_id, status, known):
    """Its report is awaited, also when nobody knows whether it went."""
    await ready_to_verify(desk, onboarding_id, GOOD)
    await desk.send(onboarding_id, GOOD, status)
    onboarding = await desk.look(onboarding_id)
    assert verified(onboarding) == known
    assert onboarding.sender(GOOD).has_been_tested


async def test_a_message_that_certainly_never_left_is_not_awaited(desk, onboarding_id):
    """It may be sent."""
    await ready_to_verify(desk, onboarding_id, GOOD)
    await desk.send(onboarding_id, GOOD, EffectStatus.FAILED)
    onboarding = await desk.look(onboarding_id)
    assert VERIFIED not in onboarding.sender(GOOD).conditions
    assert stage_of(onboarding) == Stage.VERIFYING


@pytest.mark.parametrize("status", [None, EffectStatus.AMBIGUOUS, EffectStatus.FAILED])
async def test_a_report_resolves_what_was_unsure(desk, onboarding_id, status):
    """What arrived was sent, whatever we were told."""
    await ready_to_verify(desk, onboarding_id, GOOD)
    message_id = await desk.send(onboarding_id, GOOD, status)
    await desk.look(onboarding_id)
    end = await desk.hear(onboarding_id, reported("delivered", message_id=message_id))
    assert verified(end) == (Status.TRUE, Reason.MESSAGE_DELIVERED)


async def test_a_decision_is_not_undone_by_the_lack_of_a_report(desk, onboarding_id):
    """A refusal in the answer to the send stands, and no report follows."""
    await ready_to_verify(desk, onboarding_id, GOOD)
    await desk.send(onboarding_id, GOOD)
    await desk.write(onboarding_id, not_true(VERIFIED, Reason.MESSAGE_REJECTED), GOOD)
    assert verified(await desk.look(onboarding_id, 9)) == (Status.FALSE, Reason.MESSAGE_REJECTED)


async def retried(desk: Desk, onboarding_id: str) -> Onboarding:
    """The attempt had ended, and somebody retried its run."""
    async with desk.ledger.begin() as session:
        await end_onboarding(session, onboarding_id, at(5))
    async with desk.ledger.begin() as session:
        await reopen_onboarding(session, onboarding_id, at(6))
    return await desk.look(onboarding_id, 6)


async def test_a_failure_before_a_retry_counts_no_more(desk, onboarding_id):
    """Neither the report that is known nor another of the same message."""
    await ready_to_verify(desk, onboarding_id, GOOD)
    message_id = await desk.send(onboarding_id, GOOD)
    await desk.hear(onboarding_id, reported("expired", message_id=message_id))
    assert verified(await retried(desk, onboarding_id)) == (Status.UNKNOWN, Reason.RETRY_ASKED)
    again = await desk.hear(onboarding_id, reported("rejected", 7, message_id), minute=7)
    assert verified(again) == (Status.UNKNOWN, Reason.RETRY_ASKED)
    assert stage_of(again) == Stage.VERIFYING


async def test_an_arrival_after_a_retry_counts(desk, onboarding_id):
    """The first message was only slow: no second one is needed."""
    await ready_to_verify(desk, onboarding_id, GOOD)
    message_id = await desk.send(onboarding_id, GOOD)
    await desk.look(onboarding_id)
    await desk.write(onboarding_id, not_true(VERIFIED, Reason.NO_REPORT), GOOD)
    await retried(desk, onboarding_id)
    end = await desk.hear(onboarding_id, reported("delivered", 7, message_id), minute=7)
    assert verified(end) == (Status.TRUE, Reason.MESSAGE_DELIVERED)


async def test_the_message_of_a_retry_is_judged_by_its_own_reports(desk, onboarding_id):
    """It is another message, with another id."""
    await ready_to_verify(desk, onboarding_id, GOOD)
    first = await desk.send(onboarding_id, GOOD)
    await desk.hear(onboarding_id, reported("expired", message_id=first))
    await retried(desk, onboarding_id)
    verb = Verb.SEND_TEST_MESSAGE
    effect = await desk.begin(onboarding_id, verb, GOOD, 8, external_id="waboard-again")
    await desk.end(effect, EffectStatus.DONE, minute=8)
    waiting = await desk.look(onboarding_id, 8)
    assert verified(waiting) == (Status.UNKNOWN, Reason.REPORT_AWAITED)
    end = await desk.hear(onboarding_id, reported("rejected", 9, "waboard-again"), minute=9)
    assert verified(end) == (Status.FALSE, Reason.MESSAGE_REJECTED)


async def test_each_sender_is_judged_by_its_own_message(desk, onboarding_id):
    """One arrival proves one sender."""
    await ready_to_verify(desk, onboarding_id, GOOD, BAD)
    messages = [await desk.send(onboarding_id, number) for number in (GOOD, BAD)]
    end = await desk.hear(
        onboarding_id,
        reported("delivered", message_id=messages[0]),
        reported("undeliverable", message_id=messages[1]),
    )
    assert verified(end) == (Status.TRUE, Reason.MESSAGE_DELIVERED)
    assert verified(end, BAD) == (Status.FALSE, Reason.MESSAGE_UNDELIVERABLE)
    assert outcome_of(end).name is OutcomeName.LIVE_LIMITED


async def test_evidence_is_read_from_the_events_alone(desk, onboarding_id):
    """Each kind of event is read as what it is."""
    await desk.hear(onboarding_id, told())
    message_id = await desk.send(onboarding_id, GOOD)
    await desk.hear(onboarding_id, reported("sent", message_id=message_id), connected(GOOD))
    async with desk.ledger.begin() as session:
        evidence = await evidence_of(session, onboarding_id)
    assert len(evidence.registrations) == len(evidence.reports) == len(evidence.connected) == 1


async def test_a_look_that_breaks_leaves_everything_as_it_was(desk, onboarding_id):
    """It is one transaction: the event stays parked for the next."""
    await desk.keep(told())

    async def break_off() -> None:
        async with desk.ledger.begin() as session:
            await look(session, onboarding_id, at(0))
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        await break_off()
    assert await dispositions(desk) == [Disposition.PARKED]
    assert await desk.history(onboarding_id) == []
    assert (await desk.look(onboarding_id)).sender(GOOD).holds(REGISTERED)


async def news(desk: Desk) -> list[str]:
    async with desk.ledger.begin() as session:
        return await with_news(session)


async def ended_as(desk: Desk, onboarding_id: str, told: str) -> None:
    """The attempt has ended, and so it was told."""
    async with desk.ledger.begin() as session:
        await end_onboarding(session, onboarding_id, at(5), told)


async def test_a_report_that_comes_after_the_end_is_news(desk, onboarding_id):
    """It was given up, and has arrived all the same."""
    await ready_to_verify(desk, onboarding_id, GOOD)
    message_id = await desk.send(onboarding_id, GOOD)
    await ended_as(desk, onboarding_id, "VerificationFailed")
    assert await news(desk) == []
    await desk.hear(onboarding_id, reported("delivered", 7, message_id), minute=7)
    assert await news(desk) == [onboarding_id]


async def test_what_changes_nothing_that_was_told_is_no_news(desk, onboarding_id):
    await ready_to_verify(desk, onboarding_id, GOOD)
    message_id = await desk.send(onboarding_id, GOOD)
    await ended_as(desk, onboarding_id, "VerificationFailed")
    await desk.hear(onboarding_id, reported("pending", 7, message_id), minute=7)
    assert await news(desk) == []


async def test_news_are_news_until_the_run_goes_on(desk, onboarding_id):
    """And then it has not ended; without news it stays as it is."""
    await ended_as(desk, onboarding_id, "Live")
    await desk.look(onboarding_id, 7)
    async with desk.ledger.begin() as session:
        await take_up_news(session, onboarding_id)
    assert await news(desk) == []
    assert (await desk.look(onboarding_id, 8)).ended_at is None
    await ended_as(desk, onboarding_id, "RegistrationFailed")
    async with desk.ledger.begin() as session:
        await take_up_news(session, onboarding_id)
    assert (await desk.look(onboarding_id, 9)).ended_at is not None


async def seen_of(desk: Desk, onboarding_id: str) -> Seen:
    seen = Seen()
    async with desk.ledger.begin() as session:
        await look(session, onboarding_id, at(1), seen)
    return seen


async def test_a_look_says_what_it_took_up_and_what_that_changed(desk, onboarding_id):
    """Numbers are masked: it is for people."""
    await desk.keep(told())
    seen = await seen_of(desk, onboarding_id)
    assert [(event.kind, event.disposition) for event in seen.events] == [
        ("registration", Disposition.APPLIED)
    ]
    assert f"Registered of …{GOOD[-4:]}: True, RegistrationFinished" in seen.changes
    assert "Shared: True, RegistrationSeen" in seen.changes


async def test_a_look_that_finds_nothing_new_has_seen_nothing(desk, onboarding_id):
    await desk.keep(told())
    await desk.look(onboarding_id)
    assert await seen_of(desk, onboarding_id) == Seen()
