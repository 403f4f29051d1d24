"""How webhooks prove who sent them, and how often they are tried."""

import hashlib
import hmac

import httpx
import pytest
from pydantic import ValidationError

from tests.sandbox.lab import DELIVERY_URL, REGISTRATION_URL, lab
from waboard.sandbox import SandboxConfig


async def event_headers(**settings: str) -> httpx.Request:
    async with lab(**settings) as sandbox:
        await sandbox.share()
        return sandbox.inbox[0]


async def test_hmac_is_over_the_raw_body():
    """`X-Hub-Signature: SHA256=<hex>`, as live captures show it."""
    request = await event_headers(webhook_auth="hmac", webhook_secret="s3cret")
    expected = hmac.new(b"s3cret", request.content, hashlib.sha256).hexdigest()
    assert request.headers["X-Hub-Signature"] == f"SHA256={expected}"


async def test_hmac_header_and_algorithm_can_be_chosen():
    """Since neither is documented for this product."""
    request = await event_headers(
        webhook_auth="hmac", webhook_secret="s", hmac_header="X-Sig", hmac_algorithm="SHA512"
    )
    expected = hmac.new(b"s", request.content, hashlib.sha512).hexdigest()
    assert request.headers["X-Sig"] == f"SHA512={expected}"


async def test_basic_sends_user_and_password():
    """As a browser would."""
    request = await event_headers(webhook_auth="basic", webhook_secret="user:pass")
    assert request.headers["Authorization"] == "Basic dXNlcjpwYXNz"


async def test_header_sends_the_secret_in_a_header_of_choice():
    """The static header of a subscription profile."""
    request = await event_headers(
        webhook_auth="header", webhook_secret="s", webhook_header="X-Mine"
    )
    assert request.headers["X-Mine"] == "s"


@pytest.mark.parametrize(("auth", "secret"), [("hmac", ""), ("basic", "no-colon")])
def test_a_secret_must_fit_its_use(auth: str, secret: str):
    """Said at the start, not at the first webhook; and never shown."""
    with pytest.raises(ValidationError, match="webhook_secret"):
        SandboxConfig.model_validate(
            {
                "api_key": "key",
                "registration_url": REGISTRATION_URL,
                "webhook_auth": auth,
                "webhook_secret": secret,
            }
        )


@pytest.mark.parametrize("unreachable", [True, False])
async def test_a_failed_push_is_retried_by_the_documented_formula(unreachable: bool):
    """A unit, and n^2 units for the nth retry, whatever went wrong; then it is gone."""
    async with lab(webhook_retry_unit=10) as sandbox:
        sandbox.receiver_status, sandbox.unreachable = 500, unreachable
        await sandbox.decide(in_progress_first=False, registration_delay=0)
        await sandbox.share()
        assert sandbox.naps[2:] == [
            20,
            50,
            100,
            170,
            260,
        ]
        webhooks = (await sandbox.books())["webhooks"]
        assert [each["attempt"] for each in webhooks] == [1, 2, 3, 4, 5, 6]
        assert {each["status"] for each in webhooks} == {None if unreachable else 500}


async def test_retries_end_with_the_first_success():
    """The receiver was only restarting."""
    async with lab() as sandbox:
        sandbox.receiver_status = 503
        await sandbox.http.post("/sandbox/wabas/777/registration-event")
        while not sandbox.inbox:
            await sandbox._nap(0)
        sandbox.receiver_status = 200
        await sandbox.settled()
        statuses = [each["status"] for each in (await sandbox.books())["webhooks"]]
        assert statuses == [503, 200]


async def test_a_report_that_no_push_delivered_can_be_pulled():
    """Only after the last try."""
    async with lab(delivery_url=DELIVERY_URL) as sandbox:
        await sandbox.share()
        sandbox.unreachable = True
        await sandbox.send()
        assert [each["messageId"] for each in await sandbox.reports()] == ["message-1"]
