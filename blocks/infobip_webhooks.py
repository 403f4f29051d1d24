"""How Infobip's webhooks reach the gateway."""

from typing import Literal

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr

from waboard.domain.fields import HttpUrl, Secret
from waboard.domain.webhooks import SECURITY_ID
from waboard.infobip.subscriptions import BasicSecurity, HmacAlgorithm, HmacSecurity


class InfobipWebhooks(Block):
    """Where Infobip's webhooks go, and what they authenticate with.

    Attributes:
        public_url: Where Infobip reaches the gateway.
        auth: How they show who they are.
        secret: The newest secret that is valid; for `basic`, `user:password`.
        algorithm: How they are signed, for `hmac`.

    Example:
        `security = (await InfobipWebhooks.aload("waboard")).security`
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Infobip webhooks"
    _block_type_slug = "infobip-webhooks"
    _description = "Where Infobip's webhooks go."

    public_url: HttpUrl = Field(title="Public URL", description="Of the gateway.")
    auth: Literal["hmac", "basic"] = Field(title="Authentication", description="hmac or basic.")
    secret: Secret = Field(title="Secret", description="The newest that is valid.")
    algorithm: Literal["MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"] = Field(
        default="SHA256", title="Algorithm", description="Of the signature."
    )

    @property
    def security(self) -> HmacSecurity | BasicSecurity:
        """What Infobip is told to authenticate with."""
        if self.auth == "hmac":
            algorithm = HmacAlgorithm[self.algorithm.replace("SHA", "SHA_")]
            return HmacSecurity(auth_id=SECURITY_ID, secret_key=self.secret, algorithm=algorithm)
        user, _, password = self.secret.get_secret_value().partition(":")
        return BasicSecurity(auth_id=SECURITY_ID, username=user, password=SecretStr(password))
