"""Whose a number is, written for two clients while somebody is at one of them."""

import asyncio

import pytest

from tests.domain.samples import GOOD, at
from tests.ledger.desk import Desk, told
from waboard.domain.conditions import ConditionType
from waboard.domain.onboarding import Onboarding
from waboard.ledger.database import dialect_of
from waboard.ledger.locks import hold
from waboard.ledger.meta_words import due_for_a_look


def owned(onboarding: Onboarding) -> str:
    return onboarding.sender(GOOD).conditions[ConditionType.OWNED].reason


@pytest.fixture
async def ids(desk: Desk) -> tuple[str, str]:
    """Two clients, of which the first has the number."""
    first, second = await desk.started("left-a", "7401"), await desk.started("left-b", "7402")
    await desk.hear(first, told(businessAccountId="7401"))
    return first, second


async def test_it_is_ruled_at_the_next_look_where_somebody_is_at_the_other(desk, other_desk, ids):
    """Who holds one client never waits for another: two of them would wait for each other."""
    first, second = ids
    async with desk.ledger.begin() as session:
        await hold(session, first)
        if dialect_of(session) == "sqlite":
            pytest.skip("one transaction at a time writes there")
        heard = other_desk.hear(second, told(minute=1, businessAccountId="7402"), minute=2)
        shown = await asyncio.wait_for(heard, 20)
        assert ConditionType.OWNED not in shown.sender(GOOD).conditions
    async with desk.ledger.begin() as session:
        assert await due_for_a_look(session, at(2)) == [second]
    assert owned(await desk.look(second, 2)) == "NumberOwned"
    assert owned(await desk.look(first, 2)) == "NumberMoved"
    async with desk.ledger.begin() as session:
        assert await due_for_a_look(session, at(9)) == []


async def test_eight_clients_with_one_number_end_with_one_owner(desk, other_desk):
    """However they are looked at side by side, once everybody has been looked at again."""
    wabas = [f"74{n:02}" for n in range(8)]
    ids = [await desk.started(f"client-{waba}", waba) for waba in wabas]
    desks = (desk, other_desk)
    await asyncio.gather(
        *(
            desks[n % 2].hear(one, told(minute=n, businessAccountId=waba))
            for n, (one, waba) in enumerate(zip(ids, wabas, strict=True))
        )
    )
    reasons = [owned(await desk.look(one, 9)) for one in ids]
    assert reasons == ["NumberMoved"] * 7 + ["NumberOwned"]
