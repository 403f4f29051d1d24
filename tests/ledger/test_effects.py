"""Effects: written down before they are done, and again with their answer."""

import pytest

from tests.domain.samples import BAD, GOOD, at
from waboard.ledger.effects import (
    UNSURE,
    confirm_effects,
    effects_of,
    find_effect,
    last_effects,
    resolve_effect,
)
from waboard.ledger.models import EffectRow, EffectStatus, Verb


@pytest.fixture
async def onboarding_id(desk) -> str:
    return await desk.started()


async def latest(desk, onboarding_id, verb=Verb.SHARE, subject="") -> EffectRow | None:
    async with desk.ledger.begin() as session:
        return await find_effect(session, onboarding_id, verb, subject)


async def test_what_was_never_begun_is_not_known(desk, onboarding_id):
    """So it may be done."""
    assert await latest(desk, onboarding_id) is None


async def test_an_effect_is_written_down_before_it_is_done(desk, onboarding_id):
    """Under a key of its own: what, to whom, and which attempt."""
    await desk.begin(onboarding_id, Verb.SEND_TEST_MESSAGE, GOOD, 3, external_id="waboard-1")
    effect = await latest(desk, onboarding_id, Verb.SEND_TEST_MESSAGE, GOOD)
    assert effect is not None
    assert (effect.status, effect.attempt, effect.external_id) == ("started", 1, "waboard-1")
    assert (effect.started_at, effect.ended_at, effect.detail) == (at(3), None, "")


@pytest.mark.parametrize("status", [EffectStatus.DONE, EffectStatus.FAILED, EffectStatus.AMBIGUOUS])
async def test_its_answer_is_written_down_after(desk, onboarding_id, status):
    """With what was said."""
    effect_id = await desk.begin(onboarding_id, Verb.SHARE)
    await desk.end(effect_id, status, "HTTP 418", minute=2)
    effect = await latest(desk, onboarding_id)
    assert effect is not None
    assert (effect.status, effect.detail, effect.ended_at) == (status, "HTTP 418", at(2))


@pytest.mark.parametrize(
    ("status", "unsure"),
    [
        (EffectStatus.STARTED, True),
        (EffectStatus.AMBIGUOUS, True),
        (EffectStatus.DONE, False),
        (EffectStatus.FAILED, False),
    ],
)
def test_what_has_no_answer_is_as_unsure_as_what_is_ambiguous(status, unsure):
    """A crash in between tells nothing."""
    assert (status in UNSURE) is unsure


async def test_what_certainly_failed_is_taken_up_under_its_own_key(desk, onboarding_id):
    """The same attempt, the same id at the provider, begun anew."""
    first = await desk.begin(onboarding_id, Verb.SEND_TEST_MESSAGE, GOOD, external_id="waboard-1")
    await desk.end(first, EffectStatus.FAILED, "HTTP 401", minute=1)
    again = await desk.begin(
        onboarding_id, Verb.SEND_TEST_MESSAGE, GOOD, 5, external_id="waboard-1"
    )
    effect = await latest(desk, onboarding_id, Verb.SEND_TEST_MESSAGE, GOOD)
    assert effect is not None
    assert again == effect.id == first
    assert (effect.attempt, effect.external_id, effect.status) == (1, "waboard-1", "started")
    assert (effect.started_at, effect.ended_at, effect.detail) == (at(5), None, "")
    assert await desk.count(EffectRow) == 1


@pytest.mark.parametrize("status", [EffectStatus.DONE, EffectStatus.AMBIGUOUS, None])
async def test_anything_else_done_again_is_a_new_attempt(desk, onboarding_id, status):
    """What was known of the first stays known."""
    first = await desk.begin(onboarding_id, Verb.SHARE)
    if status is not None:
        await desk.end(first, status, "first")
    second = await desk.begin(onboarding_id, Verb.SHARE, minute=5)
    async with desk.ledger.begin() as session:
        found = await effects_of(session, onboarding_id)
    assert [(e.id, e.attempt) for e in found] == [(first, 1), (second, 2)]
    assert found[0].status == (status or EffectStatus.STARTED)


async def test_the_latest_attempt_counts(desk, onboarding_id):
    """Whatever became of those before."""
    for status in (EffectStatus.AMBIGUOUS, EffectStatus.DONE, EffectStatus.FAILED):
        await desk.end(await desk.begin(onboarding_id, Verb.SHARE), status)
    effect = await latest(desk, onboarding_id)
    assert effect is not None
    assert (effect.attempt, effect.status) == (3, EffectStatus.FAILED)


async def test_effects_on_others_are_others(desk, onboarding_id):
    """Each verb, subject and onboarding counts its own attempts."""
    globex = await desk.started("globex", "102384266223094")
    await desk.begin(onboarding_id, Verb.ASSOCIATE, GOOD)
    await desk.begin(onboarding_id, Verb.ASSOCIATE, BAD)
    await desk.begin(onboarding_id, Verb.DISSOCIATE, GOOD)
    await desk.begin(globex, Verb.ASSOCIATE, GOOD)
    async with desk.ledger.begin() as session:
        mine = await effects_of(session, onboarding_id)
    assert [(e.verb, e.subject, e.attempt) for e in mine] == [
        ("associate", GOOD, 1),
        ("associate", BAD, 1),
        ("dissociate", GOOD, 1),
    ]


@pytest.fixture
async def neighbour(desk) -> str:
    """An onboarding of another client, in the same ledger."""
    return await desk.started("globex", "102384266223094")


async def test_what_a_neighbour_has_done_is_not_ours(desk, onboarding_id, neighbour):
    """Or we would take its share for our own, and never share."""
    await desk.begin(neighbour, Verb.SHARE)
    await desk.begin(neighbour, Verb.ASSOCIATE, GOOD)
    assert await latest(desk, onboarding_id) is None
    async with desk.ledger.begin() as session:
        assert await last_effects(session, onboarding_id, Verb.ASSOCIATE) == {}
        assert await effects_of(session, onboarding_id) == []
    assert await desk.begin(onboarding_id, Verb.SHARE)
    effect = await latest(desk, onboarding_id)
    assert (effect.onboarding_id, effect.attempt) == (onboarding_id, 1)


async def test_what_is_shown_of_ours_says_nothing_of_a_neighbours(desk, onboarding_id, neighbour):
    for each in (neighbour, onboarding_id):
        await desk.begin(each, Verb.ASSOCIATE, GOOD)
    async with desk.ledger.begin() as session:
        await confirm_effects(session, onboarding_id, Verb.ASSOCIATE, [GOOD], at(5))
        await resolve_effect(session, onboarding_id, Verb.ASSOCIATE, GOOD, "Shown.", at(5))
    theirs = await latest(desk, neighbour, Verb.ASSOCIATE, GOOD)
    assert (theirs.status, theirs.confirmed_at) == (EffectStatus.STARTED, None)


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (None, (EffectStatus.DONE, "Shown by its report.", at(5))),
        (EffectStatus.AMBIGUOUS, (EffectStatus.DONE, "Shown by its report.", at(5))),
        (EffectStatus.DONE, (EffectStatus.DONE, "HTTP 200", at(2))),
        (EffectStatus.FAILED, (EffectStatus.FAILED, "HTTP 200", at(2))),
    ],
)
async def test_evidence_settles_what_was_unsure_and_nothing_else(
    desk, onboarding_id, status, shown
):
    effect_id = await desk.begin(onboarding_id, Verb.SHARE)
    if status is not None:
        await desk.end(effect_id, status, "HTTP 200", minute=2)
    async with desk.ledger.begin() as session:
        await resolve_effect(session, onboarding_id, Verb.SHARE, "", "Shown by its report.", at(5))
    effect = await latest(desk, onboarding_id)
    assert (effect.status, effect.detail, effect.ended_at) == shown


async def test_evidence_of_what_was_never_begun_makes_nothing_up(desk, onboarding_id):
    async with desk.ledger.begin() as session:
        await resolve_effect(session, onboarding_id, Verb.SHARE, "", "Shown.", at(5))
    assert await desk.count(EffectRow) == 0


async def test_of_several_attempts_the_latest_is_settled_by_evidence(desk, onboarding_id):
    for _ in range(2):
        await desk.end(await desk.begin(onboarding_id, Verb.SHARE), EffectStatus.AMBIGUOUS)
    async with desk.ledger.begin() as session:
        await resolve_effect(session, onboarding_id, Verb.SHARE, "", "Shown.", at(5))
        found = await effects_of(session, onboarding_id)
        last = await last_effects(session, onboarding_id, Verb.SHARE)
    assert [effect.status for effect in found] == [EffectStatus.AMBIGUOUS, EffectStatus.DONE]
    assert {subject: effect.attempt for subject, effect in last.items()} == {"": 2}


@pytest.mark.parametrize(
    ("status", "confirmed"),
    [
        (None, EffectStatus.DONE),
        (EffectStatus.AMBIGUOUS, EffectStatus.DONE),
        (EffectStatus.DONE, EffectStatus.DONE),
        (EffectStatus.FAILED, None),
    ],
)
async def test_what_is_read_back_is_confirmed_unless_it_had_certainly_failed(
    desk, onboarding_id, status, confirmed
):
    effect_id = await desk.begin(onboarding_id, Verb.ASSOCIATE, GOOD)
    if status is not None:
        await desk.end(effect_id, status)
    async with desk.ledger.begin() as session:
        await confirm_effects(session, onboarding_id, Verb.ASSOCIATE, [GOOD], at(5))
    effect = await latest(desk, onboarding_id, Verb.ASSOCIATE, GOOD)
    assert (effect.status, effect.confirmed_at) == (
        confirmed or EffectStatus.FAILED,
        at(5) if confirmed else None,
    )


async def test_only_what_was_read_back_is_confirmed_and_once(desk, onboarding_id):
    for number in (GOOD, BAD):
        await desk.end(await desk.begin(onboarding_id, Verb.ASSOCIATE, number), EffectStatus.DONE)
    for minute in (5, 9):
        async with desk.ledger.begin() as session:
            await confirm_effects(session, onboarding_id, Verb.ASSOCIATE, [GOOD], at(minute))
    confirmed = [
        (await latest(desk, onboarding_id, Verb.ASSOCIATE, number)).confirmed_at
        for number in (GOOD, BAD)
    ]
    assert confirmed == [at(5), None]


async def test_why_an_effect_was_done_stays_beside_how_it_went(desk, onboarding_id):
    effect_id = await desk.begin(onboarding_id, Verb.SHARE, why="It was retried.")
    assert (await latest(desk, onboarding_id)).detail == "It was retried."
    await desk.end(effect_id, EffectStatus.FAILED, "HTTP 500")
    assert (await latest(desk, onboarding_id)).detail == "It was retried. HTTP 500"
    await desk.begin(onboarding_id, Verb.SHARE, why="It was retried again.")
    assert (await latest(desk, onboarding_id)).detail == "It was retried again."


async def test_effects_are_listed_in_the_order_they_were_begun(desk, onboarding_id):
    """Whichever ended last."""
    begun = [await desk.begin(onboarding_id, Verb.ASSOCIATE, number) for number in (GOOD, BAD)]
    await desk.end(begun[0], EffectStatus.DONE, minute=5)
    async with desk.ledger.begin() as session:
        found = await effects_of(session, onboarding_id)
    assert [effect.id for effect in found] == begun
