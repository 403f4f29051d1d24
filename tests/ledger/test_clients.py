"""Starting an onboarding: once per client and WABA, whoever asks and however often."""

import asyncio

import pytest

from tests.domain.samples import BAD, GOOD, T0, WABA, at
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import FactsDiffer
from waboard.domain.reasons import Reason
from waboard.ledger.clients import Started
from waboard.ledger.models import ClientRow, OnboardingRow, SenderRow
from waboard.ledger.onboardings import end_onboarding, read_onboarding

OTHER_WABA = "102384266223094"


async def test_a_first_request_starts_an_onboarding(desk):
    """With the client's own id as its entity id and its name, unless others are given."""
    started = await desk.start()
    assert started.created
    async with desk.ledger.begin() as session:
        found = await read_onboarding(session, started.onboarding_id)
    assert (found.client_ref, found.client_name, found.waba_id) == ("acme", "acme", WABA)
    assert (found.attempt, found.application_id, found.entity_id) == (1, "waboard", "acme")
    assert (found.created_at, found.ended_at, found.flow_run_id) == (T0, None, None)
    assert (found.senders, found.conditions, found.wait) == ((), {}, None)


async def test_what_is_asked_for_is_written_down(desk):
    """Name, entity and numbers."""
    started = await desk.start(client_name="Acme", entity_id="acme-eu", phone_numbers=(GOOD, BAD))
    async with desk.ledger.begin() as session:
        found = await read_onboarding(session, started.onboarding_id)
    assert (found.client_name, found.entity_id) == ("Acme", "acme-eu")
    assert found.phone_numbers == (GOOD, BAD)


async def test_a_number_that_is_asked_for_is_a_sender_whose_registration_is_unknown(desk):
    """Its condition says so without showing the whole number."""
    onboarding = await desk.look(await desk.started(phone_numbers=(GOOD,)))
    condition = onboarding.sender(GOOD).conditions[ConditionType.REGISTERED]
    assert (condition.status, condition.reason) == (
        Status.UNKNOWN,
        Reason.REGISTRATION_IN_PROGRESS,
    )
    assert "…8538" in condition.message
    assert GOOD not in condition.message


async def test_the_same_request_again_finds_the_same_onboarding(desk):
    """Nothing is written twice."""
    facts = {"client_name": "Acme", "phone_numbers": (GOOD,)}
    first = await desk.start(**facts)
    assert await desk.start(**facts, minute=9) == Started(first.onboarding_id, created=False)
    assert [await desk.count(m) for m in (ClientRow, OnboardingRow, SenderRow)] == [1, 1, 1]


async def test_what_is_left_out_the_second_time_is_no_difference(desk):
    """The name and the numbers were told before."""
    first = await desk.start(client_name="Acme", phone_numbers=(GOOD, BAD))
    assert (await desk.start(phone_numbers=(BAD,))).onboarding_id == first.onboarding_id
    assert (await desk.start()).onboarding_id == first.onboarding_id


async def test_a_finished_onboarding_is_found_as_well(desk):
    """A request is about a client and a WABA, not about a run."""
    first = await desk.start()
    async with desk.ledger.begin() as session:
        await end_onboarding(session, first.onboarding_id, at(5))
    assert await desk.start() == Started(first.onboarding_id, created=False)


@pytest.mark.parametrize(
    ("facts", "difference"),
    [
        ({"client_ref": "globex", "entity_id": "acme"}, "client_ref is 'acme', not 'globex'"),
        ({"waba_id": OTHER_WABA}, f"waba_id is '{WABA}', not '{OTHER_WABA}'"),
        ({"client_name": "Globex"}, "client_name is 'Acme', not 'Globex'"),
        ({"entity_id": "eu"}, "entity_id is 'acme', not 'eu'"),
        ({"phone_numbers": (GOOD, BAD)}, "phone_numbers names others"),
    ],
)
async def test_other_facts_are_refused_by_name(desk, facts, difference):
    """One at a time, so that it can be corrected."""
    await desk.start(client_name="Acme", phone_numbers=(GOOD,))
    with pytest.raises(FactsDiffer) as caught:
        await desk.start(**facts)
    assert f": {difference}." in caught.value.message
    assert GOOD not in str(caught.value)
    assert BAD not in str(caught.value)


async def test_all_differences_are_named_at_once(desk):
    """Nobody corrects a request four times."""
    await desk.start(client_name="Acme")
    with pytest.raises(FactsDiffer) as caught:
        await desk.start(waba_id=OTHER_WABA, client_name="B", entity_id="c", phone_numbers=(GOOD,))
    for name in ("waba_id", "client_name", "entity_id", "phone_numbers"):
        assert name in caught.value.message


async def test_a_refused_request_writes_nothing(desk):
    """Not even a client."""
    await desk.start()
    with pytest.raises(FactsDiffer):
        await desk.start("globex", phone_numbers=(GOOD,))
    assert [await desk.count(m) for m in (ClientRow, OnboardingRow, SenderRow)] == [1, 1, 0]


async def test_a_request_across_two_onboardings_is_refused(desk):
    """One client's WABA for another, both known."""
    await desk.start("acme", WABA)
    await desk.start("globex", OTHER_WABA)
    with pytest.raises(FactsDiffer):
        await desk.start("acme", OTHER_WABA)


async def test_other_clients_with_other_wabas_are_their_own(desk):
    """Nothing of theirs is mixed."""
    one, two = await desk.started("acme", WABA), await desk.started("globex", OTHER_WABA)
    assert one != two
    assert [await desk.count(m) for m in (ClientRow, OnboardingRow)] == [2, 2]


@pytest.mark.parametrize("times", [1, 10])
async def test_requests_in_the_same_instant_give_one_onboarding(desk, other_desk, times):
    """A double click, two workers, twenty deliveries: one of them makes it, all find it."""
    desks = [desk, other_desk] * times
    started = await asyncio.gather(*(d.start(phone_numbers=(GOOD,)) for d in desks))
    assert sum(s.created for s in started) == 1
    assert len({s.onboarding_id for s in started}) == 1
    assert [await desk.count(m) for m in (ClientRow, OnboardingRow, SenderRow)] == [1, 1, 1]


@pytest.mark.parametrize("clients", [2, 20])
async def test_one_waba_asked_for_by_several_clients_at_once_goes_to_one(desk, other_desk, clients):
    """The others are told that it differs, and by what."""
    desks = [desk, other_desk] * (clients // 2)
    answers = await asyncio.gather(
        *(d.start(f"client-{i}", entity_id="e") for i, d in enumerate(desks)),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, FactsDiffer)]
    assert len(refused) == clients - 1
    assert all("client_ref" in error.message for error in refused)
    assert [await desk.count(m) for m in (ClientRow, OnboardingRow)] == [1, 1]
