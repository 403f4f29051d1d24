"""From a webhook's raw body to facts: one per thing said, each with an identity of its own.

Nothing here raises: a body that cannot be read becomes one fact that says why, so that it can be
kept, looked at and run again.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from waboard.domain.delivery import DeliveryReport, SeenReport
from waboard.domain.inbound import InboundMessage
from waboard.domain.lenient import left_out, problems_in
from waboard.domain.meta_events.meanings import (
    NOTHING_KNOWN,
    Meaning,
    Ours,
    field_of,
    meaning_of,
    of_others,
    waba_id_in,
    waba_of,
)
from waboard.domain.meta_events.saying import said_by
from waboard.domain.meta_events.wire import MetaEvent, changes_in, shallow
from waboard.domain.registration import RegistrationEvent
from waboard.domain.template import TemplateUpdate

MESSAGE_ID_PREFIX = "waboard-"
"""How the ids of our own test messages begin, so that other traffic's reports are told apart."""
_OURS = re.compile(rf"{MESSAGE_ID_PREFIX}[\w-]{{1,100}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was said: what about, word for word, and whom it concerns.

    `problem` says why an invalid fact cannot be used; `unsupported` why one is of no use here;
    `settled` what became of one that concerns no onboarding; `note` what of it could not be read.
    `hints` are ids that may lead to the WABA where it is not named.
    """

    kind: str
    body: str
    waba_id: str | None = None
    message_id: str | None = None
    phone_number: str | None = None
    problem: str | None = None
    unsupported: str | None = None
    settled: str | None = None
    hints: tuple[str, ...] = ()
    note: str | None = None

    @property
    def digest(self) -> str:
        """Identify the fact: the same thing said again, in any batch or spacing, is the same."""
        return hashlib.sha256(f"{self.kind}\n{self.body}".encode()).hexdigest()


def registration_facts(raw: bytes) -> list[Fact]:
    """Read the body of a registration webhook, which tells of one WABA."""
    return _read("registration", raw, _registration_fact)


def delivery_facts(raw: bytes) -> list[Fact]:
    """Read the body of a delivery webhook, or of a pull, which holds any number of reports.

    One unreadable report does not take the others down.
    """
    return _read("delivery", raw, _delivery_fact, "results")


def seen_facts(raw: bytes) -> list[Fact]:
    """Read the body of a webhook of seen reports."""
    return _read("seen", raw, _seen_fact, "results")


def inbound_facts(raw: bytes) -> list[Fact]:
    """Read the body of a webhook of messages to senders. What they say is never kept."""
    facts = _read("inbound", raw, _inbound_fact, "results")
    return [replace(f, body=canonical({"unread": f.digest})) if f.problem else f for f in facts]


def template_facts(raw: bytes) -> list[Fact]:
    """Read the body of a webhook that tells of one template."""
    return _read("template", raw, _template_fact)


def account_facts(raw: bytes) -> list[Fact]:
    """Keep the body of an ACCOUNT_UPDATE_NOTIFICATION: Infobip publishes no form of it."""
    return _read("account", raw, _account_fact)


def meta_facts(raw: bytes, ours: Ours = NOTHING_KNOWN) -> list[Fact]:
    """Read the body of a webhook of Meta's, which holds any number of changes.

    What cannot be read may hold people's messages: only its digest is kept.
    """
    try:
        changes = changes_in(json.loads(raw))
    except (ValueError, RecursionError):
        unread = canonical({"unread": hashlib.sha256(raw).hexdigest()})
        return [Fact("meta", unread, problem="The body is no webhook of Meta's.")]
    return [_meta_fact(change, ours) for change in changes]


def signup_fact(signup_id: str, event: str, detail: str = "", **more: Any) -> Fact:
    """Keep what a client did with its signup link."""
    body = {"signup": signup_id, "event": event, **more}
    return Fact("signup", canonical(body), settled=detail or f"The client's signup: {event}.")


def read_again(kind: str, body: str) -> list[Fact]:
    """Read the body of an invalid fact with what we know by now: a whole webhook, or one part."""
    facts = READERS[kind](body.encode())
    if kind not in _BATCHES or not any(fact.problem for fact in facts):
        return facts
    return READERS[kind](f'{{"results":[{body}]}}'.encode())


def quality_fact(item: dict[str, Any], phone_number: str) -> Fact:
    """Keep one entry of an answer of the quality endpoint as evidence."""
    return Fact("quality", canonical(item), phone_number=phone_number)


def canonical(value: object) -> str:
    """Write JSON so that equal values are equal texts, which every database can hold."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()


def _read(
    kind: str, raw: bytes, read: Callable[[str], Fact], envelope: str | None = None
) -> list[Fact]:
    try:
        value: Any = json.loads(raw)
        items: Any = value if envelope is None else value[envelope]
        listed = [items] if envelope is None else _list(items)
        return [_read_item(kind, item, read) for item in listed]
    except (ValueError, KeyError, TypeError, RecursionError):
        expected = "a JSON object" if envelope is None else f"a JSON object with {envelope!r}"
        return [Fact(kind, _held(raw), problem=f"The body is not {expected}.")]


def _held(raw: bytes) -> str:
    # A NUL is the one character that PostgreSQL cannot hold.
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def _list(items: Any) -> list[Any]:
    if not isinstance(items, list):
        raise TypeError("results is a list")
    return cast("list[Any]", items)


def _read_item(kind: str, item: Any, read: Callable[[str], Fact]) -> Fact:
    text = canonical(item)
    try:
        return read(text)
    except ValidationError as error:
        return Fact(kind, text, problem=problems_in(error))


# Both read the text that is kept, as every later look does: what passes here passes there.


def _registration_fact(text: str) -> Fact:
    event = RegistrationEvent.model_validate_json(text)
    return Fact("registration", text, waba_id=event.business_account_id, note=_note(event))


def _note(model: BaseModel) -> str | None:
    notes = left_out(model)
    return f"{'; '.join(notes)}." if notes else None


def _delivery_fact(text: str) -> Fact:
    report = DeliveryReport.model_validate_json(text)
    if report.event not in ("", "DELIVERY"):
        return Fact("delivery", text, unsupported="Not a delivery report.")
    if not _OURS.fullmatch(report.message_id):
        return Fact("delivery", text, unsupported="Not our message.")
    return Fact("delivery", text, message_id=report.message_id)


def _seen_fact(text: str) -> Fact:
    report = SeenReport.model_validate_json(text)
    if report.event not in ("", "SEEN"):
        return Fact("seen", text, unsupported="Not a seen report.")
    if not _OURS.fullmatch(report.message_id):
        return Fact("seen", text, unsupported="Not our message.")
    return Fact("seen", text, message_id=report.message_id)


def _inbound_fact(text: str) -> Fact:
    message = InboundMessage.model_validate_json(text)
    return Fact("inbound", message.envelope(), phone_number=message.sender)


def _template_fact(text: str) -> Fact:
    return Fact("template", text, settled=str(TemplateUpdate.model_validate_json(text)))


def _account_fact(text: str) -> Fact:
    return Fact("account", text, unsupported="Kept: Infobip publishes no form of it.")


NAMES_NO_WABA = "Kept: it names no WABA that we know."
"""What is said of an event of Meta's that has a meaning, and no subject."""


def _meta_fact(change: dict[str, Any], ours: Ours) -> Fact:
    text = canonical(shallow(change))
    event = MetaEvent.model_validate_json(text)
    if field_of(event) is None:
        return _unread_fact(event)
    waba_id, meaning = waba_of(event, ours), meaning_of(event)
    why = _why_kept(event, meaning, ours)
    if why is not None:
        return Fact("meta", text, waba_id=waba_id, unsupported=why)
    if meaning is Meaning.SOLUTION:
        status = event.value.solution_status or "changed"
        return Fact("meta", text, settled=f"The partner solution is {status}.")
    if waba_id is None:
        return Fact("meta", text, unsupported=NAMES_NO_WABA, hints=_hints(event))
    # Of an alert, the entry may be another's than what it warns of.
    hints = _hints(event) if event.value.entity_id else ()
    return Fact("meta", text, waba_id=waba_id, hints=hints)


def _why_kept(event: MetaEvent, meaning: Meaning, ours: Ours) -> str | None:
    if meaning is Meaning.UNKNOWN:
        return f"Kept: an unknown event. {said_by(event)}"
    if meaning is Meaning.KEPT:
        return f"Kept: of no consequence for onboarding. {said_by(event)}"
    whose = of_others(event, ours)
    return f"Kept: {whose}. {said_by(event)}" if whose else None


def _hints(event: MetaEvent) -> tuple[str, ...]:
    return tuple(filter(waba_id_in, (event.value.entity_id, event.entry_id)))


def _unread_fact(event: MetaEvent) -> Fact:
    """Count what came in a field that we do not read, once a field, WABA and day.

    Chats come in such fields: nothing of what they say is kept, nor who wrote to whom.
    """
    named = event.field if _FIELD.fullmatch(event.field) else "without a name"
    waba_id, day = waba_of(event), f"{event.time:%Y-%m-%d}" if event.time else None
    body = canonical({"field": named, "waba_id": waba_id, "day": day})
    return Fact("unread", body, waba_id=waba_id, unsupported=f"Counted, not kept: {named}.")


_FIELD = re.compile(r"[a-z][a-z_]{0,63}", re.ASCII)


READERS: dict[str, Callable[[bytes], list[Fact]]] = {
    "registration": registration_facts,
    "delivery": delivery_facts,
    "seen": seen_facts,
    "inbound": inbound_facts,
    "template": template_facts,
    "account": account_facts,
    "meta": meta_facts,
}
"""How the body of each kind of webhook is read."""
_BATCHES = frozenset({"delivery", "seen", "inbound"})
"""Kinds whose webhooks hold any number of things said."""
