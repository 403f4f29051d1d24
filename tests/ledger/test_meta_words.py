"""Meta's words and our own reads, as they reach the ledger: in whatever order, with one end."""

from itertools import permutations

import pytest

from tests.domain.meta import OURS, body, change, info
from tests.domain.samples import GOOD, WABA, at
from tests.ledger.desk import Desk, told
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.facts import Fact, meta_facts
from waboard.domain.reasons import Reason
from waboard.domain.subscription import MADE, READ
from waboard.ledger.attempts import begin_attempt
from waboard.ledger.locks import hold
from waboard.ledger.look import learn
from waboard.ledger.meta_words import due_for_a_look
from waboard.ledger.models import OnboardingRow
from waboard.ledger.reconnects import connect_again

CONNECTED = ConditionType.CONNECTED
UP, LEFT = Reason.PARTNER_ADDED, Reason.CLIENT_DISCONNECTED
THERE, GONE = Reason.SUBSCRIPTION_READ_BACK, Reason.SUBSCRIPTION_GONE


def said(event: str, minute: float, **value: object) -> Fact:
    """What Meta says at that minute, by its own clock."""
    entry = change(event, int(at(minute).timestamp()), WABA, **{"waba_info": info(), **value})
    return meta_facts(body(entry), OURS)[0]


def seen(reason: Reason, minute: float, evidence: str = READ) -> Condition:
    """What we see of our subscription at that minute."""
    status = Status.TRUE if reason is THERE else Status.FALSE
    return Condition(CONNECTED, status, reason, "Seen.", evidence, at(minute))


async def comes(desk: Desk, onboarding_id: str, what: Fact | Condition, minute: float) -> None:
    """A word arrives, or a read is written down."""
    if isinstance(what, Fact):
        await desk.hear(onboarding_id, what, minute=minute)
        return
    async with desk.ledger.begin() as session:
        await learn(session, onboarding_id, "", what)


async def reason_of(desk: Desk, onboarding_id: str, minute: float) -> str | None:
    condition = (await desk.look(onboarding_id, minute)).conditions.get(CONNECTED)
    return condition.reason if condition else None


STORIES: list[tuple[list[Fact | Condition], Reason]] = [
    ([said("PARTNER_ADDED", 1), said("PARTNER_REMOVED", 3), seen(THERE, 2)], LEFT),
    ([said("PARTNER_ADDED", 3), said("PARTNER_REMOVED", 1), seen(GONE, 2)], UP),
    ([said("PARTNER_ADDED", 1), said("PARTNER_REMOVED", 2), seen(THERE, 3, MADE)], THERE),
    ([said("PARTNER_ADDED", 1), said("PARTNER_REMOVED", 2), seen(THERE, 90)], THERE),
    (
        [said("ACCOUNT_DELETED", 1), said("ACCOUNT_OFFBOARDED", 1), seen(THERE, 90)],
        Reason.ACCOUNT_DELETED,
    ),
]


@pytest.mark.parametrize(("story", "reason"), STORIES)
async def test_the_end_does_not_depend_on_the_order_of_arrival(
    desk: Desk, story: list[Fact | Condition], reason: Reason
):
    for number, order in enumerate(permutations(range(len(story)))):
        waba_id = WABA if number == 0 else f"{number}"
        onboarding_id = await desk.started(f"client-{number}", waba_id)
        for place in order:
            what = story[place]
            if isinstance(what, Fact):
                what = _about(what, waba_id)
            await comes(desk, onboarding_id, what, 100)
        assert await reason_of(desk, onboarding_id, 100) == reason, order


def _about(fact: Fact, waba_id: str) -> Fact:
    return Fact(fact.kind, fact.body.replace(WABA, waba_id), waba_id=waba_id)


async def test_a_restriction_uncovers_what_was_read_before_it(desk: Desk):
    onboarding_id = await desk.started()
    await comes(desk, onboarding_id, seen(THERE, 1), 1)
    listed = [{"restriction_type": "RESTRICTED_X", "expiration": int(at(50).timestamp())}]
    await comes(desk, onboarding_id, said("ACCOUNT_RESTRICTION", 2, restriction_info=listed), 3)
    assert await reason_of(desk, onboarding_id, 49) == Reason.ACCOUNT_RESTRICTED
    for minute, due in ((49, []), (50, [onboarding_id])):
        async with desk.ledger.begin() as session:
            assert await due_for_a_look(session, at(minute)) == due
    assert await reason_of(desk, onboarding_id, 50) == THERE
    async with desk.ledger.begin() as session:
        assert await due_for_a_look(session, at(60)) == []


async def test_who_connects_again_begins_anew(desk: Desk):
    onboarding_id = await desk.started()
    await comes(desk, onboarding_id, said("PARTNER_ADDED", 1), 1)
    await comes(desk, onboarding_id, seen(THERE, 2, MADE), 2)
    await comes(desk, onboarding_id, said("PARTNER_REMOVED", 3), 3)
    async with desk.ledger.begin() as session:
        await hold(session, onboarding_id)
        await connect_again(session, onboarding_id, at(10))
    assert await reason_of(desk, onboarding_id, 10) == UP
    await comes(desk, onboarding_id, said("ACCOUNT_OFFBOARDED", 9), 11)
    assert await reason_of(desk, onboarding_id, 11) == UP
    await comes(desk, onboarding_id, said("PARTNER_REMOVED", 12), 12)
    assert await reason_of(desk, onboarding_id, 12) == LEFT


async def test_a_retry_forgets_what_we_saw_and_not_what_meta_said(desk: Desk):
    onboarding_id = await desk.started()
    refused = seen(Reason.SUBSCRIPTION_REFUSED, 2)
    await comes(desk, onboarding_id, said("PARTNER_ADDED", 1), 1)
    await comes(desk, onboarding_id, refused, 2)
    assert await reason_of(desk, onboarding_id, 2) == Reason.SUBSCRIPTION_REFUSED
    async with desk.ledger.begin() as session:
        await hold(session, onboarding_id)
        await begin_attempt(session, onboarding_id, at(3))
    assert await reason_of(desk, onboarding_id, 3) == UP


async def test_of_a_client_that_leaves_nothing_is_judged(desk: Desk):
    onboarding_id = await desk.started()
    await comes(desk, onboarding_id, said("PARTNER_ADDED", 1), 1)
    async with desk.ledger.begin() as session:
        row = await session.get_one(OnboardingRow, onboarding_id)
        row.ended_at = row.leaving_at = at(2)
    await comes(desk, onboarding_id, seen(Reason.UNSUBSCRIBED, 3), 3)
    await comes(desk, onboarding_id, said("PARTNER_REMOVED", 4), 4)
    assert await reason_of(desk, onboarding_id, 5) == Reason.UNSUBSCRIBED


async def test_an_event_says_what_it_says_and_what_came_of_it(desk: Desk):
    onboarding_id = await desk.started()
    await desk.hear(onboarding_id, told("FINISHED", 0, {GOOD: "FINISHED"}))
    await comes(desk, onboarding_id, said("PARTNER_REMOVED", 2), 2)
    await comes(desk, onboarding_id, said("PARTNER_ADDED", 1), 3)
    _, removed, added = await desk.events()
    assert removed.detail == "PARTNER_REMOVED. It changed what is known."
    assert (added.disposition, added.detail) == (
        "stale",
        "PARTNER_ADDED. Nothing new: more is known already.",
    )


async def test_while_a_client_leaves_only_that_it_comes_back_stays_for_later(desk: Desk):
    onboarding_id = await desk.started()
    async with desk.ledger.begin() as session:
        row = await session.get_one(OnboardingRow, onboarding_id)
        row.ended_at = row.leaving_at = at(2)
    await desk.keep(said("PARTNER_ADDED", 3), said("PARTNER_REMOVED", 4), minute=4)
    await desk.look(onboarding_id, 5)
    named = ("PARTNER_ADDED", "PARTNER_REMOVED")
    became = {name: e.disposition for e in await desk.events() for name in named if name in e.body}
    assert became == {"PARTNER_ADDED": "parked", "PARTNER_REMOVED": "stale"}
