"""Message templates of a sender's WABA: list, read, create, delete.

A template belongs to the WABA: what one sender has, all its siblings have. Shapes, limits and
scope: OpenAPI whatsapp 3.210.0, version 2 of the paths (version 1 is deprecated).
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AliasPath, Field

from waboard.domain.ids import PhoneNumber, PlatformId, mask_phone
from waboard.domain.lenient import Lenient, RequiredText
from waboard.infobip import endpoints
from waboard.infobip.answers import Rows
from waboard.infobip.calls import NOT_FOUND, Calls
from waboard.infobip.models import UNKNOWN, Wire, Word, given

TemplateName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,512}$")]


class TemplateStatus(StrEnum):
    """The known values of `Template.status`. Only APPROVED is sure to be sendable."""

    APPROVED = "APPROVED"
    IN_APPEAL = "IN_APPEAL"
    PENDING = "PENDING"
    REJECTED = "REJECTED"
    PENDING_DELETION = "PENDING_DELETION"
    DELETED = "DELETED"
    REINSTATED = "REINSTATED"
    FLAGGED = "FLAGGED"
    FIRST_PAUSED = "FIRST_PAUSED"
    SECOND_PAUSED = "SECOND_PAUSED"
    DISABLED = "DISABLED"
    ARCHIVED = "ARCHIVED"
    UNKNOWN = "UNKNOWN"


class TemplateCategory(StrEnum):
    """What a template is for, which decides its price. Meta may change it by itself.

    AUTHENTICATION is left out: such a template has another structure, which nothing here needs.
    """

    MARKETING = "MARKETING"
    UTILITY = "UTILITY"


class Template(Wire):
    """A template as it is read. `structure_type`: TEXT, MEDIA or UNSUPPORTED.

    `business_account_id` is the WABA's, a JSON number on the wire and decimal digits here. Times
    are Infobip's own text.
    """

    id: Lenient[str] = None
    business_account_id: Lenient[str] = None
    name: RequiredText
    language: RequiredText
    status: Word = UNKNOWN
    category: Word = UNKNOWN
    quality: Word = UNKNOWN
    structure_type: Word = Field(default=UNKNOWN, validation_alias=AliasPath("structure", "type"))
    body: Lenient[str] = Field(
        default=None, validation_alias=AliasPath("structure", "body", "text"), repr=False
    )
    application_id: Lenient[str] = Field(
        default=None, validation_alias=AliasPath("platform", "applicationId")
    )
    entity_id: Lenient[str] = Field(
        default=None, validation_alias=AliasPath("platform", "entityId")
    )
    created_at: Lenient[str] = None
    last_updated_at: Lenient[str] = None

    @property
    def is_approved(self) -> bool:
        """Whether Meta lets it be sent."""
        return self.status == TemplateStatus.APPROVED


class NewTemplate(Wire):
    """A template of text alone. `body` may hold {{1}}, {{2}}…, with one example for each."""

    name: TemplateName
    language: str = Field(min_length=1)
    category: TemplateCategory
    body: str = Field(min_length=1)
    examples: tuple[str, ...] = ()
    application_id: PlatformId | None = None
    entity_id: PlatformId | None = None

    def to_wire(self) -> dict[str, Any]:
        """Give the body of a POST. The structure's `type` is Infobip's to say."""
        platform = given(applicationId=self.application_id, entityId=self.entity_id)
        examples = list(self.examples) or None
        return given(
            name=self.name,
            language=self.language,
            category=self.category,
            structure={"body": given(text=self.body, examples=examples)},
            platform=platform or None,
        )


class Templates:
    """Reads, creates and deletes the templates of a sender's WABA."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def of(self, sender: PhoneNumber) -> Rows[Template] | None:
        """Read all templates of a sender; None when Infobip does not know the sender (404).

        One that is looked for may be among those that could not be read: see `Rows.find`.
        """
        doing, call = f"Reading the templates of {mask_phone(sender)}", endpoints.LIST_TEMPLATES
        answer = await self._calls.make(doing, call, sender, accept={NOT_FOUND})
        if not answer.ok:
            return None
        return answer.read_each(Template, "templates", required=True)

    async def get(self, sender: PhoneNumber, template_id: str) -> Template | None:
        """Read one template; None when there is none of that id, or no such sender."""
        doing, call = f"Reading a template of {mask_phone(sender)}", endpoints.GET_TEMPLATE
        return await self._calls.read(doing, call, sender, template_id, model=Template)

    async def create(self, sender: PhoneNumber, template: NewTemplate) -> Template:
        """Hand a template in for Meta's approval. It comes back as Infobip keeps it.

        What a name and language that exist are answered with is not documented: list them first.
        """
        doing = f"Creating template {template.name} for {mask_phone(sender)}"
        call, body = endpoints.CREATE_TEMPLATE, template.to_wire()
        answer = await self._calls.make(doing, call, sender, body=body)
        return answer.read(Template, answer.fields())

    async def delete(self, sender: PhoneNumber, name: str) -> None:
        """Delete a template in every language, for the whole WABA. Gone already is as good.

        The document: the name of an approved one cannot be used again for 30 days.
        """
        doing = f"Deleting template {name} of {mask_phone(sender)}"
        await self._calls.delete(doing, endpoints.DELETE_TEMPLATE, sender, name)
