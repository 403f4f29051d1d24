"""`waboard status`, the report, the digest and `/metrics` count the same onboardings."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.domain.samples import (
    ASSOCIATED,
    BAD,
    FAILED,
    GOOD,
    NO_RECEIVER,
    REGISTERED,
    VERIFIED,
    not_true,
    true,
)
from tests.gateway.desk import Desk
from waboard.domain.clocks import OF_THE_FIELD, Clocks
from waboard.domain.conditions import Condition, ConditionType
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.departures import Departure, DepartureState
from waboard.domain.digest import Digest, digest_of
from waboard.domain.outcome import OutcomeName, outcome_of
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.report import ON_THE_WAY, Report, report_of, said, stands
from waboard.domain.requirements import NOBODYS
from waboard.ledger.admissions import cap_use
from waboard.ledger.attempts import begin_attempt, call_off, end_cancelled
from waboard.ledger.conditions import write_condition
from waboard.ledger.decisions import record_decision
from waboard.ledger.departures import (
    begin_leaving,
    finish_leaving,
    note_approval_asked,
    note_departure,
    note_trouble,
)
from waboard.ledger.digests import matters
from waboard.ledger.figures import ways_since
from waboard.ledger.onboardings import end_onboarding, read_onboarding
from waboard.ledger.queries.counted import count_stages
from waboard.ledger.senders import expect_sender
from waboard.ledger.tally import take_tally
from waboard.screen import onboardings_screen

pytestmark = pytest.mark.alone

ORDER = Order(by="ada", why="Because.")
LONG_AGO = timedelta(days=1)
Fate = Callable[["Town"], Awaitable[object]]


class Town:
    """A desk, and what becomes of the clients at it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.number = 0

    async def asked(self, client_ref: str = "", waba_id: str = "") -> str:
        """Somebody asks for a client's onboarding, once more if it has left; return its id."""
        self.number += 1
        name = client_ref or f"client-{self.number}"
        request = {"client_ref": name, "waba_id": waba_id or f"77{self.number}"}
        request["again"] = {"by": "ada", "why": "It is back."}
        return (await self.desk.asked(**request))["id"]

    async def write(self, onboarding_id: str, *conditions: Condition, number: str = "") -> None:
        async with self.desk.begin() as session:
            if number:
                await expect_sender(session, onboarding_id, number, "test", self.desk.time)
            for condition in conditions:
                now = replace(condition, changed_at=self.desk.time)
                await write_condition(session, onboarding_id, number, now)

    async def live(self, onboarding_id: str, number: str = GOOD) -> None:
        """A sender of it is live."""
        await self.write(
            onboarding_id, *map(true, (REGISTERED, ASSOCIATED, VERIFIED)), number=number
        )

    async def ends(self, onboarding_id: str) -> str:
        """Its run ends, and says what it came to."""
        async with self.desk.begin() as session:
            outcome = outcome_of(await read_onboarding(session, onboarding_id))
            await end_onboarding(session, onboarding_id, self.desk.time, outcome.name)
        return onboarding_id

    async def ended_live(self) -> str:
        onboarding_id = await self.asked()
        await self.live(onboarding_id)
        return await self.ends(onboarding_id)

    async def ended_failed(self) -> str:
        onboarding_id = await self.asked()
        await self.write(onboarding_id, FAILED, number=BAD)
        return await self.ends(onboarding_id)

    async def cancels(self, onboarding_id: str, *, stopped: bool) -> str:
        """Somebody cancels it, and its run has stopped, or not yet."""
        async with self.desk.begin() as session:
            cancel = DecisionVerb.CANCEL
            await record_decision(session, onboarding_id, cancel, ORDER, self.desk.time)
            await call_off(session, onboarding_id, self.desk.time)
            if stopped:
                await end_cancelled(session, onboarding_id, self.desk.time)
        return onboarding_id

    async def retries(self, onboarding_id: str) -> None:
        async with self.desk.begin() as session:
            await begin_attempt(session, onboarding_id, self.desk.time)

    async def asks_to_leave(self, onboarding_id: str) -> Departure:
        """Somebody asks that a client leaves."""
        async with self.desk.begin() as session:
            onboarding, now = await read_onboarding(session, onboarding_id), self.desk.time
            run_id = f"run of {onboarding_id[:20]}"
            departure, _ = await note_departure(session, run_id, onboarding, ORDER, now)
            assert departure.state is DepartureState.APPROVAL_AWAITED
            await note_approval_asked(session, departure, "key", now + LONG_AGO, now)
        return departure

    async def approves(self, onboarding_id: str) -> str:
        """Somebody approves it: the client is leaving."""
        async with self.desk.begin() as session:
            approve = DecisionVerb.APPROVE
            await record_decision(session, onboarding_id, approve, ORDER, self.desk.time)
            assert await begin_leaving(session, onboarding_id, self.desk.time)
        return onboarding_id

    async def leaves(self, onboarding_id: str) -> str:
        """The client has left."""
        await self.approves(onboarding_id)
        async with self.desk.begin() as session:
            onboarding = await read_onboarding(session, onboarding_id)
            await finish_leaving(session, onboarding, "All is given back.", self.desk.time)
        return onboarding_id


async def new(town: Town) -> object:
    return await town.asked()


async def asleep(town: Town) -> object:
    return await town.desk.sleeps(await town.asked())


async def live(town: Town) -> object:
    return await town.ended_live()


async def half_live(town: Town) -> object:
    onboarding_id = await town.asked()
    await town.live(onboarding_id)
    await town.write(onboarding_id, FAILED, number=BAD)
    return await town.ends(onboarding_id)


async def failed_twice(town: Town) -> object:
    onboarding_id = await town.asked()
    for number in (GOOD, BAD):
        await town.write(onboarding_id, FAILED, number=number)
    return await town.ends(onboarding_id)


async def nobody_to_tell(town: Town) -> object:
    return await town.write(await town.ended_live(), NO_RECEIVER)


async def disconnected(town: Town) -> object:
    gone = not_true(ConditionType.CONNECTED, Reason.CLIENT_DISCONNECTED)
    return await town.write(await town.ended_live(), gone)


async def being_cancelled(town: Town) -> object:
    onboarding_id = await town.asked()
    await town.write(onboarding_id, FAILED, number=BAD)
    return await town.cancels(onboarding_id, stopped=False)


async def cancelled(town: Town) -> object:
    return await town.cancels(await town.asked(), stopped=True)


async def retried(town: Town) -> object:
    return await town.retries(await town.ended_failed())


async def retried_after_its_cancellation(town: Town) -> object:
    return await town.retries(await town.cancels(await town.asked(), stopped=True))


async def asked_to_leave(town: Town) -> object:
    return await town.asks_to_leave(await town.ended_live())


async def leaving(town: Town) -> object:
    return await town.approves(await town.ended_live())


async def kept_from_leaving(town: Town) -> object:
    onboarding_id = await town.approves(await town.ended_failed())
    async with town.desk.begin() as session:
        await note_trouble(session, onboarding_id, "Meta is away.", town.desk.time)
    return None


async def left(town: Town) -> object:
    return await town.leaves(await town.ended_live())


async def left_once_cancelled(town: Town) -> object:
    return await town.leaves(await town.cancels(await town.asked(), stopped=True))


async def left_and_came_back(town: Town) -> object:
    onboarding_id = await town.asked("back", "991")
    await town.live(onboarding_id)
    await town.leaves(await town.ends(onboarding_id))
    return await town.asked("back", "991")


async def left_and_came_back_with_another_waba(town: Town) -> object:
    await town.leaves(await town.ends(await town.asked("moved", "992")))
    return await town.asked("moved", "993")


FATES: list[Fate] = [
    new,
    asleep,
    live,
    half_live,
    failed_twice,
    nobody_to_tell,
    disconnected,
    being_cancelled,
    cancelled,
    retried,
    retried_after_its_cancellation,
    asked_to_leave,
    leaving,
    kept_from_leaving,
    left,
    left_once_cancelled,
    left_and_came_back,
    left_and_came_back_with_another_waba,
]


async def report_at(desk: Desk) -> Report:
    since = desk.time - LONG_AGO
    async with desk.begin() as session:
        ways, cap = await ways_since(session, since), await cap_use(session, 10, desk.time)
        return report_of(ways, cap, since, desk.time, await count_stages(session))


async def digest_at(desk: Desk) -> Digest:
    since = desk.time - LONG_AGO
    async with desk.begin() as session:
        found = await matters(session, Clocks(OF_THE_FIELD, {}), since, desk.time)
    return digest_of(found, since, desk.time)


def awaiting(status: list[dict[str, Any]], party: Party) -> set[str]:
    """The onboardings that wait for somebody, as `waboard status` shows them."""
    return {
        each["id"]
        for each in status
        if any(r["awaiting"] == party and r["reason"] not in NOBODYS for r in each["requirements"])
    }


async def assert_they_agree(desk: Desk) -> None:
    status = (await desk.http.get("/v1/onboardings", params={"limit": 1000})).json()
    report, digest = await report_at(desk), await digest_at(desk)
    counts = stands(Counter(each["stage"] for each in status))
    async with desk.begin() as session:
        assert stands((await take_tally(session, desk.time)).stages) == counts
    assert report.stands == counts
    assert report.on_the_way == counts.get(ON_THE_WAY, 0)
    for turn in report.turns:
        assert turn.count == len(awaiting(status, turn.party)), turn.party
    told = {heading: {line.onboarding_id for line in lines} for heading, lines in digest.parts}
    for party, heading in ((Party.OPERATOR, "operator"), (Party.CLIENT, "client")):
        assert told.get(f"Needs the {heading}", set()) == awaiting(status, party)
    ended = {each["id"] for each in status if each["stage"] in set(OutcomeName)}
    assert told.get("Ended", set()) == ended
    stages = {f"{each['client_ref']}: {each['stage']}" for each in status if each["id"] in ended}
    assert {line.text for line in dict(digest.parts).get("Ended", [])} == stages


@pytest.mark.parametrize("fate", FATES, ids=lambda fate: fate.__name__)
async def test_they_agree_about_a_client(desk: Desk, fate: Fate):
    await fate(Town(desk))
    desk.pass_time(minutes=1)
    await assert_they_agree(desk)


async def test_they_agree_about_everyone(desk: Desk):
    town = Town(desk)
    for fate in FATES:
        await fate(town)
        desk.pass_time(minutes=1)
    await assert_they_agree(desk)


async def test_a_client_that_left_and_came_back_counts_once_and_keeps_its_history(desk: Desk):
    await left_and_came_back(Town(desk))
    listed = await desk.onboardings()
    assert [each["stage"] for each in listed] == ["Sharing"]
    history = (await desk.http.get("/v1/onboardings", params={"client_ref": "back"})).json()
    assert {each["stage"] for each in history} == {"Sharing", "Offboarded"}


async def test_the_screen_says_how_many_came_to_what(desk: Desk):
    town = Town(desk)
    for fate in (new, live, leaving):
        await fate(town)
    status = await desk.onboardings()
    *_, last = onboardings_screen(status).renderables  # pyright: ignore[reportAttributeAccessIssue]
    assert str(last) == "3 onboardings: on the way 1, Leaving 1, Live 1."
    assert str(last) == said((await report_at(desk)).stands)
