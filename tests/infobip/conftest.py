"""An Infobip that answers what a test says, and a limiter that remembers."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import respx
from pydantic import SecretStr

from waboard.domain.ids import PhoneNumber
from waboard.infobip import InfobipClient
from waboard.infobip.models import TemplateMessage, TextMessage

BASE = "https://acme.api.infobip.test"
KEY = "s3cret-0123456789-key"


def sent(route: respx.Route) -> Any:
    """The body of the last request."""
    return json.loads(route.calls.last.request.content)


@dataclass
class RecordingLimiter:
    """Lets everybody through and remembers who came."""

    acquired: list[str] = field(default_factory=list)
    held: list[tuple[str, float]] = field(default_factory=list)

    async def acquire(self, bucket: str) -> None:
        self.acquired.append(bucket)

    async def hold(self, bucket: str, seconds: float) -> None:
        self.held.append((bucket, seconds))


@pytest.fixture
def limiter() -> RecordingLimiter:
    return RecordingLimiter()


@pytest.fixture
async def client(limiter: RecordingLimiter) -> AsyncIterator[InfobipClient]:
    async with InfobipClient(BASE, SecretStr(KEY), limiter=limiter) as infobip:
        yield infobip


@pytest.fixture
def infobip() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=BASE) as router:
        yield router


@pytest.fixture
def message() -> TemplateMessage:
    return TemplateMessage(
        sender=PhoneNumber("447860041117"),
        to=PhoneNumber("385911234567"),
        message_id="waboard-1",
        template_name="welcome",
        language="en",
        application_id="waboard",
        entity_id="acme",
    )


@pytest.fixture
def text() -> TextMessage:
    return TextMessage(
        sender=PhoneNumber("447860041117"),
        to=PhoneNumber("385911234567"),
        message_id="waboard-2",
        text="Hello, Ada",
        application_id="waboard",
        entity_id="acme",
    )
