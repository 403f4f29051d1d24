"""What waboard is told: environment variables `WABOARD_…`, or the same names in a `.env` file.

`waboard deploy` turns what flows need into Prefect blocks; flows read only those.
"""

import difflib
import json
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import AnyHttpUrl, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from waboard.domain.errors import BadInput
from waboard.domain.fields import (
    LONGEST_SECONDS,
    Digits,
    GraphVersion,
    ReplyText,
    Seconds,
    SecretPhone,
    TemplateText,
    WeeklyCap,
)
from waboard.domain.filing import ForeignFiling
from waboard.domain.ids import PhoneNumber, PlatformId
from waboard.domain.meta_events.meanings import Ours
from waboard.domain.onboarding import VerifyBy
from waboard.domain.requests import Defaults
from waboard.domain.sentences import sentence
from waboard.domain.template import REPLY
from waboard.domain.waits import WaitKind, WaitPlan
from waboard.meta.setup import Setup
from waboard.meta.versions import CURRENT

PREFIX = "WABOARD_"
PID = "UP_PID"
"""Under what name that file holds the process id of the `waboard up` that wrote it."""
AUTH_FILE = "prefect-auth"
"""Holds, in the data directory, the auth string that `waboard up` made for the Prefect API."""
RUNNING_FILE = "running.env"
"""What `waboard up --sandbox` leaves in the data directory, so that other commands find it."""
WORKER_PACE = {"PREFECT_WORKER_QUERY_SECONDS": "0.25", "PREFECT_WORKER_HEARTBEAT_SECONDS": "3"}
"""How often a worker looks for runs, and is heard of: Prefect's own 10 and 30 s are for batches."""

OPERATOR = "waboard-operator"
"""The notification block that WABOARD_OPERATOR_WEBHOOK_URL is made into."""


def _split(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _seconds(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"\d+(\.\d+)?", value):
        return value
    try:
        return timedelta(seconds=float(value))
    except OverflowError:
        raise ValueError("that is longer than anybody waits") from None


def _json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value or "{}")
    except ValueError:
        raise ValueError("this is no JSON object") from None


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


Secrets = Annotated[list[SecretStr], NoDecode, BeforeValidator(_split)]
Duration = Annotated[
    timedelta,
    BeforeValidator(_seconds),
    Field(gt=timedelta(0), le=timedelta(seconds=LONGEST_SECONDS)),
]
Json = Annotated[dict[str, Any], NoDecode, BeforeValidator(_json)]
Port = Annotated[int, Field(ge=1, le=65535)]


META_TOGETHER = (
    "meta_app_id",
    "meta_app_secret",
    "meta_config_id",
    "meta_verify_token",
    "token_keys",
)
"""Meta's part of the settings: all of them, or none."""


class Settings(BaseSettings):
    """All settings. Durations are seconds or ISO 8601; lists are separated by commas."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", hide_input_in_errors=True)

    sandbox: bool = False
    sandbox_profile: Literal["calm", "hostile"] = "calm"
    sandbox_seed: int = 0
    sandbox_database_url: SecretStr | None = None
    sandbox_prefect_database_url: SecretStr | None = None
    data_dir: Path = Path(".waboard")
    database_url: SecretStr | None = None

    infobip_base_url: AnyHttpUrl | None = None
    infobip_api_key: SecretStr | None = None
    infobip_waba_id_as: Literal["string", "number"] = "string"
    infobip_application_id: PlatformId = "waboard"
    infobip_application_name: str = "waboard"
    infobip_traffic_api: Literal["messages-api", "whatsapp"] = "messages-api"
    foreign_filing: ForeignFiling = ForeignFiling.MOVE
    infobip_timeout: Seconds = 30
    infobip_provisioning_interval: Seconds = 1.1
    infobip_webhook_auth: Literal["hmac", "basic", "header", "none"] = "hmac"
    infobip_webhook_secrets: Secrets = []
    infobip_webhook_header: str = "X-Webhook-Secret"
    infobip_hmac_header: str = "X-Hub-Signature"
    infobip_hmac_algorithm: Literal["MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"] = (
        "SHA256"
    )

    meta_app_id: Digits | None = None
    meta_app_secret: SecretStr | None = None
    meta_config_id: Digits | None = None
    meta_verify_token: SecretStr | None = None
    meta_system_token: SecretStr | None = None
    meta_solution_id: Digits | None = None
    meta_portfolio_id: Digits | None = None
    meta_partner_app_id: Digits = "1370401139746733"
    meta_graph_url: AnyHttpUrl = AnyHttpUrl("https://graph.facebook.com")
    meta_graph_version: GraphVersion = CURRENT
    meta_sdk_url: AnyHttpUrl = AnyHttpUrl("https://connect.facebook.net/en_US/sdk.js")
    meta_signup_origin: AnyHttpUrl = AnyHttpUrl("https://facebook.com")
    meta_extras: Json = {}
    token_keys: Secrets = []

    signup_link_lasts: Duration = timedelta(days=14)
    signup_grace: Duration = timedelta(minutes=2)
    public_url: AnyHttpUrl | None = None
    weekly_cap: WeeklyCap = 10

    gateway_host: str = "127.0.0.1"
    gateway_port: Port = 8420
    api_keys: Secrets = []

    prefect_port: Port = 4200
    sandbox_port: Port = 8430
    worker: Literal["waboard", "process"] = "waboard"
    workers: int = Field(default=1, ge=0, le=16)
    restarts: int = Field(default=3, ge=0)
    worker_memory: int = Field(default=1024, ge=256)
    concurrency: int = Field(default=4, ge=1, le=50)
    log_format: Literal["text", "json"] = "text"

    test_recipient: SecretPhone | None = None
    verification_template: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,512}:[A-Za-z_]{2,12}$")] = (
        "waboard_verification:en"
    )

    verification_text: Annotated[TemplateText | None, BeforeValidator(_none_if_empty)] = None
    verify_by: VerifyBy = VerifyBy.TEMPLATE
    reply_text: ReplyText = REPLY

    operator_webhook_url: SecretStr | None = None
    operator_block: Annotated[str | None, BeforeValidator(_none_if_empty)] = None
    provider_webhook_url: AnyHttpUrl | None = None
    provider_webhook_secrets: Secrets = []

    solution_nudge: Duration = timedelta(hours=1)
    solution_give_up: Duration = timedelta(days=90)
    slot_give_up: Duration = timedelta(days=365)
    registration_nudge: Duration = timedelta(minutes=15)
    registration_give_up: Duration = timedelta(days=14)
    template_nudge: Duration = timedelta(minutes=10)
    template_give_up: Duration = timedelta(days=7)
    inbound_give_up: Duration = timedelta(days=14)
    delivery_nudge: Duration = timedelta(minutes=5)
    delivery_give_up: Duration = timedelta(hours=48)
    code_give_up: Duration = timedelta(days=3)
    approval_give_up: Duration = timedelta(days=7)

    solution_remind: Duration | None = None
    slot_remind: Duration | None = None
    registration_remind: Duration | None = None
    template_remind: Duration | None = None
    delivery_remind: Duration | None = None
    inbound_remind: Duration | None = None
    digest_always: bool = False
    reconcile_every: Annotated[Duration, Field(ge=timedelta(minutes=1))] = timedelta(minutes=15)

    @property
    def ledger_url(self) -> str:
        """The ledger's database: the one that is set, or SQLite in the data directory."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir.absolute() / 'ledger.db'}"

    @property
    def gateway_url(self) -> str:
        """Where this machine reaches the gateway."""
        host = f"[{self.gateway_host}]" if ":" in self.gateway_host else self.gateway_host
        return f"http://{host}:{self.gateway_port}"

    @property
    def legs_each(self) -> int:
        """How many legs each worker lets work at once, so that all together keep to it."""
        return -(-self.concurrency // max(self.workers, 1))

    @property
    def has_meta(self) -> bool:
        """Whether clients can sign themselves up: Meta's part is optional, and then complete."""
        return any(getattr(self, field) for field in META_TOGETHER)

    @property
    def operator_notifier(self) -> str | None:
        """The notification block that tells the operator, as `type-slug/name`."""
        if self.operator_block is None and self.operator_webhook_url:
            return f"custom-webhook/{OPERATOR}"
        return self.operator_block

    @property
    def signup_url(self) -> str:
        """Where clients reach the gateway, without a slash at the end."""
        return str(self.public_url or self.gateway_url).rstrip("/")

    @property
    def defaults(self) -> Defaults:
        """What holds for an onboarding whose request does not say."""
        return Defaults(self.infobip_application_id, self.verify_by)

    @property
    def setup(self) -> Setup:
        """What the readiness checklist is about."""
        return Setup(
            application_id=self.infobip_application_id,
            public_url=self.signup_url,
            graph_version=self.meta_graph_version,
            config_id=self.meta_config_id,
            portfolio_id=self.meta_portfolio_id,
            solution_id=self.meta_solution_id,
            partner_app_id=self.meta_partner_app_id,
            system_token=self.meta_system_token,
        )

    @property
    def prefect_api_url(self) -> str:
        """Where this machine reaches the Prefect server that `waboard up` starts."""
        return f"http://127.0.0.1:{self.prefect_port}/api"

    @property
    def template(self) -> tuple[str, str]:
        """Name and language of the verification template."""
        name, _, language = self.verification_template.partition(":")
        return name, language

    @property
    def ours(self) -> Ours:
        """What is ours at Meta, by which others' events are told apart."""
        return Ours(self.meta_app_id, self.meta_portfolio_id, self.template)

    def plan(self, kind: WaitKind) -> WaitPlan:
        """How long to wait for something."""
        give_up: timedelta = getattr(self, f"{kind}_give_up")
        return WaitPlan(getattr(self, f"{kind}_nudge", give_up), give_up)

    @property
    def reminders(self) -> dict[WaitKind, timedelta]:
        """After how long each kind of wait is late, where that is set."""
        times: dict[WaitKind, timedelta | None]
        times = {kind: getattr(self, f"{kind}_remind") for kind in WaitKind}
        return {kind: time for kind, time in times.items() if time is not None}

    @property
    def recipient(self) -> PhoneNumber:
        """Who gets the test messages. Raises BadInput when it is not set."""
        return PhoneNumber(self._needed("test_recipient").get_secret_value())

    def _needed(self, field: str) -> SecretStr:
        value: SecretStr | None = getattr(self, field)
        if value is None or not value.get_secret_value():
            raise missing(field)
        return value


def setting_name(field: str) -> str:
    """Return the environment variable of a field."""
    return PREFIX + field.upper()


def base_dir() -> Path:
    """Where this machine's data is, before anything else is known."""
    name = PREFIX + "DATA_DIR"
    return Path(os.environ.get(name) or dotenv_values(".env").get(name) or ".waboard")


def reach_prefect(settings: Settings) -> None:
    """Tell this process where the Prefect server of `waboard up` is, and how to pace a worker.

    What it was told already stays. Prefect reads its environment when it is imported, so this comes
    before that.
    """
    for name, value in WORKER_PACE.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("PREFECT_API_URL", settings.prefect_api_url)
    auth = base_dir() / AUTH_FILE
    if not settings.sandbox and auth.exists():
        os.environ.setdefault("PREFECT_API_AUTH_STRING", auth.read_text())


def _running_file() -> list[Path]:
    # One that was left behind by a `waboard up` that was killed tells of nothing that runs.
    path = base_dir() / RUNNING_FILE
    try:
        os.kill(int(dotenv_values(path).get(PID) or ""), 0)
    except (OSError, ValueError):
        return []
    return [path]


def load_settings(*, of_what_runs: bool = False) -> Settings:
    """Read the settings. Raises BadInput naming the first setting that cannot be used.

    `of_what_runs` reads, above `.env`, what `waboard up --sandbox` left for other commands.
    """
    files = [Path(".env"), *(_running_file() if of_what_runs else [])]
    _refuse_unknown({*os.environ, *dotenv_values(".env")})
    try:
        return Settings(_env_file=files)  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = str(first["loc"][0]) if first["loc"] else "settings"
        raise BadInput(
            setting_name(field),
            sentence(first["msg"].removeprefix("Value error, ")),
            remedy="Correct it in the environment or in .env; docs/settings.md lists them all.",
        ) from None


def _refuse_unknown(names: set[str]) -> None:
    known = {setting_name(field) for field in Settings.model_fields}
    for name in sorted(names - known):
        if name.startswith(PREFIX):
            near = difflib.get_close_matches(name, known, n=1)
            did_you_mean = f"Did you mean {near[0]}? " if near else ""
            remedy = f"{did_you_mean}docs/settings.md lists them all."
            raise BadInput(name, "there is no such setting.", remedy=remedy)


def missing(field: str) -> BadInput:
    """Make the error that says that a setting is needed."""
    return BadInput(
        setting_name(field),
        "is not set.",
        remedy="Set it in the environment or in .env, or try `waboard up --sandbox` first.",
    )
