"""What people write to the sandbox's senders, judged by Infobip's official documents."""

import json

import pytest

from tests.contract import openapi
from tests.contract.judge import judge
from tests.sandbox.lab import lab
from tests.sandbox.test_inbound import INBOUND, associated, write
from tests.sandbox.test_subscriptions import subscribe

pytestmark = pytest.mark.skipif(openapi.ABSENT, reason=openapi.WHY_ABSENT)


@pytest.mark.parametrize(
    ("shape", "product", "webhook"),
    [
        ("whatsapp", "whatsapp", "receive-inbound-whatsapp-messages"),
        ("messages-api", "messages-api", "receive-messages-api-incoming-messages"),
    ],
)
async def test_what_is_told_is_as_documented(shape: str, product: str, webhook: str):
    """In both shapes, with the ids of the sender."""
    async with lab() as sandbox:
        await sandbox.http.put("/sandbox/account", json={"inbound_shape": shape})
        await subscribe(sandbox, events=["INBOUND_MESSAGE"])
        await associated(sandbox)
        await write(sandbox)
        openapi.validate_webhook(product, webhook, json.loads(sandbox.inbox[-1].content))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?channel=WHATSAPP", 200),
        ("?channel=WHATSAPP&limit=0", 200),
        ("", 400),
        ("?channel=X", 400),
    ],
)
async def test_what_is_pulled_is_as_documented(query: str, status: int):
    """The channel must be named."""
    async with lab() as sandbox:
        await associated(sandbox)
        await write(sandbox)
        response = await sandbox.http.get(f"{INBOUND}{query}")
    assert response.status_code == status
    judge(response)


async def test_a_stranger_and_a_lesser_key_are_refused_as_documented():
    """401 and 403."""
    async with lab() as sandbox, sandbox.caller("App wrong") as stranger:
        scopes = ["inbound-message:read", "messages-api:manage"]
        await sandbox.http.put("/sandbox/account", json={"missing_scopes": scopes})
        answers = [await each.get(INBOUND) for each in (stranger, sandbox.http)]
    assert [each.status_code for each in answers] == [401, 403]
    for each in answers:
        judge(each)
