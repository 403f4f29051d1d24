"""What the provider has set up at Meta, as far as the readiness checklist is about it."""

from dataclasses import dataclass

from pydantic import SecretStr

from waboard.meta.versions import CURRENT


@dataclass(frozen=True, slots=True)
class Setup:
    """What the provider has set, as far as the checklist is about it."""

    application_id: str
    public_url: str
    graph_version: str = CURRENT
    config_id: str | None = None
    portfolio_id: str | None = None
    solution_id: str | None = None
    partner_app_id: str = ""
    system_token: SecretStr | None = None
