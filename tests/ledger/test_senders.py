"""What is known of a sender apart from its onboarding: its ids, how it stands, its profile."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import NoResultFound

from tests.domain.samples import BAD, GOOD, at
from tests.ledger.desk import Desk
from waboard.domain.filing import Filing
from waboard.domain.ids import NumberKey
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.registration import SenderRegistration
from waboard.domain.standing import Profile, Standing
from waboard.ledger.effects import effects_of
from waboard.ledger.models import EffectStatus, SenderRow, Verb
from waboard.ledger.onboardings import read_onboarding
from waboard.ledger.senders import (
    note_registering,
    record_adopted,
    record_number_key,
    record_profile,
    record_standing,
)

PORTFOLIO = Filing("default", "506914307656634")
STANDING = Standing("CONNECTED", "HIGH", "LIMIT_1K", at(3))
PROFILE = Profile({"about": "Bread", "websites": ["https://a.test", "https://b.test"]}, at(4))


@pytest.fixture
async def onboarding_id(desk: Desk) -> str:
    return await desk.started(phone_numbers=(GOOD, BAD))


async def read(desk: Desk, onboarding_id: str) -> Onboarding:
    async with desk.ledger.begin() as session:
        return await read_onboarding(session, onboarding_id)


async def the_sender(desk: Desk, onboarding_id: str) -> Sender:
    return (await read(desk, onboarding_id)).sender(GOOD)


async def adopt(desk: Desk, onboarding_id: str, filing: Filing | None) -> None:
    async with desk.ledger.begin() as session:
        await record_adopted(session, onboarding_id, GOOD, filing)


async def keep(desk: Desk, onboarding_id: str, what: Standing | Profile) -> None:
    async with desk.ledger.begin() as session:
        if isinstance(what, Standing):
            await record_standing(session, onboarding_id, GOOD, what)
        else:
            await record_profile(session, onboarding_id, GOOD, what)


async def test_nothing_is_known_at_first(desk: Desk, onboarding_id: str):
    sender = await the_sender(desk, onboarding_id)
    assert (sender.adopted, sender.standing, sender.profile) == (None, None, None)


async def test_a_sender_works_with_the_ids_that_were_adopted_and_no_other_does(
    desk: Desk, onboarding_id: str
):
    await adopt(desk, onboarding_id, PORTFOLIO)
    onboarding = await read(desk, onboarding_id)
    assert onboarding.sender(GOOD).adopted == PORTFOLIO
    assert onboarding.filing_of(onboarding.sender(GOOD)) == PORTFOLIO
    assert onboarding.sender(BAD).adopted is None
    assert onboarding.filing_of(onboarding.sender(BAD)) == Filing("waboard", "acme")


async def test_ids_of_its_own_take_the_adopted_ones_place(desk: Desk, onboarding_id: str):
    """It was moved after all."""
    await adopt(desk, onboarding_id, PORTFOLIO)
    await adopt(desk, onboarding_id, None)
    onboarding = await read(desk, onboarding_id)
    assert onboarding.sender(GOOD).adopted is None
    assert onboarding.filing_of(onboarding.sender(GOOD)) == onboarding.filing


async def test_how_a_sender_stands_is_kept_with_when_it_was_read(desk: Desk, onboarding_id: str):
    await keep(desk, onboarding_id, STANDING)
    onboarding = await read(desk, onboarding_id)
    assert onboarding.sender(GOOD).standing == STANDING
    assert onboarding.sender(BAD).standing is None


async def test_what_people_see_of_its_business_is_kept_with_when_it_was_read(
    desk: Desk, onboarding_id: str
):
    await keep(desk, onboarding_id, PROFILE)
    onboarding = await read(desk, onboarding_id)
    assert onboarding.sender(GOOD).profile == PROFILE
    assert onboarding.sender(BAD).profile is None


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (STANDING, replace(STANDING, status="RESTRICTED", quality_rating="LOW", read_at=at(9))),
        (PROFILE, Profile({"email": "acme@example.com"}, at(9))),
    ],
    ids=["standing", "profile"],
)
async def test_only_the_last_that_was_said_is_kept(
    desk: Desk, onboarding_id: str, first: Standing | Profile, then: Standing | Profile
):
    await keep(desk, onboarding_id, first)
    await keep(desk, onboarding_id, then)
    sender = await the_sender(desk, onboarding_id)
    assert then in (sender.standing, sender.profile)
    assert first not in (sender.standing, sender.profile)


async def test_a_profile_that_was_read_and_is_empty_is_known_to_be(desk: Desk, onboarding_id: str):
    empty = Profile({}, at(4))
    await keep(desk, onboarding_id, empty)
    assert (await the_sender(desk, onboarding_id)).profile == empty


async def test_the_three_do_not_touch_one_another(desk: Desk, onboarding_id: str):
    await adopt(desk, onboarding_id, PORTFOLIO)
    await keep(desk, onboarding_id, STANDING)
    await keep(desk, onboarding_id, PROFILE)
    sender = await the_sender(desk, onboarding_id)
    assert (sender.adopted, sender.standing, sender.profile) == (PORTFOLIO, STANDING, PROFILE)


async def test_the_same_number_of_another_onboarding_is_another_sender(
    desk: Desk, onboarding_id: str
):
    other = await desk.started("globex", "102384266223094", phone_numbers=(GOOD,))
    await adopt(desk, onboarding_id, PORTFOLIO)
    await keep(desk, onboarding_id, STANDING)
    await keep(desk, onboarding_id, PROFILE)
    sender = await the_sender(desk, other)
    assert (sender.adopted, sender.standing, sender.profile) == (None, None, None)


async def test_a_profile_that_says_nothing_was_read_all_the_same(desk: Desk, onboarding_id: str):
    await keep(desk, onboarding_id, Profile({}, at(4)))
    assert (await the_sender(desk, onboarding_id)).profile == Profile({}, at(4))


async def test_of_a_number_that_is_no_sender_nothing_is_kept(desk: Desk):
    """Whoever asks for it has mistaken the onboarding."""
    onboarding_id = await desk.started()
    for what in (STANDING, PROFILE):
        with pytest.raises(NoResultFound):
            await keep(desk, onboarding_id, what)
    with pytest.raises(NoResultFound):
        await adopt(desk, onboarding_id, PORTFOLIO)
    assert await desk.count(SenderRow) == 0


async def test_what_was_done_to_two_that_turn_out_to_be_one_was_done_to_that_one(
    desk: Desk, onboarding_id: str
):
    """In the order in which it was done, however the number is spelled later."""
    for minute, number in enumerate((GOOD, BAD, GOOD)):
        effect = await desk.begin(onboarding_id, Verb.ASSOCIATE, number, minute=minute)
        await desk.end(effect, EffectStatus.DONE, f"of {number}")
    await desk.begin(onboarding_id, Verb.CHANGE_PROFILE, BAD, minute=4)
    async with desk.ledger.begin() as session:
        for number in (BAD, GOOD):
            await record_number_key(session, onboarding_id, number, NumberKey("KEY"))
    sender = (await read(desk, onboarding_id)).senders
    assert [each.phone_number for each in sender] == [GOOD]
    for spelling in (GOOD, BAD):
        async with desk.ledger.begin() as session:
            shown = SenderRegistration(
                spelling, None, "FINISHED", None, at(5), frozenset({GOOD, BAD})
            )
            await note_registering(session, onboarding_id, shown)
            done = await effects_of(session, onboarding_id)
        assert [(e.verb, e.subject, e.attempt, e.detail) for e in done] == [
            (Verb.ASSOCIATE, spelling, 1, f"of {GOOD}"),
            (Verb.ASSOCIATE, spelling, 2, f"of {BAD}"),
            (Verb.ASSOCIATE, spelling, 3, f"of {GOOD}"),
            (Verb.CHANGE_PROFILE, spelling, 1, ""),
        ]
