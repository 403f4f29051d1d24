"""At the door: the partner solution, the week's places, our subscription, the share."""

import json
from typing import Any

import httpx
import pytest
from prefect.client.schemas.objects import StateType

from tests.flows.bench import TOLD, FlowBench
from tests.flows.prefect_api import Run
from tests.sandbox.lab import DOCUMENTED
from tests.tasks.bench import (
    ENTITIES,
    ENTITY,
    GIVE_UP,
    GOOD,
    NUDGE,
    OTHER,
    QUALITY,
    SHARE,
    VALIDATE,
    condition,
    meta_account,
    policy,
    sender_fate,
    unreachable,
)
from tests.tasks.test_door import PORTFOLIO, signed_up
from waboard.domain.conditions import ConditionType
from waboard.domain.facts import meta_facts
from waboard.domain.reasons import Reason

SOLUTION = "/graph/v26.0/900000000000001"
SUBSCRIBED = f"/graph/v26.0/{DOCUMENTED}/subscribed_apps"
TOKEN = f"{SOLUTION}/access_token"
DAY = 86400.0


@pytest.fixture(autouse=True)
async def one_sender(flows: FlowBench) -> None:
    """The WABA has one good number."""
    await flows.bench.sandbox.decide(senders=[sender_fate(GOOD)])


async def of(flows: FlowBench, kind: ConditionType) -> tuple[str, str]:
    return condition(await flows.bench.look(), kind)


class TestSolution:
    """Nobody is let in before it is usable."""

    async def awaited(self, flows: FlowBench, **facts: Any) -> Run:
        """A run that waits for it."""
        known = flows.bench.books.meta.facts
        known.solution_status, known.solution_pending = "INITIATED", "PENDING_ACTIVATION"
        run = await flows.onboard(**facts)
        assert run.state.name == "AwaitingSolution"
        return run

    def becomes_usable(self, flows: FlowBench) -> None:
        known = flows.bench.books.meta.facts
        known.solution_status, known.solution_pending = "ACTIVE", "NONE"

    async def test_a_run_waits_for_it_and_takes_no_place_meanwhile(self, flows: FlowBench):
        run = await self.awaited(flows)
        assert (flows.steps, flows.bench.writes()) == (["look at solution"], [])
        assert ConditionType.ADMITTED not in (await flows.bench.look()).conditions
        assert "waiting:solution" in run.tags

    async def test_metas_webhook_wakes_it(self, flows: FlowBench):
        run = await self.awaited(flows)
        self.becomes_usable(flows)
        value = {"event": "SOLUTION_UPDATED", "solution_status": "ACTIVE"}
        change = {"field": "partner_solutions", "value": value}
        entry = {"id": "700000000000001", "time": flows.bench.now.timestamp(), "changes": [change]}
        body = {"object": "whatsapp_business_account", "entry": [entry]}
        await flows.says(meta_facts(json.dumps(body).encode()))
        assert run.state.name == "Live"
        assert flows.steps[:3] == ["look at solution", "look at solution", "share"]

    async def test_without_a_webhook_it_is_looked_at_now_and_then(self, flows: FlowBench):
        flows.bench.services.policy = policy(solution_nudge=NUDGE)
        run = await self.awaited(flows)
        await flows.later(seconds=NUDGE - 1)
        assert flows.steps == ["look at solution"]
        self.becomes_usable(flows)
        await flows.later(seconds=1)
        assert run.state.name == "Live"

    async def test_in_the_end_it_is_given_up_and_nothing_is_shared(self, flows: FlowBench):
        flows.bench.services.policy = policy(solution_nudge=NUDGE, solution_give_up=GIVE_UP)
        await signed_up(flows.bench)
        run = await self.awaited(flows)
        await flows.later(seconds=GIVE_UP)
        assert (run.state.type, run.state.name) == (StateType.FAILED, "SolutionNotUsable")
        assert flows.steps == ["look at solution"] * 2 + TOLD
        assert flows.bench.writes() == []
        assert ConditionType.ADMITTED not in (await flows.bench.look()).conditions

    async def test_usable_at_the_last_look_it_is_not_too_late(self, flows: FlowBench):
        flows.bench.services.policy = policy(solution_nudge=NUDGE, solution_give_up=GIVE_UP)
        run = await self.awaited(flows)
        self.becomes_usable(flows)
        await flows.later(seconds=GIVE_UP)
        assert run.state.name == "Live"

    @pytest.mark.parametrize(
        ("trouble", "reason", "tries"),
        [("away", Reason.PROVIDER_UNAVAILABLE, 5), ("unknown", Reason.SOLUTION_UNREADABLE, 1)],
    )
    async def test_one_that_cannot_be_seen_is_waited_for(
        self, flows: FlowBench, trouble: str, reason: Reason, tries: int
    ):
        facts = {"solution_id": "900000000000009"} if trouble == "unknown" else {}
        if trouble == "away":
            flows.bench.network.cut_before("GET", SOLUTION, unreachable(), always=True)
        run = await flows.onboard(**facts)
        assert (run.state.name, flows.tries) == ("AwaitingSolution", {"look at solution": tries})
        assert await of(flows, ConditionType.SOLUTION_USABLE) == ("Unknown", reason)

    async def test_past_the_door_it_is_not_looked_at_any_more(self, flows: FlowBench):
        run = await flows.onboard()
        assert (run.state.name, flows.steps.count("look at solution")) == ("Live", 1)

    @pytest.mark.parametrize("lacks", ["meta", "solution"])
    async def test_where_there_is_none_nobody_looks(self, flows: FlowBench, lacks: str):
        if lacks == "meta":
            flows.bench.services.meta = None
        else:
            flows.bench.meta.account = meta_account(flows.bench.sandbox, solution_id=None)
        run = await flows.onboard()
        assert (run.state.name, flows.steps[0]) == ("Live", "share")
        assert ConditionType.SOLUTION_USABLE not in (await flows.bench.look()).conditions

    async def test_without_metas_side_nothing_is_asked_of_meta(self, flows: FlowBench):
        await signed_up(flows.bench)
        flows.bench.services.meta = None
        await flows.onboard()
        assert flows.calls(SOLUTION, SUBSCRIBED, TOKEN) == []


@pytest.mark.alone
class TestSlot:
    """So many new clients in a week, and the others one after the other."""

    async def full(self, flows: FlowBench, **changes: Any) -> Run:
        """The week's only place is taken, and another client waits."""
        flows.bench.services.policy = policy(weekly_cap=1, **changes)
        await flows.onboard(client_ref="bakery", waba_id="2")
        flows.forget()
        run = await flows.onboard()
        assert run.state.name == "AwaitingSlot"
        return run

    async def test_beyond_the_cap_a_run_waits_and_shares_nothing(self, flows: FlowBench):
        await signed_up(flows.bench)
        run = await self.full(flows)
        assert (flows.steps, flows.bench.calls("POST", SHARE)) == (["look at solution"], 1)
        assert await of(flows, ConditionType.ADMITTED) == ("False", "SlotAwaited")
        assert "waiting:slot" in run.tags

    async def test_it_wakes_when_its_slot_frees_and_not_before(self, flows: FlowBench):
        run = await self.full(flows)
        await flows.later(days=7, seconds=-1)
        assert flows.steps == ["look at solution"]
        await flows.later(seconds=1)
        assert run.state.name == "Live"
        assert await of(flows, ConditionType.ADMITTED) == ("True", "SlotTaken")

    async def test_in_the_end_it_is_given_up(self, flows: FlowBench):
        run = await self.full(flows, slot_give_up=DAY)
        await flows.later(days=1)
        assert (run.state.type, run.state.name) == (StateType.FAILED, "NoSlot")
        assert flows.steps == ["look at solution"] * 2 + TOLD
        assert flows.bench.calls("POST", SHARE) == 1

    async def test_one_that_is_free_at_the_last_look_is_taken(self, flows: FlowBench):
        run = await self.full(flows, slot_give_up=7 * DAY)
        await flows.later(days=7)
        assert run.state.name == "Live"


class TestConnecting:
    """Our app is subscribed before the share, of a client that came by a signup link."""

    async def test_before_the_share(self, flows: FlowBench):
        await signed_up(flows.bench)
        run = await flows.onboard()
        assert run.state.name == "Live"
        assert flows.steps[:3] == ["look at solution", "connect", "share"]
        assert flows.steps.count("connect") == 1
        assert flows.calls("POST", SUBSCRIBED, SHARE)[-1] == f"POST {SHARE}"
        assert await of(flows, ConditionType.CONNECTED) == ("True", "SubscriptionReadBack")

    async def test_refused_it_keeps_nobody_from_going_live(self, flows: FlowBench):
        await signed_up(flows.bench)
        await flows.bench.sandbox.decide(partner=False, senders=[sender_fate(GOOD)])
        run = await flows.onboard()
        assert (run.state.name, flows.steps.count("connect")) == ("Live", 1)
        assert await of(flows, ConditionType.CONNECTED) == ("Unknown", "SubscriptionRefused")

    async def test_while_meta_is_away_each_leg_tries_and_none_twice(self, flows: FlowBench):
        await signed_up(flows.bench)
        flows.bench.network.cut_before("GET", SUBSCRIBED, unreachable(), always=True)
        run = await flows.onboard()
        assert (run.state.name, len(flows.opened)) == ("Live", 3)
        assert (flows.steps.count("connect"), flows.tries["connect"]) == (3, 15)
        assert await of(flows, ConditionType.CONNECTED) == ("Unknown", "ProviderUnavailable")

    async def test_without_a_signup_there_is_nobody_to_ask_as(self, flows: FlowBench):
        run = await flows.onboard()
        assert (run.state.name, "connect" in flows.steps) == ("Live", False)
        assert ConditionType.CONNECTED not in (await flows.bench.look()).conditions


class TestWatching:
    """A client without a signup is watched at Meta as well, where the solution lets us."""

    async def in_solution(self, flows: FlowBench) -> Run:
        await flows.bench.sandbox.decide(in_solution=True, senders=[sender_fate(GOOD)])
        return await flows.onboard()

    async def test_at_the_end_and_before_anybody_is_told(self, flows: FlowBench):
        run = await self.in_solution(flows)
        assert run.state.name == "Live"
        assert flows.steps[-4:] == ["verify", "connect", *TOLD]
        assert await of(flows, ConditionType.CONNECTED) == ("True", "SubscriptionReadBack")

    async def test_its_senders_are_read_before(self, flows: FlowBench):
        await self.in_solution(flows)
        asked = flows.calls(QUALITY, SUBSCRIBED)
        assert asked[0] == f"GET {QUALITY}"

    async def test_that_it_fails_is_nobodys_matter(self, flows: FlowBench):
        flows.bench.network.cut_before("GET", SUBSCRIBED, unreachable(), always=True)
        run = await self.in_solution(flows)
        assert (run.state.name, flows.tries["connect"]) == ("Live", 5)
        assert ConditionType.CONNECTED not in (await flows.bench.look()).conditions

    async def test_whoever_came_by_a_link_was_asked_for_at_the_door(self, flows: FlowBench):
        await signed_up(flows.bench, with_token=False)
        await flows.onboard()
        assert flows.calls(TOKEN) == [f"GET {TOKEN}"]
        assert flows.bench.books.meta.owners[DOCUMENTED] == PORTFOLIO


class TestShare:
    """Shared once; what Infobip does not answer, the registration shows."""

    async def test_a_refusal_ends_the_run_with_the_providers_words(self, flows: FlowBench):
        flows.refuse("POST", SHARE, "You are not allowed to use this WABA")
        run = await flows.onboard()
        assert (run.state.type, run.state.name) == (StateType.FAILED, "ShareRefused")
        assert "not allowed to use this WABA" in str(run.state.message)
        assert flows.steps == ["look at solution", "share", *TOLD]
        assert flows.calls(QUALITY, TOKEN) == []

    async def test_away_it_is_tried_again_and_then_delayed(self, flows: FlowBench):
        flows.bench.network.cut_before("POST", SHARE, unreachable(), always=True)
        run = await flows.onboard()
        assert flows.tries["share"] == 5
        assert await of(flows, ConditionType.SHARED) == ("Unknown", "ProviderUnavailable")
        assert run.state.name in {"AwaitingRegistration", "AwaitingUpstream"}

    async def test_taken_and_not_answered_it_is_not_repeated(self, flows: FlowBench):
        flows.bench.network.cut_after("POST", SHARE, httpx.ReadTimeout("no answer"))
        run = await flows.onboard()
        assert (run.state.name, flows.bench.calls("POST", SHARE)) == ("Live", 1)
        assert flows.tries["share"] == 1

    async def test_a_registration_that_failed_is_looked_for_before_it_is_shared_again(
        self, flows: FlowBench
    ):
        failed = sender_fate(GOOD, status="FAILED")
        await flows.bench.sandbox.decide(status="FAILED", senders=[failed], repeat_registers=True)
        await flows.onboard()
        await flows.bench.later(60)
        mended = [sender_fate(GOOD)]
        await flows.bench.sandbox.decide(status="FINISHED", senders=mended, repeat_registers=True)
        flows.forget()
        await flows.start("retry", client_ref="acme", by="mia", why="Two-step is off.")
        assert flows.steps[:2] == ["await registration", "share"]
        assert flows.prefect.of("onboard-client")[-1].state.name == "Live"

    async def test_what_is_registered_by_then_is_not_shared_again(self, flows: FlowBench):
        failed = sender_fate(GOOD, status="FAILED")
        await flows.bench.sandbox.decide(status="FAILED", senders=[failed])
        await flows.onboard()
        await flows.bench.later(60)
        await self.connected(flows)
        flows.forget()
        await flows.start("retry", client_ref="acme", by="mia", why="It is connected now.")
        assert "share" not in flows.steps
        assert flows.prefect.of("onboard-client")[-1].state.name == "Live"

    async def connected(self, flows: FlowBench) -> None:
        """Infobip has registered the number after all, and said nothing."""
        await flows.bench.sandbox.decide(senders=[sender_fate(GOOD)])
        await flows.registers()
        flows.bench.posted()


class TestRegistration:
    """Awaited until every sender's has ended, or for as long as one waits."""

    async def silent(self, flows: FlowBench, **facts: Any) -> Run:
        await flows.bench.sandbox.decide(silent=True, senders=[sender_fate(GOOD)])
        run = await flows.onboard(**facts)
        assert (run.state.name, run.state.type) == ("AwaitingRegistration", StateType.PAUSED)
        assert "waiting:registration" in run.tags
        return run

    async def test_its_webhook_wakes_the_run(self, flows: FlowBench):
        run = await self.silent(flows)
        await flows.registers()
        await flows.carry_on()
        assert (run.state.name, flows.steps.count("await registration")) == ("Live", 1)

    async def test_one_that_came_before_anybody_asked_is_used(self, flows: FlowBench):
        await flows.registers()
        await flows.hear()
        run = await flows.onboard()
        assert run.story == ["Scheduled", "Running", "AwaitingDelivery", *run.story[3:]]
        assert "await registration" not in flows.steps

    async def test_a_lost_one_is_made_up_for_by_looking(self, flows: FlowBench):
        run = await self.silent(flows, phone_numbers=[f"+{GOOD}"])
        await flows.later(seconds=NUDGE)
        assert (run.state.name, flows.steps.count("await registration")) == ("Live", 2)

    async def test_in_the_end_it_is_given_up(self, flows: FlowBench):
        run = await self.silent(flows)
        await flows.later(seconds=GIVE_UP - 1)
        assert run.state.name == "AwaitingRegistration"
        await flows.later(seconds=1)
        assert (run.state.type, run.state.name) == (StateType.FAILED, "RegistrationTimedOut")
        assert flows.steps[-2:] == TOLD

    async def test_that_infobip_does_not_let_us_look_keeps_nobody_from_giving_up(
        self, flows: FlowBench
    ):
        run = await self.silent(flows, phone_numbers=[f"+{GOOD}"])
        flows.bench.network.cut_before("GET", QUALITY, unreachable(), always=True)
        await flows.later(seconds=GIVE_UP)
        assert run.state.name == "RegistrationTimedOut"

    async def test_one_that_has_ended_by_itself_is_not_given_up(self, flows: FlowBench):
        run = await self.silent(flows)
        await flows.bench.later(GIVE_UP)
        await flows.registers()
        await flows.hear()
        await flows.carry_on()
        assert run.state.name == "Live"


BUSY = {
    "look at solution": ("GET", SOLUTION),
    "share": ("POST", SHARE),
    "prepare ids": ("GET", f"{ENTITIES}/{ENTITY}"),
    "verify": ("POST", VALIDATE),
}


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_provider_is_tried_again(flows: FlowBench, status: int):
    """Of each step both are passing; but a share that may have been taken is not repeated."""
    for step, (method, path) in BUSY.items():
        if step != "share" or status == 429:
            flows.bench.network.instead(method, path, lambda _: httpx.Response(status))
    run = await flows.onboard()
    assert (run.state.name, len(flows.bench.books.messages)) == ("Live", 1)
    tried_again = {step for step, tries in flows.tries.items() if tries == 2}
    assert tried_again == ({*BUSY} if status == 429 else {*BUSY} - {"share"})


async def test_a_neighbour_is_left_alone(flows: FlowBench):
    """Two clients in one ledger, each with numbers of its own: the runs go beside each other."""
    await flows.bench.sandbox.decide("2", senders=[sender_fate(OTHER)])
    neighbour = await flows.onboard(client_ref="bakery", waba_id="2")
    run = await flows.onboard()
    assert (neighbour.state.name, run.state.name) == ("Live", "Live")
    assert [s.phone_number for s in (await flows.bench.look()).senders] == [GOOD]
