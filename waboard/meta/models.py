"""What the Graph API answers, as far as we read it.

Fields that we do not know are left out, and values that we do not know are kept: Meta adds to both.
"""

from datetime import datetime
from typing import Any

from pydantic import AliasPath, BaseModel, ConfigDict, Field, SecretStr, field_validator

from waboard.domain.ids import PhoneNumberIdField, PortfolioIdField, WabaIdField
from waboard.domain.json_values import as_list, as_object


class Node(BaseModel):
    """One object of the graph."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class BusinessToken(Node):
    """What a code is exchanged for: the token of one client's portfolio. `expires_in` is seconds.

    Source: ES/onboarding-customers-as-a-tech-provider, step 1.
    """

    access_token: SecretStr
    expires_in: int | None = None


class TokenFacts(Node):
    """What `debug_token` says of a token. Times are seconds since the epoch; 0 is never.

    Source: SP/manage-accounts. The WABAs are every one that was ever shared, in no order.
    """

    app_id: str = ""
    is_valid: bool = False
    expires_at: int = 0
    data_access_expires_at: int = 0
    scopes: tuple[str, ...] = ()
    granular_scopes: tuple["GranularScope", ...] = ()

    @property
    def waba_ids(self) -> frozenset[str]:
        """The WABAs that the token may manage."""
        meant = [s for s in self.granular_scopes if s.scope == "whatsapp_business_management"]
        return frozenset(target for scope in meant for target in scope.target_ids)


class GranularScope(Node):
    """A permission, and what it was given for."""

    scope: str
    target_ids: tuple[str, ...] = ()


class HealthError(Node):
    """Why one entity limits or blocks messages, and Meta's advice."""

    error_code: int | None = None
    error_description: str = ""
    possible_solution: str = ""

    def __str__(self) -> str:
        code = f" {self.error_code}" if self.error_code is not None else ""
        return f"Error{code}: {self.error_description} {self.possible_solution}".strip()


class HealthEntity(Node):
    """One of those who let messages through: PHONE_NUMBER, WABA, BUSINESS, APP and others."""

    entity_type: str = ""
    can_send_message: str = ""
    errors: tuple[HealthError, ...] = ()


class HealthStatus(Node):
    """Whether messages can be sent, over all and by entity: AVAILABLE, LIMITED or BLOCKED.

    Source: WA/support/health-status, and the OpenAPI document's `health_status`.
    """

    can_send_message: str = ""
    entities: tuple[HealthEntity, ...] = ()


class MetaNumber(Node):
    """A phone number of a WABA. Source: GET /WABA/phone_numbers, SP/manage-phone-numbers."""

    id: PhoneNumberIdField
    display_phone_number: str = ""
    verified_name: str = ""
    status: str = ""
    code_verification_status: str = ""
    name_status: str = ""
    quality_rating: str = ""
    platform_type: str = ""
    health_status: HealthStatus = HealthStatus()


class Waba(Node):
    """A WhatsApp Business Account. Source: GET /WABA, WA/health-status and the OpenAPI document."""

    id: WabaIdField
    name: str = ""
    account_review_status: str = ""
    ownership_type: str = ""
    owner: PortfolioIdField | None = Field(
        default=None, validation_alias=AliasPath("owner_business_info", "id")
    )
    health_status: HealthStatus = HealthStatus()


class Solution(Node):
    """A partner solution. Its values are an open set. Source: GET /SOLUTION, OpenAPI document."""

    id: str
    name: str = ""
    status: str = ""
    status_for_pending_request: str = "NONE"
    owner_permissions: tuple[str, ...] = ()


class SolutionPartner(Node):
    """One partner of a solution. Source: GET /SOLUTION/partners, OpenAPI document."""

    app_id: str = Field(default="", validation_alias=AliasPath("partner_app", "id"))
    partner_permissions: tuple[str, ...] = ()
    status: str = ""


class AppFacts(Node):
    """An app's own details. Which come back empty with which token was never tested.

    Source: the fields of `GET /APP` in Meta's Python SDK 26.0.3.
    """

    id: str
    name: str = ""
    category: str = ""
    app_domains: tuple[str, ...] = ()
    contact_email: str = ""
    icon_url: str = ""
    privacy_policy_url: str = ""
    terms_of_service_url: str = ""


class Permission(Node):
    """A permission of an app, `live` or `unapproved`. Source: GET /APP/permissions, the SDK."""

    permission: str
    status: str = ""


class AppSubscription(Node):
    """What an app is told of, and where. Source: GET /APP/subscriptions."""

    object: str = ""
    callback_url: str = ""
    active: bool = False
    fields: tuple[str, ...] = ()

    @field_validator("fields", mode="before")
    @classmethod
    def _names(cls, value: Any) -> list[Any]:
        # Each is an object with a name and a version; older answers hold the bare names.
        return [as_object(each).get("name", each) for each in as_list(value)]


class Portfolio(Node):
    """A business portfolio. Source: GET /BUSINESS, the SDK."""

    id: PortfolioIdField
    name: str = ""
    verification_status: str = ""


class IssuedToken(Node):
    """A business token that a partner solution hands out again.

    Source: GET /SOLUTION/access_token: the documentation shows a list, the OpenAPI document one
    object; both are read.
    """

    access_token: SecretStr
    expires_at: datetime | None = None
