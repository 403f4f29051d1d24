"""What the Graph API answers, as far as we read it.

Fields that we do not know are left out, and values that we do not know are kept: Meta adds to both.
What is not needed may be anything: see `waboard.domain.lenient`.
"""

from typing import Annotated, Any

from pydantic import (
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
)

from waboard.domain.clock import ProviderTime
from waboard.domain.ids import PhoneNumberIdField, PortfolioIdField, WabaIdField
from waboard.domain.json_values import as_list, as_object
from waboard.domain.lenient import (
    Lenient,
    LenientItems,
    LenientText,
    LenientTextOrDigits,
    RequiredText,
    RequiredTextOrDigits,
    WholeNumber,
    unreadable_as,
)

_LATEST = 32_503_680_000  # the year 3000
Seconds = Annotated[WholeNumber, Field(ge=0, le=_LATEST)]
"""So many seconds, or when: since the epoch."""


def _not_blank(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise ValueError("a token is not blank")
    return value


Token = Annotated[SecretStr, BeforeValidator(_not_blank)]


class Node(BaseModel):
    """One object of the graph."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class BusinessToken(Node):
    """What a code is exchanged for: the token of one client's portfolio. `expires_in` is seconds.

    Source: ES/onboarding-customers-as-a-tech-provider, step 1.
    """

    access_token: Token
    expires_in: Lenient[Seconds] = None


class TokenFacts(Node):
    """What `debug_token` says of a token. Times are seconds since the epoch; 0 is never.

    Source: SP/manage-accounts. The WABAs are every one that was ever shared, in no order.
    """

    app_id: LenientTextOrDigits = ""
    is_valid: Annotated[bool, unreadable_as(False)] = False
    expires_at: Annotated[Seconds, unreadable_as(0)] = 0
    data_access_expires_at: Annotated[Seconds, unreadable_as(0)] = 0
    scopes: LenientItems[RequiredText] = ()
    granular_scopes: LenientItems["GranularScope"] = ()

    @property
    def waba_ids(self) -> frozenset[str]:
        """The WABAs that the token may manage."""
        meant = [s for s in self.granular_scopes if s.scope == "whatsapp_business_management"]
        return frozenset(target for scope in meant for target in scope.target_ids)


class GranularScope(Node):
    """A permission, and what it was given for."""

    scope: RequiredText
    target_ids: LenientItems[RequiredTextOrDigits] = ()


class HealthError(Node):
    """Why one entity limits or blocks messages, and Meta's advice."""

    error_code: Lenient[WholeNumber] = None
    error_description: LenientText = ""
    possible_solution: LenientText = ""

    def __str__(self) -> str:
        code = f" {self.error_code}" if self.error_code is not None else ""
        return f"Error{code}: {self.error_description} {self.possible_solution}".strip()


class HealthEntity(Node):
    """One of those who let messages through: PHONE_NUMBER, WABA, BUSINESS, APP and others."""

    entity_type: LenientText = ""
    can_send_message: LenientText = ""
    errors: LenientItems[HealthError] = ()


class HealthStatus(Node):
    """Whether messages can be sent, over all and by entity: AVAILABLE, LIMITED or BLOCKED.

    Source: WA/support/health-status, and the OpenAPI document's `health_status`.
    """

    can_send_message: LenientText = ""
    entities: LenientItems[HealthEntity] = ()


_Health = Annotated[HealthStatus, unreadable_as(HealthStatus())]


class MetaNumber(Node):
    """A phone number of a WABA. Source: GET /WABA/phone_numbers, SP/manage-phone-numbers."""

    id: PhoneNumberIdField
    display_phone_number: LenientTextOrDigits = ""
    verified_name: LenientText = ""
    status: LenientText = ""
    code_verification_status: LenientText = ""
    name_status: LenientText = ""
    quality_rating: LenientText = ""
    platform_type: LenientText = ""
    health_status: _Health = HealthStatus()


class Waba(Node):
    """A WhatsApp Business Account. Source: GET /WABA, WA/health-status and the OpenAPI document."""

    id: WabaIdField
    name: LenientText = ""
    account_review_status: LenientText = ""
    ownership_type: LenientText = ""
    owner: Lenient[PortfolioIdField] = Field(
        default=None, validation_alias=AliasPath("owner_business_info", "id")
    )
    health_status: _Health = HealthStatus()


class SubscribedApp(Node):
    """An app that a WABA's webhooks go to. Source: GET /WABA/subscribed_apps, OpenAPI document."""

    id: RequiredTextOrDigits = Field(validation_alias=AliasPath("whatsapp_business_api_data", "id"))


class Solution(Node):
    """A partner solution. Its values are an open set. Source: GET /SOLUTION, OpenAPI document."""

    id: RequiredTextOrDigits
    name: LenientText = ""
    status: RequiredText
    status_for_pending_request: Annotated[str, unreadable_as("NONE")] = "NONE"
    owner_permissions: LenientItems[RequiredText] = ()


class SolutionPartner(Node):
    """One partner of a solution. Source: GET /SOLUTION/partners, OpenAPI document."""

    app_id: LenientTextOrDigits = Field(default="", validation_alias=AliasPath("partner_app", "id"))
    partner_permissions: LenientItems[RequiredText] = ()
    status: LenientText = ""


class AppFacts(Node):
    """An app's own details. Which come back empty with which token was never tested.

    Source: the fields of `GET /APP` in Meta's Python SDK 26.0.3.
    """

    id: RequiredTextOrDigits
    name: LenientText = ""
    category: LenientText = ""
    app_domains: LenientItems[RequiredText] = ()
    contact_email: LenientText = ""
    icon_url: LenientText = ""
    privacy_policy_url: LenientText = ""
    terms_of_service_url: LenientText = ""


class Permission(Node):
    """A permission of an app, `live` or `unapproved`. Source: GET /APP/permissions, the SDK."""

    permission: RequiredText
    status: LenientText = ""


class AppSubscription(Node):
    """What an app is told of, and where. Source: GET /APP/subscriptions."""

    object: LenientText = ""
    callback_url: LenientText = ""
    active: Annotated[bool, unreadable_as(False)] = False
    fields: LenientItems[RequiredText] = ()

    @field_validator("fields", mode="before")
    @classmethod
    def _names(cls, value: Any) -> list[Any]:
        # Each is an object with a name and a version; older answers hold the bare names.
        return [as_object(each).get("name", each) for each in as_list(value)]


class Portfolio(Node):
    """A business portfolio. Source: GET /BUSINESS, the SDK."""

    id: PortfolioIdField
    name: LenientText = ""
    verification_status: LenientText = ""


class IssuedToken(Node):
    """A business token that a partner solution hands out again.

    Source: GET /SOLUTION/access_token: the documentation shows a list, the OpenAPI document one
    object; both are read.
    """

    access_token: Token
    expires_at: Lenient[ProviderTime] = None
