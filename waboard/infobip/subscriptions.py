"""Where Infobip sends its webhooks: the Subscriptions API, as far as WhatsApp's webhooks need it.

A subscription names events and a profile; a profile names a URL and a security setting; a security
setting names the secret with which Infobip signs, or authenticates. Shapes, limits and scope:
OpenAPI subscriptions-api 3.210.0. None of these operations has a published rate limit.

What a PUT does with a property that it leaves out is not documented: a replacement may reset what
was set by hand and is not in these models.
"""

from enum import StrEnum
from typing import Annotated, Any, cast

from pydantic import AliasPath, BeforeValidator, Field, SecretStr

from waboard.domain.lenient import (
    Lenient,
    LenientItems,
    RequiredText,
    RequiredTextOrDigits,
    WholeNumber,
    is_blank,
    unreadable_as,
)
from waboard.infobip import endpoints
from waboard.infobip.calls import Calls
from waboard.infobip.models import UNKNOWN, Wire, Word, given

Id = Annotated[str, Field(max_length=255, pattern=r"\S")]
"""An id of our choice, for good: it becomes a URL path segment."""
Secret = Annotated[SecretStr, Field(min_length=1, max_length=255)]


class WhatsAppEvent(StrEnum):
    """The known events of the channel WHATSAPP (`SimpleWhatsappEvents`)."""

    ACCOUNT_REGISTRATION = "ACCOUNT_REGISTRATION"
    ACCOUNT_UPDATE_NOTIFICATION = "ACCOUNT_UPDATE_NOTIFICATION"
    BILLING = "BILLING"
    BUSINESS_APP_CONTACT_SYNC = "BUSINESS_APP_CONTACT_SYNC"
    BUSINESS_APP_MESSAGE_ECHO = "BUSINESS_APP_MESSAGE_ECHO"
    BUSINESS_APP_MESSAGE_HISTORY = "BUSINESS_APP_MESSAGE_HISTORY"
    CLICK = "CLICK"
    DELIVERY = "DELIVERY"
    IDENTITY_CHANGE = "IDENTITY_CHANGE"
    INBOUND_MESSAGE = "INBOUND_MESSAGE"
    MARKETING_SUBSCRIPTION_UPDATE = "MARKETING_SUBSCRIPTION_UPDATE"
    PAYMENT_STATUS = "PAYMENT_STATUS"
    SEEN = "SEEN"
    TEMPLATE_UPDATE = "TEMPLATE_UPDATE"


class HmacAlgorithm(StrEnum):
    """How Infobip can sign (`HmacAlgorithm`)."""

    MD5 = "HMAC_MD5"
    SHA_1 = "HMAC_SHA_1"
    SHA_224 = "HMAC_SHA_224"
    SHA_256 = "HMAC_SHA_256"
    SHA_384 = "HMAC_SHA_384"
    SHA_512 = "HMAC_SHA_512"


class HmacSecurity(Wire):
    """Infobip signs each webhook with this secret. Which header it uses is not documented."""

    auth_id: Id
    secret_key: Secret
    algorithm: HmacAlgorithm = HmacAlgorithm.SHA_256

    @property
    def secret(self) -> SecretStr:
        """What must not be shown."""
        return self.secret_key

    def to_wire(self) -> dict[str, Any]:
        """Give the body without the id. It holds the secret in the clear."""
        key = self.secret_key.get_secret_value()
        return {"type": "HMAC", "credentials": {"secretKey": key, "algorithm": self.algorithm}}


class BasicSecurity(Wire):
    """Infobip authenticates each webhook with this name and password."""

    auth_id: Id
    username: str = Field(min_length=1, max_length=255)
    password: Secret

    @property
    def secret(self) -> SecretStr:
        """What must not be shown."""
        return self.password

    def to_wire(self) -> dict[str, Any]:
        """Give the body without the id. It holds the password in the clear."""
        password = self.password.get_secret_value()
        return {
            "type": "BASIC",
            "credentials": {"username": self.username, "password": password},
        }


def _secrets(value: object) -> object:
    found = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    return {name: each for name, each in found.items() if isinstance(each, str)}


class Security(Wire):
    """A security setting as it is read. `type`: BASIC, HMAC, OAUTH, CUSTOM, or a new one.

    The document's example shows the credentials; that they always come back is not promised.
    """

    auth_id: RequiredTextOrDigits
    type: Word = UNKNOWN
    credentials: Annotated[dict[str, SecretStr], BeforeValidator(_secrets)] = Field(
        default_factory=dict[str, SecretStr]
    )


class Profile(Wire):
    """To which URL webhooks go, and how. Timeouts are in milliseconds, `rate_limit` is a second's.

    `max_bucket_size` is how many items one request may hold. None is Infobip's own default, which
    is not documented.
    """

    profile_id: Id
    notify_url: Lenient[str] = Field(
        default=None, validation_alias=AliasPath("webhook", "notifyUrl")
    )
    auth_id: Lenient[str] = Field(default=None, validation_alias=AliasPath("security", "authId"))
    max_bucket_size: Lenient[WholeNumber] = None
    connect_timeout: Lenient[WholeNumber] = None
    read_timeout: Lenient[WholeNumber] = None
    rate_limit: Lenient[WholeNumber] = None

    def to_wire(self) -> dict[str, Any]:
        """Give the body without the id."""
        return given(
            webhook={"notifyUrl": self.notify_url} if self.notify_url else None,
            security={"authId": self.auth_id} if self.auth_id else None,
            maxBucketSize=self.max_bucket_size,
            connectTimeout=self.connect_timeout,
            readTimeout=self.read_timeout,
            rateLimit=self.rate_limit,
        )


class Criterion(Wire):
    """Whose events: of an application, of an entity, or of the pair."""

    application_id: Lenient[str] = None
    entity_id: Lenient[str] = None

    def to_wire(self) -> dict[str, Any]:
        """Give it without the half that is missing."""
        return given(applicationId=self.application_id, entityId=self.entity_id)


def _event(value: object) -> object:
    # Some channels name an event together with a format.
    return cast("dict[str, object]", value).get("event") if isinstance(value, dict) else value


def _none_as_empty(value: object) -> object:
    return () if is_blank(value) else value


_UNREADABLE = Criterion()


class Subscription(Wire):
    """Which events of WhatsApp go to which profile. No criteria: those of the whole account.

    Infobip ignores an event that the channel does not have: read back which it took. Criteria that
    cannot be read are not taken for none: they differ from all that we write.
    """

    subscription_id: Id
    name: Lenient[str] = None
    profile_id: Lenient[str] = Field(
        default=None, validation_alias=AliasPath("profile", "profileId")
    )
    events: LenientItems[Annotated[RequiredText, BeforeValidator(_event)]] = ()
    criteria: Annotated[
        tuple[Annotated[Criterion, unreadable_as(_UNREADABLE)], ...],
        unreadable_as((_UNREADABLE,)),
        BeforeValidator(_none_as_empty),
    ] = ()

    def to_wire(self) -> dict[str, Any]:
        """Give the body without the id. The profile must exist."""
        return given(
            name=self.name,
            profile={"profileId": self.profile_id},
            events=list(self.events),
            criteria=[each.to_wire() for each in self.criteria] or None,
        )


class Subscriptions:
    """Reads, creates, replaces and deletes security settings, profiles and subscriptions.

    `create…` gives False when the id is taken (409). The documents name no answer for that, so it
    may be another 4xx: read first.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def get_security(self, auth_id: str) -> Security | None:
        """Read a security setting; None when there is none of that id."""
        doing = f"Reading security setting {auth_id}"
        return await self._calls.read(doing, endpoints.GET_SECURITY, auth_id, model=Security)

    async def create_security(self, security: HmacSecurity | BasicSecurity) -> bool:
        """Create a security setting; False when the id is taken."""
        doing, call = f"Creating security setting {security.auth_id}", endpoints.CREATE_SECURITY
        body = {"authId": security.auth_id, **security.to_wire()}
        return await self._calls.create(doing, call, body, hide=[security.secret])

    async def replace_security(self, security: HmacSecurity | BasicSecurity) -> None:
        """Give a security setting another secret, or another type."""
        doing, call = f"Replacing security setting {security.auth_id}", endpoints.REPLACE_SECURITY
        body, hide = security.to_wire(), [security.secret]
        await self._calls.make(doing, call, security.auth_id, body=body, hide=hide)

    async def delete_security(self, auth_id: str) -> None:
        """Delete a security setting. Gone already is as good."""
        doing = f"Deleting security setting {auth_id}"
        await self._calls.delete(doing, endpoints.DELETE_SECURITY, auth_id)

    async def get_profile(self, profile_id: str) -> Profile | None:
        """Read a profile; None when there is none of that id."""
        doing = f"Reading webhook profile {profile_id}"
        return await self._calls.read(doing, endpoints.GET_PROFILE, profile_id, model=Profile)

    async def create_profile(self, profile: Profile) -> bool:
        """Create a profile, whose security setting must exist; False when the id is taken."""
        doing = f"Creating webhook profile {profile.profile_id}"
        body = {"profileId": profile.profile_id, **profile.to_wire()}
        return await self._calls.create(doing, endpoints.CREATE_PROFILE, body)

    async def replace_profile(self, profile: Profile) -> None:
        """Give a profile another URL, security setting or pace."""
        doing, call = f"Replacing webhook profile {profile.profile_id}", endpoints.REPLACE_PROFILE
        await self._calls.make(doing, call, profile.profile_id, body=profile.to_wire())

    async def delete_profile(self, profile_id: str) -> None:
        """Delete a profile. Gone already is as good."""
        doing = f"Deleting webhook profile {profile_id}"
        await self._calls.delete(doing, endpoints.DELETE_PROFILE, profile_id)

    async def get(self, subscription_id: str) -> Subscription | None:
        """Read a subscription; None when there is none of that id."""
        doing, call = f"Reading subscription {subscription_id}", endpoints.GET_SUBSCRIPTION
        return await self._calls.read(doing, call, subscription_id, model=Subscription)

    async def create(self, subscription: Subscription) -> bool:
        """Create a subscription to an existing profile; False when the id is taken."""
        doing = f"Creating subscription {subscription.subscription_id}"
        body = {"subscriptionId": subscription.subscription_id, **subscription.to_wire()}
        return await self._calls.create(doing, endpoints.CREATE_SUBSCRIPTION, body)

    async def replace(self, subscription: Subscription) -> None:
        """Give a subscription other events, criteria, or another profile."""
        one, call = subscription.subscription_id, endpoints.REPLACE_SUBSCRIPTION
        body = subscription.to_wire()
        await self._calls.make(f"Replacing subscription {one}", call, one, body=body)

    async def delete(self, subscription_id: str) -> None:
        """Delete a subscription. Gone already is as good."""
        doing = f"Deleting subscription {subscription_id}"
        await self._calls.delete(doing, endpoints.DELETE_SUBSCRIPTION, subscription_id)
