"""What remedies depend on, as the ledger has it: everywhere the same."""

from datetime import timedelta

import pytest

from tests.domain.samples import GOOD, RECEIVES, T0, at, not_true
from tests.ledger.desk import Desk
from waboard.domain.conditions import Status
from waboard.domain.onboarding import VerifyBy
from waboard.domain.reasons import Reason
from waboard.domain.requests import SignupRequest
from waboard.domain.requirements import requirements_of
from waboard.domain.waits import WRITE_BY_CARD, WRITE_BY_PAGE, WaitKind
from waboard.ledger.clocks import sleepers
from waboard.ledger.figures import ways_since
from waboard.ledger.models import SignupRow
from waboard.ledger.outbox import list_messages, tell_wait
from waboard.ledger.signups import make_link

AWAITED = not_true(RECEIVES, Reason.INBOUND_AWAITED, Status.UNKNOWN)
by_link = pytest.mark.parametrize(
    ("by_link", "remedy"), [(False, WRITE_BY_CARD), (True, WRITE_BY_PAGE)]
)


async def awaited(desk: Desk, *, by_link: bool) -> str:
    """A client that is to write to its number, and whose run sleeps for it."""
    onboarding_id = await desk.started(verify_by=VerifyBy.INBOUND)
    if by_link:
        async with desk.ledger.begin() as session:
            request = SignupRequest(client_ref="acme")
            link = await make_link(session, request, timedelta(days=1), T0)
            (await session.get_one(SignupRow, link.id)).onboarding_id = onboarding_id
    await desk.write(onboarding_id, AWAITED, GOOD)
    await desk.sleep(onboarding_id, WaitKind.INBOUND)
    return onboarding_id


@by_link
async def test_the_onboarding_says_where_its_client_finds_the_link(
    desk: Desk, by_link: bool, remedy: str
):
    onboarding = await desk.look(await awaited(desk, by_link=by_link))
    assert {each.remedy for each in requirements_of(onboarding)} == {remedy}


@by_link
@pytest.mark.alone
async def test_the_report_says_the_same(desk: Desk, by_link: bool, remedy: str):
    await awaited(desk, by_link=by_link)
    async with desk.ledger.begin() as session:
        (way,) = await ways_since(session, at(-1))
    assert {each.remedy for each in way.needs} == {remedy}


@by_link
async def test_a_reminder_says_the_same(desk: Desk, by_link: bool, remedy: str):
    await awaited(desk, by_link=by_link)
    async with desk.ledger.begin() as session:
        (sleeper,) = await sleepers(session, "acme")
    assert sleeper.situation.has_page is (remedy == WRITE_BY_PAGE)


@by_link
async def test_your_own_system_is_told_the_same(desk: Desk, by_link: bool, remedy: str):
    onboarding_id = await awaited(desk, by_link=by_link)
    wait = (await desk.look(onboarding_id)).wait
    async with desk.ledger.begin() as session:
        await tell_wait(session, onboarding_id, wait, T0)
    async with desk.ledger.begin() as session:
        messages = await list_messages(session)
    assert [each.payload["remedy"] for each in messages if "remedy" in each.payload] == [remedy]


async def test_a_page_of_another_client_s_does_not_count(desk: Desk):
    await awaited(desk, by_link=True)
    other = await desk.started("other", "2", verify_by=VerifyBy.INBOUND)
    assert not (await desk.look(other)).has_page
