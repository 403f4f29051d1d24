"""What the ledger promises: facts are kept once, and what is true follows from all of them.

Read this from top to bottom: it follows one client, Acme, whose WABA has two phone numbers.
"""

from datetime import UTC, datetime, timedelta

import pytest

from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.errors import FactsDiffer
from waboard.domain.facts import delivery_facts, registration_facts
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import OutcomeName, outcome_of
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.requests import Defaults, OnboardingRequest
from waboard.domain.requirements import requirements_of
from waboard.domain.steps import senders_to_test, share_is_due
from waboard.domain.waits import WaitKind, WaitPlan
from waboard.ledger.clients import start_onboarding
from waboard.ledger.conditions import write_condition
from waboard.ledger.database import Ledger
from waboard.ledger.effects import begin_effect, end_effect, find_effect
from waboard.ledger.events import list_events, read_event, receive
from waboard.ledger.look import look
from waboard.ledger.models import Disposition, EffectStatus, Verb
from waboard.ledger.rate_limits import LedgerLimiter
from waboard.ledger.waits import claim_due, open_wait

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
ACME = OnboardingRequest(client_ref="acme", waba_id="102384266223093")
FIRST, SECOND = PhoneNumber("13135138538"), PhoneNumber("12132186042")
PLAN = WaitPlan(nudge=timedelta(minutes=10), give_up=timedelta(days=3))

IN_PROGRESS = b"""{
  "businessAccountId": 102384266223093,
  "status": "IN_PROGRESS",
  "lastModifiedAt": "2026-01-05T08:00:00.000+0000",
  "senders": [
    {"phoneNumberId": "122098754222007518", "displayPhoneNumber": "+1 313-513-8538",
     "status": "IN_PROGRESS"}
  ]
}"""

FINISHED = b"""{
  "businessAccountId": 102384266223093,
  "status": "FINISHED",
  "lastModifiedAt": "2026-01-05T09:00:00.000+0000",
  "senders": [
    {"phoneNumberId": "122098754222007518", "displayPhoneNumber": "+1 313-513-8538",
     "status": "FINISHED"},
    {"phoneNumberId": "119302867930080", "displayPhoneNumber": "+1 213-218-6042",
     "status": "FAILED",
     "registrationInfo": "Two-step verification is enabled on this number"}
  ]
}"""

DELIVERED = b"""{"results": [
  {"messageId": "waboard-1", "doneAt": "2026-01-05T09:00:05.000+0000",
   "status": {"id": 5, "name": "DELIVERED_TO_HANDSET", "groupId": 3}}
]}"""

PENDING = DELIVERED.replace(
    b'"id": 5, "name": "DELIVERED_TO_HANDSET", "groupId": 3',
    b'"id": 7, "name": "PENDING_ENROUTE", "groupId": 1',
)


async def start(ledger: Ledger) -> str:
    """Ask for Acme's onboarding."""
    return (await start_onboarding(ledger, ACME, Defaults("waboard"), lambda: NOW)).onboarding_id


async def registration_arrives(ledger: Ledger, onboarding_id: str, body: bytes) -> Onboarding:
    """A registration webhook comes in and is looked at."""
    async with ledger.begin() as session:
        await receive(session, registration_facts(body), "webhook", NOW)
    async with ledger.begin() as session:
        return await look(session, onboarding_id, NOW)


async def report_arrives(ledger: Ledger, onboarding_id: str, body: bytes) -> Onboarding:
    """A delivery report comes in and is looked at."""
    async with ledger.begin() as session:
        await receive(session, delivery_facts(body), "webhook", NOW)
    async with ledger.begin() as session:
        return await look(session, onboarding_id, NOW)


async def associate(ledger: Ledger, onboarding_id: str, number: PhoneNumber) -> Onboarding:
    """A number is read back as associated with the client's application and entity."""
    done = Condition(
        ConditionType.ASSOCIATED,
        Status.TRUE,
        Reason.ASSOCIATION_READ_BACK,
        "Associated.",
        "GET associations",
        NOW,
    )
    async with ledger.begin() as session:
        await write_condition(session, onboarding_id, number, done)
        return await look(session, onboarding_id, NOW)


async def send_test_message(
    ledger: Ledger, onboarding_id: str, number: PhoneNumber, answer: EffectStatus
) -> Onboarding:
    """A test message is sent, and answered so."""
    async with ledger.begin() as session:
        effect = await begin_effect(
            session, onboarding_id, Verb.SEND_TEST_MESSAGE, number, NOW, external_id="waboard-1"
        )
    async with ledger.begin() as session:
        await end_effect(session, effect.id, answer, "", NOW)
        return await look(session, onboarding_id, NOW)


async def test_an_onboarding_is_asked_for_once_however_often(ledger):
    """The same request again finds what the first one started."""
    first = await start_onboarding(ledger, ACME, Defaults("waboard"), lambda: NOW)
    again = await start_onboarding(ledger, ACME, Defaults("waboard"), lambda: NOW)
    assert (first.created, again.created) == (True, False)
    assert again.onboarding_id == first.onboarding_id


async def test_one_client_is_never_two_things(ledger):
    """The same client with other facts is refused, and the difference is named."""
    await start(ledger)
    other = OnboardingRequest(client_ref="acme", waba_id="506914307656634")
    with pytest.raises(FactsDiffer, match="waba_id is '102384266223093', not '506914307656634'"):
        await start_onboarding(ledger, other, Defaults("waboard"), lambda: NOW)


async def test_an_event_is_kept_before_anybody_asks_about_it(ledger):
    """A webhook for a WABA that nobody has asked for yet is parked, not thrown away."""
    async with ledger.begin() as session:
        (receipt,) = await receive(session, registration_facts(FINISHED), "webhook", NOW)
        event = await read_event(session, receipt.event_id)
    assert event.disposition == Disposition.PARKED


async def test_a_parked_event_is_taken_up_when_its_onboarding_appears(ledger):
    """The webhook was faster than the request, and nothing is lost."""
    async with ledger.begin() as session:
        await receive(session, registration_facts(FINISHED), "webhook", NOW)
    onboarding_id = await start(ledger)
    async with ledger.begin() as session:
        onboarding = await look(session, onboarding_id, NOW)
    assert onboarding.sender(FIRST).holds(ConditionType.REGISTERED)


async def test_a_repeated_event_is_one_event(ledger):
    """The second delivery is counted, and changes nothing."""
    async with ledger.begin() as session:
        (first,) = await receive(session, registration_facts(FINISHED), "webhook", NOW)
        (again,) = await receive(session, registration_facts(FINISHED), "webhook", NOW)
        event = await read_event(session, first.event_id)
    assert (again.event_id, again.duplicate) == (first.event_id, True)
    assert event.times_received == 2


async def test_an_unreadable_event_is_kept_with_what_is_wrong_with_it(ledger):
    """It can be looked at, and run again."""
    async with ledger.begin() as session:
        (receipt,) = await receive(session, registration_facts(b"<xml/>"), "webhook", NOW)
        event = await read_event(session, receipt.event_id)
    assert (event.disposition, event.body) == (Disposition.INVALID, "<xml/>")
    assert event.detail == "The body is not a JSON object."


async def test_a_finished_sender_is_never_moved_backwards(ledger):
    """A late event is kept as stale, and changes nothing."""
    onboarding_id = await start(ledger)
    finished = await registration_arrives(ledger, onboarding_id, FINISHED)
    assert await registration_arrives(ledger, onboarding_id, IN_PROGRESS) == finished
    async with ledger.begin() as session:
        assert [event.disposition for event in await list_events(session, limit=2)] == [
            Disposition.STALE,
            Disposition.APPLIED,
        ]


async def test_the_order_of_events_does_not_matter(ledger):
    """Forwards here, backwards above: what is true is the same."""
    onboarding_id = await start(ledger)
    await registration_arrives(ledger, onboarding_id, IN_PROGRESS)
    onboarding = await registration_arrives(ledger, onboarding_id, FINISHED)
    registered = {s.phone_number: s.holds(ConditionType.REGISTERED) for s in onboarding.senders}
    assert registered == {FIRST: True, SECOND: False}


async def test_a_registration_event_proves_that_the_share_was_taken(ledger):
    """So that a share that was never answered is not repeated."""
    onboarding_id = await start(ledger)
    onboarding = await registration_arrives(ledger, onboarding_id, IN_PROGRESS)
    assert onboarding.holds(ConditionType.SHARED)
    assert not share_is_due(onboarding)


async def test_the_sender_is_the_unit_of_success(ledger):
    """One number of two is live: that is neither a success of the whole nor a failure."""
    onboarding_id = await start(ledger)
    await registration_arrives(ledger, onboarding_id, FINISHED)
    await associate(ledger, onboarding_id, FIRST)
    await send_test_message(ledger, onboarding_id, FIRST, EffectStatus.DONE)
    onboarding = await report_arrives(ledger, onboarding_id, DELIVERED)
    assert (onboarding.sender(FIRST).is_live, onboarding.sender(SECOND).is_live) == (True, False)
    assert outcome_of(onboarding).name is OutcomeName.LIVE_LIMITED


async def test_a_message_that_was_sent_has_not_arrived(ledger):
    """Only a final delivery report verifies a sender."""
    onboarding_id = await start(ledger)
    await registration_arrives(ledger, onboarding_id, FINISHED)
    await associate(ledger, onboarding_id, FIRST)
    sent = await send_test_message(ledger, onboarding_id, FIRST, EffectStatus.DONE)
    assert not sent.sender(FIRST).is_live
    pending = await report_arrives(ledger, onboarding_id, PENDING)
    assert not pending.sender(FIRST).is_live
    arrived = await report_arrives(ledger, onboarding_id, DELIVERED)
    assert arrived.sender(FIRST).is_live


async def test_a_message_that_may_have_gone_out_is_not_sent_again(ledger):
    """The send was not answered: its report will tell."""
    onboarding_id = await start(ledger)
    await registration_arrives(ledger, onboarding_id, FINISHED)
    ready = await associate(ledger, onboarding_id, FIRST)
    assert [sender.phone_number for sender in senders_to_test(ready)] == [FIRST]
    unsure = await send_test_message(ledger, onboarding_id, FIRST, EffectStatus.AMBIGUOUS)
    assert senders_to_test(unsure) == []
    arrived = await report_arrives(ledger, onboarding_id, DELIVERED)
    assert arrived.sender(FIRST).is_live


async def test_an_effect_is_written_down_before_it_is_done(ledger):
    """After a crash in between it is known that it may have been done."""
    onboarding_id = await start(ledger)
    async with ledger.begin() as session:
        await begin_effect(session, onboarding_id, Verb.SHARE, "", NOW)
    async with ledger.begin() as session:
        effect = await find_effect(session, onboarding_id, Verb.SHARE)
    assert effect is not None
    assert effect.status == EffectStatus.STARTED


async def test_whose_turn_it_is_is_always_named(ledger):
    """With what they do about it: here the client, since the provider's words say so."""
    onboarding_id = await start(ledger)
    onboarding = await registration_arrives(ledger, onboarding_id, FINISHED)
    (needed,) = requirements_of(onboarding)
    assert (needed.subject, needed.awaiting) == (SECOND, Party.CLIENT)
    assert "turns two-step verification off" in needed.remedy


async def test_waiting_is_not_being_broken(ledger):
    """While a run sleeps it is the provider's turn, since when and until when at most."""
    onboarding_id = await start(ledger)
    async with ledger.begin() as session:
        await open_wait(
            session,
            onboarding_id,
            WaitKind.REGISTRATION,
            flow_run_id="run",
            pause_key="sleep",
            plan=PLAN,
            now=NOW,
        )
        onboarding = await look(session, onboarding_id, NOW)
    (needed,) = requirements_of(onboarding)
    assert (needed.reason, needed.awaiting) == ("AwaitingRegistration", Party.INFOBIP)
    assert (needed.since, needed.by) == (NOW, NOW + timedelta(days=3))


async def test_an_event_wakes_the_run_that_waits_for_it(ledger):
    """At once, and not at the next nudge."""
    onboarding_id = await start(ledger)
    async with ledger.begin() as session:
        await open_wait(
            session,
            onboarding_id,
            WaitKind.REGISTRATION,
            flow_run_id="run",
            pause_key="sleep",
            plan=PLAN,
            now=NOW,
        )
        assert await claim_due(session, NOW, timedelta(seconds=2)) == []
    await registration_arrives(ledger, onboarding_id, FINISHED)
    async with ledger.begin() as session:
        (due,) = await claim_due(session, NOW, timedelta(seconds=2))
    assert (due.onboarding_id, due.pause_key) == (onboarding_id, "sleep")


async def test_a_provider_s_rate_limit_is_kept_by_all_processes_together(ledger):
    """Each call reserves the next free second, whoever makes it."""
    naps: list[float] = []

    async def sleep(seconds: float) -> None:
        naps.append(seconds)

    one, two = (
        LedgerLimiter(ledger, {"provisioning": 1.0}, now=NOW.timestamp, sleep=sleep)
        for _ in range(2)
    )
    for limiter in (one, two, one):
        await limiter.acquire("provisioning")
    assert naps == [1.0, 2.0]


async def test_people_are_shown_the_ends_of_numbers_alone(ledger):
    """Neither the run's name nor its outcome holds a whole phone number."""
    onboarding_id = await start(ledger)
    onboarding = await registration_arrives(ledger, onboarding_id, FINISHED)
    shown = f"{onboarding.run_name} {outcome_of(onboarding).message}"
    assert "…3093" in shown
    assert "…6042" in shown
    assert SECOND not in shown
