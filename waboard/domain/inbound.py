"""Messages that somebody sent to a sender: that one came is all that is read of it.

Shapes: `WhatsAppInboundMessages` of Infobip's OpenAPI whatsapp 3.210.0, and
`MessagesApiIncomingMessage` of messages-api 3.210.0, which names the two ends otherwise.
"""

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from waboard.domain.clock import ProviderTime


class InboundMessage(BaseModel):
    """One message to a sender. What it says is between the client and its customer."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    sender: str = Field(
        validation_alias=AliasChoices("to", "destination"),
        serialization_alias="to",
        pattern=r"^\d{1,20}$",
    )
    writer: str = Field(
        validation_alias=AliasChoices("from", "sender"), serialization_alias="from", min_length=1
    )
    message_id: str = Field(validation_alias="messageId", serialization_alias="messageId")
    received_at: ProviderTime = Field(
        validation_alias="receivedAt", serialization_alias="receivedAt"
    )

    def envelope(self) -> str:
        """Return what is kept: who wrote to whom and when, as JSON, without what was said."""
        return self.model_dump_json(by_alias=True)
