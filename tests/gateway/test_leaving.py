"""`POST …/offboard` and `…/reconnect`: asked first, answered once, and come back through a link."""

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

from tasks import departures, deployments, forms, timeline
from tests.deployed import assert_takes
from tests.gateway.desk import Desk, FakePrefect, assert_problem
from tests.gateway.front import Front
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.departures import DepartureState
from waboard.gateway import onboardings
from waboard.ledger.decisions import record_decision
from waboard.ledger.departures import (
    begin_leaving,
    finish_leaving,
    move_departure,
    open_departure,
)
from waboard.ledger.models import BusinessTokenRow
from waboard.ledger.onboardings import end_onboarding, read_onboarding

MIA = {"by": "mia", "why": "It has cancelled its contract."}
APPROVE = {"by": "noor", "verdict": "approve", "client_ref": "acme"}
OTHER_WABA = "102384266223094"


class Runs:
    """A Prefect that starts runs, none of which asks yet."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}

    async def __aenter__(self) -> "Runs":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read_deployment_by_name(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(id=name)

    async def create_flow_run_from_deployment(
        self, deployment: str, **given: Any
    ) -> SimpleNamespace:
        assert_takes(deployment, given["parameters"])
        return SimpleNamespace(id=self.keys.setdefault(given["idempotency_key"], str(uuid4())))

    async def read_flow_run(self, _: object) -> SimpleNamespace:
        return SimpleNamespace(state=None)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    fake = Runs()
    for module in (deployments, forms, departures):
        monkeypatch.setattr(module, "get_client", lambda: fake)
    return fake


async def order(desk: Desk, onboarding_id: str, verb: str, **fields: Any) -> httpx.Response:
    return await desk.http.post(f"/v1/onboardings/{onboarding_id}/{verb}", json=MIA | fields)


async def ended(desk: Desk) -> str:
    onboarding_id: str = (await desk.asked())["id"]
    async with desk.begin() as session:
        await end_onboarding(session, onboarding_id, desk.time, "Live")
    return onboarding_id


async def left(desk: Desk) -> str:
    onboarding_id = await ended(desk)
    async with desk.begin() as session:
        await begin_leaving(session, onboarding_id, desk.time)
        onboarding = await read_onboarding(session, onboarding_id)
        await finish_leaving(session, onboarding, "All is given back.", desk.time)
    return onboarding_id


class TestOffboard:
    """Asked, approved, and said to be done."""

    async def test_it_is_asked_once_however_often(self, desk: Desk, runs: Runs):
        onboarding_id = await ended(desk)
        first, again = [await order(desk, onboarding_id, "offboard") for _ in range(2)]
        assert (first.status_code, again.status_code, len(runs.keys)) == (202, 200, 1)
        assert first.json() == again.json()
        assert (first.json()["state"], first.json()["by"]) == ("approval-awaited", "mia")
        decided = (await desk.onboarding(onboarding_id))["decisions"]
        assert [each["verb"] for each in decided] == ["offboard"]

    async def test_while_it_is_asked_the_run_with_the_form_is_linked(
        self, desk: Desk, runs: Runs, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(onboardings, "run_links", lambda run_id: {"flow_run": run_id})
        onboarding_id = await ended(desk)
        assert "offboarding_flow_run" not in (await desk.onboarding(onboarding_id))["links"]
        await order(desk, onboarding_id, "offboard")
        (found,) = await desk.onboardings()
        assert found["links"] == (await desk.onboarding(onboarding_id))["links"]
        assert found["links"]["offboarding_flow_run"]

    async def test_an_approval_that_nobody_asked_for_is_refused(self, desk: Desk, runs: Runs):
        path = f"/v1/onboardings/{await ended(desk)}/offboard/approval"
        assert_problem(await desk.http.post(path, json=APPROVE), 409, "Nobody has asked")

    @pytest.mark.parametrize(
        ("verb", "state", "named"),
        [
            (DecisionVerb.APPROVE, DepartureState.LEAVING, "leaves is approved already"),
            (DecisionVerb.REFUSE, DepartureState.REFUSED, "leaves was refused already, by noor"),
        ],
    )
    @pytest.mark.parametrize("verdict", ["approve", "refuse"])
    async def test_what_was_answered_is_not_answered_again(
        self,
        desk: Desk,
        runs: Runs,
        verb: DecisionVerb,
        state: DepartureState,
        named: str,
        verdict: str,
    ):
        """Whatever is answered now; and it is said what was."""
        onboarding_id = await ended(desk)
        await order(desk, onboarding_id, "offboard")
        async with desk.begin() as session:
            await record_decision(
                session, onboarding_id, verb, Order(by="noor", why="So."), desk.time
            )
            departure = await open_departure(session, onboarding_id)
            assert departure is not None
            await move_departure(session, departure.id, state, "Answered.", desk.time)
        path = f"/v1/onboardings/{onboarding_id}/offboard/approval"
        answer = await desk.http.post(path, json=APPROVE | {"verdict": verdict})
        assert_problem(answer, 409, named)

    async def test_one_that_names_another_client_is_refused(self, desk: Desk, runs: Runs):
        path = f"/v1/onboardings/{await ended(desk)}/offboard/approval"
        answer = await desk.http.post(path, json=APPROVE | {"client_ref": "bakery"})
        assert_problem(answer, 422, "the onboarding of acme")

    async def test_one_that_comes_before_its_run_asks_is_to_be_tried_again(
        self, desk: Desk, runs: Runs
    ):
        onboarding_id = await ended(desk)
        await order(desk, onboarding_id, "offboard")
        path = f"/v1/onboardings/{onboarding_id}/offboard/approval"
        assert_problem(await desk.http.post(path, json=APPROVE), 409, "does not wait")

    async def test_once_it_has_left_all_verbs_are_refused_with_the_remedy(
        self, desk: Desk, runs: Runs
    ):
        onboarding_id = await left(desk)
        for verb in ("offboard", "retry", "cancel"):
            assert_problem(await order(desk, onboarding_id, verb), 409, "has left")
        path = f"/v1/onboardings/{onboarding_id}/offboard/approval"
        assert_problem(await desk.http.post(path, json=APPROVE), 409, "approved already")
        answer = await desk.http.post("/v1/reconcile", json={"client_ref": "acme"})
        assert_problem(answer, 409, "has left")


AGAIN = {"by": "mia", "why": "It has signed again."}


class TestComingBack:
    """A client that has left is asked for again, or signs up again."""

    @pytest.mark.parametrize(
        ("facts", "named"),
        [
            ({}, ["acme has left, on 2026-01-05 at 09:00 UTC"]),
            ({"waba_id": OTHER_WABA}, ["acme has left"]),
            ({"client_ref": "bakery"}, ["WABA …3093 was acme's, which has left"]),
        ],
    )
    @pytest.mark.parametrize("dry_run", [True, False])
    async def test_asking_again_is_refused_with_what_to_do_and_starts_nothing(
        self,
        desk: Desk,
        prefect: FakePrefect,
        facts: dict[str, str],
        named: list[str],
        dry_run: bool,
    ):
        onboarding_id = await left(desk)
        asked = await desk.ask(dry_run, **facts)
        assert_problem(asked, 409, *named, "Left to do: partner-removed.", "--again", "`again`")
        assert prefect.started == [onboarding_id]

    async def test_who_says_so_begins_anew_once_and_is_written_down(
        self, desk: Desk, prefect: FakePrefect
    ):
        old = await left(desk)
        first, repeated = [await desk.ask(again=AGAIN) for _ in range(2)]
        assert (first.status_code, repeated.status_code) == (201, 200)
        assert first.json()["id"] == repeated.json()["id"] != old
        decided = [(each["verb"], each["by"], each["why"]) for each in first.json()["decisions"]]
        assert decided == [("again", "mia", "It has signed again.")]
        assert prefect.started == [old, first.json()["id"]]

    @pytest.mark.parametrize("again", [{"by": "mia"}, {"why": "So."}, {"by": "", "why": ""}, True])
    async def test_nobody_begins_anew_without_a_name_and_a_reason(self, desk: Desk, again: Any):
        await left(desk)
        assert_problem(await desk.ask(again=again), 422, "again")

    async def test_what_is_left_to_do_stays_visible_and_can_be_said_to_be_done(self, desk: Desk):
        old = await left(desk)
        new = (await desk.asked(waba_id=OTHER_WABA, again=AGAIN))["id"]
        listed = (await desk.http.get("/v1/onboardings", params={"client_ref": "acme"})).json()
        (duty,) = (await desk.onboarding(new))["offboarding_duties"]
        assert {each["id"]: each["offboarding_duties"] for each in listed} == {new: [duty], old: []}
        assert (duty["onboarding_id"], duty["client_ref"]) == (old, "acme")
        assert (duty["condition"], duty["awaiting"]) == ("PartnerRemoved", "client")
        assert "waboard offboard acme --done partner-removed" in duty["remedy"]
        assert (await order(desk, new, "offboard/done", what="partner-removed")).status_code == 409
        assert (await order(desk, old, "offboard/done", what="partner-removed")).is_success
        assert (await desk.onboarding(new))["offboarding_duties"] == []

    @pytest.mark.parametrize("client_ref", ["acme", "bakery"])
    async def test_once_the_waba_is_back_nobody_is_told_to_take_it_away(
        self, desk: Desk, client_ref: str
    ):
        """Whichever client it is back with."""
        await left(desk)
        (duty,) = (await desk.asked(client_ref=client_ref, again=AGAIN))["offboarding_duties"]
        assert duty["awaiting"] == "operator"
        assert "onboarded again: withdraw" in duty["remedy"]
        assert "waboard offboard acme --done partner-removed" in duty["remedy"]

    @pytest.mark.parametrize("client_ref", ["acme", "bakery"])
    async def test_a_link_is_the_wish_of_who_made_it(self, front: Front, client_ref: str):
        """It begins anew as ever, and it is written down by which link."""
        old = await left(front)
        front.pass_time(minutes=1)
        token = await front.link(client_ref)
        await front.tell(token, **await front.finish())
        started = (await front.started(client_ref))[0]
        assert started["id"] != old
        (decided,) = started["decisions"]
        assert (decided["verb"], decided["by"]) == ("again", "the signup link")
        assert "with the link made on 2026-01-05 09:01:00 UTC" in decided["why"]


class TestReconnect:
    """A link for one WABA alone."""

    async def test_without_meta_there_is_no_link(self, desk: Desk):
        assert (await order(desk, await ended(desk), "reconnect")).status_code == 404

    async def test_who_comes_back_begins_a_new_attempt_by_itself(
        self, front: Front, prefect: FakePrefect, monkeypatch: pytest.MonkeyPatch
    ):
        """Once, and its run's timeline says so."""
        noted: list[tuple[str | None, str]] = []
        monkeypatch.setattr(timeline, "note", lambda _, run, what, **__: noted.append((run, what)))
        onboarding_id = await ended(front)
        made = await order(front, onboarding_id, "reconnect")
        assert (made.status_code, made.json()["waba_id"]) == (201, "102384266223093")
        token = made.json()["url"].rpartition("/")[2]
        for _ in range(2):
            heard = await front.finish()
            await front.tell(token, **heard)
        (shown,) = await front.started()
        assert (shown["id"], shown["attempt"], shown["ended"]) == (onboarding_id, 2, False)
        decided = [(each["verb"], each["by"]) for each in shown["decisions"]]
        assert decided == [("reconnect", "mia"), ("retry", "mia")]
        assert prefect.started == [onboarding_id, onboarding_id]
        decisions = [what for run, what in noted if run and what.startswith("decision.")]
        assert decisions == ["decision.reconnect", "decision.retry"]

    async def test_another_waba_is_refused_in_words_and_the_client_can_begin_again(
        self, front: Front
    ):
        onboarding_id = await ended(front)
        made = (await order(front, onboarding_id, "reconnect")).json()
        token = made["url"].rpartition("/")[2]
        answer = await front.tell(token, **await front.finish(OTHER_WABA))
        assert (answer.json()["state"], answer.json()["why"]) == ("ready", "another")
        assert (await front.onboarding(onboarding_id))["attempt"] == 1
        await front.tell(token, **await front.finish())
        assert (await front.onboarding(onboarding_id))["attempt"] == 2

    @pytest.mark.parametrize("order_of_arrival", [("message", "code"), ("code", "message")])
    async def test_nothing_of_another_waba_is_held_against_the_right_one(
        self, front: Front, order_of_arrival: tuple[str, str]
    ):
        """Its portfolio was another, too, and the operator has been told of it already."""
        onboarding_id = await ended(front)
        made = (await order(front, onboarding_id, "reconnect")).json()
        token = made["url"].rpartition("/")[2]
        await front.tell(token, **await front.finish(OTHER_WABA))
        (told,) = front.told
        heard = await front.finish()
        for signal in order_of_arrival:
            await front.tell(token, **{signal: heard[signal]})
        assert (await front.onboarding(onboarding_id))["attempt"] == 2
        assert front.told == [told]

    async def test_a_client_that_has_left_gets_no_link(self, front: Front):
        assert_problem(await order(front, await left(front), "reconnect"), 409, "has left")

    async def test_a_token_for_another_waba_is_not_kept(self, front: Front):
        token = await link_to_come_back(front)
        await front.tell(token, **await front.finish(OTHER_WABA))
        async with front.begin() as session:
            assert list(await session.scalars(OUR_TOKENS)) == []
        await front.tell(token, **await front.finish())
        async with front.begin() as session:
            assert len(list(await session.scalars(OUR_TOKENS))) == 1

    async def test_the_operator_is_told_to_send_another_link_for_it(self, front: Front):
        token = await link_to_come_back(front)
        await front.tell(token, **await front.finish(OTHER_WABA))
        (told,) = front.told
        assert "waboard reconnect acme --why" in told
        assert "waboard onboard" not in told

    async def test_metas_word_of_another_waba_does_not_lead_to_it(self, front: Front):
        await front.open(await link_to_come_back(front))
        await front.finish(OTHER_WABA, tells=True)
        await front.mail()
        front.pass_time(seconds=121)
        await front.tidy()
        (shown,) = await front.started()
        assert shown["attempt"] == 1
        (event,) = [e for e in await front.events() if e["kind"] == "meta"]
        assert "No signup link was open then" in event["detail"]


OUR_TOKENS = select(BusinessTokenRow).where(BusinessTokenRow.client_ref == "acme")


async def link_to_come_back(front: Front) -> str:
    """The token of a link for the WABA of a client that had ended."""
    made = await order(front, await ended(front), "reconnect")
    return made.json()["url"].rpartition("/")[2]
