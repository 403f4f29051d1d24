"""Proven by a message that somebody writes: it arrives, and so does the reply."""

import json

import pytest

from tasks.await_inbound import give_up_inbound
from tasks.verify import send_test_message
from tests.tasks.bench import DOCUMENTED, GOOD, VALIDATE, Bench, condition, sender_fate
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import StepRefused
from waboard.domain.facts import inbound_facts
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import Reason
from waboard.ledger.attempts import reopen_onboarding
from waboard.ledger.events import receive
from waboard.ledger.onboardings import end_onboarding

RECEIVES, VERIFIED = ConditionType.RECEIVES, ConditionType.VERIFIED
WRITER = "447860099311"


async def registered(bench: Bench, verify_by: str = "inbound") -> Onboarding:
    """A registered sender that is to be proven so."""
    await bench.start(verify_by=verify_by)
    await bench.sandbox.decide(DOCUMENTED, senders=[sender_fate(GOOD)])
    await bench.sandbox.share()
    return await bench.hear()


async def written_to(bench: Bench, number: str = GOOD) -> Onboarding:
    """Somebody writes to a sender."""
    message = {
        "from": WRITER,
        "to": number,
        "receivedAt": bench.now.isoformat(),
        "messageId": "wamid.1",
        "message": {"type": "TEXT", "text": "hello"},
    }
    body = json.dumps({"results": [message]}).encode()
    async with bench.ledger.begin() as session:
        await receive(session, inbound_facts(body), "webhook", bench.now)
    return await bench.look()


async def reply(bench: Bench, onboarding: Onboarding) -> None:
    await send_test_message.fn(bench.services, onboarding, onboarding.sender(GOOD))


async def test_a_registered_sender_waits_to_be_written_to(bench: Bench):
    onboarding = await registered(bench)
    assert condition(onboarding.sender(GOOD), RECEIVES) == ("Unknown", "InboundAwaited")


async def test_by_a_template_nobody_has_to_write(bench: Bench):
    onboarding = await registered(bench, "template")
    assert RECEIVES not in onboarding.sender(GOOD).conditions


async def test_a_message_to_a_sender_proves_that_it_receives(bench: Bench):
    await registered(bench)
    onboarding = await written_to(bench)
    assert condition(onboarding.sender(GOOD), RECEIVES) == ("True", "InboundArrived")


async def test_whoever_has_written_is_answered(bench: Bench):
    """In free text, with our own id and the client's ids, validated like any other."""
    await registered(bench)
    await reply(bench, await written_to(bench))
    (message,) = bench.books.messages.values()
    assert (message.sender, message.to, message.template) == (GOOD, WRITER, None)
    assert message.platform == {"applicationId": "waboard", "entityId": "acme"}
    assert bench.calls("POST", VALIDATE) == 1


async def test_a_second_message_is_not_answered_again(bench: Bench):
    await registered(bench)
    onboarding = await written_to(bench)
    await reply(bench, onboarding)
    await reply(bench, await bench.look())
    assert len(bench.books.messages) == 1


async def test_without_a_message_there_is_nobody_to_answer(bench: Bench):
    onboarding = await registered(bench)
    with pytest.raises(StepRefused, match="Nobody has written") as caught:
        await reply(bench, onboarding)
    assert caught.value.reason is Reason.NO_INBOUND


async def test_a_sender_that_nobody_writes_to_is_given_up(bench: Bench):
    onboarding = await registered(bench)
    await associated(bench)
    await give_up_inbound(bench.services, await bench.look())
    onboarding = await bench.look()
    assert condition(onboarding.sender(GOOD), RECEIVES) == ("False", "NoInbound")


async def associated(bench: Bench) -> None:
    """Its association was read back."""
    kind, reason = ConditionType.ASSOCIATED, Reason.ASSOCIATION_READ_BACK
    await bench.services.write(bench.id, GOOD, kind, Status.TRUE, reason, "Yes.", "read back")


async def test_one_that_was_given_up_is_waited_for_again_by_a_retry(bench: Bench):
    await test_a_sender_that_nobody_writes_to_is_given_up(bench)
    async with bench.ledger.begin() as session:
        await end_onboarding(session, bench.id, bench.now)
        await reopen_onboarding(session, bench.id, bench.now)
    onboarding = await bench.look()
    assert condition(onboarding.sender(GOOD), RECEIVES) == ("Unknown", "InboundAwaited")


async def test_a_message_after_the_giving_up_counts_all_the_same(bench: Bench):
    await test_a_sender_that_nobody_writes_to_is_given_up(bench)
    onboarding = await written_to(bench)
    assert condition(onboarding.sender(GOOD), RECEIVES) == ("True", "InboundArrived")
