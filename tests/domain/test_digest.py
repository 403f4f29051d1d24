"""The digest: who needs a person, which person, what is late, and what ended."""

from dataclasses import replace
from datetime import timedelta

from tests.domain.samples import BAD, FAILED, NO_RECEIVER, T0, at, not_true, onboarding, sender
from waboard.domain.clocks import OF_THE_FIELD, Clocks
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.digest import Matter, digest_of
from waboard.domain.reasons import Reason
from waboard.domain.requirements import requirements_of
from waboard.domain.waits import OpenWait, WaitKind

NOW, SINCE = at(26 * 60), at(2 * 60)
NEEDS = requirements_of(onboarding(senders=(sender(BAD, FAILED),)))
WRITE = not_true(ConditionType.RECEIVES, Reason.INBOUND_AWAITED, Status.UNKNOWN)
ASLEEP = OpenWait(WaitKind.REGISTRATION, T0, at(15), at(100_000))


def matter(client_ref: str = "acme", **facts: object) -> Matter:
    given = Matter(client_ref, "run", None, None, [])
    return replace(given, **facts)  # pyright: ignore[reportArgumentType]


def lines(*matters: Matter) -> dict[str, list[str]]:
    """What is told under each heading."""
    parts = digest_of(matters, SINCE, NOW).parts
    return {heading: [line.text for line in told] for heading, told in parts}


def test_who_needs_the_operator_is_told_with_what_since_when_and_the_remedy():
    (told,) = lines(matter(needs=NEEDS))["Needs the operator"]
    assert told.startswith("acme …6042: RegistrationFailed, since 2026-01-05 09:00 UTC (26 h). ")
    assert told.endswith(NEEDS[0].remedy)


def test_who_needs_the_client_stands_under_another_heading():
    written_to = onboarding(senders=(sender(BAD, WRITE),))
    told = lines(matter(needs=requirements_of(written_to)))
    assert [*told] == ["Needs the client"]


def test_who_has_waited_longest_comes_first():
    early = [replace(NEEDS[0], since=T0 - timedelta(days=1))]
    told = lines(matter("late", needs=NEEDS), matter("early", needs=early))["Needs the operator"]
    assert [line.partition(" ")[0] for line in told] == ["early", "late"]


def test_what_providers_owe_is_told_only_once_it_is_late():
    clocks = Clocks(OF_THE_FIELD, {})
    early = replace(ASLEEP, since=at(20 * 60))
    waits = {"in-time": clocks.of(early), "too-long": clocks.of(ASLEEP)}
    told = lines(*(matter(ref, clock=clock) for ref, clock in waits.items()))
    assert told == {"Late": ["too-long: Late: waiting for Infobip for 26 h, usually under 24 h."]}


def test_it_says_which_run_and_which_onboarding_a_line_is_about():
    one = matter("acme", run_id="run 1", onboarding_id="1", ended_at=NOW, ended_as="Live")
    ((_, (line,)),) = digest_of([one], SINCE, NOW).parts
    assert (line.run_id, line.onboarding_id) == ("run 1", "1")


def test_what_is_still_on_the_way_has_not_ended():
    assert lines(matter(ended_as="Live")) == {}


def test_the_subject_counts_onboardings_and_not_lines():
    twice = replace(matter(needs=[*NEEDS, *NEEDS]), onboarding_id="1")
    other = replace(matter("globex", needs=NEEDS), onboarding_id="2")
    ended = replace(matter("done", ended_at=NOW, ended_as="Live"), onboarding_id="3")
    told = digest_of([twice, other, ended], SINCE, NOW)
    assert told.subject == "waboard: needs the operator: 2, ended: 1"
    assert (told.since, told.is_empty) == (SINCE, False)


def test_what_concerns_the_whole_onboarding_names_no_sender():
    refused = not_true(ConditionType.SHARED, Reason.SHARE_REFUSED)
    needs = requirements_of(onboarding(conditions={ConditionType.SHARED: refused}))
    (told,) = lines(matter(needs=needs))["Needs the operator"]
    assert told.startswith("acme: ShareRefused, since")


def test_what_ended_since_the_last_digest_is_told_once():
    before = matter("before", ended_at=SINCE, ended_as="Live")
    after = matter("after", ended_at=at(3 * 60), ended_as="Live")
    assert lines(before, after) == {"Ended": ["after: Live"]}


def test_that_nobody_is_told_of_outcomes_is_no_matter():
    needs = requirements_of(onboarding(conditions={ConditionType.NOTIFIED: NO_RECEIVER}))
    assert lines(matter(needs=needs)) == {}


def test_the_subject_says_how_much_there_is():
    told = digest_of([matter(needs=NEEDS)], SINCE, NOW)
    assert told.subject == "waboard: needs the operator: 1"


def test_where_nothing_needs_a_person_there_is_nothing_to_say():
    nothing = digest_of([matter()], SINCE, NOW)
    assert nothing.is_empty
    assert nothing.subject == "waboard: nothing needs a person"
