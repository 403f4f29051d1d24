"""Why a message over WhatsApp failed: Infobip's chat error codes, and what to do about each.

Source: "Chat error codes" of Infobip's page on response status and error codes, which gives a code,
a name and whether it is permanent. Whose turn it is, and the remedy, are ours. A code that is not
in the table is nothing to stop for: it is shown as it came.

"Temporary" is the page's word: the same message may arrive later. Of 7036 and 7037 it says that
Meta has not made a new template ready; that a new sender meets them too is inferred.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from waboard.domain.parties import Party


@dataclass(frozen=True, slots=True)
class ChatError:
    """One code. `name` is the one on the wire; `permanent`: the same message will never arrive."""

    code: int
    name: str
    permanent: bool
    awaiting: Party
    remedy: str


_CLIENT, _INFOBIP = Party.CLIENT, Party.INFOBIP
_OPERATOR, _US = Party.OPERATOR, Party.US

_SUPPORT = "Infobip's support looks into it: give it the message id and this code."
_WAIT = (
    "Retry the run in the Prefect UI in a while: this passes by itself as a rule. If it lasts, "
    "give Infobip's support the message id."
)
_RECIPIENT = "Choose a test recipient (WABOARD_TEST_RECIPIENT) "
_TEMPLATE = "Compare WABOARD_VERIFICATION_TEMPLATE with the template in WhatsApp Manager: "
_TEXT_TEMPLATE = "Use a test template of text alone (WABOARD_VERIFICATION_TEMPLATE)."
_MARKETING = "Use a test template of the category UTILITY (WABOARD_VERIFICATION_TEMPLATE)."

_PERMANENT: dict[int, tuple[str, Party, str]] = {
    7001: (
        "UNKNOWN_APPLICATION",
        _OPERATOR,
        "See in Infobip's portal that the application and the sender exist and belong together.",
    ),
    7002: ("UNKNOWN_USER", _OPERATOR, f"{_RECIPIENT}that has WhatsApp."),
    7003: ("BLOCKED_USER", _OPERATOR, f"{_RECIPIENT}that has not blocked the sender."),
    7004: ("UNAUTHORIZED_ACCESS", _INFOBIP, _SUPPORT),
    7005: (
        "FORBIDDEN_ACCESS",
        _OPERATOR,
        "See in Infobip's portal that the account may send from this sender; if so, ask Infobip's "
        "support.",
    ),
    7006: ("BAD_REQUEST", _OPERATOR, f"{_TEMPLATE}its parts and what is sent must match."),
    7007: (
        "ILLEGAL_TRAFFIC_TYPE",
        _OPERATOR,
        "Use a template whose content fits what the sender is registered for, or ask Infobip's "
        "support.",
    ),
    7008: ("INVALID_TEMPLATE_ARGS", _OPERATOR, f"{_TEMPLATE}it must have no placeholders."),
    7009: ("INVALID_TEMPLATE", _OPERATOR, f"{_TEMPLATE}name, language and approval."),
    7010: (
        "NO_SESSION",
        _OPERATOR,
        "Send a template, or have the recipient write to the sender first: free text arrives only "
        "within 24 hours of that.",
    ),
    7011: (
        "ACCOUNT_ISSUE",
        _CLIENT,
        "The client looks in Meta's Business Support Home at what is wrong with its account.",
    ),
    7015: ("MEDIA_METADATA_ERROR", _OPERATOR, _TEXT_TEMPLATE),
    7016: (
        "SPAM_RATE",
        _OPERATOR,
        "Send less from this sender until its quality rating recovers.",
    ),
    7018: ("INTERNAL_BAD_MAPPING", _INFOBIP, _SUPPORT),
    7019: (
        "PROVIDER_BILLING_ERROR",
        _INFOBIP,
        "Infobip attaches the credit line to this WABA: ask your account manager there.",
    ),
    7020: (
        "DEVICE_REPRODUCTION_ERROR",
        _OPERATOR,
        f"{_RECIPIENT}whose WhatsApp is current and whose terms are accepted.",
    ),
    7021: (
        "LIMITED_FUNCTIONALITY",
        _CLIENT,
        "The client looks in Meta's Business Support Home at what Meta has restricted.",
    ),
    7022: ("MEDIA_UNSUPPORTED", _OPERATOR, _TEXT_TEMPLATE),
    7023: ("DATA_MISMATCH", _INFOBIP, _SUPPORT),
    7025: (
        "UNSUPPORTED_MOBILE_APP_VERSION",
        _OPERATOR,
        f"{_RECIPIENT}whose WhatsApp is current.",
    ),
    7026: (
        "MESSAGE_TYPE_EXHAUSTED",
        _OPERATOR,
        "Send less, and retry the run in the Prefect UI tomorrow: Meta's limit for this kind of "
        "message is reached.",
    ),
    7027: (
        "BLOCKED_CONTENT",
        _OPERATOR,
        "Use a template whose content keeps Meta's policy (WABOARD_VERIFICATION_TEMPLATE).",
    ),
    7029: (
        "USER_IDENTITY_CHANGED",
        _OPERATOR,
        "Confirm in Infobip's portal that the recipient is who it was.",
    ),
    7030: (
        "TEMPLATE_BLOCKED_BY_USER",
        _OPERATOR,
        f"{_RECIPIENT}that has not blocked this template.",
    ),
    7031: ("INVALID_WA_FLOW", _OPERATOR, _TEXT_TEMPLATE),
    7032: ("FREQUENCY_CAPPING", _OPERATOR, _MARKETING),
    7033: ("MARKETING_OPT_OUT", _OPERATOR, _MARKETING),
    7034: (
        "SENDER_NOT_REGISTERED",
        _INFOBIP,
        "Infobip has not registered the sender yet: retry the run in the Prefect UI once it has. "
        "If it has, give its support the sender.",
    ),
    7038: (
        "INVALID_WA_ACCOUNT_TYPE",
        _CLIENT,
        "The client takes over its WABA, or signs up with one of its own: one that is managed on "
        "its behalf is not supported.",
    ),
    7052: ("PROVIDER_DR_ERROR", _INFOBIP, _SUPPORT),
    7080: ("INTERNAL_ERROR", _INFOBIP, _SUPPORT),
    7081: (
        "CONFIGURATION_ERROR",
        _INFOBIP,
        "Infobip's support sees whether the sender is set up, and for the recipient's country: ask "
        "it.",
    ),
    7082: ("TEMPORARY_GATEWAY_ERROR", _OPERATOR, _WAIT),
    7083: (
        "SERVICE_NOT_ACTIVATED",
        _INFOBIP,
        "Infobip activates WhatsApp for the account: ask your account manager there.",
    ),
    7084: ("MISSING_SENDER_METADATA", _INFOBIP, _SUPPORT),
    7102: ("PHONE_MATCHING_DISABLED", _OPERATOR, f"{_RECIPIENT}that has WhatsApp."),
    7201: ("UNSUPPORTED_DEVICE", _OPERATOR, f"{_RECIPIENT}on a phone that WhatsApp supports."),
    7280: (
        "DUPLICATE_REQUEST",
        _US,
        "Nothing to do: the message was sent before; its own report tells.",
    ),
    7281: ("BAD_ORIGIN", _INFOBIP, _SUPPORT),
}

_TEMPORARY: dict[int, tuple[str, Party, str]] = {
    7012: ("DEPLOYMENT_CONFIGURATION_ERROR", _INFOBIP, _SUPPORT),
    7013: ("MEDIA_HOSTING_ERROR", _OPERATOR, _TEXT_TEMPLATE),
    7014: ("MEDIA_UPLOAD_ERROR", _OPERATOR, _TEXT_TEMPLATE),
    7017: (
        "TOO_MANY_REQUESTS",
        _OPERATOR,
        "Retry the run in the Prefect UI in a while: too much was sent at once.",
    ),
    7024: (
        "NOT_ALLOWED_SENDING_TIME",
        _OPERATOR,
        "Retry the run in the Prefect UI at an hour at which messages may be sent to the "
        "recipient's country.",
    ),
    7035: (
        "CALL_PERMISSION_REQUEST_FAILED",
        _OPERATOR,
        "Use a test template that does not ask for permission to call.",
    ),
    7036: (
        "TEMPLATE_NOT_SYNCED",
        _OPERATOR,
        "Retry the run in the Prefect UI in a while: Meta has not made the template ready yet.",
    ),
    7037: (
        "TEMPLATE_NOT_AVAILABLE",
        _OPERATOR,
        "Retry the run in the Prefect UI in a while. If it lasts, use a test template of the "
        "category UTILITY: Meta could not make this one ready for marketing.",
    ),
    7050: ("PROVIDER_INTERNAL_ERROR", _OPERATOR, _WAIT),
    7051: ("PROVIDER_TIMEOUT", _OPERATOR, _WAIT),
}


def _all() -> Iterator[ChatError]:
    for permanent, table in ((True, _PERMANENT), (False, _TEMPORARY)):
        for code, (name, awaiting, remedy) in table.items():
            yield ChatError(code, f"EC_{name}", permanent, awaiting, remedy)


CHAT_ERRORS: Mapping[int, ChatError] = MappingProxyType({each.code: each for each in _all()})
"""Every documented code."""
