"""The message as the Messages API reads it, strict in what is needed and open to what is unknown.

Source: Infobip OpenAPI messages-api 3.210.0, `MessagesApiMessage` and `MessagesApiTemplateMessage`,
for the one channel that the sandbox has.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

Json = dict[str, Any]


class Open(BaseModel):
    """Keeps what it does not know, so that validation can name it."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel, strict=True)


class Platform(Open):
    """Application and entity of a message."""

    entity_id: Annotated[str, Field(max_length=255)] | None = None
    application_id: Annotated[str, Field(max_length=255)] | None = None


class ChannelDestination(Open):
    """One of several addresses of a recipient."""

    channel: str
    to: str
    sender: str | None = None


class Destination(Open):
    """`MessagesApiToDestination` or `MessagesApiChannelsDestination`."""

    to: str | None = None
    message_id: Annotated[str, Field(max_length=200)] | None = None
    by_channel: list[ChannelDestination] | None = None

    @property
    def address(self) -> str | None:
        """Where a WhatsApp message goes."""
        channels = self.by_channel or []
        return self.to or next((each.to for each in channels if each.channel == "WHATSAPP"), None)

    @model_validator(mode="after")
    def _has_address(self) -> Self:
        if not self.address:
            raise ValueError("to must not be blank")
        return self


class Template(Open):
    """Which template; without a language any language of it will do."""

    template_name: Annotated[str, Field(min_length=1)]
    language: str | None = None
    reference_id: str | None = None


class Content(Open):
    """What is said. Its parts differ by type and are taken as they come."""

    header: Json | None = None
    body: Json | None = None
    buttons: list[Json] | None = None
    confirmation_body: Json | None = None
    sender_display_info: Json | None = None
    footer: Json | None = None
    expiration_time: str | None = None


class Options(Open):
    """How it is sent."""

    platform: Platform = Field(default_factory=Platform)
    validity_period: Json | None = None
    delivery_time_window: Json | None = None
    adaptation_mode: bool = True
    regional: Json | None = None
    campaign_reference_id: str | None = None
    transliteration: str | None = None
    correlation_data: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    traffic_type: str | None = None
    session_rate: bool | None = None
    primary_device: bool | None = None


class DeliveryWebhook(Open):
    """Where this message's delivery report goes."""

    url: str | None = None
    intermediate_report: bool | None = None
    receive_triggered_failover_reports: bool | None = None


class SeenWebhook(Open):
    """Where this message's seen report goes."""

    url: str | None = None


class Webhooks(Open):
    """Where reports go, and what they carry back."""

    delivery: DeliveryWebhook = Field(default_factory=DeliveryWebhook)
    seen: SeenWebhook = Field(default_factory=SeenWebhook)
    callback_data: Annotated[str, Field(max_length=4000)] | None = None
    content_type: str | None = None


class Outbound(Open):
    """One message to one or more destinations."""

    channel: Literal["WHATSAPP"]
    sender: str | None = None
    destinations: Annotated[list[Destination], Field(min_length=1)]
    template: Template | None = None
    content: Content | None = None
    options: Options = Field(default_factory=Options)
    webhooks: Webhooks = Field(default_factory=Webhooks)
    failover: list[Json] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        body = self.content.body if self.content else None
        if self.template is None and body is None:
            raise ValueError("either template or content.body must be given")
        if body is None:
            return self
        if not isinstance(body.get("type"), str):
            raise ValueError("content.body.type must not be null")
        if body["type"] == "TEXT":
            self._check_text(body)
        return self

    def _check_text(self, body: Json) -> None:
        if self.template is None and not isinstance(body.get("text"), str):
            raise ValueError("content.body.text must not be null")
        if self.template and not all(isinstance(value, str) for value in body.values()):
            raise ValueError("content.body placeholders must be strings")


class MessagesRequest(Open):
    """The body of send and of validate."""

    messages: Annotated[list[Outbound], Field(min_length=1)]
    options: Json | None = None


def unknown_properties(part: Any, path: str = "") -> Iterator[str]:
    """The names of all properties that no document knows, as `messages[0].metadata`."""
    if isinstance(part, list):
        for index, item in enumerate(cast("list[Any]", part)):
            yield from unknown_properties(item, f"{path}[{index}]")
    if isinstance(part, Open):
        prefix = f"{path}." if path else ""
        yield from (f"{prefix}{name}" for name in part.model_extra or {})
        for name, info in type(part).model_fields.items():
            yield from unknown_properties(getattr(part, name), f"{prefix}{info.alias or name}")
