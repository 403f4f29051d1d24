"""What is asked of templates (Infobip OpenAPI whatsapp 3.210.0).

Of a structure, the body and the footer are checked; headers, buttons and the rest are taken as they
come.
"""

import re
from typing import Annotated, Any, Literal, Self, get_args

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from waboard.sandbox.errors import Refusal
from waboard.sandbox.paging import Page
from waboard.sandbox.template_books import Template

Json = dict[str, Any]
Category = Literal["MARKETING", "AUTHENTICATION", "UTILITY"]
Status = Literal[
    "APPROVED",
    "IN_APPEAL",
    "PENDING",
    "REJECTED",
    "PENDING_DELETION",
    "DELETED",
    "REINSTATED",
    "FLAGGED",
    "FIRST_PAUSED",
    "SECOND_PAUSED",
    "DISABLED",
]
_LANGUAGES = """
af sq ar ar_EG ar_AE ar_LB ar_MA ar_QA az bn bn_IN bg ca zh_CN zh_HK zh_TW hr cs da nl
nl_BE en en_GB en_US en_AE en_AU en_CA en_GH en_IE en_IN en_JM en_MY en_NZ en_QA en_SG
en_UG en_ZA et fil fi fr fr_BE fr_CA fr_CH fr_CI fr_MA ka de de_AT de_CH el gu ha he hi hu
id ga it ja kn kk rw_RW ko ky_KG lo lv lt mk ms ml mr nb fa pl pt_BR pt_PT pa ro ru sr
si_LK sk sl es es_AR es_CL es_CO es_CR es_DO es_EC es_HN es_MX es_PA es_PE es_ES es_UY sw
sv ta te th tr uk ur uz vi zu
"""
LANGUAGES = frozenset(_LANGUAGES.split())
NAME = r"^[a-z0-9_]{1,512}$"
MOST_FOOTER = 60
Id = Annotated[str, Field(max_length=255)]


class Part(BaseModel):
    """Written in camel case."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True)


class Platform(Part):
    """Application and entity of a template."""

    entity_id: Id | None = None
    application_id: Id | None = None


class ValidityPeriod(Part):
    """How long an authentication code may take to arrive."""

    amount: int
    time_unit: Literal["SECONDS", "MINUTES"] = "MINUTES"


class Details(Part):
    """What may be said of a template, new or old."""

    platform: Platform | None = None
    validity_period: ValidityPeriod | None = None
    sub_category: Literal["ORDER_STATUS"] | None = None

    def extra(self) -> Json:
        """What only some categories have."""
        names = {"validity_period", "sub_category"}
        return self.model_dump(by_alias=True, exclude_none=True, include=names)

    def platform_json(self) -> Json:
        """The ids, as far as they are given."""
        return self.platform.model_dump(by_alias=True, exclude_none=True) if self.platform else {}


class Edit(Details):
    """`TemplateEditPublicApiRequest`: what is not given stays."""

    category: Category | None = None
    structure: Json | None = None


class Creation(Details):
    """`TemplatePublicApiRequest`."""

    name: Annotated[str, Field(pattern=NAME)]
    language: str
    category: Category
    structure: Json

    @model_validator(mode="after")
    def _language_is_one(self) -> Self:
        if self.language not in LANGUAGES:
            raise ValueError("language is not supported")
        return self


def check_structure(structure: Json, category: str) -> None:
    """Refuse a structure without a text, or with too long a footer. Meta words authentication."""
    body: Json | None = structure.get("body")
    footer: Json | None = structure.get("footer")
    if not isinstance(body, dict):
        raise Refusal(400, ("structure.body", "must not be null"))
    if category == "AUTHENTICATION":
        return
    if not isinstance(body.get("text"), str):
        raise Refusal(400, ("structure.body.text", "must not be null"))
    if isinstance(footer, dict) and len(str(footer.get("text", ""))) > MOST_FOOTER:
        wrong = f"size must be between 0 and {MOST_FOOTER}"
        raise Refusal(400, ("structure.footer.text", wrong))


class ListQuery(BaseModel):
    """The filters of the account's list; of several values, any may fit."""

    sender: list[str] = Field(default_factory=list[str])
    status: list[str] = Field(default_factory=list[str])
    language: list[str] = Field(default_factory=list[str])
    category: list[str] = Field(default_factory=list[str])
    name: str | None = None
    applicationId: str | None = None  # noqa: N815 - as on the wire
    entityId: str | None = None  # noqa: N815
    page: Page = 0
    size: Annotated[int, Query(ge=1, le=100)] = 10
    orderBy: str = "templateId,ASC"  # noqa: N815

    def check(self) -> None:
        """An unknown value is refused, and the property named."""
        languages = LANGUAGES | {"unknown"}
        known = {"status": get_args(Status), "category": get_args(Category), "language": languages}
        wrong = [name for name, all_of in known.items() if not set(values(self, name)) <= {*all_of}]
        if not re.fullmatch(r"templateId,(ASC|DESC)", self.orderBy):
            wrong.append("orderBy")
        if wrong:
            raise Refusal(400, *((name, "Provide one of the valid values.") for name in wrong))

    def admits(self, template: Template) -> bool:
        """Whether a template has everything that was asked for, but for its sender."""
        several = ("status", "language", "category")
        asked = {"applicationId": self.applicationId, "entityId": self.entityId}
        return (
            all(
                getattr(template, each) in (values(self, each) or [getattr(template, each)])
                for each in several
            )
            and self.name in (None, template.name)
            and all(value in (None, template.platform.get(key)) for key, value in asked.items())
        )


def values(query: ListQuery, name: str) -> list[str]:
    """Comma-separated, repeated, or both."""
    given: list[str] = getattr(query, name)
    return [each for value in given for each in value.split(",") if each]
