"""What the Subscriptions API keeps: authentication settings, notification profiles, subscriptions.

Source: Infobip OpenAPI subscriptions-api 3.210.0. `CUSTOM` credentials are in the enumeration of
types and in no schema; `headers` in them is inferred.
"""

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

Json = dict[str, Any]

WHATSAPP_EVENTS = (
    "ACCOUNT_REGISTRATION",
    "ACCOUNT_UPDATE_NOTIFICATION",
    "BILLING",
    "BUSINESS_APP_CONTACT_SYNC",
    "BUSINESS_APP_MESSAGE_ECHO",
    "BUSINESS_APP_MESSAGE_HISTORY",
    "CLICK",
    "DELIVERY",
    "IDENTITY_CHANGE",
    "INBOUND_MESSAGE",
    "MARKETING_SUBSCRIPTION_UPDATE",
    "PAYMENT_STATUS",
    "SEEN",
    "TEMPLATE_UPDATE",
)

_URL_SAFE = r"^[A-Za-z0-9._~-]+$"
Id = Annotated[str, Field(pattern=_URL_SAFE, max_length=255)]
Text = Annotated[str, Field(max_length=255)]
Name = Annotated[str, Field(min_length=1, max_length=255)]

_NEEDED = {
    "BASIC": ("username", "password"),
    "HMAC": ("secretKey", "algorithm"),
    "OAUTH": ("tokenUrl", "grantType"),
    "CUSTOM": ("headers",),
}
_ALGORITHM = r"HMAC_(MD5|SHA_(1|224|256|384|512))"


class Part(BaseModel):
    """Written in camel case; properties that are not known are not kept."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True)

    def as_json(self) -> Json:
        """As the API shows it: what has no value is left out."""
        return self.model_dump(by_alias=True, exclude_none=True)


class Security(Part):
    """`NoIdSecurityRequest`."""

    type: Literal["BASIC", "HMAC", "OAUTH", "CUSTOM"] | None = None
    credentials: Json | None = None

    @model_validator(mode="after")
    def _credentials_fit(self) -> Self:
        given = self.credentials or {}
        for name in _NEEDED.get(self.type or "", ()):
            if not given.get(name):
                raise ValueError(f"credentials.{name} must not be null")
        if self.type == "HMAC" and not re.fullmatch(_ALGORITHM, str(given["algorithm"])):
            raise ValueError("credentials.algorithm is not known")
        return self


class NamedSecurity(Security):
    """`SecurityRequest`; in a new profile, the id alone names one that exists."""

    auth_id: Id


class SecurityReference(Part):
    """`IdOnlySecurityRequest`."""

    auth_id: Id


class Webhook(Part):
    """Where a profile's events go."""

    notify_url: Annotated[str, Field(max_length=512)]
    content_type: Text | None = None


class ProfileSettings(Part):
    """What a profile says of how it is called."""

    webhook: Webhook | None = None
    client_certificate_id: Text | None = None
    max_bucket_size: Annotated[int, Field(ge=1, le=2000)] | None = None
    window_size: Annotated[int, Field(ge=20, le=10000)] | None = None
    connect_timeout: Annotated[int, Field(ge=300, le=30000)] | None = None
    read_timeout: Annotated[int, Field(ge=1000, le=90000)] | None = None
    enabled_ssl_protocols: list[Literal["TLSv1.2", "TLSv1.3"]] | None = Field(
        default=None, alias="enabledSSLProtocols"
    )
    headers: dict[str, str] | None = None
    response_regex: str | None = None
    response_body_regex: str | None = None
    rate_limit: Annotated[int, Field(ge=1, le=5000)] | None = None


class Profile(ProfileSettings):
    """`NoIdProfileRequest`, and what is kept of every profile."""

    security: SecurityReference | None = None


class NamedProfile(ProfileSettings):
    """`ProfileRequest`; in a new subscription, the id alone names one that exists."""

    profile_id: Id
    security: NamedSecurity | None = None


class ProfileReference(Part):
    """`IdOnlyProfileRequest`."""

    profile_id: Id


class Criterion(Part):
    """An application, an entity, or both."""

    application_id: Text | None = None
    entity_id: Text | None = None
    calls_configuration_id: Text | None = None


class Filters(Part):
    """Everything of a subscription but its profile."""

    name: Name | None = None
    events: Annotated[list[str | Json], Field(max_length=255)]
    criteria: Annotated[list[Criterion], Field(max_length=255)] | None = None
    resources: Annotated[list[Text], Field(max_length=255)] | None = None
    users: Annotated[list[Text], Field(max_length=255)] | None = None


class Subscription(Filters):
    """`WhatsappNoIdSubscriptionRequest`, and what is kept of every subscription."""

    profile: ProfileReference


class NamedSubscription(Filters):
    """`WhatsappSubscriptionRequest`."""

    subscription_id: Id
    profile: NamedProfile


@dataclass
class SubscriptionBooks:
    """All of it, in the order in which it was created."""

    security: dict[str, Security] = field(default_factory=dict[str, Security])
    profiles: dict[str, Profile] = field(default_factory=dict[str, Profile])
    subscriptions: dict[tuple[str, str], Subscription] = field(
        default_factory=dict[tuple[str, str], Subscription]
    )

    def as_json(self) -> Json:
        """For `GET /sandbox/books`; secrets stay where they are."""
        subscriptions = self.subscriptions.items()
        return {
            "security": {key: each.type for key, each in self.security.items()},
            "profiles": {key: each.as_json() for key, each in self.profiles.items()},
            "subscriptions": [
                {"channel": channel, "subscriptionId": key, **each.as_json()}
                for (channel, key), each in subscriptions
            ],
        }
