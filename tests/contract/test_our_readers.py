"""What our Infobip client reads, held against the answers that the official documents show."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tests.contract import openapi
from waboard.domain.ids import PhoneNumber
from waboard.infobip import InfobipClient
from waboard.infobip.senders import AddedStatus, BusinessVertical, CodeBy
from waboard.infobip.subscriptions import HmacAlgorithm, WhatsAppEvent
from waboard.infobip.templates import Template, TemplateStatus

pytestmark = pytest.mark.skipif(openapi.ABSENT, reason=openapi.WHY_ABSENT)

SENDER = PhoneNumber("447860041117")
Read = Callable[[InfobipClient], Awaitable[Any]]


def document(product: str) -> dict[str, Any]:
    file = openapi.CONTRACTS / "openapi" / f"infobip-{product}.json"
    return json.loads(file.read_text(encoding="utf-8"))


def examples(product: str, path: str, status: str = "200") -> dict[str, Any]:
    """The answers to a GET that the document shows, by their titles."""
    answer = document(product)["paths"][path]["get"]["responses"][status]
    shown = answer["content"]["application/json"]["examples"]
    return {title: each["value"] for title, each in shown.items()}


async def read(answer: Any, call: Read) -> Any:
    """What our client makes of an answer."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    async with InfobipClient("https://x.test", SecretStr("k"), transport=transport) as client:
        return await call(client)


def known(product: str, *names: str) -> set[str]:
    """The members of an enum of the document, which has a schema of that name."""
    schemas = document(product)["components"]["schemas"]
    found = [each for name, each in schemas.items() if name.split(".")[-1] in names]
    return {value for each in found for value in each.get("enum", ())}


async def test_every_template_that_is_shown_is_read():
    """With its id, its WABA as digits, its status, and the kind of its structure."""
    shown = examples("whatsapp", "/whatsapp/2/senders/{sender}/templates")
    assert shown
    for answer in shown.values():
        found: list[Template] = await read(answer, lambda c: c.templates.of(SENDER))
        for template, wire in zip(found, answer["templates"], strict=True):
            assert template.business_account_id == str(wire["businessAccountId"])
            assert (template.id, template.name) == (wire["id"], wire["name"])
            assert template.structure_type == wire["structure"].get("type", "UNKNOWN")


async def test_one_template_is_read_like_a_list_of_it():
    """The same shape."""
    for answer in examples("whatsapp", "/whatsapp/2/senders/{sender}/templates/{id}").values():
        one = await read(answer, lambda c: c.templates.get(SENDER, "111"))
        listed = await read({"templates": [answer]}, lambda c: c.templates.of(SENDER))
        assert [one] == listed


async def test_the_business_info_that_is_shown_is_read():
    """Every property of it."""
    path = "/whatsapp/1/senders/{sender}/business-info"
    (answer,) = examples("whatsapp", path).values()
    found = await read(answer, lambda c: c.senders.business_info(SENDER))
    assert found.model_dump(by_alias=True, mode="json") == answer


async def test_the_security_setting_that_is_shown_is_read():
    """The document's example shows its credentials."""
    for answer in examples("subscriptions-api", "/subscriptions/1/security/{authId}").values():
        found = await read(answer, lambda c: c.subscriptions.get_security("a"))
        credentials = {k: v.get_secret_value() for k, v in found.credentials.items()}
        assert (found.type, credentials) == (answer["type"], answer["credentials"])


async def test_the_profile_that_is_shown_is_read():
    """What would be written of it is part of it."""
    for answer in examples("subscriptions-api", "/subscriptions/1/profiles/{profileId}").values():
        found = await read(answer, lambda c: c.subscriptions.get_profile("a"))
        wire = found.to_wire()
        assert wire.pop("webhook")["notifyUrl"] == answer["webhook"]["notifyUrl"]
        assert wire.items() <= answer.items()
        assert len(wire) == 5


async def test_every_subscription_that_is_shown_is_read():
    """The same."""
    path = "/subscriptions/1/subscription/{channel}/{subscriptionId}"
    for answer in examples("subscriptions-api", path).values():
        found = await read(answer, lambda c: c.subscriptions.get("a"))
        wire = found.to_wire()
        assert wire.pop("profile")["profileId"] == answer["profile"]["profileId"]
        assert wire == {name: answer[name] for name in ("name", "events", "criteria")}


NEWER = {"Status": {"ARCHIVED", "UNKNOWN"}}
"""Values that Infobip's Java client 7.0.0 (2026-07-31) has, and its OpenAPI document not yet."""


@pytest.mark.parametrize(
    ("product", "schema", "ours"),
    [
        ("whatsapp", "Status", TemplateStatus),
        ("whatsapp", "NumberType", CodeBy),
        ("whatsapp", "WhatsAppSenderRegistrationStatus", AddedStatus),
        ("whatsapp", "BusinessVertical", BusinessVertical),
        ("subscriptions-api", "SimpleWhatsappEvents", WhatsAppEvent),
        ("subscriptions-api", "HmacAlgorithm", HmacAlgorithm),
    ],
)
def test_our_known_values_are_the_documents(product: str, schema: str, ours: Any):
    """A value that is not known is kept, so a difference breaks nothing; it is only late news."""
    assert known(product, schema) | NEWER.get(schema, set()) == {each.value for each in ours}
