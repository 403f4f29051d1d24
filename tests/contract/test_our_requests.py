"""Every request that our Infobip client can send, held against the official documents."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tests.contract import openapi
from waboard.domain.ids import NumberKey, PhoneNumber, WabaId
from waboard.infobip import LIMITS, InfobipClient, InfobipError, endpoints
from waboard.infobip.client import MOST_REPORTS, MOST_SENDERS
from waboard.infobip.endpoints import SHARE_WABA, Endpoint
from waboard.infobip.limits import UNPUBLISHED
from waboard.infobip.models import Association, TemplateMessage, TextMessage, Wire
from waboard.infobip.senders import BusinessInfoChange, BusinessVertical, CodeBy, NewSender
from waboard.infobip.subscriptions import (
    BasicSecurity,
    Criterion,
    HmacSecurity,
    Profile,
    Subscription,
    WhatsAppEvent,
)
from waboard.infobip.templates import NewTemplate, TemplateCategory

documented = pytest.mark.skipif(openapi.ABSENT, reason=openapi.WHY_ABSENT)

Call = Callable[[InfobipClient], Awaitable[object]]

WABA = WabaId("104996122399160")
NUMBER = PhoneNumber("447860041117")
KEY = NumberKey("58B3840032C7774BAC840EEEA2C23A44")
MESSAGE = TemplateMessage(
    sender=NUMBER,
    to=PhoneNumber("385911234567"),
    message_id="waboard-1",
    template_name="welcome",
    language="en",
    application_id="waboard",
    entity_id="acme",
)
TEXT = TextMessage(
    sender=NUMBER,
    to=PhoneNumber("385911234567"),
    message_id="waboard-2",
    text="Hello",
    application_id="waboard",
    entity_id="acme",
)
LINK = Association(application_id="waboard", entity_id="acme", resource_id=KEY)
HMAC = HmacSecurity(auth_id="acme", secret_key=SecretStr("s"))
BASIC = BasicSecurity(auth_id="acme", username="u", password=SecretStr("p"))
PROFILE = Profile(
    profile_id="acme",
    notify_url="https://acme.test/hooks",
    auth_id="acme",
    max_bucket_size=100,
    connect_timeout=5000,
    read_timeout=10000,
    rate_limit=50,
)
TEMPLATE = NewTemplate(
    name="welcome",
    language="en",
    category=TemplateCategory.UTILITY,
    body="Hello {{1}}",
    examples=("Ada",),
    application_id="waboard",
    entity_id="acme",
)
PLAIN = NewTemplate(name="plain", language="en", category=TemplateCategory.MARKETING, body="Hello")
CHANGE = BusinessInfoChange(
    about="a" * 130,
    address="a" * 256,
    description="a" * 512,
    email="a" * 128,
    vertical=BusinessVertical.RESTAURANT,
    websites=("https://acme.test", "https://shop.acme.test"),
    logo_url="https://acme.test/logo.png",
)
SENDER = NewSender(number=NUMBER, display_name="Acme")
# The document tells the channels apart by their events alone: of those here, the first is only
# WhatsApp's. All of them are checked below.
SUBSCRIPTION = Subscription(
    subscription_id="acme",
    name="Acme",
    profile_id="acme",
    events=(WhatsAppEvent.ACCOUNT_REGISTRATION, WhatsAppEvent.DELIVERY),
    criteria=(Criterion(application_id="waboard", entity_id="acme"), Criterion(entity_id="b")),
)
ALL_EVENTS = SUBSCRIPTION.model_copy(update={"events": tuple(WhatsAppEvent)})

APPLICATION_ENTITY = "application-entity"
WHATSAPP = "whatsapp"
NUMBERS = "numbers"
MESSAGES = "messages-api"
SUBSCRIPTIONS = "subscriptions-api"
PRODUCTS = (APPLICATION_ENTITY, WHATSAPP, NUMBERS, MESSAGES, SUBSCRIPTIONS)

CALLS: dict[str, tuple[str, Call]] = {
    "one sender's quality": (WHATSAPP, lambda c: c.sender_quality([NUMBER])),
    "many senders' quality": (WHATSAPP, lambda c: c.sender_quality([NUMBER] * MOST_SENDERS)),
    "get application": (APPLICATION_ENTITY, lambda c: c.get_application("acme")),
    "create application": (APPLICATION_ENTITY, lambda c: c.create_application("acme", "Acme")),
    "rename application": (APPLICATION_ENTITY, lambda c: c.rename_application("acme", "Acme")),
    "get entity": (APPLICATION_ENTITY, lambda c: c.get_entity("acme")),
    "create entity": (APPLICATION_ENTITY, lambda c: c.create_entity("acme", "Acme")),
    "rename entity": (APPLICATION_ENTITY, lambda c: c.rename_entity("acme", "Acme")),
    "delete entity": (APPLICATION_ENTITY, lambda c: c.delete_entity("acme")),
    "filed under": (APPLICATION_ENTITY, lambda c: c.filed_under("acme")),
    "associations": (APPLICATION_ENTITY, lambda c: c.associations(KEY)),
    "all associations": (APPLICATION_ENTITY, lambda c: c.associations_page(0)),
    "associate": (APPLICATION_ENTITY, lambda c: c.associate(KEY, "waboard", "acme")),
    "dissociate": (APPLICATION_ENTITY, lambda c: c.dissociate(LINK)),
    "dissociate without an entity": (
        APPLICATION_ENTITY,
        lambda c: c.dissociate(LINK.model_copy(update={"entity_id": None})),
    ),
    "find number": (NUMBERS, lambda c: c.find_number(NUMBER)),
    "validate message": (MESSAGES, lambda c: c.traffic("messages-api").validate(MESSAGE)),
    "send message": (MESSAGES, lambda c: c.traffic("messages-api").send_template(MESSAGE)),
    "send template": (MESSAGES, lambda c: c.traffic("messages-api").send_template(MESSAGE)),
    "send text": (MESSAGES, lambda c: c.traffic("messages-api").send_text(TEXT)),
    "validate text": (MESSAGES, lambda c: c.traffic("messages-api").validate(TEXT)),
    "send standalone template": (
        WHATSAPP,
        lambda c: c.traffic("whatsapp").send_template(MESSAGE),
    ),
    "send standalone text": (WHATSAPP, lambda c: c.traffic("whatsapp").send_text(TEXT)),
    "reports": (MESSAGES, lambda c: c.delivery_reports()),
    "most reports of one message": (
        MESSAGES,
        lambda c: c.delivery_reports(message_id="waboard-1", limit=MOST_REPORTS),
    ),
    "get security": (SUBSCRIPTIONS, lambda c: c.subscriptions.get_security("acme")),
    "create HMAC security": (SUBSCRIPTIONS, lambda c: c.subscriptions.create_security(HMAC)),
    "create basic security": (SUBSCRIPTIONS, lambda c: c.subscriptions.create_security(BASIC)),
    "replace HMAC security": (SUBSCRIPTIONS, lambda c: c.subscriptions.replace_security(HMAC)),
    "replace basic security": (SUBSCRIPTIONS, lambda c: c.subscriptions.replace_security(BASIC)),
    "delete security": (SUBSCRIPTIONS, lambda c: c.subscriptions.delete_security("acme")),
    "get profile": (SUBSCRIPTIONS, lambda c: c.subscriptions.get_profile("acme")),
    "create profile": (SUBSCRIPTIONS, lambda c: c.subscriptions.create_profile(PROFILE)),
    "create the least profile": (
        SUBSCRIPTIONS,
        lambda c: c.subscriptions.create_profile(Profile(profile_id="acme")),
    ),
    "replace profile": (SUBSCRIPTIONS, lambda c: c.subscriptions.replace_profile(PROFILE)),
    "delete profile": (SUBSCRIPTIONS, lambda c: c.subscriptions.delete_profile("acme")),
    "get subscription": (SUBSCRIPTIONS, lambda c: c.subscriptions.get("acme")),
    "create subscription": (SUBSCRIPTIONS, lambda c: c.subscriptions.create(SUBSCRIPTION)),
    "create the least subscription": (
        SUBSCRIPTIONS,
        lambda c: c.subscriptions.create(
            SUBSCRIPTION.model_copy(update={"name": None, "criteria": ()})
        ),
    ),
    "replace subscription": (SUBSCRIPTIONS, lambda c: c.subscriptions.replace(SUBSCRIPTION)),
    "delete subscription": (SUBSCRIPTIONS, lambda c: c.subscriptions.delete("acme")),
    "add sender": (
        WHATSAPP,
        lambda c: c.senders.add(WABA, SENDER),
    ),
    "resend code": (WHATSAPP, lambda c: c.senders.resend_code(NUMBER, CodeBy.VOICE, "hr")),
    "submit code": (WHATSAPP, lambda c: c.senders.submit_code(NUMBER, SecretStr("123456"))),
    "business info": (WHATSAPP, lambda c: c.senders.business_info(NUMBER)),
    "change business info": (WHATSAPP, lambda c: c.senders.change_business_info(NUMBER, CHANGE)),
    "change one thing": (
        WHATSAPP,
        lambda c: c.senders.change_business_info(NUMBER, BusinessInfoChange(about="")),
    ),
    "templates": (WHATSAPP, lambda c: c.templates.of(NUMBER)),
    "get template": (WHATSAPP, lambda c: c.templates.get(NUMBER, "5653923468715475")),
    "create template": (WHATSAPP, lambda c: c.templates.create(NUMBER, TEMPLATE)),
    "create the least template": (WHATSAPP, lambda c: c.templates.create(NUMBER, PLAIN)),
    "delete template": (WHATSAPP, lambda c: c.templates.delete(NUMBER, "welcome")),
}
ENDPOINTS = {each for each in vars(endpoints).values() if isinstance(each, Endpoint)}
UNDOCUMENTED = {SHARE_WABA}


async def sent_by(call: Call, **options: Any) -> httpx.Request:
    """Make one call and catch its request; the answer is a refusal, which is of no interest."""
    requests: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(400)

    transport = httpx.MockTransport(refuse)
    async with InfobipClient("https://x.test", SecretStr("k"), transport=transport, **options) as c:
        with pytest.raises(InfobipError):
            await call(c)
    (request,) = requests
    return request


@documented
@pytest.mark.parametrize("name", CALLS)
async def test_a_request_is_as_documented(name: str):
    """The path, the method, each query parameter and each property of the body."""
    product, call = CALLS[name]
    request = await sent_by(call)
    where = (product, request.url.path, request.method)
    openapi.validate_query(*where, dict(request.url.params))
    openapi.validate_request_body(*where, json.loads(request.content) if request.content else None)


async def test_no_request_escapes_these_checks():
    """Whoever adds an endpoint adds its call above."""
    requests = [await sent_by(call) for _, call in CALLS.values()]
    covered = {
        each
        for each in ENDPOINTS
        for request in requests
        if request.method == each.method and _is_at(request.url.path, each.path)
    }
    assert covered == ENDPOINTS - UNDOCUMENTED


def _is_at(path: str, template: str) -> bool:
    pattern = "[^/]+".join(map(re.escape, re.split(r"\{\w*\}", template)))
    return re.fullmatch(pattern, path) is not None


@pytest.mark.parametrize(
    "body",
    [CHANGE, SENDER, TEMPLATE, PROFILE, SUBSCRIPTION, HMAC, BASIC, LINK, MESSAGE, TEXT],
    ids=lambda body: type(body).__name__,
)
def test_no_property_escapes_these_checks(body: Wire):
    """Whoever adds a field fills it in above, so that its name is held against the document."""
    assert [name for name, value in body if value in (None, (), "")] == []


@documented
@pytest.mark.parametrize(
    ("schema", "call"),
    [
        ("WhatsappSubscriptionRequest", lambda c: c.subscriptions.create(ALL_EVENTS)),
        ("WhatsappNoIdSubscriptionRequest", lambda c: c.subscriptions.replace(ALL_EVENTS)),
    ],
)
async def test_a_subscription_to_all_events_is_one_of_whatsapp(schema: str, call: Call):
    """Held against the channel's own schema."""
    body = json.loads((await sent_by(call)).content)
    openapi.validate_component(SUBSCRIPTIONS, schema, body)


@documented
def test_a_wrong_request_would_be_noticed():
    """The judge itself is judged: a misspelt property, and one that must be there."""
    where = (APPLICATION_ENTITY, "/provisioning/1/entities", "POST")
    with pytest.raises(openapi.NotAsDocumented, match="name"):
        openapi.validate_request_body(*where, {"entityId": "acme", "name": "Acme"})
    with pytest.raises(openapi.NotAsDocumented, match="senders"):
        openapi.validate_query(WHATSAPP, "/whatsapp/1/senders/quality", "GET", {})


@pytest.mark.parametrize(
    ("waba_id_as", "wire"), [("string", "104996122399160"), ("number", 104996122399160)]
)
async def test_share_waba_is_in_no_document_and_held_against_two_other_sources(
    waba_id_as: str, wire: str | int
):
    """Path and one field: the programme's page (a string) and the Java client 6.4.0 (a number)."""
    request = await sent_by(lambda c: c.share_waba(WABA), waba_id_as=waba_id_as)
    assert request.method == "POST"
    assert request.url.path == "/whatsapp/1/embedded-signup/registrations/share-waba"
    assert not request.url.query
    assert json.loads(request.content) == {"businessAccountId": wire}


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    """Find the document's words on an endpoint, whatever it calls the id in the path."""
    for product in PRODUCTS:
        file = openapi.CONTRACTS / "openapi" / f"infobip-{product}.json"
        for path, item in json.loads(file.read_text(encoding="utf-8"))["paths"].items():
            if _is_at(endpoint.path, path) and endpoint.method.lower() in item:
                return item[endpoint.method.lower()]
    raise AssertionError(f"{endpoint.path} is in no document")


@documented
@pytest.mark.parametrize(
    "endpoint",
    sorted(ENDPOINTS - UNDOCUMENTED, key=lambda e: (e.path, e.method)),
    ids=lambda e: f"{e.method} {e.path}",
)
def test_scopes_and_limits_are_the_documents(endpoint: Endpoint):
    """What a 403 tells the operator to grant, and how often we call."""
    operation = _operation(endpoint)
    assert endpoint.scopes == tuple(operation["x-scopes"])
    (throttle,) = operation.get("x-throttling-info", [None])
    assert (throttle is None) == (endpoint.bucket in UNPUBLISHED)
    if throttle:
        requests = throttle.get("numberOfRequests", throttle.get("replenishRate"))
        seconds = {"s": 1, "h": 3600}[throttle.get("timeUnit", "s")]
        limit = LIMITS[endpoint.bucket]
        assert (limit.requests, limit.seconds) == (requests, seconds)
