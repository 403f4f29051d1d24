"""Templates: which a sender's test message needs, and what its status means.

Templates belong to the WABA, not to a sender. Statuses: `WhatsAppTemplateApiResponse` of Infobip's
OpenAPI whatsapp 3.210.0; event: `TemplateUpdatePushEvent` there.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

from waboard.domain.conditions import Condition, Status
from waboard.domain.delivery import Verdict
from waboard.domain.lenient import LenientText, LenientTextOrDigits
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import Answer
from waboard.domain.sentences import sentence

USABLE = frozenset({"APPROVED", "REINSTATED"})
HOPELESS = frozenset({"REJECTED", "DISABLED", "DELETED", "PENDING_DELETION", "ARCHIVED"})
"""Statuses that no waiting mends; any other is waited out."""
GONE = "gone"
"""What is said of one that is not on the WABA."""
_LOST = HOPELESS | {GONE, "FIRST_PAUSED", "SECOND_PAUSED"}
_FINE = USABLE | {"FLAGGED"}


REPLY = "Thank you. Your number sends and receives messages."
_TEXTS = {
    "en": "This is a test: your WhatsApp number is connected and can send messages.",
    "es": "Esta es una prueba: su número de WhatsApp está conectado y puede enviar mensajes.",
    "pt": "Este é um teste: o seu número do WhatsApp está conectado e pode enviar mensagens.",
    "ja": "これはテストです。お使いのWhatsApp番号は接続され、メッセージを送信できます。",
}


def text_in(language: str) -> str:
    """Return what a verification template says in a language such as `pt_BR`; English for most."""
    return _TEXTS.get(language.partition("_")[0].lower(), _TEXTS["en"])


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


class TemplateChange(_Wire):
    """What changed: `new_status` is there when it was the status, else `type` says what."""

    new_status: LenientText = ""
    type: LenientText = ""
    reason: LenientText = ""

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if not self.new_status and not self.type:
            raise ValueError("newStatus or type says what changed")
        return self


class TemplateUpdate(_Wire):
    """What Infobip sends when a template changes. It names no WABA: everybody looks again."""

    message_template_id: LenientTextOrDigits = ""
    message_template_name: LenientTextOrDigits = ""
    message_template_language: LenientText = ""
    change: TemplateChange

    @model_validator(mode="after")
    def _names_it(self) -> Self:
        if not self.message_template_id and not self.message_template_name:
            raise ValueError("messageTemplateId or messageTemplateName says which template")
        return self

    def __str__(self) -> str:
        change = self.change.new_status or self.change.type
        reason = self.change.reason
        closer = f" ({reason})" if reason and reason != "NONE" else ""
        language = self.message_template_language
        where = self.message_template_name or self.message_template_id
        said = f"Template {where}{f' ({language})' if language else ''}: {change}{closer}"
        return sentence(said)


def still_usable(status: str) -> Answer:
    """Whether a template that was approved can be sent now. Unknown for one under review."""
    if status in _FINE:
        return Answer.YES
    return Answer.NO if status in _LOST else Answer.UNKNOWN


def read_of_template(known: Condition, status: str) -> Verdict | None:
    """Return what a status, or `GONE`, shows of `TemplateReady`; None where it shows nothing.

    One that was never approved is its run's to judge.
    """
    message = f"The template of the test message is {status} now."
    if known.is_true and status in _FINE:
        return Verdict(known.status, Reason.TEMPLATE_APPROVED, known.message)
    if status in USABLE:
        return Verdict(Status.TRUE, Reason.TEMPLATE_APPROVED, message)
    was_lost = known.is_true or known.reason == Reason.TEMPLATE_LOST
    if was_lost and status in _LOST:
        return Verdict(Status.FALSE, Reason.TEMPLATE_LOST, message)
    return None
