"""The standalone API of WhatsApp in place of the Messages API: the same proof."""

import pytest

from tasks.verify import send_test_message
from tests.tasks.bench import GOOD, SEND, VALIDATE, Bench, condition
from waboard.domain.conditions import ConditionType

STANDALONE = "/whatsapp/1/message/template"


@pytest.fixture
def standalone(bench: Bench) -> Bench:
    """An account whose traffic goes by the standalone API."""
    bench.services.account.traffic_api = "whatsapp"
    return bench


async def test_the_message_goes_by_that_api_alone(standalone: Bench):
    """It cannot be asked what it would say."""
    onboarding = await standalone.registered()
    await send_test_message.fn(standalone.services, onboarding, onboarding.sender(GOOD))
    assert standalone.calls("POST", STANDALONE) == 1
    assert standalone.calls("POST", SEND) == standalone.calls("POST", VALIDATE) == 0


async def test_its_report_names_no_ids_and_is_found_by_the_messages_own(standalone: Bench):
    onboarding = await standalone.registered()
    await send_test_message.fn(standalone.services, onboarding, onboarding.sender(GOOD))
    onboarding = await standalone.hear()
    verified = condition(onboarding.sender(GOOD), ConditionType.VERIFIED)
    assert verified == ("True", "MessageDelivered")
    assert b"acme" not in standalone.sandbox.inbox[-1].content


async def test_the_message_carries_the_clients_ids_all_the_same(standalone: Bench):
    """They scope its reports, and stand flat on the message there."""
    onboarding = await standalone.registered()
    await send_test_message.fn(standalone.services, onboarding, onboarding.sender(GOOD))
    (message,) = standalone.books.messages.values()
    assert message.platform == {"applicationId": "waboard", "entityId": "acme"}
