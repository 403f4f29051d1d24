"""What Meta knows in here: the provider's app, its solution, codes, tokens, subscriptions.

The WABAs and their numbers are those of the fates, so that both providers speak of the same.
"""

import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

CODE_LIVES = 30.0
"""Seconds. Source: Meta, Embedded Signup > Implementation."""
TOKEN_LIVES = 60 * 24 * 3600
"""Seconds: the 60 days of the login configuration's template."""

ALL_FIELDS = (
    "account_update",
    "partner_solutions",
    "account_review_update",
    "phone_number_name_update",
    "phone_number_quality_update",
    "message_template_status_update",
    "business_capability_update",
    "account_alerts",
    "security",
)


class MetaFacts(BaseModel):
    """The provider's own set-up at Meta: all in order, unless a test says otherwise."""

    model_config = ConfigDict(extra="forbid")

    solution_status: str = "ACTIVE"
    solution_pending: str = "NONE"
    partner_status: str = "ACCEPTED"
    partner_permissions: list[str] = Field(default_factory=lambda: ["MESSAGING"])
    owner_permissions: list[str] = Field(default_factory=list[str])
    verification_status: str = "verified"
    permissions: dict[str, str] = Field(
        default_factory=lambda: {
            "whatsapp_business_management": "live",
            "whatsapp_business_messaging": "live",
            "public_profile": "live",
        }
    )
    app: dict[str, Any] = Field(
        default_factory=lambda: {
            "name": "Sandbox provider",
            "category": "Messaging",
            "app_domains": ["127.0.0.1"],
            "contact_email": "dev@provider.example",
            "icon_url": "https://provider.example/icon.png",
            "privacy_policy_url": "https://provider.example/privacy",
            "terms_of_service_url": "https://provider.example/terms",
        }
    )
    webhook_fields: list[str] = Field(default_factory=lambda: list(ALL_FIELDS))
    webhook_active: bool = True
    webhook_url: str | None = None
    """Where the app's webhooks go; the configured gateway unless it is given."""
    system_token_expires_at: int = 0


@dataclass
class Code:
    """What a signup ended with; good once, for thirty seconds."""

    portfolio_id: str
    waba_id: str
    made_at: float
    used: bool = False


@dataclass
class Grant:
    """What a business token is for."""

    portfolio_id: str
    waba_ids: list[str]
    expires_at: int


@dataclass
class MetaBooks:
    """All of it."""

    facts: MetaFacts = field(default_factory=MetaFacts)
    codes: dict[str, Code] = field(default_factory=dict[str, Code])
    tokens: dict[str, Grant] = field(default_factory=dict[str, Grant])
    owners: dict[str, str] = field(default_factory=dict[str, str])
    """Which portfolio has shared which WABA."""
    subscribed: set[str] = field(default_factory=set[str])

    def new_code(self, portfolio_id: str, waba_id: str, now: float) -> str:
        """A client has finished: from now on its WABA is shared."""
        self.owners[waba_id] = portfolio_id
        code = f"AQ{secrets.token_urlsafe(48)}"
        self.codes[code] = Code(portfolio_id, waba_id, now)
        return code

    def new_token(self, portfolio_id: str, now: float) -> str:
        """A business token names every WABA that its portfolio ever shared, in no order of time."""
        token = f"EAA{secrets.token_urlsafe(48)}"
        wabas = sorted(waba for waba, owner in self.owners.items() if owner == portfolio_id)
        self.tokens[token] = Grant(portfolio_id, wabas, int(now) + TOKEN_LIVES)
        return token

    def as_json(self) -> dict[str, Any]:
        """For the books; without codes and tokens."""
        return {
            "facts": self.facts.model_dump(),
            "owners": self.owners,
            "subscribed": sorted(self.subscribed),
            "codes": [
                {k: v for k, v in asdict(code).items() if k != "made_at"}
                for code in self.codes.values()
            ],
        }
