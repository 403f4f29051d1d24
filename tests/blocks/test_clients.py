"""What blocks are made into."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import respx
from pydantic import SecretStr, ValidationError
from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError

from blocks.accounts import InfobipAccount, VerificationMessage
from blocks.ledger import LedgerDatabase
from blocks.meta import MetaAccount
from blocks.policy import OnboardingPolicy
from blocks.webhook import ProviderWebhook
from waboard.domain.ids import WabaId
from waboard.domain.waits import WaitKind, WaitPlan
from waboard.infobip.client import InfobipClient

INFOBIP = "https://xyz.api.infobip.test"
SIGNING, ANOTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_QUJDREVGR0hJSktMTU5PUA=="
NEWER = "whsec_bmV3ZXItdGhhbi10aGUtb3RoZXItMTIz"


class NoLimit:
    """Lets every call through, and remembers that it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def acquire(self, bucket: str) -> None:
        self.asked.append(bucket)

    async def hold(self, bucket: str, seconds: float) -> None:
        raise AssertionError((bucket, seconds))


ACCOUNT = {
    "base_url": INFOBIP,
    "api_key": "1f04c3d8",
    "application_id": "waboard",
    "application_name": "waboard",
}
MESSAGE = {"recipient": "+41 79 302 67 27", "template_name": "t", "language": "en"}
META = {
    "graph_url": "https://graph.facebook.com",
    "graph_version": "v26.0",
    "app_id": "600000000000001",
    "app_secret": "s",
    "token_keys": "k",
}


def account(**fields: str) -> InfobipAccount:
    return InfobipAccount.model_validate(ACCOUNT | fields)


@pytest.mark.parametrize(
    ("wire", "written"), [("string", b'"102384266223093"'), ("number", b"102384266223093")]
)
async def test_an_account_makes_a_client_of_infobip_with_its_key(wire: str, written: bytes):
    limiter = NoLimit()
    async with account(waba_id_as=wire).get_client(limiter) as client:
        assert isinstance(client, InfobipClient)
        with respx.mock(base_url=INFOBIP) as infobip:
            route = infobip.post(path__regex="share-waba").respond(200, json={})
            await client.share_waba(WabaId("102384266223093"))
    request = route.calls.last.request
    assert request.headers["authorization"] == "App 1f04c3d8"
    assert written in request.content.replace(b" ", b"").partition(b":")[2]
    assert len(limiter.asked) == 1


def test_an_account_refuses_another_form_of_a_waba_id():
    with pytest.raises(ValidationError, match="waba_id_as"):
        account(waba_id_as="hexadecimal")


async def test_a_ledger_database_makes_a_ledger(tmp_path: Path):
    ledger = LedgerDatabase(url=SecretStr(f"sqlite:///{tmp_path}/ledger.db")).get_client()
    async with ledger.begin() as session:
        assert await session.scalar(text("SELECT 1")) == 1
    await ledger.close()
    assert (tmp_path / "ledger.db").exists()


@pytest.mark.parametrize(("secret", "fits"), [(SIGNING, True), (NEWER, True), (ANOTHER, False)])
async def test_a_provider_webhook_signs_with_each_of_its_secrets(
    respx_mock: respx.MockRouter, secret: str, fits: bool
):
    route = respx_mock.post("https://crm.test/").respond(204)
    block = ProviderWebhook(url="https://crm.test", secrets=SecretStr(f"{NEWER}, {SIGNING}"))
    async with block.get_client() as system:
        await system.post("1", {}, datetime.now(UTC))  # the receiver looks at the real clock
    request = route.calls.last.request
    with nullcontext() if fits else pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(request.content, dict(request.headers))


def test_a_verification_message_knows_its_recipient():
    block = VerificationMessage(
        recipient=SecretStr("447860041117"), template_name="hello", language="en"
    )
    assert block.number == "447860041117"


def test_a_policy_plans_each_kind_of_wait():
    policy = OnboardingPolicy(
        registration_nudge=1, registration_give_up=2, delivery_nudge=3, delivery_give_up=4
    )
    second = timedelta(seconds=1)
    assert policy.plan(WaitKind.REGISTRATION) == WaitPlan(second, 2 * second)
    assert policy.plan(WaitKind.DELIVERY) == WaitPlan(3 * second, 4 * second)
    assert policy.operator_block is None


POLICY = {
    "registration_nudge": 1,
    "registration_give_up": 2,
    "delivery_nudge": 3,
    "delivery_give_up": 4,
}


@pytest.mark.parametrize(
    ("block", "given", "wrong"),
    [
        (OnboardingPolicy, POLICY, {"weekly_cap": 0}),
        (OnboardingPolicy, POLICY, {"weekly_cap": -1}),
        (OnboardingPolicy, POLICY, {"registration_nudge": 0}),
        (OnboardingPolicy, POLICY, {"delivery_give_up": float("inf")}),
        (OnboardingPolicy, POLICY, {"slot_give_up": float("nan")}),
        (OnboardingPolicy, POLICY, {"template_remind": -5}),
        (OnboardingPolicy, POLICY, {"foreign_filing": "steal"}),
        (InfobipAccount, ACCOUNT, {"base_url": "xyz"}),
        (InfobipAccount, ACCOUNT, {"api_key": " "}),
        (InfobipAccount, ACCOUNT, {"application_id": "a/b"}),
        (InfobipAccount, ACCOUNT, {"timeout": 0}),
        (InfobipAccount, ACCOUNT, {"provisioning_interval": 0}),
        (VerificationMessage, MESSAGE, {"recipient": "twelve"}),
        (VerificationMessage, MESSAGE, {"template_name": "Hello there"}),
        (VerificationMessage, MESSAGE, {"language": ""}),
        (VerificationMessage, MESSAGE, {"text": "x" * 1025}),
        (VerificationMessage, MESSAGE, {"reply": ""}),
        (MetaAccount, META, {"graph_version": "26"}),
        (MetaAccount, META, {"app_id": "ours"}),
        (MetaAccount, META, {"solution_id": "ours"}),
        (MetaAccount, META, {"link_lasts": 0}),
        (MetaAccount, META, {"token_keys": ""}),
        (ProviderWebhook, {"url": "https://crm.test", "secrets": SIGNING}, {"url": "crm"}),
    ],
)
def test_a_block_refuses_what_the_settings_would(block, given, wrong):
    """A weekly cap of none, filled in by hand in the Prefect UI, broke every leg."""
    block(**given)
    with pytest.raises(ValidationError):
        block(**given | wrong)


def test_a_reply_may_be_as_short_as_one_letter():
    assert VerificationMessage(**MESSAGE, reply="k").reply == "k"
