"""A client that has left: late events change nothing, and asking again begins anew."""

from collections.abc import Sequence

import pytest

from tests.domain.samples import GOOD, WABA, at
from tests.ledger.desk import Desk, told
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.errors import OutOfPlace, Superseded
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import outcome_of, stage_of
from waboard.ledger.attempts import begin_leg
from waboard.ledger.decisions import record_decision
from waboard.ledger.departures import begin_leaving, finish_leaving, note_departure
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


async def leaving(desk: Desk) -> str:
    """A client that was live, and is leaving."""
    onboarding_id = await desk.started()
    await desk.hear(onboarding_id, told(status="FINISHED"))
    async with desk.ledger.begin() as session:
        await end_onboarding(session, onboarding_id, at(1), "Live")
        await record_decision(session, onboarding_id, DecisionVerb.APPROVE, NOOR, at(2))
        assert await begin_leaving(session, onboarding_id, at(2))
    return onboarding_id


async def gone(desk: Desk) -> str:
    onboarding_id = await leaving(desk)
    async with desk.ledger.begin() as session:
        onboarding = await read_onboarding(session, onboarding_id)
        await finish_leaving(session, onboarding, "All is given back.", at(3))
    return onboarding_id


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


@pytest.mark.parametrize(
    ("client_ref", "waba_id"),
    [("acme", WABA), ("acme", "102384266223094"), ("bakery", WABA)],
    ids=["the same", "another WABA", "another client"],
)
async def test_once_it_has_left_asking_again_begins_anew_with_nothing_true(
    desk: Desk, client_ref: str, waba_id: str
):
    old = await gone(desk)
    started = await desk.start(client_ref, waba_id, minute=9)
    onboarding = await desk.look(started.onboarding_id, 9)
    assert (started.created, onboarding.id != old) == (True, True)
    assert onboarding.attempt == (2 if waba_id == WABA else 1)
    assert (onboarding.conditions, onboarding.senders) == ({}, ())
    assert await desk.start(client_ref, waba_id, minute=10) == type(started)(
        onboarding.id, created=False
    )


async def test_its_token_is_destroyed_and_its_waba_is_free(desk: Desk):
    async with desk.ledger.begin() as session:
        await keep_token(session, "acme", "s", portfolio_id=None, expires_at=None, now=at(0))
    await gone(desk)
    async with desk.ledger.begin() as session:
        assert await sealed_token(session, "acme", at(4)) is None
        assert await known_wabas(session, [WABA]) == frozenset()
        assert await list_links(session) == []


async def test_one_run_at_a_time_asks_whether_a_client_may_leave(desk: Desk):
    onboarding_id = await desk.started(phone_numbers=(GOOD,))
    async with desk.ledger.begin() as session:
        onboarding = await read_onboarding(session, onboarding_id)
        first, is_new = await note_departure(session, "run 1", onboarding, NOOR, at(1))
        assert is_new
        assert await note_departure(session, "run 1", onboarding, NOOR, at(2)) == (first, False)
        assert await note_departure(session, "run 2", onboarding, NOOR, at(3)) == (first, False)
