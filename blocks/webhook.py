"""The provider's own system, which is told of outcomes."""

from prefect.blocks.core import Block
from pydantic import Field, SecretStr
from standardwebhooks import Webhook


class ProviderWebhook(Block):
    """Where the provider's own system is told of outcomes, signed as Standard Webhooks has it.

    Attributes:
        url: The receiver.
        secret: The signing secret, `whsec_` and base64.

    Example:
        `signer = (await ProviderWebhook.aload("waboard")).get_client()`
    """

    _block_type_name = "Provider webhook"
    _block_type_slug = "provider-webhook"
    _description = "Where the provider's own system is told of outcomes."

    url: str = Field(title="URL", description="The receiver.")
    secret: SecretStr = Field(title="Signing secret", description="whsec_ and base64.")

    def get_client(self) -> Webhook:
        """Return the signer."""
        return Webhook(self.secret.get_secret_value())
