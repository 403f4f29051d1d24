"""Verifying: one test message, never two, and what its report proves."""

import json
from typing import Any

import httpx
import pytest

from tasks.associate import associate_sender
from tasks.step import effect
from tasks.verify import message_id_for, send_test_message
from tests.tasks.bench import (
    APPLICATION,
    ENTITY,
    GOOD,
    OTHER,
    RECIPIENT,
    SEND,
    VALIDATE,
    Bench,
    Crash,
    condition,
    policy,
    shown,
    timed_out,
    unreachable,
)
from tests.tasks.test_reply import written_to
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import StepRefused
from waboard.domain.filing import Filing, ForeignFiling
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import Reason
from waboard.infobip import InfobipError
from waboard.ledger.models import Verb
from waboard.ledger.senders import record_adopted

VERIFIED = ConditionType.VERIFIED
PORTFOLIO = "506914307656634"
ADOPTED = {"applicationId": "default", "entityId": PORTFOLIO}
REJECTED = {
    "groupId": 5,
    "groupName": "REJECTED",
    "id": 13,
    "name": "REJECTED_SENDER",
    "description": "Sender +1 313-513-8538 is not allowed",
}


async def send(bench: Bench, onboarding: Onboarding) -> None:
    await send_test_message.fn(bench.services, onboarding, onboarding.sender(GOOD))


async def verified(bench: Bench) -> tuple[str, str]:
    return condition((await bench.look()).sender(GOOD), VERIFIED)


async def statuses(bench: Bench) -> list[tuple[str, int, str]]:
    return [shown(row) for row in await bench.effects(Verb.SEND_TEST_MESSAGE)]


def answering(status: dict[str, Any]):
    """An Infobip that takes a message and says this of it."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)["messages"][0]["destinations"][0]
        told = {"messageId": asked["messageId"], "destination": asked["to"], "status": status}
        return httpx.Response(200, json={"messages": [told]})

    return answer


class TestSending:
    """What goes out."""

    async def test_the_message_carries_our_id_the_template_and_the_clients_ids(self, bench: Bench):
        onboarding = await bench.registered()
        await send(bench, onboarding)
        (message,) = bench.books.messages.values()
        assert message.messageId == message_id_for(onboarding, onboarding.sender(GOOD))
        assert (message.sender, message.to) == (GOOD, RECIPIENT)
        assert (message.template, message.language) == ("waboard_verification", "en")
        assert message.platform == {"applicationId": APPLICATION, "entityId": ENTITY}

    async def test_it_is_validated_first(self, bench: Bench):
        onboarding = await bench.registered()
        await send(bench, onboarding)
        assert bench.writes()[-2:] == [f"POST {VALIDATE}", f"POST {SEND}"]

    async def test_the_effect_knows_the_message_by_its_id(self, bench: Bench):
        onboarding = await bench.registered()
        await send(bench, onboarding)
        (row,) = await bench.effects(Verb.SEND_TEST_MESSAGE)
        assert shown(row) == (GOOD, 1, "done")
        assert row.external_id == message_id_for(onboarding, onboarding.sender(GOOD))

    async def test_acceptance_proves_nothing_yet(self, bench: Bench):
        onboarding = await bench.registered()
        await send(bench, onboarding)
        assert await verified(bench) == ("Unknown", "ReportAwaited")

    async def test_the_id_is_the_same_at_every_look_and_another_for_every_sender(
        self, bench: Bench
    ):
        first = await bench.registered(GOOD, OTHER)
        again = await bench.look()
        assert message_id_for(first, first.sender(GOOD)) == message_id_for(
            again, again.sender(GOOD)
        )
        assert message_id_for(first, first.sender(GOOD)) != message_id_for(
            first, first.sender(OTHER)
        )

    async def test_the_id_is_another_for_every_onboarding(self, bench: Bench):
        first = await bench.registered()
        other = await bench.start(client_ref="other", waba_id="777")
        sender = first.sender(GOOD)
        assert message_id_for(first, sender) != message_id_for(other, sender)


async def adopt(bench: Bench) -> Onboarding:
    """Note that one sender was found filed elsewhere, and works with those ids."""
    async with bench.ledger.begin() as session:
        await record_adopted(session, bench.id, GOOD, Filing("default", PORTFOLIO))
    return await bench.look()


class TestAdoptedIds:
    """Messages of a sender that is filed elsewhere carry the ids it has."""

    async def test_a_sender_that_was_adopted_sends_under_those_ids(self, bench: Bench):
        bench.services.policy = policy(foreign_filing=ForeignFiling.ADOPT)
        onboarding = await bench.registered(auto_associated_entity=PORTFOLIO)
        await associate_sender.fn(bench.services, onboarding, onboarding.sender(GOOD))
        await send(bench, await bench.look())
        (message,) = bench.books.messages.values()
        assert message.platform == ADOPTED
        await bench.hear()
        assert await verified(bench) == ("True", "MessageDelivered")

    async def test_it_is_validated_under_those_ids(self, bench: Bench):
        await bench.registered()
        onboarding = await adopt(bench)
        asked: list[dict[str, Any]] = []

        async def note(request: httpx.Request) -> httpx.Response:
            asked.extend(json.loads(request.content)["messages"])
            return await bench.network.carry(request)

        bench.network.instead("POST", VALIDATE, note)
        await send(bench, onboarding)
        assert [each["options"]["platform"] for each in asked] == [ADOPTED]

    async def test_the_others_of_its_waba_send_under_the_clients_own(self, bench: Bench):
        await bench.registered(GOOD, OTHER)
        onboarding = await adopt(bench)
        for sender in onboarding.senders:
            await send_test_message.fn(bench.services, onboarding, sender)
        under = {each.sender: each.platform for each in bench.books.messages.values()}
        own = {"applicationId": APPLICATION, "entityId": ENTITY}
        assert under == {GOOD: ADOPTED, OTHER: own}

    async def test_a_reply_carries_them_as_well(self, bench: Bench):
        await bench.start(verify_by="inbound")
        await bench.sandbox.share()
        await bench.hear()
        await written_to(bench)
        await send(bench, await adopt(bench))
        (message,) = bench.books.messages.values()
        assert (message.template, message.platform) == (None, ADOPTED)


class TestValidation:
    """What Infobip finds invalid is not sent."""

    VIOLATIONS = {  # noqa: RUF012
        "description": "Request cannot be processed.",
        "violations": [
            {"property": "messages[0].template", "violation": "unknown, from 13135138538"}
        ],
    }

    async def test_an_invalid_message_is_refused_for_good(self, bench: Bench):
        onboarding = await bench.registered()
        await bench.sandbox.script(path=VALIDATE, status=400, body=self.VIOLATIONS)
        with pytest.raises(StepRefused, match=r"messages\[0\].template: unknown") as refused:
            await send(bench, onboarding)
        assert refused.value.reason == Reason.MESSAGE_REFUSED
        assert "WABOARD_VERIFICATION_TEMPLATE" in refused.value.remedy
        assert GOOD not in str(refused.value)

    async def test_an_invalid_message_is_not_sent_and_no_effect_is_begun(self, bench: Bench):
        onboarding = await bench.registered()
        await bench.sandbox.script(path=VALIDATE, status=400, body=self.VIOLATIONS)
        with pytest.raises(StepRefused):
            await send(bench, onboarding)
        assert bench.calls("POST", SEND) == 0
        assert await statuses(bench) == []

    async def test_once_mended_it_goes(self, bench: Bench):
        onboarding = await bench.registered()
        await bench.sandbox.script(path=VALIDATE, status=400, body=self.VIOLATIONS)
        with pytest.raises(StepRefused):
            await send(bench, onboarding)
        await send(bench, onboarding)
        assert len(bench.books.messages) == 1

    @pytest.mark.parametrize("status", [429, 500, 503])
    async def test_a_validation_that_failed_may_be_repeated(self, bench: Bench, status: int):
        """Validating does nothing, so even a 5xx has surely done nothing."""
        onboarding = await bench.registered()
        await bench.sandbox.script(path=VALIDATE, status=status)
        with pytest.raises(InfobipError) as error:
            await send(bench, onboarding)
        assert (error.value.retryable, error.value.ambiguous) == (True, False)
        assert bench.calls("POST", SEND) == 0

    async def test_hints_that_may_be_left_as_they_are_stop_nothing(self, bench: Bench):
        onboarding = await bench.registered()
        hints = {"skippableViolations": [{"property": "x", "violation": "Unknown property"}]}
        await bench.sandbox.script(path=VALIDATE, status=200, body=hints)
        await send(bench, onboarding)
        assert len(bench.books.messages) == 1


class TestNeverTwice:
    """Unsure is never sent again."""

    async def test_not_after_it_was_sent(self, bench: Bench):
        onboarding = await bench.registered()
        await send(bench, onboarding)
        await send(bench, onboarding)
        assert bench.calls("POST", SEND) == 1
        assert await statuses(bench) == [(GOOD, 1, "done")]

    @pytest.mark.parametrize("acted", [True, False])
    async def test_not_after_a_timeout(self, bench: Bench, acted: bool):
        """Whether it went or not: we cannot tell the two apart."""
        onboarding = await bench.registered()
        cut = bench.network.cut_after if acted else bench.network.cut_before
        cut("POST", SEND, timed_out())
        await send(bench, onboarding)
        await send(bench, onboarding)
        assert bench.calls("POST", SEND) == acted
        assert len(bench.books.messages) == acted
        assert await statuses(bench) == [(GOOD, 1, "ambiguous")]
        assert await verified(bench) == ("Unknown", "SendNotAnswered")

    @pytest.mark.parametrize(
        "answer",
        [{"status": 500}, {"status": 503}, {"status": 200, "body": "<html>"}],
        ids=["500", "503", "200 with nonsense"],
    )
    async def test_not_after_an_answer_that_says_nothing(
        self, bench: Bench, answer: dict[str, Any]
    ):
        onboarding = await bench.registered()
        await bench.sandbox.script(path=SEND, acting=True, **answer)
        await send(bench, onboarding)
        await send(bench, onboarding)
        assert bench.calls("POST", SEND) == 1
        assert await statuses(bench) == [(GOOD, 1, "ambiguous")]

    async def test_not_after_a_crash(self, bench: Bench):
        onboarding = await bench.registered()
        bench.network.cut_after("POST", SEND, Crash())
        with pytest.raises(Crash):
            await send(bench, onboarding)
        await send(bench, await bench.look())
        assert bench.calls("POST", SEND) == 1
        assert await statuses(bench) == [(GOOD, 1, "started")]
        assert await verified(bench) == ("Unknown", "SendNotAnswered")

    async def test_not_after_a_crash_before_it_even_left(self, bench: Bench):
        """Nobody can know that it did not."""
        onboarding = await bench.registered()
        sender = onboarding.sender(GOOD)
        with pytest.raises(Crash):
            async with effect(
                bench.services,
                onboarding,
                Verb.SEND_TEST_MESSAGE,
                GOOD,
                external_id=message_id_for(onboarding, sender),
            ):
                raise Crash
        await send(bench, await bench.look())
        assert bench.calls("POST", SEND) == 0

    async def test_the_report_resolves_a_message_that_was_not_answered(self, bench: Bench):
        onboarding = await bench.registered()
        bench.network.cut_after("POST", SEND, timed_out())
        await send(bench, onboarding)
        await bench.hear()
        assert await verified(bench) == ("True", "MessageDelivered")

    async def test_not_when_the_report_was_faster_than_the_timeout(self, bench: Bench):
        onboarding = await bench.registered()

        async def slow(request: httpx.Request) -> httpx.Response:
            await bench.network.carry(request)
            await bench.hear()
            raise timed_out()

        bench.network.instead("POST", SEND, slow)
        await send(bench, onboarding)
        assert await verified(bench) == ("True", "MessageDelivered")
        await send(bench, onboarding)
        assert bench.calls("POST", SEND) == 1

    @pytest.mark.parametrize("kind", ["unreachable", "too busy"])
    async def test_but_again_when_it_surely_did_not_go_as_the_same_effect(
        self, bench: Bench, kind: str
    ):
        onboarding = await bench.registered()
        if kind == "unreachable":
            bench.network.cut_before("POST", SEND, unreachable())
        else:
            await bench.sandbox.script(path=SEND, status=429)
        with pytest.raises(InfobipError) as error:
            await send(bench, onboarding)
        assert (error.value.retryable, error.value.ambiguous) == (True, False)
        assert await statuses(bench) == [(GOOD, 1, "failed")]
        await send(bench, onboarding)
        assert await statuses(bench) == [(GOOD, 1, "done")]
        assert len(bench.books.messages) == 1

    async def test_each_sender_has_a_message_of_its_own(self, bench: Bench):
        onboarding = await bench.registered(GOOD, OTHER)
        for sender in onboarding.senders:
            await send_test_message.fn(bench.services, onboarding, sender)
        assert {message.sender for message in bench.books.messages.values()} == {GOOD, OTHER}


class TestRefusalOnTheSpot:
    """A 200 may hold a refusal."""

    async def test_a_rejected_message_is_known_not_to_arrive_and_why(self, bench: Bench):
        onboarding = await bench.registered()
        bench.network.instead("POST", SEND, answering(REJECTED))
        await send(bench, onboarding)
        onboarding = await bench.look()
        assert condition(onboarding.sender(GOOD), VERIFIED) == ("False", "MessageRejected")
        message = onboarding.sender(GOOD).conditions[VERIFIED].message
        assert "REJECTED_SENDER (13)" in message
        assert "313-513" not in message

    async def test_a_rejected_message_is_not_sent_again(self, bench: Bench):
        onboarding = await bench.registered()
        bench.network.instead("POST", SEND, answering(REJECTED))
        await send(bench, onboarding)
        await send(bench, await bench.look())
        assert bench.calls("POST", SEND) == 0
        assert await verified(bench) == ("False", "MessageRejected")

    async def test_an_id_that_was_used_before_means_that_our_message_went(self, bench: Bench):
        """Somebody lost the ledger's memory of it; the sandbox has not."""
        onboarding = await bench.registered()
        bench.network.cut_before("POST", SEND, unreachable())
        with pytest.raises(InfobipError):
            await send(bench, onboarding)
        await bench.sandbox.send(
            destinations=[
                {
                    "to": RECIPIENT,
                    "messageId": message_id_for(onboarding, onboarding.sender(GOOD)),
                }
            ]
        )
        await send(bench, onboarding)
        assert len(bench.books.duplicates) == 1
        assert await verified(bench) == ("Unknown", "ReportAwaited")
        await bench.hear()
        assert await verified(bench) == ("True", "MessageDelivered")


class TestReports:
    """What becomes of the message."""

    @pytest.mark.parametrize(
        ("fate", "expected"),
        [
            ("delivered", (Status.TRUE, Reason.MESSAGE_DELIVERED)),
            ("undeliverable", (Status.FALSE, Reason.MESSAGE_UNDELIVERABLE)),
            ("rejected", (Status.FALSE, Reason.MESSAGE_REJECTED)),
            ("expired", (Status.FALSE, Reason.MESSAGE_EXPIRED)),
            ("silent", (Status.UNKNOWN, Reason.REPORT_AWAITED)),
        ],
    )
    async def test_the_report_decides(self, bench: Bench, fate: str, expected: tuple[str, str]):
        onboarding = await bench.registered(delivery=fate)
        await send(bench, onboarding)
        await bench.hear()
        assert await verified(bench) == expected

    async def test_an_unknown_template_is_named_by_the_providers_code(self, bench: Bench):
        onboarding = await bench.registered()
        await bench.sandbox.decide(onboarding.waba_id, templates=[])
        await send(bench, onboarding)
        onboarding = await bench.hear()
        known = onboarding.sender(GOOD).conditions[VERIFIED]
        assert known.reason == Reason.MESSAGE_REJECTED
        assert "EC_INVALID_TEMPLATE (7009)" in known.message
