"""What a sandbox is told when it starts."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from waboard.sandbox.hostility import Hostility

HmacAlgorithm = Literal["MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"]


class SandboxConfig(BaseModel):
    """Keys, webhook addresses and tempo of one sandbox. Delays are seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: SecretStr
    registration_url: str
    delivery_url: str | None = None
    inbound_url: str | None = None
    """Where what people write goes if no subscription has it; without it, it waits to be pulled."""

    meta_app_id: str = "600000000000001"
    meta_app_secret: SecretStr = SecretStr("sandbox-app-secret")
    meta_system_token: SecretStr = SecretStr("sandbox-system-token")
    meta_solution_id: str = "900000000000001"
    meta_portfolio_id: str = "700000000000001"
    meta_webhook_url: str | None = None
    """Where Meta's webhooks go; nowhere without it."""

    registration_delay: float = Field(default=2.0, ge=0)
    delivery_delay: float = Field(default=1.0, ge=0)
    template_review_delay: float = Field(default=1.0, ge=0)
    seen_delay: float = Field(default=1.0, ge=0)

    webhook_auth: Literal["hmac", "basic", "header", "none"] = "none"
    webhook_secret: SecretStr = SecretStr("")
    webhook_header: str = "X-Webhook-Secret"
    hmac_header: str = "X-Hub-Signature"
    hmac_algorithm: HmacAlgorithm = "SHA256"
    webhook_retry_unit: float = Field(default=1.0, ge=0)
    webhook_retries: int = Field(default=5, ge=0)

    rate_limits: bool = True
    retry_after: bool = False
    """No response of Infobip's documents declares `Retry-After`; on, a 429 carries one."""

    hostility: Hostility = Hostility()

    @model_validator(mode="after")
    def _secret_fits_its_use(self) -> Self:
        secret = self.webhook_secret.get_secret_value()
        if self.webhook_auth != "none" and not secret:
            raise ValueError(f"webhook_auth {self.webhook_auth} needs a webhook_secret")
        if self.webhook_auth == "basic" and ":" not in secret:
            raise ValueError("for basic, webhook_secret is user:password")
        return self
