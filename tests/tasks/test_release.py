"""What is ours of a client that leaves is given back, in order, and nothing of anybody else."""

from collections import Counter
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from flows import offboard
from flows.offboard import leave, release
from tasks.approval import Approval, Verdict
from tasks.departures import begin_departure
from tasks.offboard import record_done
from tasks.tenant import prepare_tenant
from tests.tasks.bench import (
    APPLICATION,
    ASSOCIATIONS,
    ENTITIES,
    ENTITY,
    GOOD,
    OTHER,
    Bench,
    condition,
    shown,
    timed_out,
)
from tests.tasks.conftest import Noted
from waboard.domain.conditions import ConditionType
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.departures import Departure, DepartureState, Handwork
from waboard.domain.errors import OutOfPlace, WaboardError
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import outcome_of, stage_of
from waboard.domain.requests import Defaults, OnboardingRequest
from waboard.domain.requirements import requirements_of
from waboard.infobip.models import Association
from waboard.ledger.clients import start_onboarding
from waboard.ledger.decisions import record_decision
from waboard.ledger.departures import move_departure
from waboard.ledger.models import EffectStatus, Verb
from waboard.ledger.onboardings import end_onboarding
from waboard.ledger.tokens import keep_token, sealed_token

MIA = Order(by="mia", why="It has cancelled its contract.")
ENTITY_PATH = f"{ENTITIES}/{ENTITY}"


@pytest.fixture(autouse=True)
def steps_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Prefect: each step runs once, and nobody is told."""

    async def result_of(step: Any, *args: Any) -> Any:
        try:
            return await step.fn(*args)
        except WaboardError as error:
            return error

    async def failure_of(step: Any, *args: Any) -> WaboardError | None:
        found = await result_of(step, *args)
        return found if isinstance(found, WaboardError) else None

    async def nothing(*_: Any) -> None:
        pass

    monkeypatch.setattr(offboard, "result_of", result_of)
    monkeypatch.setattr(offboard, "failure_of", failure_of)
    monkeypatch.setattr(offboard, "tell", nothing)


async def live(bench: Bench, *numbers: str) -> Onboarding:
    """A client whose senders are filed under its ids, whose app is subscribed, and which ended."""
    onboarding = await bench.registered(*(numbers or (GOOD,)))
    await prepare_tenant.fn(bench.services, onboarding)
    for sender in onboarding.senders:
        number = await bench.services.infobip.find_number(sender.phone_number)
        assert number is not None
        await bench.services.infobip.associate(number.number_key, APPLICATION, ENTITY)
    await signed_up(bench, onboarding)
    async with bench.ledger.begin() as session:
        await end_onboarding(session, bench.id, bench.now, "Live")
    return await bench.look()


async def signed_up(bench: Bench, onboarding: Onboarding) -> None:
    meta = bench.books.meta
    meta.owners[onboarding.waba_id] = "506914307656634"
    token = meta.new_token("506914307656634", bench.now.timestamp())
    meta.subscribed.add(onboarding.waba_id)
    async with bench.ledger.begin() as session:
        await keep_token(
            session,
            ENTITY,
            bench.sealer.seal(secret(token)),
            portfolio_id=None,
            expires_at=None,
            now=bench.now,
        )


def secret(token: str) -> SecretStr:
    return SecretStr(token)


async def approved(bench: Bench, run_id: str = "run") -> Departure:
    """Somebody has asked for it, and another has approved."""
    clock = lambda: bench.now  # noqa: E731
    departure, _ = await begin_departure(bench.ledger, clock, run_id, bench.id, MIA)
    async with bench.ledger.begin() as session:
        if departure.state is DepartureState.APPROVAL_AWAITED:
            order = Order(by="noor", why="Yes.")
            await record_decision(session, bench.id, DecisionVerb.APPROVE, order, bench.now)
        state = DepartureState.LEAVING
        return await move_departure(session, departure.id, state, "Approved.", bench.now)


async def left(bench: Bench) -> Departure:
    return await leave(bench.services, await bench.look(), await approved(bench))


async def test_everything_of_ours_is_given_back_in_this_order(bench: Bench):
    onboarding = await live(bench)
    before = len(bench.writes())
    departure = await left(bench)
    assert departure.state is DepartureState.DONE, departure.detail
    assert bench.writes()[before:] == [
        f"DELETE /graph/v26.0/{onboarding.waba_id}/subscribed_apps",
        f"DELETE {ASSOCIATIONS}",
        f"DELETE {ENTITY_PATH}",
    ]
    assert onboarding.waba_id not in bench.books.meta.subscribed
    assert (bench.books.associations, ENTITY in bench.books.entities) == ({}, False)
    assert APPLICATION in bench.books.applications
    async with bench.ledger.begin() as session:
        assert await sealed_token(session, ENTITY, bench.now) is None


async def test_the_outcome_says_what_was_done_and_who_approved(bench: Bench):
    await live(bench)
    await left(bench)
    gone = await bench.look()
    assert (stage_of(gone), gone.ended_as) == ("Offboarded", "Offboarded")
    message = outcome_of(gone).message
    assert message.startswith("Has left, as noor approved: Yes.")
    for part in ("entity acme is deleted", "token is destroyed"):
        assert part in message
    assert not outcome_of(gone).is_live
    assert not any(sender.is_live for sender in gone.senders)


async def test_what_has_no_api_is_needed_of_those_who_can_until_they_say_it_is_done(bench: Bench):
    await live(bench)
    await left(bench)
    needed = {r.condition: r.awaiting for r in requirements_of(await bench.look())}
    assert needed == {
        ConditionType.DEREGISTERED: "infobip",
        ConditionType.UNSHARED: "infobip",
        ConditionType.PARTNER_REMOVED: "client",
    }
    clock = lambda: bench.now  # noqa: E731
    for work in Handwork:
        await record_done(bench.ledger, clock, bench.id, work, MIA)
        await record_done(bench.ledger, clock, bench.id, work, MIA)
    assert requirements_of(await bench.look()) == []


async def test_who_says_so_is_on_the_timeline(bench: Bench, noted: Noted):
    await live(bench)
    await left(bench)
    noted.notes.clear()
    for _ in range(2):
        await record_done(bench.ledger, lambda: bench.now, bench.id, Handwork.UNSHARED, MIA)
    ((_, what, facts),) = noted.notes
    assert (what, facts) == ("decision.done", {"by": "mia", "why": f"unshared: {MIA.why}"})


async def test_nobody_can_say_so_of_a_client_that_stays(bench: Bench):
    await live(bench)
    with pytest.raises(OutOfPlace, match="unshared"):
        await record_done(bench.ledger, lambda: bench.now, bench.id, Handwork.UNSHARED, MIA)


async def test_a_sender_filed_under_ids_of_others_is_left(bench: Bench):
    onboarding = await live(bench, GOOD, OTHER)
    number = await bench.services.infobip.find_number(OTHER)
    assert number is not None
    theirs = Association(
        resource_id=number.number_key, application_id=APPLICATION, entity_id=ENTITY
    )
    await bench.services.infobip.dissociate(theirs)
    await bench.services.infobip.create_entity("portfolio", "Theirs")
    await bench.services.infobip.associate(number.number_key, APPLICATION, "portfolio")
    await left(bench)
    (link,) = bench.books.associations.values()
    assert link.entityId == "portfolio"
    sender = (await bench.look()).sender(OTHER)
    assert "stays under" in sender.conditions[ConditionType.ASSOCIATED].message
    assert onboarding.entity_id not in bench.books.entities


async def test_an_entity_on_which_something_hangs_is_left_and_said(bench: Bench):
    await live(bench, GOOD, OTHER)
    onboarding = await bench.look()
    known = (onboarding.sender(GOOD),)  # the other is one that nobody here knows of
    said, problems = await release(bench.services, replace(onboarding, senders=known))
    assert problems == []
    assert said[-1] == "The entity acme stays: 1 other resources are filed under it."
    assert ENTITY in bench.books.entities
    (link,) = bench.books.associations.values()
    assert link.entityId == ENTITY


async def test_an_entity_that_was_there_before_us_is_left(bench: Bench):
    await bench.start()
    await bench.services.infobip.create_entity(ENTITY, "Theirs")
    await live(bench)
    await left(bench)
    assert ENTITY in bench.books.entities
    assert "stays: it was there before us" in outcome_of(await bench.look()).message


async def test_a_sibling_under_the_same_ids_keeps_all_that_is_its(bench: Bench):
    await live(bench)
    request = OnboardingRequest.model_validate(
        {"client_ref": "sister", "waba_id": "102384266223094", "entity_id": ENTITY}
    )
    started = await start_onboarding(
        bench.ledger, request, Defaults(APPLICATION), lambda: bench.now
    )
    before = await bench.services.look(started.onboarding_id)
    async with bench.ledger.begin() as session:
        sealed = bench.sealer.seal(secret("EAAG-sister"))
        await keep_token(
            session, "sister", sealed, portfolio_id=None, expires_at=None, now=bench.now
        )
    await left(bench)
    assert ENTITY in bench.books.entities
    assert "sister use it as well" in outcome_of(await bench.look()).message
    assert await bench.services.look(started.onboarding_id) == before
    async with bench.ledger.begin() as session:
        assert await sealed_token(session, "sister", bench.now) == sealed


async def test_where_meta_lets_us_no_more_the_rest_is_given_back(bench: Bench):
    await live(bench)
    bench.books.meta.tokens.clear()
    assert (await left(bench)).state is DepartureState.DONE
    assert (
        "Meta does not let us at its WABA any more (190)" in outcome_of(await bench.look()).message
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", ASSOCIATIONS), ("DELETE", ENTITY_PATH)],
)
async def test_a_step_that_fails_is_said_and_the_next_start_goes_on(
    bench: Bench, method: str, path: str
):
    await live(bench)
    bench.network.instead(method, path, lambda _: httpx.Response(500))
    departure = await left(bench)
    assert departure.state is DepartureState.FAILED
    stopped = await bench.look()
    assert (stage_of(stopped), condition(stopped, ConditionType.RELEASED)) == (
        "Leaving",
        ("Unknown", "ReleaseFailed"),
    )
    again = await leave(bench.services, stopped, await approved(bench, "another run"))
    assert again.state is DepartureState.DONE
    assert ENTITY not in bench.books.entities


async def test_what_was_done_and_not_answered_is_found_done(bench: Bench):
    await live(bench)
    bench.network.cut_after("DELETE", ENTITY_PATH, timed_out())
    assert (await left(bench)).state is DepartureState.FAILED
    again = await leave(bench.services, await bench.look(), await approved(bench, "another run"))
    assert again.state is DepartureState.DONE
    rows = [shown(row) for row in await bench.effects(Verb.DELETE_ENTITY)]
    assert rows == [(ENTITY, 1, "done")]


class Killed(BaseException):
    """The process dies here."""


RELEASES = (Verb.UNSUBSCRIBE, Verb.DISSOCIATE, Verb.DELETE_ENTITY)
PLACES = [f"{verb}:{place}" for verb in RELEASES for place in ("begun", "answered", "written")]


@pytest.mark.parametrize("place", [*PLACES, "delete-entity:looked"])
async def test_wherever_it_dies_the_next_start_gives_back_the_rest(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, place: str
):
    """What may have been done is looked for first, so nothing is taken back twice."""
    onboarding = await live(bench)
    before, died = len(bench.writes()), list[str]()

    def dies(name: str) -> None:
        if name == place and not died:
            died.append(name)
            raise Killed

    for module in ("tasks.step", "tasks.release"):
        monkeypatch.setattr(f"{module}.boundary", dies)
    with pytest.raises(Killed):
        await left(bench)
    departure = await left(bench)
    assert departure.state is DepartureState.DONE, departure.detail
    assert onboarding.waba_id not in bench.books.meta.subscribed
    assert (bench.books.associations, ENTITY in bench.books.entities) == ({}, False)
    assert set(Counter(bench.writes()[before:]).values()) == {1}
    last = {each.verb: each.status for each in await bench.effects()}
    assert {last[verb] for verb in RELEASES} == {EffectStatus.DONE}


async def test_once_it_is_over_another_start_changes_nothing(bench: Bench):
    await live(bench)
    departure = await left(bench)
    writes, onboarding = bench.writes(), await bench.look()
    again = await leave(bench.services, onboarding, departure)
    assert (bench.writes(), again.state) == (writes, DepartureState.DONE)
    assert (await bench.look()).conditions == onboarding.conditions


def test_the_form_asks_for_the_client_s_id():
    assert Approval(by="noor", verdict=Verdict.APPROVE).confirm == ""
