"""How waboard is set while it runs against the sandbox: everything by itself, nothing real.

All of it goes into the environment, which outweighs a `.env`: a sandbox never reaches a real
account or a real ledger that happens to be configured in the same folder.
"""

import os
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from waboard.sandbox import SandboxConfig
from waboard.sandbox.hostility import hostility
from waboard.settings import PREFIX, Settings

API_KEY = "sandbox-infobip-key"
APP_ID = "600000000000001"
TOKEN_KEY = "c2FuZGJveC1rZXktb2YtMzItYnl0ZXMtb2YtdGV4dCE="  # noqa: S105 - seals nothing real
_MAY_BE_GIVEN = {
    "REGISTRATION_NUDGE": "20",  # what the field has minutes for
    "DELIVERY_NUDGE": "20",
    "SOLUTION_NUDGE": "20",
    "SIGNUP_GRACE": "20",
    "WEEKLY_CAP": "100000",
}


def sandbox_environment(settings: Settings, data_dir: Path) -> dict[str, str]:
    """Return the environment of every process of a sandboxed waboard."""
    sandbox = f"http://127.0.0.1:{settings.sandbox_port}"
    values = {
        "SANDBOX": "true",
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": _ledger_url(settings, data_dir),
        "INFOBIP_BASE_URL": sandbox,
        "INFOBIP_API_KEY": API_KEY,
        "INFOBIP_WEBHOOK_AUTH": "hmac",
        "INFOBIP_WEBHOOK_SECRETS": "sandbox-webhook-secret",
        "API_KEYS": "sandbox-api-key",
        "TEST_RECIPIENT": "+447860099299",
        "VERIFICATION_TEMPLATE": "waboard_verification:en",
        "OPERATOR_BLOCK": "custom-webhook/waboard-operator",
        "OPERATOR_WEBHOOK_URL": f"{sandbox}/sandbox/receivers/operator",
        "PROVIDER_WEBHOOK_URL": f"{sandbox}/sandbox/receivers/provider",
        "PROVIDER_WEBHOOK_SECRETS": "whsec_c2FuZGJveC1zaWduaW5nLXNlY3JldA==",
        "META_APP_ID": APP_ID,
        "META_APP_SECRET": "sandbox-app-secret",
        "META_CONFIG_ID": "800000000000001",
        "META_VERIFY_TOKEN": "sandbox-verify-token",
        "META_SYSTEM_TOKEN": "sandbox-system-token",
        "META_SOLUTION_ID": "900000000000001",
        "META_PORTFOLIO_ID": "700000000000001",
        "META_PARTNER_APP_ID": "1370401139746733",
        "META_GRAPH_URL": f"{sandbox}/graph",
        "META_SDK_URL": f"{sandbox}/facebook/sdk.js",
        "META_SIGNUP_ORIGIN": sandbox,
        "TOKEN_KEYS": TOKEN_KEY,
        "PUBLIC_URL": f"http://127.0.0.1:{settings.gateway_port}",
        "GATEWAY_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(settings.gateway_port),
        "PREFECT_PORT": str(settings.prefect_port),
        "SANDBOX_PORT": str(settings.sandbox_port),
    }
    given = {name: os.environ.get(PREFIX + name, value) for name, value in _MAY_BE_GIVEN.items()}
    return {PREFIX + name: value for name, value in (values | given).items()}


def _ledger_url(settings: Settings, data_dir: Path) -> str:
    if settings.sandbox_database_url is not None:
        return settings.sandbox_database_url.get_secret_value()
    return f"sqlite:///{data_dir / 'ledger.db'}"


def _meta(settings: Settings) -> dict[str, Any]:
    if not settings.has_meta:
        return {}
    fields = ("app_id", "app_secret", "system_token", "solution_id", "portfolio_id")
    given = {f"meta_{field}": getattr(settings, f"meta_{field}") for field in fields}
    hook = {"meta_webhook_url": f"{settings.gateway_url}/hooks/meta"}
    return {name: value for name, value in given.items() if value} | hook


def sandbox_config(settings: Settings) -> SandboxConfig:
    """Return what the sandbox is told: it calls this machine's gateway as Infobip would."""
    secrets = settings.infobip_webhook_secrets
    hooks = f"{settings.gateway_url}/hooks/infobip"
    return SandboxConfig(
        api_key=settings.infobip_api_key or SecretStr(API_KEY),
        registration_url=f"{hooks}/registration",
        delivery_url=f"{hooks}/delivery",
        **_meta(settings),
        webhook_auth=settings.infobip_webhook_auth if secrets else "none",
        webhook_secret=secrets[0] if secrets else SecretStr(""),
        webhook_header=settings.infobip_webhook_header,
        hmac_header=settings.infobip_hmac_header,
        hmac_algorithm=settings.infobip_hmac_algorithm,
        hostility=hostility(settings.sandbox_profile, settings.sandbox_seed),
        # Who calls more often than Infobip lets them plays with an Infobip that lets them.
        rate_limits=settings.infobip_provisioning_interval >= 1,
    )
