"""`POST …/retry` and `…/cancel`: answered at once, once, and with what to do instead."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.domain.samples import BAD, GOOD, true
from tests.gateway.desk import Desk, FakePrefect, assert_problem
from waboard.domain.clock import Clock
from waboard.domain.conditions import ConditionType
from waboard.gateway import verbs
from waboard.ledger.attempts import end_cancelled
from waboard.ledger.conditions import write_condition
from waboard.ledger.database import Ledger
from waboard.ledger.onboardings import end_onboarding

MIA = {"by": "mia", "why": "The phone is on."}
LIVE_WITH = (ConditionType.REGISTERED, ConditionType.ASSOCIATED, ConditionType.VERIFIED)
every_verb = pytest.mark.parametrize("verb", ["retry", "cancel"])


class Stopper:
    """Stops runs, or cannot yet."""

    def __init__(self) -> None:
        self.stops: Callable[[], bool] = lambda: True

    async def finish(self, ledger: Ledger, clock: Clock, onboarding_id: str) -> bool:
        """As `tasks.cancel.finish_cancelling` does."""
        if not self.stops():
            return False
        async with ledger.begin() as session:
            await end_cancelled(session, onboarding_id, clock())
        return True


@pytest.fixture
def stopper(monkeypatch: pytest.MonkeyPatch) -> Stopper:
    stopper = Stopper()
    monkeypatch.setattr(verbs, "finish_cancelling", stopper.finish)
    return stopper


async def ended(desk: Desk, *live: str) -> str:
    """An onboarding that has ended; returns its id."""
    onboarding = await desk.asked(phone_numbers=[f"+{GOOD}", f"+{BAD}"])
    async with desk.begin() as session:
        for number in live:
            for kind in LIVE_WITH:
                await write_condition(session, onboarding["id"], number, true(kind))
        await end_onboarding(session, onboarding["id"], desk.time, "LiveLimited")
    return onboarding["id"]


async def order(desk: Desk, onboarding_id: str, verb: str, **fields: Any) -> httpx.Response:
    return await desk.http.post(f"/v1/onboardings/{onboarding_id}/{verb}", json=MIA | fields)


class TestRetry:
    """The next attempt."""

    async def test_it_begins_and_its_run_starts(self, desk: Desk, prefect: FakePrefect):
        onboarding_id = await ended(desk)
        answer = await order(desk, onboarding_id, "retry")
        shown = answer.json()
        assert (answer.status_code, shown["attempt"], shown["ended"]) == (200, 2, False)
        assert prefect.started == [onboarding_id, onboarding_id]

    async def test_who_wanted_it_is_shown_from_then_on(self, desk: Desk):
        onboarding_id = await ended(desk)
        await order(desk, onboarding_id, "retry", sender=f"+{BAD}")
        decided = MIA | {"verb": "retry", "phone_number": BAD, "at": "2026-01-05T09:00:00Z"}
        assert (await desk.onboarding(onboarding_id))["decisions"] == [decided]
        (listed,) = await desk.onboardings()
        assert listed["decisions"] == [decided]

    async def test_without_prefect_it_is_kept(self, desk: Desk, prefect: FakePrefect):
        onboarding_id = await ended(desk)
        prefect.away = True
        answer = await order(desk, onboarding_id, "retry")
        assert (answer.status_code, answer.json()["attempt"]) == (202, 2)

    async def test_a_live_sender_needs_none(self, desk: Desk):
        onboarding_id = await ended(desk, GOOD)
        assert_problem(await order(desk, onboarding_id, "retry", sender=GOOD), 409, "…8538")

    async def test_when_all_is_live_there_is_none(self, desk: Desk):
        onboarding_id = await ended(desk, GOOD, BAD)
        assert_problem(await order(desk, onboarding_id, "retry"), 409, "nothing to retry")

    async def test_a_sender_that_is_not_there_is_said(self, desk: Desk):
        onboarding_id = await ended(desk)
        assert_problem(await order(desk, onboarding_id, "retry", sender="+12025550123"), 404)


class TestCancel:
    """The end that somebody wants."""

    async def test_it_has_ended(self, desk: Desk, stopper: Stopper):
        onboarding_id = (await desk.asked())["id"]
        answer = await order(desk, onboarding_id, "cancel")
        shown = answer.json()
        assert (answer.status_code, shown["stage"], shown["ended"]) == (200, "Cancelled", True)
        assert shown["summary"].startswith("Cancelled by mia: The phone is on.")
        assert shown["requirements"] == []

    async def test_the_same_request_twice_is_one(self, desk: Desk, stopper: Stopper):
        onboarding_id = (await desk.asked())["id"]
        for _ in range(2):
            answer = await order(desk, onboarding_id, "cancel")
            assert (answer.status_code, len(answer.json()["decisions"])) == (200, 1)

    async def test_a_run_at_work_stops_a_moment_later(self, desk: Desk, stopper: Stopper):
        onboarding_id = (await desk.asked())["id"]
        stopper.stops = lambda: False
        answer = await order(desk, onboarding_id, "cancel")
        shown = answer.json()
        assert (answer.status_code, shown["stage"], shown["ended"]) == (202, "Cancelled", False)

    async def test_without_prefect_it_is_kept(self, desk: Desk, stopper: Stopper):
        onboarding_id = (await desk.asked())["id"]

        def away() -> bool:
            raise httpx.ConnectError("All connection attempts failed")

        stopper.stops = away
        assert (await order(desk, onboarding_id, "cancel")).status_code == 202
        assert (await desk.onboarding(onboarding_id))["stage"] == "Cancelled"

    async def test_what_has_ended_cannot_be(self, desk: Desk, stopper: Stopper):
        onboarding_id = await ended(desk)
        assert_problem(await order(desk, onboarding_id, "cancel"), 409, "nothing to cancel")


@every_verb
class TestEveryVerb:
    """What all of them want."""

    @pytest.mark.parametrize("fields", [{"by": ""}, {"why": " "}, {"why": None}, {"who": "mia"}])
    async def test_nobody_decides_without_a_name_and_a_reason(
        self, desk: Desk, stopper: Stopper, verb: str, fields: dict[str, Any]
    ):
        onboarding_id = await ended(desk)
        assert_problem(await order(desk, onboarding_id, verb, **fields), 422, *fields)

    async def test_an_onboarding_that_is_not_there_is_said(
        self, desk: Desk, stopper: Stopper, verb: str
    ):
        assert_problem(await order(desk, "nobodys", verb), 404, "nobodys")

    async def test_without_a_key_nobody_decides(self, desk: Desk, verb: str):
        onboarding_id = await ended(desk)
        answer = await desk.stranger.post(f"/v1/onboardings/{onboarding_id}/{verb}", json=MIA)
        assert_problem(answer, 401)
