"""The provider's own system, which is told of everything that happens to its onboardings."""

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr

from waboard.domain.fields import HttpUrl, Secret
from waboard.provider import ProviderSystem


class ProviderWebhook(Block):
    """Where the provider's own system is told, signed as Standard Webhooks has it.

    Attributes:
        url: The receiver.
        secrets: The signing secrets, each `whsec_` and base64, separated by commas. Each signs.

    Example:
        `async with (await ProviderWebhook.aload("waboard")).get_client() as system: ...`
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Provider webhook"
    _block_type_slug = "provider-webhook"
    _description = "Where the provider's own system is told what happens."

    url: HttpUrl = Field(title="URL", description="The receiver.")
    secrets: Secret = Field(
        title="Signing secrets", description="Each whsec_ and base64, separated by commas."
    )

    def get_client(self) -> ProviderSystem:
        """Return a client of the receiver. Close it after use. Raises BadInput."""
        secrets = self.secrets.get_secret_value().split(",")
        return ProviderSystem(self.url, [SecretStr(secret.strip()) for secret in secrets])
