"""Events: kept before they are answered, once each, with a disposition that is never empty."""

import asyncio
import json
from dataclasses import replace

import pytest

from tests.domain.samples import BAD, GOOD, WABA, at, not_true
from tests.ledger.desk import connected, reported, told
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.errors import NotFound
from waboard.domain.facts import (
    Fact,
    canonical,
    delivery_facts,
    registration_facts,
    template_facts,
)
from waboard.domain.ids import PhoneNumber
from waboard.domain.reasons import Reason
from waboard.domain.waits import WaitKind
from waboard.ledger.decisions import record_decision
from waboard.ledger.departures import begin_leaving
from waboard.ledger.events import (
    adopted_by,
    came_for_all,
    concerned_by,
    hurry_for_all,
    last_received,
    list_events,
    onboarding_for,
    only_awaited,
    parked_for,
    parked_of,
    quality_about,
    read_event,
    receive,
    settled_kinds,
    why_rejected,
)
from waboard.ledger.models import Disposition, EventKind, EventRow
from waboard.ledger.onboardings import end_onboarding

OTHER_WABA = "102384266223094"


async def test_an_event_is_kept_as_it_came(desk):
    """Word for word, with its source and time."""
    fact = told()
    (receipt,) = await desk.keep(fact, minute=3)
    row = await desk.event(receipt.event_id)
    assert not receipt.duplicate
    assert (row.kind, row.source, row.body) == ("registration", "webhook", fact.body)
    assert (row.digest, row.waba_id) == (fact.digest, WABA)
    assert (row.received_at, row.last_received_at, row.times_received) == (at(3), at(3), 1)


async def test_an_event_is_parked_until_somebody_asks_about_it(desk):
    """No onboarding of this WABA is known yet."""
    (receipt,) = await desk.keep(told())
    row = await desk.event(receipt.event_id)
    assert (row.disposition, row.onboarding_id) == (Disposition.PARKED, None)
    assert row.detail


async def test_the_same_event_again_is_counted(desk):
    """It is one row, whatever it came in."""
    (first,) = await desk.keep(told())
    (again,) = await desk.keep(told(), minute=7)
    row = await desk.event(first.event_id)
    assert (again.event_id, again.duplicate) == (first.event_id, True)
    assert (row.times_received, row.received_at, row.last_received_at) == (2, at(0), at(7))
    assert await desk.count(EventRow) == 1


async def test_the_same_event_twice_in_one_batch_is_counted(desk):
    """A pull may hold what it holds twice."""
    receipts = await desk.keep(reported("sent"), reported("delivered"), reported("sent"))
    assert [receipt.duplicate for receipt in receipts] == [False, False, True]
    assert receipts[0].event_id == receipts[2].event_id
    assert (await desk.event(receipts[0].event_id)).times_received == 2


@pytest.mark.parametrize("times", [1, 10])
async def test_the_same_event_in_the_same_instant_is_one_row(desk, other_desk, times):
    """Two processes that look before they insert would both insert."""
    desks = [desk, other_desk] * times
    receipts = [r for kept in await asyncio.gather(*(d.keep(told()) for d in desks)) for r in kept]
    assert len({receipt.event_id for receipt in receipts}) == 1
    assert sum(not receipt.duplicate for receipt in receipts) == 1
    assert (await desk.event(receipts[0].event_id)).times_received == len(desks)


async def test_batches_that_hold_the_same_in_another_order_are_all_kept(desk, other_desk):
    """A webhook and a pull meet: neither is lost because each waits for the other."""
    facts = [reported("delivered", message_id=f"waboard-{i}") for i in range(30)]
    kept = await asyncio.gather(
        *(d.keep(*order) for d in (desk, other_desk) for order in (facts, facts[::-1]))
    )
    assert [len(receipts) for receipts in kept] == [30] * 4
    assert {event.times_received for event in await desk.events()} == {4}


async def test_receipts_are_in_the_order_of_the_facts(desk):
    """The caller acts on each."""
    facts = [reported("delivered", message_id=f"waboard-{i}") for i in range(9)]
    receipts = await desk.keep(*facts)
    rows = [await desk.event(receipt.event_id) for receipt in receipts]
    assert [row.message_id for row in rows] == [fact.message_id for fact in facts]


@pytest.mark.parametrize(
    ("fact", "disposition"),
    [
        (registration_facts(b"hello")[0], Disposition.INVALID),
        (registration_facts(b'{"status": "FINISHED"}')[0], Disposition.INVALID),
        (delivery_facts(b"[]")[0], Disposition.INVALID),
        (reported("delivered", message_id="bulk-1"), Disposition.UNSUPPORTED),
        (reported("delivered", event="SEEN"), Disposition.UNSUPPORTED),
    ],
)
async def test_what_is_of_no_use_is_kept_and_says_why(desk, fact, disposition):
    """Nothing is answered and thrown away."""
    (receipt,) = await desk.keep(fact)
    row = await desk.event(receipt.event_id)
    assert (row.disposition, row.body) == (disposition, fact.body)
    assert row.detail == (fact.problem or fact.unsupported)


@pytest.mark.parametrize("template_id", ["111", 111])
async def test_a_template_that_was_rejected_is_found_by_its_id(desk, template_id):
    """Which comes as a text or a number."""
    for id_, reason in ((template_id, "SCAM"), ("1112", "OTHER"), (None, "NONE")):
        change = {"newStatus": "REJECTED", "reason": reason}
        body = {"messageTemplateId": id_, "messageTemplateName": "a", "change": change}
        await desk.keep(*template_facts(json.dumps(body).encode()))
    change = {"newStatus": "REJECTED", "reason": "NONE OF TEMPLATES"}
    body = {"messageTemplateId": template_id, "messageTemplateName": "a", "change": change}
    await desk.keep(Fact(EventKind.ACCOUNT, canonical(body), unsupported="Kept."))
    async with desk.ledger.begin() as session:
        found = [await why_rejected(session, each) for each in ("111", "112", "")]
    assert found == ["SCAM", None, None]


async def test_of_several_reasons_for_a_template_the_last_counts(desk):
    for reason in ("SCAM", "INVALID_FORMAT"):
        change = {"newStatus": "REJECTED", "reason": reason}
        body = {"messageTemplateId": "111", "messageTemplateName": "a", "change": change}
        await desk.keep(*template_facts(json.dumps(body).encode()))
    async with desk.ledger.begin() as session:
        assert await why_rejected(session, "111") == "INVALID_FORMAT"


async def test_what_is_of_no_use_is_never_taken_up(desk):
    """Not even by the onboarding that it names."""
    onboarding_id = await desk.started()
    unsupported = replace(told(), unsupported="Not of interest.")
    (receipt,) = await desk.keep(unsupported)
    onboarding = await desk.look(onboarding_id)
    assert onboarding.senders == ()
    assert (await desk.event(receipt.event_id)).disposition == Disposition.UNSUPPORTED


@pytest.mark.parametrize(
    "body", [b"\x00", b"a\x00b", b'{"\x00": 1}', "\u2028ä😀".encode()], ids=ascii
)
async def test_any_bytes_are_kept(desk, body):
    """Also those that a database does not take in a text."""
    (receipt,) = await desk.keep(*registration_facts(body))
    assert (await desk.event(receipt.event_id)).disposition == Disposition.INVALID


async def test_half_a_character_is_kept(desk):
    r"""JSON can write `\ud800`, which is in no encoding."""
    (receipt,) = await desk.keep(*registration_facts(rb'{"status": "\ud800"}'))
    assert (await desk.event(receipt.event_id)).disposition == Disposition.INVALID


@pytest.mark.parametrize(
    "message_id",
    ["waboard-" + "x" * 300, "waboard-\x00", "waboard-ä😀"],
    ids=["long", "nul", "astral"],
)
async def test_a_message_id_may_be_anything(desk, message_id):
    """It is the provider's to write: it is kept, readable or not."""
    (receipt,) = await desk.keep(reported("delivered", message_id=message_id))
    assert (await desk.event(receipt.event_id)).disposition


async def test_a_parked_event_is_adopted_when_its_onboarding_appears(desk):
    """The webhook may be faster than whoever starts the onboarding."""
    (receipt,) = await desk.keep(told())
    onboarding_id = await desk.started()
    onboarding = await desk.look(onboarding_id)
    row = await desk.event(receipt.event_id)
    assert (row.disposition, row.onboarding_id) == (Disposition.APPLIED, onboarding_id)
    assert [sender.phone_number for sender in onboarding.senders] == [GOOD]


async def test_an_event_about_another_waba_stays_parked(desk):
    """It is somebody else's."""
    (receipt,) = await desk.keep(told())
    onboarding_id = await desk.started("globex", OTHER_WABA)
    await desk.look(onboarding_id)
    assert (await desk.event(receipt.event_id)).disposition == Disposition.PARKED


async def test_a_report_is_about_the_onboarding_that_sent_its_message(desk):
    """Nobody else has the message's id."""
    one, two = await desk.started("acme", WABA), await desk.started("globex", OTHER_WABA)
    message_id = await desk.send(two, GOOD)
    (receipt,) = await desk.keep(reported("delivered", message_id=message_id))
    await desk.look(one)
    assert (await desk.event(receipt.event_id)).disposition == Disposition.PARKED
    await desk.look(two)
    assert (await desk.event(receipt.event_id)).onboarding_id == two


async def test_a_quality_report_is_about_the_newest_onboarding_that_has_its_number(desk):
    """A number moves from one WABA to another."""
    one = await desk.started("acme", WABA, minute=0, phone_numbers=(GOOD,))
    two = await desk.started("globex", OTHER_WABA, minute=5, phone_numbers=(GOOD,))
    (receipt,) = await desk.keep(connected(GOOD))
    await desk.look(one)
    assert (await desk.event(receipt.event_id)).onboarding_id is None
    await desk.look(two)
    assert (await desk.event(receipt.event_id)).onboarding_id == two


OWNED, VERIFIED = ConditionType.OWNED, ConditionType.VERIFIED


@pytest.mark.parametrize(
    ("condition", "number", "is_the_newest"),
    [
        (not_true(OWNED, Reason.NUMBER_MOVED), GOOD, False),
        (not_true(OWNED, Reason.OWNER_UNCLEAR, Status.UNKNOWN), GOOD, True),
        (not_true(OWNED, Reason.NUMBER_MOVED), BAD, True),
        (not_true(VERIFIED, Reason.NO_REPORT), GOOD, True),
    ],
)
async def test_a_number_that_has_moved_away_is_anothers(desk, condition, number, is_the_newest):
    """Nothing but that it moved away speaks against the newest onboarding that has it."""
    older = await desk.started("acme", WABA, minute=0, phone_numbers=(GOOD,))
    newest = await desk.started("globex", OTHER_WABA, minute=5, phone_numbers=(GOOD, BAD))
    await desk.write(newest, condition, number)
    (receipt,) = await desk.keep(connected(GOOD), minute=6)
    async with desk.ledger.begin() as session:
        row = await read_event(session, receipt.event_id)
        assert await onboarding_for(session, row) == (newest if is_the_newest else older)


async def test_that_a_neighbour_has_lost_a_number_does_not_take_it_from_us(desk):
    older = await desk.started("acme", WABA, minute=0, phone_numbers=(GOOD,))
    newest = await desk.started("globex", OTHER_WABA, minute=5, phone_numbers=(GOOD,))
    await desk.write(older, not_true(OWNED, Reason.NUMBER_MOVED), GOOD)
    (receipt,) = await desk.keep(connected(GOOD), minute=6)
    async with desk.ledger.begin() as session:
        row = await read_event(session, receipt.event_id)
        assert await onboarding_for(session, row) == newest


async def test_a_client_that_leaves_has_a_number_after_those_that_stay(desk):
    older = await desk.started("acme", WABA, minute=0, phone_numbers=(GOOD,))
    newest = await desk.started("globex", OTHER_WABA, minute=5, phone_numbers=(GOOD,))
    async with desk.ledger.begin() as session:
        await end_onboarding(session, newest, at(6), "Live")
        order = Order(by="noor", why="Yes.")
        await record_decision(session, newest, DecisionVerb.APPROVE, order, at(6))
        assert await begin_leaving(session, newest, at(6))
    (receipt,) = await desk.keep(connected(GOOD), minute=7)
    async with desk.ledger.begin() as session:
        row = await read_event(session, receipt.event_id)
        assert await onboarding_for(session, row) == older


async def test_what_nobody_has_is_about_nobody(desk):
    """No onboarding is made up for it."""
    receipts = await desk.keep(told(), reported("sent"), connected(GOOD))
    async with desk.ledger.begin() as session:
        for receipt in receipts:
            row = await read_event(session, receipt.event_id)
            assert await onboarding_for(session, row) is None
        assert await concerned_by(session) == []


async def test_what_a_crash_left_undone_is_found(desk):
    """Events that were kept and that nobody acted on."""
    one, two = await desk.started("acme", WABA), await desk.started("globex", OTHER_WABA)
    message_id = await desk.send(two, BAD)
    await desk.keep(told(), reported("sent", message_id=message_id), reported("sent"))
    async with desk.ledger.begin() as session:
        assert await concerned_by(session) == sorted([one, two])
    await desk.look(one)
    await desk.look(two)
    async with desk.ledger.begin() as session:
        assert await concerned_by(session) == []


async def test_events_are_taken_up_in_the_order_they_came(desk):
    """And are listed so."""
    onboarding_id = await desk.started()
    kept = [await desk.keep(told(minute=minute)) for minute in (3, 1, 2)]
    ids = [receipt.event_id for (receipt,) in kept]
    async with desk.ledger.begin() as session:
        assert [row.id for row in await parked_for(session, onboarding_id)] == ids
    await desk.look(onboarding_id)
    async with desk.ledger.begin() as session:
        assert await parked_for(session, onboarding_id) == []
        assert [row.id for row in await adopted_by(session, onboarding_id)] == ids


async def test_events_are_listed_newest_first_and_by_disposition(desk):
    """Up to a limit."""
    for fact in (told(), *registration_facts(b"hello"), told(minute=1)):
        await desk.keep(fact)
    async with desk.ledger.begin() as session:
        everything = (await list_events(session))[:3]
        newest = await list_events(session, limit=1)
        invalid = await list_events(session, disposition=Disposition.INVALID)
    assert [row.disposition for row in everything] == ["parked", "invalid", "parked"]
    assert [row.id for row in newest] == [everything[0].id]
    assert [row.body for row in invalid] == ["hello"]


async def test_an_unknown_event_is_not_found(desk):
    """And the error says where to look."""
    with pytest.raises(NotFound, match="no event 7"):
        await desk.event(7)


async def test_no_event_is_ever_without_a_disposition_and_why(desk):
    """Whatever became of it."""
    onboarding_id = await desk.started()
    unusable = [Fact("registration", "x", problem="No."), reported("sent", message_id="bulk-1")]
    for fact in (told(), told("IN_PROGRESS", -5), reported("sent"), *unusable):
        await desk.keep(fact)
    await desk.look(onboarding_id)
    events = await desk.events()
    assert {e.disposition for e in events} == set(Disposition)
    assert all(event.detail for event in events)


# Whose an event is, where several onboardings are in the ledger


async def test_a_report_of_a_message_that_nobody_sent_is_nobodys(desk):
    """Not even of the one onboarding that has sent another."""
    onboarding_id = await desk.started()
    await desk.send(onboarding_id, GOOD)
    (receipt,) = await desk.keep(reported("delivered", message_id="waboard-other"))
    async with desk.ledger.begin() as session:
        row = await read_event(session, receipt.event_id)
        assert await onboarding_for(session, row) is None
        assert await parked_for(session, onboarding_id) == []


async def test_an_event_of_a_waba_is_of_that_waba_alone(desk):
    one, two = await desk.started("acme", WABA), await desk.started("globex", OTHER_WABA)
    (receipt,) = await desk.keep(told())
    async with desk.ledger.begin() as session:
        row = await read_event(session, receipt.event_id)
        assert await onboarding_for(session, row) == one
        assert await parked_for(session, two) == []
        assert await concerned_by(session) == [one]
        assert await concerned_by(session, [receipt.event_id]) == [one]
    await desk.look(one)
    async with desk.ledger.begin() as session:
        assert await adopted_by(session, two) == []
        assert await concerned_by(session) == []
        assert await concerned_by(session, [receipt.event_id]) == [one]


async def test_only_the_named_events_concern_somebody(desk):
    await desk.started("acme", WABA)
    two = await desk.started("globex", OTHER_WABA, phone_numbers=(BAD,))
    _, second = await desk.keep(told(), connected(BAD))
    async with desk.ledger.begin() as session:
        assert await concerned_by(session, [second.event_id]) == [two]
        assert await concerned_by(session, []) == []


async def test_how_a_number_stands_is_read_from_what_was_said_of_it(desk):
    """Of each onboarding its own numbers, taken up, and since it began."""
    one = await desk.started("acme", WABA, minute=5, phone_numbers=(GOOD,))
    two = await desk.started("globex", OTHER_WABA, minute=5, phone_numbers=(BAD,))
    first, other = await desk.keep(connected(GOOD), connected(BAD), minute=6)
    async with desk.ledger.begin() as session:
        assert await quality_about(session, one) == []
    await desk.look(one, 7)
    await desk.look(two, 7)
    async with desk.ledger.begin() as session:
        assert [row.id for row in await quality_about(session, one)] == [first.event_id]
        assert [row.id for row in await quality_about(session, two)] == [other.event_id]


async def test_what_was_said_of_numbers_is_listed_in_the_order_it_came(desk):
    """Also where the first came again."""
    onboarding_id = await desk.started(phone_numbers=(GOOD,))
    for status, minute in (("CONNECTED", 1), ("BANNED", 2), ("CONNECTED", 3)):
        await desk.keep(connected(GOOD, status), minute=minute)
        await desk.look(onboarding_id, minute)
    async with desk.ledger.begin() as session:
        found = await quality_about(session, onboarding_id)
        taken_up = await adopted_by(session, onboarding_id)
    assert [json.loads(row.body)["status"] for row in found] == ["CONNECTED", "BANNED"]
    assert [row.id for row in taken_up] == [row.id for row in found]


@pytest.mark.parametrize(("minute", "counts"), [(4, False), (5, True), (6, True)])
async def test_what_was_said_of_a_number_before_it_began_does_not_count(desk, minute, counts):
    onboarding_id = await desk.started(minute=5, phone_numbers=(GOOD,))
    await desk.keep(connected(GOOD), minute=minute)
    await desk.look(onboarding_id, 7)
    async with desk.ledger.begin() as session:
        assert bool(await quality_about(session, onboarding_id)) is counts


# Messages of the clients' own traffic


def written(number: str | None, text: str = "Hi", problem: str | None = None) -> Fact:
    """Somebody has written to a number."""
    return Fact(
        EventKind.INBOUND,
        f"{number} {text}",
        phone_number=PhoneNumber(number) if number else None,
        problem=problem,
    )


async def awaited(desk, *facts: Fact) -> list[Fact]:
    async with desk.ledger.begin() as session:
        return await only_awaited(session, facts)


async def test_of_all_traffic_only_what_is_to_awaited_senders_is_kept(desk):
    await desk.started(phone_numbers=(GOOD,))
    ours, others, broken = written(GOOD), written(BAD), written(None, problem="No number.")
    assert await awaited(desk, ours, others, broken) == [ours, broken]


async def test_a_message_without_a_number_and_without_a_problem_is_nobodys(desk):
    await desk.started(phone_numbers=(GOOD,))
    assert await awaited(desk, written(GOOD), written(None)) == [written(GOOD)]


async def test_what_is_no_message_is_kept_whoever_it_is_about(desk):
    await desk.started(phone_numbers=(GOOD,))
    facts = [told(), connected(BAD), reported("sent"), written(GOOD)]
    assert await awaited(desk, *facts) == facts
    assert await awaited(desk, *facts[:3]) == facts[:3]


async def test_who_has_ended_awaits_no_message(desk):
    onboarding_id = await desk.started(phone_numbers=(GOOD,))
    async with desk.ledger.begin() as session:
        await end_onboarding(session, onboarding_id, at(1), "Live")
    assert await awaited(desk, written(GOOD)) == []


async def test_a_message_to_another_spelling_is_about_the_awaited_number(desk):
    """Mexican mobile numbers are written with a 1 and without."""
    await desk.started(phone_numbers=("525512345678",))
    (kept,) = await awaited(desk, written("5215512345678"))
    assert kept.phone_number == "525512345678"


async def test_a_number_that_is_awaited_as_it_is_written_stays_as_it_is(desk):
    await desk.started(phone_numbers=("5215512345678",))
    (kept,) = await awaited(desk, written("5215512345678"))
    assert kept.phone_number == "5215512345678"


# What concerns all who wait


def settled(kind: str) -> Fact:
    """What names no WABA, and is dealt with as soon as it is kept."""
    return Fact(kind, f"something of {kind}", settled="All look again that wait.")


FOR_WHOM = [
    (EventKind.META, WaitKind.SOLUTION, WaitKind.TEMPLATE),
    (EventKind.TEMPLATE, WaitKind.TEMPLATE, WaitKind.SOLUTION),
]


@pytest.mark.parametrize(("kind", "waking", "sleeping"), FOR_WHOM)
async def test_what_names_nobody_wakes_all_who_wait_for_it(desk, kind, waking, sleeping):
    one, two = await desk.started("acme", WABA), await desk.started("globex", OTHER_WABA)
    await desk.sleep(one, waking, pause_key="one")
    await desk.sleep(two, sleeping, pause_key="two")
    await desk.keep(settled(kind), minute=1)
    assert [due.onboarding_id for due in await desk.claim(1)] == [one]


@pytest.mark.parametrize(("kind", "waking", "_sleeping"), FOR_WHOM)
async def test_what_is_still_to_be_looked_at_wakes_nobody(desk, kind, waking, _sleeping):
    onboarding_id = await desk.started()
    await desk.sleep(onboarding_id, waking)
    await desk.keep(replace(settled(kind), settled=None), minute=1)
    assert await desk.claim(1) == []
    async with desk.ledger.begin() as session:
        await hurry_for_all(session, {kind}, at(2))
    assert [due.onboarding_id for due in await desk.claim(2)] == [onboarding_id]


@pytest.mark.parametrize(("kind", "waking", "sleeping"), FOR_WHOM)
async def test_who_falls_asleep_sees_what_came_for_all_meanwhile(desk, kind, waking, sleeping):
    await desk.keep(settled(kind), minute=5)
    async with desk.ledger.begin() as session:
        came = [await came_for_all(session, waking, at(minute)) for minute in (4, 5, 6)]
        other = await came_for_all(session, sleeping, at(4))
    assert (came, other) == ([True, True, False], False)


async def test_what_an_onboarding_has_taken_up_is_not_for_all(desk):
    """Nor is what is still parked."""
    onboarding_id = await desk.started()
    (receipt,) = await desk.keep(replace(told(), kind=EventKind.META), minute=5)
    (parked,) = await desk.keep(replace(settled(EventKind.META), settled=None), minute=5)
    async with desk.ledger.begin() as session:
        row = await read_event(session, receipt.event_id)
        row.disposition, row.onboarding_id = Disposition.APPLIED, onboarding_id
    async with desk.ledger.begin() as session:
        assert not await came_for_all(session, WaitKind.SOLUTION, at(0))
        assert await settled_kinds(session, [receipt.event_id, parked.event_id]) == set()


async def test_the_kinds_of_what_names_nobody_are_told_of_these_events_alone(desk):
    meta, template, _ = await desk.keep(
        settled(EventKind.META), settled(EventKind.TEMPLATE), told()
    )
    ids = [meta.event_id, template.event_id]
    async with desk.ledger.begin() as session:
        assert await settled_kinds(session, ids) == {EventKind.META, EventKind.TEMPLATE}
        assert await settled_kinds(session, ids[:1]) == {EventKind.META}


async def test_when_something_last_came_is_told_by_kind_and_source(desk):
    source = "another way"
    async with desk.ledger.begin() as session:
        assert await last_received(session, "registration", source) is None
    came = [(told(), 3), (told(minute=1), 4), (told(), 9), (connected(GOOD), 12)]
    for fact, minute in came:
        async with desk.ledger.begin() as session:
            await receive(session, [fact], source, at(minute))
    await desk.keep(told(minute=2), minute=20)
    async with desk.ledger.begin() as session:
        assert await last_received(session, "registration", source) == at(9)
        assert await last_received(session, "registration", "pull") is None
        assert await last_received(session, "delivery", source) is None


async def test_parked_events_of_a_kind_are_listed_in_the_order_they_came(desk):
    first, _, third = await desk.keep(told(), connected(GOOD), told(minute=1))
    async with desk.ledger.begin() as session:
        (await read_event(session, first.event_id)).disposition = Disposition.UNSUPPORTED
    (fourth,) = await desk.keep(told(minute=2))
    async with desk.ledger.begin() as session:
        found = await parked_of(session, EventKind.REGISTRATION)
    assert [row.id for row in found] == [third.event_id, fourth.event_id]


async def test_a_note_stays_beside_what_became_of_an_event(desk):
    onboarding_id = await desk.started()
    (receipt,) = await desk.keep(replace(told(), note="Two members could not be read."))
    assert (await desk.event(receipt.event_id)).detail.startswith(
        "Nobody has asked about this yet."
    )
    await desk.look(onboarding_id)
    row = await desk.event(receipt.event_id)
    assert row.disposition == Disposition.APPLIED
    assert row.detail.endswith(" Note: Two members could not be read.")
    assert "Nobody has asked" not in row.detail
