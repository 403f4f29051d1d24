"""A message template of a WABA, as Infobip shows it and as its review changes it.

Source: Infobip OpenAPI whatsapp 3.210.0, `TemplateApiResponse` and `TemplateUpdatePushEvent`.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from waboard.sandbox.times import stamp

Json = dict[str, Any]

DAY = 86400.0
NAME_BLOCKED = 30 * DAY
"""How long the name of a deleted, once approved template cannot be had again."""

_EARLIER = 1_704_067_200.0
"""When the templates that a fate brings along were made: 2024, as in the document's examples."""


@dataclass(frozen=True)
class Template:
    """One language of a template, at one time: a change makes another one."""

    waba_id: str
    name: str
    language: str
    category: str
    structure: Json
    status: str = "PENDING"
    created_at: float = _EARLIER
    updated_at: float = _EARLIER
    platform: Json = field(default_factory=dict[str, Any])
    extra: Json = field(default_factory=dict[str, Any])
    """`subCategory` or `validityPeriod`, where the category has it."""
    edits: tuple[float, ...] = ()
    """When it was edited while it was approved."""
    approved: bool = False
    """Whether it ever was."""

    @property
    def id(self) -> str:
        """Digits that depend on nothing but what it is the template of."""
        seed = f"{self.waba_id}:{self.name}:{self.language}"
        return str(10**15 + int(hashlib.sha256(seed.encode()).hexdigest()[:12], 16))

    def as_json(self) -> Json:
        """`TemplateApiResponse`."""
        plain = set(self.structure) <= {"body", "type"}
        return {
            "id": self.id,
            "businessAccountId": int(self.waba_id),
            "name": self.name,
            "language": self.language,
            "status": self.status,
            "category": self.category,
            "structure": {**self.structure, "type": "TEXT" if plain else "MEDIA"},
            "quality": "UNKNOWN",
            "createdAt": stamp(self.created_at),
            "lastUpdatedAt": stamp(self.updated_at),
            **({"platform": self.platform} if self.platform else {}),
            **self.extra,
        }

    def event(self, reason: str) -> Json:
        """`TemplateUpdatePushEvent`: its ids are numbers, so one that is none cannot be told."""
        ids = {name: int(each) for name, each in self.platform.items() if each.isdigit()}
        change = {"type": "TEMPLATE_STATUS_UPDATE", "newStatus": self.status, "reason": reason}
        return {
            "messageTemplateId": self.id,
            "messageTemplateName": self.name,
            "messageTemplateLanguage": self.language,
            "timestamp": stamp(self.updated_at),
            "change": change,
            **ids,
        }


def approved_template(waba_id: str, named: str) -> Template:
    """What a fate lists as `name:language`."""
    name, _, language = named.partition(":")
    body = {"body": {"text": "Hello, this is {{1}}."}}
    return Template(waba_id, name, language, "UTILITY", body, status="APPROVED", approved=True)
