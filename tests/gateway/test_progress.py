"""How far a client is, as its signup page shows it: for every state that it can be in."""

from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from tests.domain.samples import (
    BAD,
    GOOD,
    T0,
    at,
    event,
    holding,
    live_sender,
    not_true,
    onboarding,
    sender,
)
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.onboarding import Sender, VerifyBy
from waboard.domain.outcome import OutcomeName, outcome_of
from waboard.domain.reasons import Reason
from waboard.domain.registration import Registration, registration_from
from waboard.domain.waits import OpenWait, WaitKind
from waboard.gateway.page import page_texts
from waboard.gateway.progress import Progress, State, StepState, progress_of, stopped
from waboard.ledger.models import SignupRow

ADMITTED, SHARED = ConditionType.ADMITTED, ConditionType.SHARED
REGISTERED, ASSOCIATED = ConditionType.REGISTERED, ConditionType.ASSOCIATED
VERIFIED, NOTIFIED = ConditionType.VERIFIED, ConditionType.NOTIFIED

NOT_ACTIVE = not_true(ConditionType.SOLUTION_USABLE, Reason.SOLUTION_NOT_ACTIVE)
QUEUED = not_true(ADMITTED, Reason.SLOT_AWAITED)
SHARE_REFUSED = not_true(SHARED, Reason.SHARE_REFUSED)
TIMED_OUT = not_true(REGISTERED, Reason.REGISTRATION_TIMED_OUT, Status.UNKNOWN)
IN_PROGRESS = not_true(REGISTERED, Reason.REGISTRATION_IN_PROGRESS, Status.UNKNOWN)
FAILED = not_true(REGISTERED, Reason.REGISTRATION_FAILED)
NOT_ASSOCIATED = not_true(ASSOCIATED, Reason.ASSOCIATION_REFUSED, Status.UNKNOWN)
AWAY = not_true(ASSOCIATED, Reason.PROVIDER_UNAVAILABLE, Status.UNKNOWN)
ON_ITS_WAY = not_true(VERIFIED, Reason.REPORT_AWAITED, Status.UNKNOWN)
LOST = not_true(ConditionType.USABLE, Reason.SENDER_BANNED)
UNDELIVERABLE = not_true(VERIFIED, Reason.MESSAGE_UNDELIVERABLE)

LASTS = timedelta(days=14)
EXPIRES = T0 + LASTS


def link(**facts: Any) -> SignupRow:
    """A link that nobody has opened, but for what is given."""
    given = {"id": "5a1d", "client_ref": "acme", "facts": {"client_ref": "acme"}}
    return SignupRow(**{**given, "created_at": T0, "expires_at": EXPIRES, **facts})


def before(now: datetime = T0, **facts: Any) -> Progress:
    """How far a client is whose onboarding has not begun."""
    return progress_of(link(**facts), None, now)


def after(now: datetime = T0, **facts: Any) -> Progress:
    """How far a client is whose onboarding has begun."""
    return progress_of(link(onboarding_id="0b0e"), onboarding(**facts), now)


SETTLED = registration_from([event()])
"""A registration that has ended."""


def ended(*senders: Sender, **facts: Any) -> dict[str, Any]:
    """What an onboarding is that has ended with these senders."""
    shared = {"conditions": holding(SHARED), "registration": SETTLED}
    return {**shared, "senders": senders, "ended_at": at(60), **facts}


def steps(progress: Progress) -> list[StepState]:
    """The states of the four steps, in their order."""
    assert [step.name for step in progress.steps] == ["connect", "register", "set_up", "test"]
    return [step.state for step in progress.steps]


def numbers(progress: Progress) -> dict[str, StepState]:
    return {number.label: number.state for number in progress.numbers}


def test_a_link_that_nobody_has_used_is_ready():
    """Opened or not; there is nothing to show yet."""
    for opened_at in (None, T0):
        found = before(opened_at=opened_at)
        assert found == Progress(state="ready", why="ready")


@pytest.mark.parametrize(
    ("ending", "why"),
    [
        ("abandoned", "abandoned"),
        ("error-reported", "error"),
        ("unknown", "ready"),
        ("finished", "ready"),
    ],
)
def test_a_client_that_left_may_begin_again_and_is_told_why(ending: str, why: str):
    """It is the same link: Meta's window is opened once more."""
    assert before(ending=ending) == Progress(state="ready", why=why)


def test_a_client_that_gave_a_sign_is_finishing():
    """What Meta or the browser has still to say is awaited."""
    found = before(signalled_at=T0)
    assert (found.state, found.why) == ("finishing", "finishing")
    assert steps(found) == ["current", "todo", "todo", "todo"]


def test_a_signup_that_contradicts_itself_stops_until_a_person_has_looked():
    """More is not said: it is for the provider."""
    found = before(problem="Two WABAs were shared, and nothing tells which.", signalled_at=T0)
    assert found == Progress(state="stopped", why="problem")


def test_a_link_that_was_withdrawn_says_so():
    assert before(revoked_at=T0) == stopped("revoked") == Progress(state="closed", why="revoked")


@pytest.mark.parametrize(
    ("now", "state", "why"),
    [
        (EXPIRES - timedelta(seconds=1), "ready", "ready"),
        (EXPIRES, "closed", "expired"),
        (EXPIRES + timedelta(days=9), "closed", "expired"),
    ],
)
def test_a_link_expires_to_the_second(now: datetime, state: str, why: str):
    assert before(now) == Progress.model_validate({"state": state, "why": why})


@pytest.mark.parametrize("facts", [{"revoked_at": T0}, {"ending": "expired"}, {}])
def test_who_gave_a_sign_in_time_is_not_told_that_the_link_is_closed(facts: dict[str, Any]):
    """Its onboarding begins by itself."""
    found = before(EXPIRES + timedelta(days=1), signalled_at=T0, **facts)
    assert found.state == "finishing"


@pytest.mark.parametrize(
    "facts", [{"revoked_at": T0}, {"problem": "Odd."}, {"signalled_at": T0}, {"ending": "expired"}]
)
def test_an_onboarding_that_has_begun_counts_more_than_all_that_came_before(
    facts: dict[str, Any],
):
    """Also long after the link's own time."""
    found = progress_of(link(**facts), onboarding(), EXPIRES + timedelta(days=300))
    assert (found.state, found.why) == ("working", "working")


def test_an_onboarding_that_has_just_begun_is_past_the_clients_own_step():
    found = after()
    assert (found.state, found.why, found.until) == ("working", "working", None)
    assert steps(found) == ["done", "current", "todo", "todo"]
    assert found.numbers == []


@pytest.mark.parametrize(
    ("kind", "condition", "until"),
    [(WaitKind.SLOT, QUEUED, at(5)), (WaitKind.SOLUTION, NOT_ACTIVE, None)],
)
def test_who_is_kept_at_the_door_is_in_a_queue(
    kind: WaitKind, condition: Any, until: datetime | None
):
    """When a slot frees is known; when a solution becomes usable, nobody knows."""
    wait = OpenWait(kind, T0, at(5), at(9))
    found = after(conditions=holding(condition), wait=wait)
    assert (found.state, found.why, found.until) == ("queued", "queued", until)
    assert steps(found) == ["done", "current", "todo", "todo"]


@pytest.mark.parametrize("kind", [WaitKind.REGISTRATION, WaitKind.DELIVERY])
def test_who_waits_for_a_provider_is_being_worked_on(kind: WaitKind):
    """When we look again is nothing that a client can count on."""
    wait = OpenWait(kind, T0, at(5), at(9))
    found = after(wait=wait, conditions=holding(SHARED))
    assert (found.state, found.why, found.until) == ("working", "working", None)


def test_whoever_may_go_in_is_being_worked_on():
    """Awake, between one step and the next."""
    found = after(conditions=holding(ConditionType.SOLUTION_USABLE, ADMITTED))
    assert (found.state, steps(found)) == ("working", ["done", "current", "todo", "todo"])


UNDER_WAY: dict[str, tuple[dict[str, Any], list[StepState], list[StepState]]] = {
    "shared": (
        {"conditions": holding(SHARED)},
        ["done", "current", "todo", "todo"],
        [],
    ),
    "registering": (
        {
            "conditions": holding(SHARED),
            "registration": registration_from(
                [event("IN_PROGRESS", senders={GOOD: "IN_PROGRESS"})]
            ),
            "senders": (sender(GOOD, IN_PROGRESS),),
        },
        ["done", "current", "todo", "todo"],
        ["current"],
    ),
    "one of two registered": (
        {
            "conditions": holding(SHARED),
            "registration": registration_from(
                [event("IN_PROGRESS", senders={GOOD: "FINISHED", BAD: "IN_PROGRESS"})]
            ),
            "senders": (sender(GOOD, REGISTERED), sender(BAD, IN_PROGRESS)),
        },
        ["done", "current", "todo", "todo"],
        ["current", "current"],
    ),
    "registered": (
        {
            "conditions": holding(SHARED),
            "registration": SETTLED,
            "senders": (sender(GOOD, REGISTERED), sender(BAD, FAILED)),
        },
        ["done", "done", "current", "todo"],
        ["current", "failed"],
    ),
    "given up waiting for the rest": (
        {
            "conditions": holding(SHARED, TIMED_OUT),
            "senders": (sender(GOOD, REGISTERED), sender(BAD, IN_PROGRESS)),
        },
        ["done", "done", "current", "todo"],
        ["current", "current"],
    ),
    "associated": (
        {
            "conditions": holding(SHARED),
            "registration": SETTLED,
            "senders": (sender(GOOD, REGISTERED, ASSOCIATED),),
        },
        ["done", "done", "done", "current"],
        ["current"],
    ),
    "tested": (
        {
            "conditions": holding(SHARED),
            "registration": SETTLED,
            "senders": (sender(GOOD, REGISTERED, ASSOCIATED, ON_ITS_WAY),),
            "wait": OpenWait(WaitKind.DELIVERY, T0, at(5), at(9)),
        },
        ["done", "done", "done", "current"],
        ["current"],
    ),
    "one of two live": (
        {
            "conditions": holding(SHARED),
            "registration": SETTLED,
            "senders": (live_sender(GOOD), sender(BAD, REGISTERED, ASSOCIATED, UNDELIVERABLE)),
        },
        ["done", "done", "done", "done"],
        ["done", "failed"],
    ),
}


@pytest.mark.parametrize("name", UNDER_WAY)
def test_what_is_under_way_shows_the_step_that_it_is_at(name: str):
    """The step is that of the sender which is furthest; each number has its own mark."""
    facts, expected, marks = UNDER_WAY[name]
    found = after(**facts)
    assert (found.state, found.why) == ("working", "working")
    assert steps(found) == expected
    assert list(numbers(found).values()) == marks


ENDS: dict[OutcomeName, tuple[dict[str, Any], str, list[StepState]]] = {
    OutcomeName.LIVE: (
        ended(live_sender(GOOD), live_sender(BAD)),
        "live",
        ["done", "done", "done", "done"],
    ),
    OutcomeName.LIVE_LIMITED: (
        ended(live_sender(GOOD), sender(BAD, FAILED)),
        "limited",
        ["done", "done", "done", "done"],
    ),
    OutcomeName.SOLUTION_NOT_USABLE: (
        ended(conditions=holding(NOT_ACTIVE), registration=Registration()),
        "stopped",
        ["done", "failed", "todo", "todo"],
    ),
    OutcomeName.NO_SLOT: (
        ended(conditions=holding(QUEUED), registration=Registration()),
        "stopped",
        ["done", "failed", "todo", "todo"],
    ),
    OutcomeName.SHARE_REFUSED: (
        ended(conditions=holding(SHARE_REFUSED), registration=Registration()),
        "stopped",
        ["done", "failed", "todo", "todo"],
    ),
    OutcomeName.REGISTRATION_FAILED: (
        ended(sender(GOOD, FAILED)),
        "stopped",
        ["done", "failed", "todo", "todo"],
    ),
    OutcomeName.REGISTRATION_TIMED_OUT: (
        ended(conditions=holding(SHARED, TIMED_OUT), registration=Registration()),
        "stopped",
        ["done", "failed", "todo", "todo"],
    ),
    OutcomeName.AWAITING_UPSTREAM: (
        ended(sender(GOOD, REGISTERED, AWAY)),
        "working",
        ["done", "done", "current", "todo"],
    ),
    OutcomeName.ASSOCIATION_FAILED: (
        ended(sender(GOOD, REGISTERED, NOT_ASSOCIATED)),
        "stopped",
        ["done", "done", "failed", "todo"],
    ),
    OutcomeName.VERIFICATION_FAILED: (
        ended(sender(GOOD, REGISTERED, ASSOCIATED, UNDELIVERABLE)),
        "stopped",
        ["done", "done", "done", "failed"],
    ),
    OutcomeName.SENDERS_LOST: (
        ended(sender(GOOD, REGISTERED, ASSOCIATED, VERIFIED, LOST)),
        "stopped",
        ["done", "done", "done", "done"],
    ),
}


def test_every_outcome_is_looked_at_here():
    by_people = {OutcomeName.CANCELLED, OutcomeName.OFFBOARDED}
    assert ENDS.keys() | by_people == set(OutcomeName)


@pytest.mark.parametrize("name", ENDS)
def test_an_end_shows_the_step_that_it_came_to(name: OutcomeName):
    """Nothing is called under way any more."""
    facts, state, expected = ENDS[name]
    assert outcome_of(onboarding(**facts)).name is name
    found = after(**facts)
    assert (found.state, found.why) == (state, "problem" if state == "stopped" else state)
    assert steps(found) == expected
    assert found.until is None


def test_a_share_that_was_refused_stops_once_it_has_ended():
    """Before, the operator is being told."""
    found = after(conditions=holding(SHARE_REFUSED))
    assert (found.state, steps(found)) == ("working", ["done", "current", "todo", "todo"])


def test_an_onboarding_that_was_retried_is_under_way_again():
    """Its failure is from before."""
    found = after(**ended(sender(GOOD, REGISTERED, ASSOCIATED, UNDELIVERABLE), ended_at=None))
    assert (found.state, steps(found)) == ("working", ["done", "done", "done", "current"])


def test_that_nobody_could_be_told_is_nothing_for_the_client():
    told = not_true(NOTIFIED, Reason.NO_RECEIVER, Status.UNKNOWN)
    found = after(**ended(live_sender(), conditions=holding(SHARED, told)))
    assert (found.state, steps(found)) == ("live", ["done", "done", "done", "done"])


def test_a_number_is_shown_by_its_last_digits_and_nothing_else_of_it():
    """Whoever has the link sees the page."""
    found = after(**ended(live_sender(GOOD), sender(BAD, FAILED)))
    assert numbers(found) == {"…8538": "done", "…6042": "failed"}
    shown = found.model_dump_json()
    assert GOOD[:7] not in shown
    assert BAD[:7] not in shown


@pytest.mark.parametrize(
    "conditions",
    [
        (IN_PROGRESS,),
        (REGISTERED,),
        (REGISTERED, NOT_ASSOCIATED),
        (REGISTERED, ASSOCIATED, ON_ITS_WAY),
        (),
    ],
)
def test_a_number_that_is_neither_live_nor_failed_is_on_its_way(conditions: tuple[Any, ...]):
    """Also one whose step did not get through and may yet."""
    found = after(senders=(sender(GOOD, *conditions),), conditions=holding(SHARED))
    assert numbers(found) == {"…8538": "current"}


@pytest.mark.parametrize(
    "conditions", [(IN_PROGRESS,), (REGISTERED, NOT_ASSOCIATED), (REGISTERED, ASSOCIATED), ()]
)
@pytest.mark.parametrize("others", [(), (live_sender(GOOD),)])
def test_no_number_is_on_its_way_once_the_onboarding_has_ended(
    others: tuple[Sender, ...], conditions: tuple[Any, ...]
):
    """Nothing moves it any more, and the client would wait for it."""
    found = after(**ended(*others, sender(BAD, *conditions)))
    assert numbers(found)["…6042"] == "failed"


def test_a_number_that_is_added_later_leaves_a_live_clients_steps_as_they_are():
    """Infobip tells of it as of the others; the onboarding is long over."""
    later = event("IN_PROGRESS", 90, {GOOD: "FINISHED", BAD: "IN_PROGRESS"})
    registration = registration_from([event(), later])
    assert not registration.is_settled
    found = after(**ended(live_sender(GOOD), sender(BAD, IN_PROGRESS), registration=registration))
    assert found.state == "limited"
    assert steps(found) == ["done", "done", "done", "done"]


def everything() -> list[Progress]:
    """All that the tests above have looked at, and what the page itself adds."""
    of_links = [
        before(),
        before(signalled_at=T0),
        before(problem="Odd."),
        before(revoked_at=T0),
        before(EXPIRES),
        before(ending="abandoned"),
        before(ending="error-reported"),
        stopped("unknown"),
        stopped("revoked"),
        stopped("expired"),
    ]
    waiting = after(conditions=holding(QUEUED), wait=OpenWait(WaitKind.SLOT, T0, at(5), at(9)))
    under_way = [after(**facts) for facts, *_ in UNDER_WAY.values()]
    return [*of_links, waiting, *under_way, *(after(**facts) for facts, *_ in ENDS.values())]


def test_the_page_has_words_for_all_of_it():
    """For every why, every step and every mark."""
    texts = page_texts("en")
    for found in everything():
        assert found.why == "ready" or f"why_{found.why}" in texts
        for step in found.steps:
            assert {f"step_{step.name}", f"state_{step.state}"} <= texts.keys()
        assert all(f"state_{number.state}" in texts for number in found.numbers)


def test_every_state_and_every_mark_is_looked_at_here():
    found = everything()
    assert {each.state for each in found} == set(get_args(State))
    marks = {step.state for each in found for step in each.steps}
    assert marks == set(get_args(StepState))


def test_at_most_one_step_is_current_and_what_is_done_comes_first():
    """A client reads them from the top."""
    order = {"done": 0, "current": 1, "failed": 1, "todo": 2}
    for found in everything():
        ranks = [order[step.state] for step in found.steps]
        assert ranks == sorted(ranks)
        assert ranks.count(1) <= 1


# Written to


def awaiting_a_message(**facts: Any) -> Progress:
    """Everything is done but that the client writes to its number."""
    unwritten = not_true(ConditionType.RECEIVES, Reason.INBOUND_AWAITED, Status.UNKNOWN)
    wait = OpenWait(WaitKind.INBOUND, T0, at(60), at(60))
    its_sender = sender(GOOD, REGISTERED, ASSOCIATED, unwritten)
    given = {"senders": (its_sender,), "verify_by": VerifyBy.INBOUND, "wait": wait}
    return after(conditions=holding(SHARED), **{**given, **facts})


def test_a_client_that_is_to_write_to_its_number_is_shown_how():
    """By a link, and by a code for another phone; the page is the client's own."""
    progress = awaiting_a_message()
    assert (progress.state, progress.why) == ("working", "write")
    (number,) = progress.numbers
    assert number.write_to == f"https://wa.me/{GOOD}"
    assert number.qr is not None
    assert number.qr.startswith("data:image/svg+xml")


@pytest.mark.parametrize(
    "facts", [{"senders": (live_sender(),)}, {"ended_at": T0}, {"verify_by": VerifyBy.TEMPLATE}]
)
def test_who_has_not_to_write_is_not_asked_to(facts: dict[str, Any]):
    """It is live, it is over, or it is proven in another way."""
    if "verify_by" in facts:
        facts = facts | {"senders": (sender(GOOD, REGISTERED, ASSOCIATED),)}
    (number,) = awaiting_a_message(**facts).numbers
    assert (number.write_to, number.qr) == (None, None)
