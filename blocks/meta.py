"""The provider's own app at Meta."""

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr

from waboard.domain.fields import Digits, GraphVersion, HttpUrl, Seconds, Secret
from waboard.domain.ids import SolutionId
from waboard.meta.client import GraphClient, MetaApp
from waboard.sealing import Sealer


class MetaAccount(Block):
    """The provider's app at Meta, and what opens the tokens of its clients.

    Attributes:
        graph_url: Where the Graph API is.
        graph_version: Its version; see `waboard readiness` for when it ends.
        app_id: The app.
        app_secret: Its secret.
        system_token: The token of a system user, for what is the provider's own; or empty.
        solution_id: The partner solution with Infobip; an onboarding may name another.
        config_id: The login configuration of the signup page.
        portfolio_id: The provider's own business portfolio.
        partner_app_id: Infobip's app in the partner solution.
        public_url: Where clients and webhooks reach the gateway.
        link_lasts: Seconds that a signup link can be used.
        token_keys: What clients' tokens are sealed with, the newest first, separated by commas.

    Example:
        `meta = (await MetaAccount.aload("waboard")).get_client()`
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Meta account"
    _block_type_slug = "meta-account"
    _description = "The provider's app at Meta."

    graph_url: HttpUrl = Field(title="Graph URL", description="Meta's, without version.")
    graph_version: GraphVersion = Field(title="Graph version", description="Such as v26.0.")
    app_id: Digits = Field(title="App id", description="As the app dashboard shows it.")
    app_secret: Secret = Field(title="App secret", description="App settings > Basic.")
    system_token: SecretStr = Field(
        default=SecretStr(""),
        title="System user's token",
        description="Business settings > System users.",
    )
    solution_id: Digits | None = Field(
        default=None, title="Partner solution", description="WhatsApp > Partner solutions."
    )
    config_id: Digits | None = Field(
        default=None, title="Login configuration", description="Of the signup page."
    )
    portfolio_id: Digits | None = Field(
        default=None, title="Business portfolio", description="The provider's own."
    )
    partner_app_id: str = Field(default="", title="Partner's app", description="Infobip's.")
    public_url: str = Field(default="", title="Public URL", description="Of the gateway.")
    link_lasts: Seconds = Field(default=14 * 86400, title="Link lasts", description="Seconds.")
    token_keys: Secret = Field(title="Token keys", description="Fernet keys, newest first.")

    @property
    def solution(self) -> SolutionId | None:
        """The partner solution of clients that name none."""
        return SolutionId(self.solution_id) if self.solution_id else None

    @property
    def own_token(self) -> SecretStr | None:
        """The system user's token, where there is one."""
        return self.system_token if self.system_token.get_secret_value() else None

    def get_client(self) -> GraphClient:
        """Return a client of the Graph API. Close it after use."""
        return GraphClient(
            self.graph_url, self.graph_version, MetaApp(self.app_id, self.app_secret)
        )

    def get_sealer(self) -> Sealer:
        """Return what opens clients' tokens."""
        keys = self.token_keys.get_secret_value().split(",")
        return Sealer([SecretStr(key) for key in keys])
