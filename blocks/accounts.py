"""The account at Infobip, and the messages that verify a sender through it."""

from typing import Literal

import httpx
from prefect.blocks.core import Block
from pydantic import ConfigDict, Field

from waboard.domain.fields import (
    HttpUrl,
    Language,
    ReplyText,
    Seconds,
    Secret,
    SecretPhone,
    TemplateName,
    TemplateText,
)
from waboard.domain.ids import PhoneNumber, PlatformId
from waboard.domain.template import REPLY, text_in
from waboard.infobip.client import InfobipClient
from waboard.infobip.limits import LIMITS, NUMBERS, PROVISIONING, Limiter


class InfobipAccount(Block):
    """Where Infobip is, the key to it, and the application that senders are filed under.

    Attributes:
        base_url: The account's personal base URL, as Infobip's portal shows it.
        api_key: An API key with the scopes that `docs/infobip.md` lists.
        waba_id_as: How a WABA id goes over the wire: Infobip's documents disagree.
        application_id: The CPaaS X application of all clients of this provider.
        application_name: Its name.
        traffic_api: Which of Infobip's two APIs carries messages.
        timeout: Seconds that Infobip has for an answer.
        provisioning_interval: Seconds between two calls of provisioning, or of numbers. Infobip
            allows one a second; a little more, since what leaves at the limit may arrive closer.

    Example:
        `client = (await InfobipAccount.aload("waboard")).get_client(limiter)`
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Infobip account"
    _block_type_slug = "infobip-account"
    _description = "The provider's account at Infobip."

    base_url: HttpUrl = Field(title="Base URL", description="As Infobip's portal shows it.")
    api_key: Secret = Field(title="API key", description="Its scopes: docs/infobip.md.")
    waba_id_as: Literal["string", "number"] = Field(
        default="string", title="WABA id as", description="How a WABA id goes over the wire."
    )
    application_id: PlatformId = Field(title="Application id", description="One for all clients.")
    application_name: str = Field(title="Application name", description="For people.")

    traffic_api: Literal["messages-api", "whatsapp"] = Field(
        default="messages-api", title="Traffic API", description="Which carries messages."
    )
    timeout: Seconds = Field(default=30.0, title="Timeout", description="Seconds for an answer.")
    provisioning_interval: Seconds = Field(
        default=1.1, title="Provisioning interval", description="Seconds between two calls."
    )

    @property
    def intervals(self) -> dict[str, float]:
        """Seconds between two calls of each rate limit."""
        published = {name: limit.interval for name, limit in LIMITS.items()}
        return published | dict.fromkeys((PROVISIONING, NUMBERS), self.provisioning_interval)

    def get_client(self, limiter: Limiter | None) -> InfobipClient:
        """Return a client that keeps the account's rate limits, if it is given a limiter."""
        return InfobipClient(
            self.base_url,
            self.api_key,
            limiter=limiter,
            waba_id_as=self.waba_id_as,
            timeout=httpx.Timeout(self.timeout),
        )


class VerificationMessage(Block):
    """The messages that prove that a sender works: to whom, and what they say.

    Attributes:
        recipient: A phone with WhatsApp that the provider owns, in international form.
        template_name: A template without parameters of the WABA; made where it is missing.
        language: The template's language.
        text: What the template says where it has to be made.
        reply: What is answered to whoever writes to a sender that is proven in that way.

    Example:
        `verification = await VerificationMessage.aload("waboard")`
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Verification message"
    _block_type_slug = "verification-message"
    _description = "The test message that proves that a sender works."

    recipient: SecretPhone = Field(title="Test recipient", description="International form.")
    template_name: TemplateName = Field(
        title="Template", description="Approved, without parameters."
    )
    language: Language = Field(title="Language", description="The template's language code.")
    text: TemplateText = Field(
        default=text_in("en"), title="Text", description="Of a template that has to be made."
    )
    reply: ReplyText = Field(
        default=REPLY, title="Reply", description="To whoever writes to a sender."
    )

    @property
    def number(self) -> PhoneNumber:
        """The recipient's digits."""
        return PhoneNumber(self.recipient.get_secret_value())
