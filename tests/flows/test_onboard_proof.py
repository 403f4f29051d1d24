"""Past the door: the template, the association, the test messages, and who gives up when."""

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
    NUMBERS,
    OTHER,
    QUALITY,
    REPORTS,
    SEND,
    VALIDATE,
    condition,
    policy,
    sender_fate,
    unreachable,
)
from tests.tasks.test_runs import TEMPLATE_UPDATE
from waboard.domain.conditions import ConditionType
from waboard.domain.facts import template_facts

TEMPLATES = f"/whatsapp/2/senders/{GOOD}/templates"
INFO = f"/whatsapp/1/senders/{GOOD}/business-info"
REFUSAL = {"requestError": {"serviceException": {"messageId": "BAD_REQUEST", "text": "No."}}}
WRITER = "447860099311"


async def onboard(flows: FlowBench, *fates: dict[str, Any], **facts: Any) -> Run:
    """A client whose WABA has these senders, one good one unless said otherwise."""
    about = {each: facts.pop(each) for each in list(facts) if each.startswith("template")}
    await flows.bench.sandbox.decide(senders=list(fates) or [sender_fate(GOOD)], **about)
    return await flows.onboard(**facts)


def steps(flows: FlowBench) -> list[str]:
    """What was called once the WABA was shared and its registration over."""
    door = {"look at solution", "share", "await registration"}
    return [step for step in flows.steps if step not in door]


def sent(flows: FlowBench) -> int:
    return flows.bench.calls("POST", SEND)


async def verified(flows: FlowBench, number: str = GOOD) -> tuple[str, str]:
    return condition((await flows.bench.look()).sender(number), ConditionType.VERIFIED)


class TestTemplate:
    """Found or made before anything is sent, and its review awaited."""

    async def awaited(self, flows: FlowBench, **about: Any) -> Run:
        run = await onboard(flows, templates=[], template_verdict="PENDING", **about)
        assert (run.state.name, run.state.type) == ("AwaitingTemplate", StateType.PAUSED)
        return run

    async def is_approved(self, flows: FlowBench) -> None:
        path = f"/sandbox/wabas/{DOCUMENTED}/templates/waboard_verification"
        approved = await flows.bench.sandbox.http.put(path, json={"status": "APPROVED"})
        approved.raise_for_status()

    async def test_while_it_is_reviewed_the_sender_is_filed_and_nothing_is_sent(
        self, flows: FlowBench
    ):
        run = await self.awaited(flows)
        assert steps(flows) == ["prepare template", "prepare ids", "associate"]
        assert sent(flows) == 0
        assert "Meta reviews the template" in str(run.state.message)

    async def test_its_webhook_wakes_the_run_and_only_then_the_message_goes_out(
        self, flows: FlowBench
    ):
        run = await self.awaited(flows)
        await self.is_approved(flows)
        flows.forget()
        await flows.says(template_facts(TEMPLATE_UPDATE))
        assert (run.state.name, sent(flows)) == ("Live", 1)
        assert steps(flows) == ["prepare template", "verify", *TOLD]

    async def test_without_a_webhook_it_is_looked_for_again(self, flows: FlowBench):
        run = await self.awaited(flows)
        await self.is_approved(flows)
        await flows.later(seconds=policy().template_nudge)
        assert (run.state.name, sent(flows)) == ("Live", 1)

    async def test_in_the_end_it_is_given_up(self, flows: FlowBench):
        flows.bench.services.policy = policy(template_nudge=NUDGE, template_give_up=GIVE_UP)
        run = await self.awaited(flows)
        await flows.later(seconds=GIVE_UP)
        assert (run.state.type, run.state.name) == (StateType.FAILED, "VerificationFailed")
        found = condition(await flows.bench.look(), ConditionType.TEMPLATE_READY)
        assert (found, sent(flows)) == (("Unknown", "TemplateTimedOut"), 0)

    async def test_rejected_it_ends_the_run_with_metas_reason_and_what_to_do(
        self, flows: FlowBench
    ):
        rejected = {"template_verdict": "REJECTED", "template_reason": "SCAM"}
        run = await onboard(flows, templates=[], **rejected)
        if run.state.name == "AwaitingTemplate":
            await flows.later(seconds=policy().template_nudge)
        assert (run.state.type, run.state.name) == (StateType.FAILED, "VerificationFailed")
        assert "REJECTED" in str(run.state.message)
        assert "WABOARD_VERIFICATION_TEXT" in str(run.state.message)
        assert sent(flows) == 0

    async def test_one_that_cannot_be_seen_may_be_there_and_the_message_goes_out(
        self, flows: FlowBench
    ):
        flows.refuse("GET", TEMPLATES)
        run = await onboard(flows)
        assert (run.state.name, sent(flows)) == ("Live", 1)
        found = condition(await flows.bench.look(), ConditionType.TEMPLATE_READY)
        assert found == ("Unknown", "TemplateUnreadable")

    async def test_one_that_was_found_is_not_looked_for_again(self, flows: FlowBench):
        await onboard(flows)
        assert (len(flows.opened), steps(flows).count("prepare template")) == (3, 1)


class TestAssociating:
    """Each registered sender, side by side; each fails alone."""

    async def test_without_the_clients_ids_nobody_is_filed_and_nothing_sent(self, flows: FlowBench):
        flows.refuse("POST", ENTITIES)
        run = await onboard(flows, sender_fate(GOOD), sender_fate(OTHER))
        assert (run.state.type, run.state.name) == (StateType.FAILED, "AssociationFailed")
        assert steps(flows) == ["prepare template", "prepare ids", *TOLD]
        onboarding = await flows.bench.look()
        found = [condition(s, ConditionType.ASSOCIATED) for s in onboarding.senders]
        assert found == [("Unknown", "AssociationRefused")] * 2

    async def test_senders_fail_alone(self, flows: FlowBench):
        carry = flows.bench.network.carry

        async def knows_one(request: httpx.Request) -> httpx.Response:
            if request.url.params["number"] == OTHER:
                return httpx.Response(400, json=REFUSAL)
            return await carry(request)

        flows.bench.network.instead("GET", NUMBERS, knows_one, always=True)
        run = await onboard(flows, sender_fate(GOOD), sender_fate(OTHER))
        assert (run.state.type, run.state.name) == (StateType.COMPLETED, "LiveLimited")
        assert steps(flows).count("verify") == 1
        assert sent(flows) == 1

    async def test_one_whose_message_is_rejected_takes_nobody_else_down(self, flows: FlowBench):
        rejected = sender_fate(OTHER, delivery="rejected")
        run = await onboard(flows, sender_fate(GOOD), rejected)
        assert run.state.name == "LiveLimited"
        assert await verified(flows, OTHER) == ("False", "MessageRejected")

    async def test_one_that_infobip_filed_by_itself_is_moved(self, flows: FlowBench):
        run = await onboard(flows, sender_fate(GOOD, auto_associated_entity="506914307656634"))
        assert run.state.name == "Live"
        books = await flows.bench.sandbox.books()
        assert [each["entityId"] for each in books["associations"]] == [ENTITY]

    async def test_where_all_are_filed_the_ids_are_not_prepared_again(self, flows: FlowBench):
        await onboard(flows)
        assert (len(flows.opened), steps(flows).count("prepare ids")) == (3, 1)


class TestSending:
    """One message a sender, and a refusal is its own."""

    async def test_one_that_infobip_finds_invalid_is_not_sent(self, flows: FlowBench):
        flows.refuse("POST", VALIDATE)
        run = await onboard(flows)
        assert (run.state.type, run.state.name) == (StateType.FAILED, "VerificationFailed")
        assert (await verified(flows), sent(flows)) == (("Unknown", "MessageRefused"), 0)

    async def test_one_that_is_undeliverable_is_not_tried_in_a_loop(self, flows: FlowBench):
        run = await onboard(flows, sender_fate(GOOD, delivery="undeliverable"))
        assert (run.state.type, run.state.name) == (StateType.FAILED, "VerificationFailed")
        assert "UNDELIVERABLE" in str(run.state.message)
        assert (await verified(flows), sent(flows)) == (("False", "MessageUndeliverable"), 1)

    async def test_it_carries_the_clients_ids(self, flows: FlowBench):
        await onboard(flows)
        (message,) = flows.bench.books.messages.values()
        assert message.platform == {"applicationId": "waboard", "entityId": ENTITY}


class TestDelivery:
    """Reports are awaited, then pulled, then given up."""

    async def lost(self, flows: FlowBench, **fate: Any) -> Run:
        run = await onboard(flows, sender_fate(GOOD, **fate))
        assert run.state.name == "AwaitingDelivery"
        return run

    async def test_the_first_time_it_is_awaited_and_not_asked_for(self, flows: FlowBench):
        await self.lost(flows, lost_push=True)
        assert "await delivery" not in flows.steps
        assert flows.bench.calls("GET", REPORTS) == 0

    async def test_one_whose_push_was_lost_is_pulled(self, flows: FlowBench):
        run = await self.lost(flows, lost_push=True)
        flows.forget()
        await flows.later(seconds=NUDGE)
        assert run.state.name == "Live"
        assert flows.steps == ["await delivery", *TOLD]

    async def test_in_the_end_it_is_given_up(self, flows: FlowBench):
        run = await self.lost(flows, delivery="silent")
        await flows.later(seconds=GIVE_UP)
        assert (run.state.type, run.state.name) == (StateType.FAILED, "VerificationFailed")
        assert await verified(flows) == ("False", "NoReport")

    async def test_that_reports_cannot_be_pulled_keeps_nobody_from_giving_up(
        self, flows: FlowBench
    ):
        run = await self.lost(flows, delivery="silent")
        flows.bench.network.cut_before("GET", REPORTS, unreachable(), always=True)
        await flows.later(seconds=GIVE_UP)
        assert (run.state.name, flows.tries["await delivery"]) == ("VerificationFailed", 5)

    async def test_one_that_has_come_is_not_asked_for(self, flows: FlowBench):
        await onboard(flows)
        assert flows.bench.calls("GET", REPORTS) == 0


class TestInbound:
    """Proven by a message that somebody writes, and by its reply."""

    async def awaited(self, flows: FlowBench, verify_by: str, **about: Any) -> Run:
        run = await onboard(flows, verify_by=verify_by, **about)
        assert (run.state.name, run.state.type) == ("AwaitingInbound", StateType.PAUSED)
        return run

    async def writes(self, flows: FlowBench) -> None:
        message = {"from": WRITER, "text": "my card is 4111 1111"}
        path = f"/sandbox/senders/{GOOD}/inbound"
        (await flows.bench.sandbox.http.post(path, json=message)).raise_for_status()
        await flows.carry_on()

    async def test_no_template_is_needed_and_nothing_sent_before(self, flows: FlowBench):
        await self.awaited(flows, "inbound", templates=[])
        assert steps(flows) == ["prepare ids", "associate"]
        assert sent(flows) == 0

    async def test_whoever_writes_is_answered_and_the_sender_is_live(self, flows: FlowBench):
        run = await self.awaited(flows, "inbound", templates=[])
        flows.forget()
        await self.writes(flows)
        assert run.state.name == "Live"
        assert steps(flows) == ["verify", *TOLD]
        (reply,) = flows.bench.books.messages.values()
        assert (reply.to, reply.template) == (WRITER, None)
        assert not any("my card" in str(e.body) for e in await flows.bench.events("webhook"))

    async def test_with_both_the_template_goes_first_and_the_client_writes_then(
        self, flows: FlowBench
    ):
        run = await self.awaited(flows, "both")
        assert run.story[-4:] == ["AwaitingDelivery", "Resuming", "Running", "AwaitingInbound"]
        assert sent(flows) == 1
        await self.writes(flows)
        assert (run.state.name, sent(flows)) == ("Live", 1)

    async def test_in_the_end_it_is_given_up(self, flows: FlowBench):
        run = await self.awaited(flows, "inbound")
        await flows.later(seconds=policy().inbound_give_up)
        assert (run.state.type, run.state.name) == (StateType.FAILED, "VerificationFailed")
        sender = (await flows.bench.look()).sender(GOOD)
        assert condition(sender, ConditionType.RECEIVES) == ("False", "NoInbound")


class TestFacts:
    """How senders stand is kept at the end. Nothing depends on it."""

    async def test_they_are_read_once_and_before_anybody_is_told(self, flows: FlowBench):
        await onboard(flows)
        sender = (await flows.bench.look()).sender(GOOD)
        assert sender.standing is not None
        assert sender.profile is not None
        assert flows.bench.calls("GET", INFO) == 1

    @pytest.mark.parametrize("path", [QUALITY, INFO])
    async def test_that_they_cannot_be_read_makes_nobody_less_live(
        self, flows: FlowBench, path: str
    ):
        flows.bench.network.cut_before("GET", path, unreachable(), always=True)
        run = await onboard(flows)
        assert run.state.name == "Live"
        assert (await flows.bench.look()).sender(GOOD).profile is None

    async def test_of_a_number_that_is_not_registered_there_are_none(self, flows: FlowBench):
        await onboard(flows, sender_fate(GOOD, status="FAILED"))
        assert flows.calls(QUALITY, INFO) == []
