"""A sender's own affairs: adding it to a WABA, its one-time password, its business info.

Shapes, limits and scope: OpenAPI whatsapp 3.210.0. Adding and its password are marked as early
access there; how long a password lives and how often it may be tried is not documented.
"""

from enum import StrEnum
from typing import Annotated, Any, Self

import phonenumbers
from pydantic import ConfigDict, Field, SecretStr, model_validator

from waboard.domain.ids import PhoneNumber, WabaId, mask_phone, mask_waba
from waboard.domain.lenient import Lenient, LenientItems, RequiredText
from waboard.infobip import endpoints
from waboard.infobip.calls import Calls
from waboard.infobip.models import UNKNOWN, Wire, Word, given

DEFAULT_LOCALE = "en_US"


class CodeBy(StrEnum):
    """How the one-time password reaches whoever holds the number (`NumberType`)."""

    SMS = "EXTERNAL_SMS"
    VOICE = "EXTERNAL_VOICE"


class AddedStatus(StrEnum):
    """The known answers to adding a sender."""

    SUBMITTED_FOR_REGISTRATION = "SUBMITTED_FOR_REGISTRATION"
    OTP_REQUESTED = "OTP_REQUESTED"


class BusinessVertical(StrEnum):
    """The known lines of business (`BusinessVertical`)."""

    AUTOMOTIVE = "AUTOMOTIVE"
    BEAUTY_AND_SPA_AND_SALON = "BEAUTY_AND_SPA_AND_SALON"
    CLOTHING_AND_APPAREL = "CLOTHING_AND_APPAREL"
    EDUCATION = "EDUCATION"
    ENTERTAINMENT = "ENTERTAINMENT"
    EVENT_PLANNING_AND_SERVICE = "EVENT_PLANNING_AND_SERVICE"
    FINANCE_AND_BANKING = "FINANCE_AND_BANKING"
    FOOD_AND_GROCERY = "FOOD_AND_GROCERY"
    PUBLIC_SERVICE = "PUBLIC_SERVICE"
    HOTEL_AND_LODGING = "HOTEL_AND_LODGING"
    MEDICAL_AND_HEALTH = "MEDICAL_AND_HEALTH"
    NON_PROFIT = "NON_PROFIT"
    PROFESSIONAL_SERVICES = "PROFESSIONAL_SERVICES"
    SHOPPING_AND_RETAIL = "SHOPPING_AND_RETAIL"
    TRAVEL_AND_TRANSPORTATION = "TRAVEL_AND_TRANSPORTATION"
    RESTAURANT = "RESTAURANT"
    OTHER = "OTHER"
    UNKNOWN = "UNKNOWN"


class NewSender(Wire):
    """A number that shall become a sender, and how its one-time password is sent."""

    number: PhoneNumber = Field(repr=False)
    display_name: str = Field(min_length=1)
    code_by: CodeBy = CodeBy.SMS
    locale: str = Field(default=DEFAULT_LOCALE, min_length=1)

    def to_wire(self) -> dict[str, Any]:
        """Give the body of a POST: the number in two parts. Raises ValueError when it has none."""
        try:
            parsed = phonenumbers.parse(f"+{self.number}")
        except phonenumbers.NumberParseException:
            parsed = None
        if parsed is None:  # raised out here: the other error holds the number
            raise ValueError("a sender's number begins with a country code")
        return {
            "countryCode": str(parsed.country_code),
            "phoneNumber": phonenumbers.national_significant_number(parsed),
            "displayName": self.display_name,
            "type": self.code_by,
            "locale": self.locale,
        }


class _Added(Wire):
    status: RequiredText


class BusinessInfo(Wire):
    """What people see of a business in WhatsApp. The display name cannot be changed here."""

    display_name: Lenient[str] = None
    about: Lenient[str] = None
    address: Lenient[str] = None
    description: Lenient[str] = None
    email: Lenient[str] = None
    vertical: Word = UNKNOWN
    websites: LenientItems[str] = ()


class BusinessInfoChange(Wire):
    """What shall be different. None is left as it is. Unknown fields are refused.

    The logo is fetched from its URL: a JPEG or PNG of 192 to 640 pixels a side.
    """

    model_config = ConfigDict(extra="forbid")

    about: str | None = Field(default=None, max_length=130)
    address: str | None = Field(default=None, max_length=256)
    description: str | None = Field(default=None, max_length=512)
    email: str | None = Field(default=None, max_length=128)
    vertical: BusinessVertical | None = None
    websites: tuple[Annotated[str, Field(max_length=256)], ...] | None = Field(
        default=None, max_length=2
    )
    logo_url: str | None = Field(default=None, max_length=2048, pattern=r"^https?://")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not given(**self.model_dump()):
            raise ValueError("say what shall be different")
        return self

    def to_wire(self) -> dict[str, Any]:
        """Give the body of a PATCH."""
        return given(**self.model_dump(by_alias=True, mode="json"))


class Senders:
    """Adds a sender, passes its one-time password on, reads and changes its business info."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def add(self, waba_id: WabaId, sender: NewSender) -> str:
        """Add a number to a shared WABA; gives an `AddedStatus`, or a new one as it came.

        OTP_REQUESTED: a password is on its way, see `submit_code`. Otherwise the number was
        verified already and is being registered. What a second time does is not documented.
        ValueError for a number without a country code.
        """
        doing = f"Adding sender {mask_phone(sender.number)} to WABA {mask_waba(waba_id)}"
        answer = await self._calls.make(doing, endpoints.ADD_SENDER, waba_id, body=sender.to_wire())
        return answer.read(_Added, answer.fields()).status

    async def resend_code(
        self, sender: PhoneNumber, code_by: CodeBy = CodeBy.SMS, locale: str = DEFAULT_LOCALE
    ) -> None:
        """Have the one-time password sent again, perhaps in another way."""
        doing = f"Asking for another one-time password of {mask_phone(sender)}"
        body = {"type": code_by, "locale": locale}
        await self._calls.make(doing, endpoints.RESEND_CODE, sender, body=body)

    async def submit_code(self, sender: PhoneNumber, code: SecretStr) -> None:
        """Pass on the one-time password. Returning means accepted for registration.

        A wrong one is a refusal; with which status is not documented.
        """
        doing = f"Passing on the one-time password of {mask_phone(sender)}"
        call, body = endpoints.SUBMIT_CODE, {"code": code.get_secret_value()}
        await self._calls.make(doing, call, sender, body=body, hide=[code])

    async def business_info(self, sender: PhoneNumber) -> BusinessInfo | None:
        """Read a sender's business info; None when Infobip does not know the sender (404)."""
        doing = f"Reading the business info of {mask_phone(sender)}"
        return await self._calls.read(
            doing, endpoints.GET_BUSINESS_INFO, sender, model=BusinessInfo
        )

    async def change_business_info(self, sender: PhoneNumber, change: BusinessInfoChange) -> None:
        """Change a sender's business info, and leave what is not named as it is."""
        doing = f"Changing the business info of {mask_phone(sender)}"
        call, body = endpoints.CHANGE_BUSINESS_INFO, change.to_wire()
        await self._calls.make(doing, call, sender, body=body)
