"""A client that has left: late events change nothing, and it comes back only when told so."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.domain.samples import GOOD, WABA, at
from tests.ledger.desk import Desk, told
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.errors import FactsDiffer, OutOfPlace, Superseded
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import outcome_of, stage_of
from waboard.domain.reasons import Reason
from waboard.ledger.attempts import begin_leg
from waboard.ledger.clients import Started
from waboard.ledger.conditions import write_condition
from waboard.ledger.decisions import decisions_of, record_decision
from waboard.ledger.departures import begin_leaving, finish_leaving, note_departure
from waboard.ledger.duties import open_duties
from waboard.ledger.locks import hold_client
from waboard.ledger.models import ClientRow, OnboardingRow
from waboard.ledger.onboardings import (
    end_onboarding,
    go_on_soon,
    known_wabas,
    read_onboarding,
    with_news,
)
from waboard.ledger.signups import list_links
from waboard.ledger.tokens import keep_token, sealed_token

NOOR = Order(by="noor", why="Yes.")
BACK = Order(by="mia", why="It has signed again.")


async def leaving(desk: Desk) -> str:
    """A client that was live, and is leaving."""
    onboarding_id = await desk.started()
    await desk.hear(onboarding_id, told(status="FINISHED"))
    await begins_to_leave(desk, onboarding_id)
    return onboarding_id


async def begins_to_leave(desk: Desk, onboarding_id: str) -> None:
    async with desk.ledger.begin() as session:
        await end_onboarding(session, onboarding_id, at(1), "Live")
        await record_decision(session, onboarding_id, DecisionVerb.APPROVE, NOOR, at(2))
        assert await begin_leaving(session, onboarding_id, at(2))


async def gone(desk: Desk) -> str:
    onboarding_id = await leaving(desk)
    await has_left(desk, onboarding_id)
    return onboarding_id


async def leaves(desk: Desk, onboarding_id: str) -> None:
    """It comes to its end, and leaves."""
    await begins_to_leave(desk, onboarding_id)
    await has_left(desk, onboarding_id)


async def has_left(desk: Desk, onboarding_id: str) -> None:
    async with desk.ledger.begin() as session:
        onboarding = await read_onboarding(session, onboarding_id)
        await finish_leaving(session, onboarding, "All is given back.", at(3))


async def decided(desk: Desk, onboarding_id: str) -> list[tuple[DecisionVerb, str, str]]:
    async with desk.ledger.begin() as session:
        found = await decisions_of(session, onboarding_id)
    return [(each.verb, each.by, each.why) for each in found]


async def dispositions(desk: Desk) -> Sequence[str]:
    return [event.disposition for event in await desk.events()]


async def test_one_that_is_on_its_way_is_not_marked(desk: Desk):
    onboarding_id = await desk.started()
    async with desk.ledger.begin() as session:
        assert not await begin_leaving(session, onboarding_id, at(1))
        assert (await read_onboarding(session, onboarding_id)).leaving is None


async def test_a_late_event_is_kept_and_changes_nothing(desk: Desk):
    onboarding_id = await gone(desk)
    before = await desk.look(onboarding_id, 4)
    after: Onboarding = await desk.hear(onboarding_id, told(minute=90), minute=5)
    assert (await dispositions(desk))[-1] == "stale"
    assert (after.conditions, after.senders) == (before.conditions, before.senders)
    assert outcome_of(after) == outcome_of(before)
    async with desk.ledger.begin() as session:
        await go_on_soon(session, onboarding_id, at(6))
        assert await with_news(session) == []


async def test_no_leg_of_it_may_act_any_more(desk: Desk):
    onboarding_id = await leaving(desk)
    with pytest.raises(Superseded):
        async with desk.ledger.begin() as session:
            await begin_leg(session, onboarding_id, "run", "leg")


async def test_it_shows_as_leaving_until_it_has_left(desk: Desk):
    assert stage_of(await desk.look(await leaving(desk), 3)) == "Leaving"


async def test_it_shows_as_offboarded_once_it_has(desk: Desk):
    onboarding = await desk.look(await gone(desk), 4)
    assert (stage_of(onboarding), outcome_of(onboarding).told_as) == ("Offboarded", "offboarded")


async def test_while_it_leaves_nobody_begins_anew(desk: Desk):
    await leaving(desk)
    with pytest.raises(OutOfPlace, match="is leaving"):
        await desk.start()


OTHER_WABA = "102384266223094"
requests = pytest.mark.parametrize(
    ("client_ref", "waba_id"),
    [("acme", WABA), ("acme", OTHER_WABA), ("bakery", WABA)],
    ids=["the same", "another WABA", "another client"],
)


@requests
async def test_once_it_has_left_asking_again_is_refused_with_what_to_do(
    desk: Desk, client_ref: str, waba_id: str
):
    """It says when it left, who approved it, what is left to do, and starts nothing."""
    await gone(desk)
    for ask in (desk.start, desk.would_start):
        with pytest.raises(OutOfPlace) as caught:
            await ask(client_ref, waba_id)
        for said in ("acme", "2026-01-05 at 09:03 UTC", "noor approved: Yes", "unshared"):
            assert said in caught.value.message
        command = f"waboard onboard {client_ref} {waba_id} --again --by NAME --why TEXT"
        assert command in caught.value.remedy
    assert [await desk.count(model) for model in (ClientRow, OnboardingRow)] == [1, 1]


@requests
async def test_who_says_so_begins_anew_with_nothing_true(desk: Desk, client_ref: str, waba_id: str):
    """Once, however often it is said, and it is among the decisions of the new one."""
    old = await gone(desk)
    started = await desk.start(client_ref, waba_id, minute=9, again=BACK)
    onboarding = await desk.look(started.onboarding_id, 9)
    assert (started.created, onboarding.id != old) == (True, True)
    assert onboarding.attempt == (2 if waba_id == WABA else 1)
    assert (onboarding.conditions, onboarding.senders) == ({}, ())
    found = Started(onboarding.id, created=False)
    assert await desk.start(client_ref, waba_id, minute=10, again=BACK) == found
    assert await desk.start(client_ref, waba_id, minute=10) == found
    assert await desk.would_start(client_ref, waba_id) == onboarding.id
    assert await decided(desk, onboarding.id) == [(DecisionVerb.AGAIN, "mia", BACK.why)]


async def test_that_a_client_is_new_needs_no_decision(desk: Desk):
    """A whole file can be asked for with it."""
    started = await desk.start(again=BACK)
    assert started.created
    assert await decided(desk, started.onboarding_id) == []


async def test_the_same_words_bring_a_client_back_once(desk: Desk):
    """A script that repeats itself after the client has left once more begins no third time."""
    await gone(desk)
    await leaves(desk, (await desk.start(minute=9, again=BACK)).onboarding_id)
    with pytest.raises(OutOfPlace, match="in the same words, on 2026-01-05 at 09:09 UTC"):
        await desk.start(minute=12, again=BACK)
    assert (await desk.start("acme", OTHER_WABA, minute=12, again=BACK)).created


@pytest.mark.parametrize("times", [1, 5])
async def test_a_client_that_is_asked_back_in_the_same_instant_comes_back_once(
    desk: Desk, other_desk: Desk, times: int
):
    """Also when the requests name two WABAs: a client has one."""
    await gone(desk)
    desks = [desk, other_desk] * times
    answers = await asyncio.gather(
        *(
            each.start("acme", waba_id, minute=9, again=BACK)
            for each in desks
            for waba_id in (WABA, OTHER_WABA)
        ),
        return_exceptions=True,
    )
    started = [answer for answer in answers if isinstance(answer, Started)]
    assert sum(each.created for each in started) == 1
    assert len({each.onboarding_id for each in started}) == 1
    assert all(isinstance(answer, Started | FactsDiffer) for answer in answers)
    assert await desk.count(OnboardingRow) == 2


@requests
async def test_what_is_left_to_do_is_seen_from_the_onboarding_after_it(
    desk: Desk, client_ref: str, waba_id: str
):
    """Until somebody says that it is done; of one with which it has nothing to do, nothing."""
    old = await gone(desk)
    new = (await desk.start(client_ref, waba_id, minute=9, again=BACK)).onboarding_id
    other = await desk.started("core", "3")
    is_back = waba_id == WABA

    async def duties() -> list[tuple[str, str, str, bool]]:
        async with desk.ledger.begin() as session:
            found = await open_duties(session, [old, new, other])
        assert (found[old], found[other]) == ([], [])
        return [(d.onboarding_id, d.client_ref, d.condition.type, d.is_back) for d in found[new]]

    kinds = [ConditionType.DEREGISTERED, ConditionType.PARTNER_REMOVED, ConditionType.UNSHARED]
    assert await duties() == [(old, "acme", kind, is_back) for kind in kinds]
    async with desk.ledger.begin() as session:
        done = Condition(kinds[2], Status.TRUE, Reason.SAID_TO_BE_DONE, "Done.", "mia", at(10))
        await write_condition(session, old, "", done)
    assert await duties() == [(old, "acme", kind, is_back) for kind in kinds[:2]]


async def test_its_token_is_destroyed_and_its_waba_is_free(desk: Desk):
    async with desk.ledger.begin() as session:
        await hold_client(session, "acme", None, at(0))
        await keep_token(session, "acme", "s", portfolio_id=None, expires_at=None, now=at(0))
    await gone(desk)
    async with desk.ledger.begin() as session:
        assert await sealed_token(session, "acme", at(4)) is None
        assert await known_wabas(session, [WABA]) == frozenset()
        assert await list_links(session, client_ref="acme") == []


async def test_one_run_at_a_time_asks_whether_a_client_may_leave(desk: Desk):
    onboarding_id = await desk.started(phone_numbers=(GOOD,))
    async with desk.ledger.begin() as session:
        onboarding = await read_onboarding(session, onboarding_id)
        first, is_new = await note_departure(session, "run 1", onboarding, NOOR, at(1))
        assert is_new
        assert await note_departure(session, "run 1", onboarding, NOOR, at(2)) == (first, False)
        assert await note_departure(session, "run 2", onboarding, NOOR, at(3)) == (first, False)
