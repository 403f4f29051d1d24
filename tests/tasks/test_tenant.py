"""Preparing the application and the entity: there, under the right names, read back."""

import pytest

from tasks.tenant import prepare_tenant
from tests.tasks.bench import (
    APPLICATION,
    APPLICATIONS,
    ENTITIES,
    ENTITY,
    Bench,
    shown,
    timed_out,
)
from waboard.domain.errors import StepRefused
from waboard.domain.reasons import Reason
from waboard.infobip import InfobipError
from waboard.ledger.models import Verb

APPLICATION_NAME, ENTITY_NAME = "The Provider", "Acme Ltd"


def names(bench: Bench) -> tuple[str | None, str | None]:
    """Under which names the sandbox has the two."""
    return bench.books.applications[APPLICATION], bench.books.entities[ENTITY]


async def make(bench: Bench, application: str | None = None, entity: str | None = None) -> None:
    """Make both at Infobip, as somebody else did before us."""
    await bench.sandbox.http.post(
        APPLICATIONS, json={"applicationId": APPLICATION, "applicationName": application}
    )
    await bench.sandbox.http.post(ENTITIES, json={"entityId": ENTITY, "entityName": entity})
    bench.books.requests.clear()


async def test_what_is_missing_is_made_under_its_name(bench: Bench):
    onboarding = await bench.start()
    await prepare_tenant.fn(bench.services, onboarding)
    assert names(bench) == (APPLICATION_NAME, ENTITY_NAME)
    assert bench.writes() == [f"POST {APPLICATIONS}", f"POST {ENTITIES}"]
    effects = [(row.verb, *shown(row)) for row in await bench.effects()]
    assert effects == [
        (Verb.CREATE_APPLICATION, APPLICATION, 1, "done"),
        (Verb.CREATE_ENTITY, ENTITY, 1, "done"),
    ]


async def test_what_is_there_already_is_only_read(bench: Bench):
    onboarding = await bench.start()
    await prepare_tenant.fn(bench.services, onboarding)
    before = bench.writes()
    await prepare_tenant.fn(bench.services, onboarding)
    assert bench.writes() == before
    assert len(await bench.effects()) == 2


async def test_a_name_that_a_person_gave_is_theirs(bench: Bench):
    onboarding = await bench.start()
    await make(bench, "Our Platform", "ACME Incorporated")
    await prepare_tenant.fn(bench.services, onboarding)
    assert names(bench) == ("Our Platform", "ACME Incorporated")
    assert bench.writes() == []


async def test_a_nameless_one_gets_its_name(bench: Bench):
    onboarding = await bench.start()
    await make(bench)
    await prepare_tenant.fn(bench.services, onboarding)
    assert names(bench) == (APPLICATION_NAME, ENTITY_NAME)


async def test_one_that_somebody_makes_in_the_same_instant_is_fine(bench: Bench):
    """409: theirs was first, and so is its name."""
    onboarding = await bench.start()

    async def beaten(request):
        await make(bench, "Our Platform", "ACME Incorporated")
        return await bench.network.carry(request)

    bench.network.instead("POST", APPLICATIONS, beaten)
    await prepare_tenant.fn(bench.services, onboarding)
    assert names(bench) == ("Our Platform", "ACME Incorporated")


@pytest.mark.parametrize(
    ("path", "field"), [(APPLICATIONS, "applicationName"), (ENTITIES, "entityName")]
)
async def test_a_name_that_infobip_dropped_in_silence_is_noticed_and_given_again(
    bench: Bench, path: str, field: str
):
    onboarding = await bench.start()
    bench.network.drop("POST", path, field)
    await prepare_tenant.fn(bench.services, onboarding)
    assert names(bench) == (APPLICATION_NAME, ENTITY_NAME)
    assert [each for each in bench.writes() if each.startswith("PUT")] != []


async def test_a_name_that_infobip_will_not_keep_stops_the_step(bench: Bench):
    onboarding = await bench.start()
    bench.network.drop("POST", ENTITIES, "entityName")
    bench.network.drop("PUT", f"{ENTITIES}/{ENTITY}", "entityName")
    with pytest.raises(StepRefused, match="acme has no name") as refused:
        await prepare_tenant.fn(bench.services, onboarding)
    assert refused.value.reason == Reason.ASSOCIATION_REFUSED


async def test_one_that_was_made_without_our_hearing_of_it_is_not_made_twice(bench: Bench):
    onboarding = await bench.start()
    bench.network.cut_after("POST", ENTITIES, timed_out())
    with pytest.raises(InfobipError) as error:
        await prepare_tenant.fn(bench.services, onboarding)
    assert error.value.retryable
    await prepare_tenant.fn(bench.services, onboarding)
    assert bench.calls("POST", ENTITIES) == 1
    assert names(bench) == (APPLICATION_NAME, ENTITY_NAME)


async def test_a_refusal_is_raised_and_certainly_not_done(bench: Bench):
    onboarding = await bench.start()
    await bench.sandbox.script(method="POST", path=APPLICATIONS, status=403)
    with pytest.raises(InfobipError) as error:
        await prepare_tenant.fn(bench.services, onboarding)
    assert not error.value.retryable
    assert [shown(row) for row in await bench.effects()] == [(APPLICATION, 1, "failed")]
    assert ENTITY not in bench.books.entities


async def test_another_entity_id_than_the_clients_own_is_the_one_that_is_made(bench: Bench):
    onboarding = await bench.start(entity_id="acme-emea")
    await prepare_tenant.fn(bench.services, onboarding)
    assert bench.books.entities == {"acme-emea": ENTITY_NAME}
