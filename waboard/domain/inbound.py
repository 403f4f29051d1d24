"""Messages that somebody sent to a sender: that one came is all that is read of it.

Shapes: `WhatsAppInboundMessages` of Infobip's OpenAPI whatsapp 3.210.0, and
`MessagesApiIncomingMessage` of messages-api 3.210.0, which names the two ends otherwise.

Somebody with a username at Meta may come without a number: then the writer is the business-scoped
user id, which can be answered as well, or nobody that we can name.
"""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from waboard.domain.clock import ProviderTime
from waboard.domain.json_values import as_object
from waboard.domain.lenient import Lenient, LenientTextOrDigits, RequiredTextOrDigits

_SENDER = ("to", "destination")
_WRITER = ("from", "sender")
_CONTACT = ("phoneNumber", "userId")


class InboundMessage(BaseModel):
    """One message to a sender. What it says is between the client and its customer."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    sender: Annotated[RequiredTextOrDigits, StringConstraints(pattern=r"^\d{1,20}$")] = Field(
        validation_alias=AliasChoices(*_SENDER), serialization_alias="to"
    )
    writer: LenientTextOrDigits = Field(default="", alias="from")
    message_id: LenientTextOrDigits = Field(default="", alias="messageId")
    received_at: Lenient[ProviderTime] = Field(default=None, alias="receivedAt")

    @model_validator(mode="before")
    @classmethod
    def _in_one_shape(cls, value: Any) -> Any:
        empty = [name for name in _SENDER if not _is_said(as_object(value).get(name))]
        if len(empty) == len(_SENDER):
            raise ValueError("to or destination names the sender")
        said = {name: each for name, each in as_object(value).items() if name not in empty}
        contact = as_object(said.get("contact"))
        writers = [*(said.get(name) for name in _WRITER), *(contact.get(name) for name in _CONTACT)]
        said["from"] = next(filter(_is_said, writers), None)
        return said

    def as_of(self, received_at: datetime) -> Self:
        """Return it with a time: its own, or else that of its arrival."""
        if self.received_at is not None:
            return self
        return self.model_copy(update={"received_at": received_at})

    def envelope(self) -> str:
        """Return what is kept: who wrote to whom and when, as JSON, without what was said."""
        return self.model_dump_json(by_alias=True)


def _is_said(value: object) -> bool:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return is_number or (isinstance(value, str) and bool(value.strip()))
