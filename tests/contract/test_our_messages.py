"""Our requests to the Messages API, held against the provider's own Python package.

It is read from and written to, and never sends. It drops what it does not know, so what comes back
is compared with what went in; and it spells out a default, `adaptationMode`, which we leave out.
"""

import json
from typing import Any

import pytest
from infobip_api_client.models.messages_api_request import MessagesApiRequest

from tests.contract.test_our_requests import MESSAGE, TEXT, Call, sent_by

CALLS: dict[str, Call] = {
    "send template": lambda c: c.traffic("messages-api").send_template(MESSAGE),
    "send text": lambda c: c.traffic("messages-api").send_text(TEXT),
    "validate template": lambda c: c.traffic("messages-api").validate(MESSAGE),
    "validate text": lambda c: c.traffic("messages-api").validate(TEXT),
    "send message": lambda c: c.traffic("messages-api").send_template(MESSAGE),
    "validate message": lambda c: c.traffic("messages-api").validate(MESSAGE),
}


def there_and_back(body: dict[str, Any]) -> dict[str, Any]:
    """The body as the package writes what it has read, without the default that it adds."""
    read = MessagesApiRequest.from_dict(body)
    assert read is not None
    written = json.loads(read.to_json())
    for message in written["messages"]:
        assert message["options"].pop("adaptationMode") is True
    return written


@pytest.mark.parametrize("name", CALLS)
async def test_the_providers_package_reads_what_we_send_and_writes_the_same(name: str) -> None:
    """No property is lost, and none is of another type."""
    body = json.loads((await sent_by(CALLS[name])).content)
    assert there_and_back(body) == body


async def test_a_wrong_request_would_be_noticed() -> None:
    """The judge itself is judged: a misspelt property is lost, a missing one is refused."""
    body = json.loads((await sent_by(CALLS["send template"])).content)
    (message,) = body["messages"]
    message["option"] = {}
    assert there_and_back(body) != body
    del message["option"], message["sender"]
    with pytest.raises(ValueError, match="sender"):
        there_and_back(body)
