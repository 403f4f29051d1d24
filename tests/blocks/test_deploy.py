"""How `waboard deploy` makes blocks of settings."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from blocks.policy import OnboardingPolicy
from waboard import deploy
from waboard.domain.errors import BadInput, WaboardError
from waboard.domain.filing import ForeignFiling
from waboard.domain.waits import WaitKind
from waboard.infobip.subscriptions import BasicSecurity, HmacSecurity
from waboard.rest import MOST_RESTING
from waboard.settings import Settings


@pytest.fixture(autouse=True)
def _machine(untouched_machine: Path) -> None:
    """Nothing is set but what the test sets."""


def settings(**given: Any) -> Settings:
    needed = {"infobip_base_url": "https://xyz.api.infobip.test", "infobip_api_key": "1f04c3d8"}
    return Settings(_env_file=None, **{**needed, "test_recipient": "+44 7860 041117", **given})


def test_the_account_is_as_it_is_set():
    block = deploy._account(
        settings(
            infobip_waba_id_as="number",
            infobip_application_id="our-app",
            infobip_application_name="Our app",
        )
    )
    assert block.base_url == "https://xyz.api.infobip.test"
    assert block.api_key.get_secret_value() == "1f04c3d8"
    assert block.waba_id_as == "number"
    assert (block.application_id, block.application_name) == ("our-app", "Our app")


@pytest.mark.parametrize("path", ["", "/", "/gateway", "/gateway/"])
def test_the_base_url_ends_without_a_slash(path: str):
    url = "https://xyz.api.infobip.test"
    block = deploy._account(settings(infobip_base_url=url + path))
    assert block.base_url == (url + path).rstrip("/")


def test_the_ledger_is_the_one_that_the_gateway_writes_to():
    url = "postgresql://waboard:pw@db/waboard"
    assert deploy._ledger(settings(database_url=url)).url.get_secret_value() == url
    default = settings()
    assert deploy._ledger(default).url.get_secret_value() == default.ledger_url


def test_the_verification_message_is_as_it_is_set():
    block = deploy._verification(settings(verification_template="our_hello:pt_BR"))
    assert (block.template_name, block.language) == ("our_hello", "pt_BR")
    assert block.number == "447860041117"


def test_the_policy_is_as_patient_as_the_settings():
    given = settings(
        registration_nudge="1.5",
        registration_give_up="P2D",
        delivery_nudge="PT3M",
        delivery_give_up="PT4H",
    )
    block = deploy._policy(given)
    assert (block.registration_nudge, block.registration_give_up) == (1.5, 2 * 86400)
    assert (block.delivery_nudge, block.delivery_give_up) == (180, 4 * 3600)
    for kind in WaitKind:
        assert block.plan(kind) == given.plan(kind)


@pytest.mark.parametrize("policy", ForeignFiling)
def test_the_policy_does_with_senders_that_are_filed_elsewhere_what_is_set(policy: ForeignFiling):
    assert deploy._policy(settings(foreign_filing=policy)).foreign_filing is policy


def test_the_policy_awaits_a_one_time_password_for_as_long_as_is_set():
    assert deploy._policy(settings(code_give_up="PT90M")).code_give_up == 5400


def test_a_policy_that_was_filled_before_there_was_such_a_setting_is_as_the_settings_are():
    """Until the next deploy its flows take the block's own defaults."""
    block, fields = deploy._policy(settings()), OnboardingPolicy.model_fields
    for field in ("foreign_filing", "code_give_up"):
        assert fields[field].default == getattr(block, field)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, None),
        ({"operator_block": "slack-webhook/ops"}, "slack-webhook/ops"),
        ({"operator_webhook_url": "https://h.test"}, "custom-webhook/waboard-operator"),
        (
            {"operator_block": "slack-webhook/ops", "operator_webhook_url": "https://h.test"},
            "slack-webhook/ops",
        ),
        ({"operator_block": ""}, None),
        (
            {"operator_block": "", "operator_webhook_url": "https://h.test"},
            "custom-webhook/waboard-operator",
        ),
    ],
)
def test_the_operator_is_told_by_the_block_that_is_set_or_made(
    given: dict[str, str], told: str | None
):
    assert deploy._policy(settings(**given)).operator_block == told


def test_the_operators_url_is_kept_as_a_secret():
    url = settings(operator_webhook_url="https://hooks.test/s3cret").operator_webhook_url
    assert url is not None
    block = deploy._operator(url)
    assert "s3cret" not in repr(block)
    assert "s3cret" not in block.model_dump_json()
    assert block.secrets.get_secret_value() == {"url": "https://hooks.test/s3cret"}


async def test_a_checkout_without_prefect_yaml_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(deploy, "PREFECT_FILE", tmp_path / "prefect.yaml")
    with pytest.raises(WaboardError, match="pip install -e"):
        await deploy.apply_deployments()


async def test_settings_that_are_not_safe_are_refused_before_prefect_is_touched(
    monkeypatch: pytest.MonkeyPatch,
):
    touched: list[str] = []

    async def touch(*_: object) -> None:
        touched.append("Prefect")

    for step in ("fill_blocks", "make_work_pool", "apply_deployments"):
        monkeypatch.setattr(deploy, step, touch)
    with pytest.raises(WaboardError, match="WABOARD_API_KEYS"):
        await deploy.deploy(settings())
    assert touched == []


def test_only_with_our_worker_the_pool_has_room_for_legs_that_rest():
    """With the stock worker each leg is a process, whatever it waits for."""
    assert deploy._most_legs("waboard", 4) == 4 + MOST_RESTING
    assert deploy._most_legs("process", 4) == 4


@pytest.mark.parametrize(("workers", "each"), [(0, 4), (1, 4), (2, 2), (3, 2), (16, 1)])
def test_workers_share_what_may_work_at_once(workers: int, each: int):
    assert settings(workers=workers).legs_each == each


@pytest.mark.parametrize(
    ("given", "kind", "secret"),
    [
        ({"infobip_webhook_secrets": "new-8d2f61, old-e90b47"}, HmacSecurity, "new-8d2f61"),
        (
            {"infobip_webhook_auth": "basic", "infobip_webhook_secrets": "board:pw-8d2f61"},
            BasicSecurity,
            "pw-8d2f61",
        ),
    ],
)
def test_infobip_is_told_to_authenticate_with_the_newest_secret(
    given: dict[str, Any], kind: type[Any], secret: str
):
    """The gateway takes the old one, too, until it is taken away."""
    block = deploy._webhooks(settings(public_url="https://board.example", **given))
    assert block is not None
    assert block.public_url == "https://board.example"
    assert isinstance(block.security, kind)
    assert block.security.secret.get_secret_value() == secret


@pytest.mark.parametrize("algorithm", ["MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"])
def test_every_algorithm_of_ours_is_one_of_infobips(algorithm: Any):
    given = settings(infobip_webhook_secrets="new-8d2f61", infobip_hmac_algorithm=algorithm)
    block = deploy._webhooks(given)
    assert block is not None
    assert isinstance(block.security, HmacSecurity)
    assert block.security.algorithm.replace("_", "") == f"HMAC{algorithm}"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"infobip_webhook_auth": "header"}, "WABOARD_INFOBIP_WEBHOOK_AUTH"),
        ({"infobip_webhook_auth": "none"}, "WABOARD_INFOBIP_WEBHOOK_AUTH"),
        ({}, "WABOARD_PUBLIC_URL"),
        ({"public_url": "http://board.example"}, "WABOARD_PUBLIC_URL"),
    ],
)
def test_webhooks_that_could_not_come_are_not_set_up(given: dict[str, Any], named: str):
    """It is said before anything is changed, and by the setting's name."""
    with pytest.raises(BadInput, match=named):
        deploy.refuse_unreachable(settings(infobip_webhook_secrets="new-8d2f61", **given))


def test_webhooks_that_infobip_cannot_be_told_of_are_no_block():
    assert deploy._webhooks(settings(infobip_webhook_auth="header")) is None
    assert deploy._webhooks(settings()) is None


def test_the_policy_knows_what_is_late_where_that_is_set():
    given = settings(registration_remind="PT36H", inbound_remind="P2D")
    block = deploy._policy(given)
    assert block.reminders == given.reminders
    assert {kind: time.total_seconds() for kind, time in block.reminders.items()} == {
        WaitKind.REGISTRATION: 36 * 3600,
        WaitKind.INBOUND: 2 * 86400,
    }
    assert deploy._policy(settings()).reminders == {}


@pytest.mark.parametrize("always", [False, True])
def test_the_policy_knows_whether_an_empty_digest_is_sent(always: bool):
    assert deploy._policy(settings(digest_always=always)).digest_always is always


class FakePrefect:
    """A Prefect in which everything is deployed."""

    def __init__(self) -> None:
        self.schedules: dict[str, Any] = {"regularly": "*/15 * * * *"}

    async def __aenter__(self) -> "FakePrefect":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read_deployment_by_name(self, name: str) -> Any:
        assert name == "reconcile/reconcile"
        listed = [SimpleNamespace(id=each) for each in self.schedules]
        return SimpleNamespace(id="the deployment", schedules=listed)

    async def update_deployment_schedule(
        self, deployment_id: str, schedule_id: str, *, schedule: Any
    ) -> None:
        assert deployment_id == "the deployment"
        self.schedules[schedule_id] = schedule


async def test_reconciliation_is_scheduled_as_often_as_is_set(monkeypatch: pytest.MonkeyPatch):
    prefect = FakePrefect()
    monkeypatch.setattr(deploy, "get_client", lambda: prefect)
    every = settings(reconcile_every="PT5M").reconcile_every
    await deploy.schedule_reconciliation(every)
    assert prefect.schedules["regularly"].interval == timedelta(minutes=5)


@pytest.mark.parametrize("every", ["PT59S", "0", "-5"])
def test_reconciliation_without_a_pause_is_refused(every: str):
    with pytest.raises(ValidationError):
        settings(reconcile_every=every)
