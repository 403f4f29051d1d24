"""What a set of registration events says, in whatever order and number they came."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.domain.samples import BAD, DOCUMENTED, GOOD, at, event, registration
from waboard.domain.lenient import left_out
from waboard.domain.registration import (
    CONNECTED,
    TERMINAL,
    Registration,
    RegistrationEvent,
    SenderRegistration,
    registration_from,
)

STATUS = st.sampled_from(["IN_PROGRESS", "FAILED", "FINISHED", "ON_HOLD"])
INFO = st.sampled_from([None, "why"])
MINUTE = st.integers(0, 4)
EVENTS = st.lists(
    st.builds(
        event,
        STATUS,
        MINUTE,
        st.dictionaries(st.sampled_from([GOOD, BAD]), STATUS),
        registrationInfo=INFO,
        businessPortfolioId=st.sampled_from([None, 506914307656634, "506914307656635"]),
    ),
    max_size=5,
)
QUALITY = st.lists(
    st.builds(
        SenderRegistration,
        st.sampled_from([GOOD, BAD]),
        st.none(),
        st.just("CONNECTED"),
        st.just("Seen as connected."),
        MINUTE.map(at),
    ),
    max_size=2,
)
UNFINISHED = st.sampled_from(["IN_PROGRESS", "ON_HOLD"])


def test_the_documented_event_is_read():
    """Finished, with one sender that failed: the provider's own example."""
    event = RegistrationEvent.model_validate_json(DOCUMENTED)
    assert (event.business_account_id, event.status) == ("102384266223093", "FINISHED")
    assert [(s.phone_number, s.status) for s in event.senders] == [
        (GOOD, "FINISHED"),
        (BAD, "FAILED"),
    ]


def test_the_newer_fields_are_read():
    """Integrators see a portfolio id and free text since 2026."""
    event = RegistrationEvent.model_validate(
        registration(businessPortfolioId=506914307656634, registrationInfo="Well done")
    )
    assert (event.business_portfolio_id, event.registration_info) == (
        "506914307656634",
        "Well done",
    )


def test_an_event_may_name_no_senders():
    """Ahead of any number, only the account's registration is told."""
    told = registration(status="IN_PROGRESS")
    del told["senders"]
    assert RegistrationEvent.model_validate(told).senders == ()


NO_NUMBERS = ["", "+-", "²", "١٢٣", "+1" * 21, None, {}]


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_a_sender_without_number_and_id_is_left_out(number):
    """A number is one to twenty digits, in whatever marks. The others count."""
    senders = [{"phoneNumberId": None, "displayPhoneNumber": number, "status": "FINISHED"}]
    told = RegistrationEvent.model_validate(
        registration() | {"senders": senders + registration()["senders"]}
    )
    assert [each.phone_number for each in told.senders] == [GOOD]
    (note,) = left_out(told)
    assert note.startswith("1 of 2 senders could not be read: senders.0.displayPhoneNumber: ")


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_a_sender_is_known_by_its_id_alone(number):
    """It is kept; without a number nothing is said of it yet."""
    senders = [{"phoneNumberId": "1", "displayPhoneNumber": number, "status": "FINISHED"}]
    told = RegistrationEvent.model_validate(registration() | {"senders": senders})
    assert [(each.phone_number_id, each.phone_number) for each in told.senders] == [("1", None)]
    assert registration_from([told]).senders == {}


def test_a_sender_without_an_id_is_a_sender():
    """As one that failed comes."""
    senders = [{"phoneNumberId": None, "displayPhoneNumber": f"+{GOOD}", "status": "FAILED"}]
    told = RegistrationEvent.model_validate(registration() | {"senders": senders})
    assert registration_from([told]).senders[GOOD].status == "FAILED"


def test_an_event_without_a_time_is_as_of_its_arrival():
    """One with a time keeps it."""
    untimed = event("FINISHED", lastModifiedAt="").as_of(at(5))
    assert untimed.modified_at == at(5)
    assert event("FINISHED", 3).as_of(at(5)).modified_at == at(3)
    before = event("FINISHED", lastModifiedAt=None)
    assert registration_from([event("FAILED", 1), before]).status == "FAILED"
    assert registration_from([event("FAILED", 1), untimed]).status == "FINISHED"


def test_a_number_is_its_digits():
    """The marks between them are the provider's."""
    senders = [{"phoneNumberId": "1", "displayPhoneNumber": "+1 (313) 513-8538", "status": "x"}]
    told = RegistrationEvent.model_validate(registration() | {"senders": senders})
    assert told.senders[0].phone_number == GOOD


def test_nothing_received_says_nothing():
    """Neither a status nor a sender, and so nothing is settled."""
    assert registration_from([]) == Registration()
    assert not Registration().is_settled


def test_the_sender_s_own_status_counts_and_not_the_account_s():
    """A finished registration with a failed sender is not a success of that sender."""
    found = registration_from([RegistrationEvent.model_validate(json.loads(DOCUMENTED))])
    assert found.status == "FINISHED"
    assert {number: sender.status for number, sender in found.senders.items()} == {
        GOOD: "FINISHED",
        BAD: "FAILED",
    }


def test_a_later_event_moves_a_sender_that_is_on_its_way():
    """The later `lastModifiedAt` wins."""
    found = registration_from(
        [event(minute=5, senders={GOOD: "ON_HOLD"}), event(minute=1, senders={GOOD: "IN_PROGRESS"})]
    )
    assert (found.senders[GOOD].status, found.senders[GOOD].as_of) == ("ON_HOLD", at(5))


@pytest.mark.parametrize("ending", sorted(TERMINAL))
@pytest.mark.parametrize("minute", [-5, 5])
def test_an_ending_is_not_undone_by_an_event_on_the_way(ending, minute):
    """Neither by a late one nor by one that claims to be newer."""
    late = event("IN_PROGRESS", minute, {GOOD: "IN_PROGRESS"})
    found = registration_from([event(ending, 0, {GOOD: ending}), late])
    assert (found.status, found.senders[GOOD].status) == (ending, ending)


@pytest.mark.parametrize(("first", "then"), [("FINISHED", "FAILED"), ("FAILED", "FINISHED")])
def test_of_two_endings_the_later_wins(first, then):
    """A failed number may be registered again, and a finished one may be lost."""
    found = registration_from([event(then, 2, {GOOD: then}), event(first, 1, {GOOD: first})])
    assert (found.status, found.senders[GOOD].status) == (then, then)


def test_of_two_endings_at_once_success_wins():
    """Somebody saw it, however much is said about the failure."""
    failure = registration("FAILED", senders={GOOD: "FAILED"}, registrationInfo="Bad moon")
    failure["senders"][0]["registrationInfo"] = "Bad moon"
    failed = RegistrationEvent.model_validate(failure)
    for events in ([event(), failed], [failed, event()]):
        found = registration_from(events)
        assert (found.status, found.senders[GOOD].status) == ("FINISHED", "FINISHED")


def test_an_unknown_status_is_kept_and_ends_nothing():
    """New members of an enum are no breaking change."""
    found = registration_from([event("ON_HOLD", 0, {GOOD: "ON_HOLD"})])
    assert (found.status, found.senders[GOOD].status) == ("ON_HOLD", "ON_HOLD")
    assert not found.senders[GOOD].is_terminal
    assert not found.is_settled


def test_each_sender_is_judged_by_the_events_that_name_it():
    """An event about one number says nothing about another."""
    found = registration_from(
        [event("IN_PROGRESS", 0, {GOOD: "FINISHED"}), event("IN_PROGRESS", 1, {BAD: "FAILED"})]
    )
    assert {number: s.status for number, s in found.senders.items()} == {
        GOOD: "FINISHED",
        BAD: "FAILED",
    }


@pytest.mark.parametrize(
    ("status", "senders", "settled"),
    [
        ("FINISHED", {GOOD: "FINISHED", BAD: "FAILED"}, True),
        ("FAILED", {}, True),
        ("FINISHED", {GOOD: "FINISHED", BAD: "IN_PROGRESS"}, False),
        ("FINISHED", {GOOD: "ON_HOLD"}, False),
        ("IN_PROGRESS", {GOOD: "FINISHED"}, False),
    ],
)
def test_a_registration_is_settled_when_it_ended_and_no_number_is_on_its_way(
    status, senders, settled
):
    """Both are needed."""
    assert registration_from([event(status, 0, senders)]).is_settled is settled


def test_a_connected_number_is_as_good_as_finished():
    """The provider's quality endpoint shows it although the webhook was lost."""
    seen = SenderRegistration(GOOD, None, CONNECTED, None, at(3))
    found = registration_from([event("IN_PROGRESS", 0, {GOOD: "IN_PROGRESS"})], [seen])
    assert found.senders[GOOD].is_terminal
    assert found.status == "IN_PROGRESS"


def test_a_failure_after_a_number_was_seen_connected_counts():
    """Both are endings, and the later wins."""
    seen = SenderRegistration(GOOD, None, CONNECTED, None, at(3))
    found = registration_from([event("FAILED", 4, {GOOD: "FAILED"})], [seen])
    assert found.senders[GOOD] == SenderRegistration(GOOD, GOOD[:6], "FAILED", None, at(4))


def test_a_portfolio_once_told_is_known():
    """Also when later events leave it out; of several the latest is known."""
    older, newer, silent = (
        event(minute=1, businessPortfolioId=1),
        event(minute=2, businessPortfolioId=2),
        event(minute=3),
    )
    assert registration_from([silent, older, newer]).portfolio_id == "2"


def test_what_the_provider_says_in_words_is_kept():
    """About the account, and about each sender."""
    told = registration("FAILED", registrationInfo="No display name", senders={GOOD: "FAILED"})
    told["senders"][0]["registrationInfo"] = "Two-step"
    found = registration_from([RegistrationEvent.model_validate(told)])
    assert (found.info, found.senders[GOOD].info) == ("No display name", "Two-step")


@given(EVENTS, QUALITY, st.randoms(use_true_random=False))
def test_a_registration_depends_on_the_set_of_evidence_alone(events, connected, random):
    """Neither order nor repetition matters."""
    shuffled, seen = events * 2, connected * 2
    random.shuffle(shuffled)
    random.shuffle(seen)
    assert registration_from(shuffled, seen) == registration_from(events, connected)


@given(EVENTS, UNFINISHED, MINUTE)
def test_an_event_on_the_way_never_undoes_an_ending(events, status, minute):
    """For no sender and not for the account."""
    before = registration_from(events)
    after = registration_from([*events, event(status, minute, {GOOD: status, BAD: status})])
    ended = {n: s for n, s in before.senders.items() if s.is_terminal}
    assert {n: after.senders[n] for n in ended} == ended
    if before.status in TERMINAL:
        assert (after.status, after.info) == (before.status, before.info)


@given(EVENTS, QUALITY, st.sampled_from(sorted(TERMINAL)))
def test_a_later_ending_always_wins(events, connected, ending):
    """Whatever was known before."""
    last = event(ending, 9, {GOOD: ending})
    found = registration_from([*events, last], connected)
    assert found.status == ending
    named = at(9) if ending == "FINISHED" else found.senders[GOOD].named_at
    assert found.senders[GOOD] == SenderRegistration(
        GOOD, GOOD[:6], ending, None, at(9), named_at=named
    )
    assert found.senders[GOOD].named_at is None or ending != "FAILED"


@given(EVENTS, EVENTS)
def test_more_evidence_never_forgets_a_sender(events, more):
    """What was once named is known."""
    assert set(registration_from(events).senders) <= set(registration_from(events + more).senders)


def test_what_is_known_is_never_changed_in_place():
    """It can be compared with what is known later."""
    with pytest.raises(ValidationError, match="frozen"):
        event("FINISHED").status = "FAILED"
    sender = SenderRegistration(GOOD, None, "FINISHED", None, at(0))
    with pytest.raises(AttributeError):
        sender.status = "FAILED"
    assert replace(sender, status="FAILED").status == "FAILED"


@pytest.mark.parametrize(
    ("words", "seen", "named"),
    [
        ([("FINISHED", 1)], None, 1),
        ([("FINISHED", 1)], 5, 1),
        ([("FAILED", 1)], 5, None),
        ([("FINISHED", 1), ("FAILED", 3)], 5, None),
        ([("FAILED", 1), ("FINISHED", 3)], 5, 3),
        ([("IN_PROGRESS", 1)], 5, None),
        ([], 5, None),
    ],
)
def test_only_an_event_names_the_waba_that_has_a_number(words, seen, named):
    """That it is seen connected says nothing of which WABA it is in."""
    told = [event(status, minute, {GOOD: status}) for status, minute in words]
    connected = [SenderRegistration(GOOD, None, CONNECTED, None, at(seen))] if seen else []
    found = registration_from(told, connected).senders[GOOD]
    assert found.named_at == (at(named) if named else None)


@pytest.mark.parametrize("last", ["FINISHED", "IN_PROGRESS"])
def test_every_spelling_in_which_a_number_was_shown_is_known(last):
    """As it was spelled last, and how else: by one id it is one number, and it stays ended."""
    old, new = "5215512345678", "525512345678"
    told = []
    for minute, number, status in ((1, old, "FINISHED"), (2, new, last)):
        raw = registration(status, minute, {number: status})
        raw["senders"][0]["phoneNumberId"] = "106540352242922"
        told.append(RegistrationEvent.model_validate(raw))
    found = registration_from(told).senders
    (one,) = found.values()
    assert (one.phone_number, one.other_spellings, one.status) == (new, {old}, "FINISHED")
    assert one.spellings == {old, new}
    assert registration_from(told[:1]).senders[old].other_spellings == frozenset()


def test_the_id_of_a_number_is_known_from_whichever_event_named_it():
    """What counts may be an event that came without it."""
    named, ended = registration("IN_PROGRESS", 1), registration("FAILED", 2)
    for raw, status in ((named, "IN_PROGRESS"), (ended, "FAILED")):
        raw["senders"] = [{"displayPhoneNumber": f"+{GOOD}", "status": status}]
    named["senders"][0]["phoneNumberId"] = "106540352242922"
    found = registration_from([RegistrationEvent.model_validate(each) for each in (ended, named)])
    assert (found.senders[GOOD].status, found.senders[GOOD].phone_number_id) == (
        "FAILED",
        "106540352242922",
    )
    alone = registration_from([RegistrationEvent.model_validate(ended)])
    assert alone.senders[GOOD].phone_number_id is None
