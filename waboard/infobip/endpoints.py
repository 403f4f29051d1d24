"""The operations of Infobip's API that we use: one table of methods, paths, scopes and buckets.

Source: Infobip's OpenAPI documents 3.210.0 (`x-scopes` for the scopes), except share-waba, which
is only on the provider programme's page and in the Java client 6.4.0; its scope is inferred.
"""

from dataclasses import dataclass
from urllib.parse import quote

from waboard.infobip import limits

_WHATSAPP = ("whatsapp:manage",)
_APPLICATION_ENTITY = ("application-entity:manage",)
_SUBSCRIPTIONS = ("subscriptions:manage",)
_MESSAGES = ("message:send", "messages-api:message:send", "messages-api:manage")

_WHATSAPP_MESSAGES = ("message:send", "whatsapp:message:send", "whatsapp:manage")


@dataclass(frozen=True)
class Endpoint:
    """One operation. `path` holds a `{}` for each id; any one of `scopes` lets a key use it."""

    method: str
    path: str
    scopes: tuple[str, ...]
    bucket: str
    changes: bool
    """Whether calling it twice could do something twice: what makes an unknown outcome matter."""

    def at(self, *ids: str) -> str:
        """Give the path with its ids filled in and quoted. Raises ValueError for a dot segment."""
        if any(each in {"", ".", ".."} for each in ids):
            raise ValueError("an id that stands in a URL is not empty and not made of dots alone")
        return self.path.format(*(quote(each, safe="") for each in ids))


def _provisioning(method: str, path: str) -> Endpoint:
    changes = method != "GET"
    return Endpoint(
        method, f"/provisioning/1/{path}", _APPLICATION_ENTITY, limits.PROVISIONING, changes
    )


def _subscriptions(method: str, path: str) -> Endpoint:
    whole, changes = f"/subscriptions/1/{path}", method != "GET"
    return Endpoint(method, whole, _SUBSCRIPTIONS, limits.SUBSCRIPTIONS, changes)


def _templates(method: str, path: str, bucket: str) -> Endpoint:
    changes = method != "GET"
    return Endpoint(method, f"/whatsapp/2/senders/{{}}/{path}", _WHATSAPP, bucket, changes)


def _embedded_signup(method: str, path: str) -> Endpoint:
    whole = f"/whatsapp/1/embedded-signup/registrations/{path}"
    return Endpoint(method, whole, _WHATSAPP, limits.EMBEDDED_SIGNUP, changes=True)


def _business_info(method: str) -> Endpoint:
    path, changes = "/whatsapp/1/senders/{}/business-info", method != "GET"
    return Endpoint(method, path, _WHATSAPP, limits.BUSINESS_INFO, changes)


SHARE_WABA = Endpoint(
    "POST",
    "/whatsapp/1/embedded-signup/registrations/share-waba",
    _WHATSAPP,
    limits.SHARE_WABA,
    changes=True,
)
SENDERS_QUALITY = Endpoint(
    "GET",
    "/whatsapp/1/senders/quality",
    _WHATSAPP,
    limits.SENDERS_QUALITY,
    changes=False,
)
GET_APPLICATION = _provisioning("GET", "applications/{}")
CREATE_APPLICATION = _provisioning("POST", "applications")
RENAME_APPLICATION = _provisioning("PUT", "applications/{}")
GET_ENTITY = _provisioning("GET", "entities/{}")
CREATE_ENTITY = _provisioning("POST", "entities")
RENAME_ENTITY = _provisioning("PUT", "entities/{}")
DELETE_ENTITY = _provisioning("DELETE", "entities/{}")
GET_ASSOCIATIONS = _provisioning("GET", "associations")
ASSOCIATE = _provisioning("POST", "associations")
DISSOCIATE = _provisioning("DELETE", "associations")
FIND_NUMBER = Endpoint(
    "GET", "/numbers/1/numbers", ("numbers:manage",), limits.NUMBERS, changes=False
)
VALIDATE_MESSAGE = Endpoint(
    "POST",
    "/messages-api/1/messages/validate",
    _MESSAGES,
    limits.MESSAGES_VALIDATE,
    changes=False,  # nothing is sent
)
SEND_MESSAGE = Endpoint(
    "POST", "/messages-api/1/messages", _MESSAGES, limits.MESSAGES_SEND, changes=True
)
SEND_WHATSAPP_TEMPLATE = Endpoint(
    "POST",
    "/whatsapp/1/message/template",
    _WHATSAPP_MESSAGES,
    limits.WHATSAPP_MESSAGES,
    changes=True,
)
SEND_WHATSAPP_TEXT = Endpoint(
    "POST",
    "/whatsapp/1/message/text",
    _WHATSAPP_MESSAGES,
    limits.WHATSAPP_MESSAGES,
    changes=True,
)
DELIVERY_REPORTS = Endpoint(
    "GET", "/messages-api/1/reports", _MESSAGES, limits.MESSAGES_REPORTS, changes=False
)
GET_SECURITY = _subscriptions("GET", "security/{}")
CREATE_SECURITY = _subscriptions("POST", "security")
REPLACE_SECURITY = _subscriptions("PUT", "security/{}")
DELETE_SECURITY = _subscriptions("DELETE", "security/{}")
GET_PROFILE = _subscriptions("GET", "profiles/{}")
CREATE_PROFILE = _subscriptions("POST", "profiles")
REPLACE_PROFILE = _subscriptions("PUT", "profiles/{}")
DELETE_PROFILE = _subscriptions("DELETE", "profiles/{}")
GET_SUBSCRIPTION = _subscriptions("GET", "subscription/WHATSAPP/{}")
CREATE_SUBSCRIPTION = _subscriptions("POST", "subscription/WHATSAPP")
REPLACE_SUBSCRIPTION = _subscriptions("PUT", "subscription/WHATSAPP/{}")
DELETE_SUBSCRIPTION = _subscriptions("DELETE", "subscription/WHATSAPP/{}")
LIST_TEMPLATES = _templates("GET", "templates", limits.TEMPLATES_READ)
GET_TEMPLATE = _templates("GET", "templates/{}", limits.TEMPLATES_READ)
CREATE_TEMPLATE = _templates("POST", "templates", limits.TEMPLATES_CREATE)
DELETE_TEMPLATE = _templates("DELETE", "templates/{}", limits.TEMPLATES_DELETE)
ADD_SENDER = _embedded_signup("POST", "business-account/{}/senders")
RESEND_CODE = _embedded_signup("PUT", "senders/{}/verification")
SUBMIT_CODE = _embedded_signup("POST", "senders/{}/verification")
GET_BUSINESS_INFO = _business_info("GET")
CHANGE_BUSINESS_INFO = _business_info("PATCH")
