"""Why a condition is as it is: stable names, whose turn it then is, and what to do about it."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from waboard.domain.chat_errors import CHAT_ERRORS
from waboard.domain.parties import Party
from waboard.domain.sentences import sentences
from waboard.domain.waits import WRITE_BY_CARD, WRITE_BY_PAGE


class Reason(StrEnum):
    """A stable, documented name for why a condition is as it is."""

    SOLUTION_ACTIVE = "SolutionActive"
    SOLUTION_PENDING = "SolutionPending"
    SOLUTION_NOT_ACTIVE = "SolutionNotActive"
    SOLUTION_UNREADABLE = "SolutionUnreadable"
    SLOT_TAKEN = "SlotTaken"
    SLOT_AWAITED = "SlotAwaited"
    PARTNER_ADDED = "PartnerAdded"
    SUBSCRIPTION_READ_BACK = "SubscriptionReadBack"
    SUBSCRIPTION_REFUSED = "SubscriptionRefused"
    SUBSCRIPTION_GONE = "SubscriptionGone"
    TOKEN_REFUSED = "TokenRefused"  # noqa: S105 - a name, no password
    CLIENT_DISCONNECTED = "ClientDisconnected"
    ACCOUNT_RESTRICTED = "AccountRestricted"
    ACCOUNT_BANNED = "AccountBanned"
    ACCOUNT_DELETED = "AccountDeleted"
    ACCOUNT_SUSPENDED = "AccountSuspended"
    RESTRICTION_ENDED = "RestrictionEnded"
    SHARE_ACCEPTED = "ShareAccepted"
    REGISTRATION_SEEN = "RegistrationSeen"
    SHARE_NOT_ANSWERED = "ShareNotAnswered"
    SHARE_REFUSED = "ShareRefused"
    REGISTRATION_FINISHED = "RegistrationFinished"
    SENDER_CONNECTED = "SenderConnected"
    REGISTRATION_IN_PROGRESS = "RegistrationInProgress"
    REGISTRATION_FAILED = "RegistrationFailed"
    REGISTRATION_FAILED_BEFORE = "RegistrationFailedBefore"
    REGISTRATION_RETRY_REQUESTED = "RegistrationRetryRequested"
    REGISTRATION_TIMED_OUT = "RegistrationTimedOut"
    NUMBER_OWNED = "NumberOwned"
    NUMBER_MOVED = "NumberMoved"
    OWNER_UNCLEAR = "OwnerUnclear"
    HELD_BY_ANOTHER_CLIENT = "HeldByAnotherClient"
    ASSOCIATION_READ_BACK = "AssociationReadBack"
    NUMBER_NOT_LISTED = "NumberNotListed"
    ASSOCIATION_REFUSED = "AssociationRefused"
    ASSOCIATION_GONE = "AssociationGone"
    FILED_ELSEWHERE = "FiledElsewhere"
    SENDER_USABLE = "SenderUsable"
    SENDER_BANNED = "SenderBanned"
    SENDER_DISCONNECTED = "SenderDisconnected"
    SENDER_GONE = "SenderGone"
    META_LETS_SEND = "MetaLetsSend"
    NUMBER_BLOCKED = "NumberBlocked"
    WABA_BLOCKED = "WabaBlocked"
    NAME_APPROVED = "NameApproved"
    NAME_IN_REVIEW = "NameInReview"
    NAME_DECLINED = "NameDeclined"
    TEMPLATE_APPROVED = "TemplateApproved"
    TEMPLATE_PENDING = "TemplatePending"
    TEMPLATE_REJECTED = "TemplateRejected"
    TEMPLATE_TIMED_OUT = "TemplateTimedOut"
    TEMPLATE_UNREADABLE = "TemplateUnreadable"
    TEMPLATE_NOT_SYNCED = "TemplateNotSynced"
    TEMPLATE_LOST = "TemplateLost"
    INBOUND_ARRIVED = "InboundArrived"
    INBOUND_AWAITED = "InboundAwaited"
    NO_INBOUND = "NoInbound"
    MESSAGE_DELIVERED = "MessageDelivered"
    REPORT_AWAITED = "ReportAwaited"
    SEND_NOT_ANSWERED = "SendNotAnswered"
    MESSAGE_REFUSED = "MessageRefused"
    MESSAGE_UNDELIVERABLE = "MessageUndeliverable"
    MESSAGE_EXPIRED = "MessageExpired"
    MESSAGE_REJECTED = "MessageRejected"
    NO_REPORT = "NoReport"
    RETRY_ASKED = "RetryAsked"
    EVERYBODY_TOLD = "EverybodyTold"
    NO_RECEIVER = "NoReceiver"
    RECEIVER_FAILED = "ReceiverFailed"
    APPROVAL_AWAITED = "ApprovalAwaited"
    APPROVAL_GIVEN = "ApprovalGiven"
    RELEASE_FAILED = "ReleaseFailed"
    ALL_RELEASED = "AllReleased"
    UNSUBSCRIBED = "Unsubscribed"
    DISSOCIATED = "Dissociated"
    TO_BE_DEREGISTERED = "ToBeDeregistered"
    TO_BE_UNSHARED = "ToBeUnshared"
    PARTNER_TO_BE_REMOVED = "PartnerToBeRemoved"
    SAID_TO_BE_DONE = "SaidToBeDone"
    RECEIVER_AWAITED = "ReceiverAwaited"
    RECEIVER_STOPPED = "ReceiverStopped"
    RECEIVER_GIVEN_UP = "ReceiverGivenUp"
    PROVIDER_UNAVAILABLE = "ProviderUnavailable"
    UPSTREAM_GIVEN_UP = "UpstreamGivenUp"


UPSTREAM_AWAY = frozenset({Reason.PROVIDER_UNAVAILABLE, Reason.UPSTREAM_GIVEN_UP})
"""Infobip or Meta could not be reached: a step did not get through, and nothing was refused."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a remedy depends on beside the reason.

    `has_page`: the client came by a signup link, so that it has a page here. `replies`: the test
    message is a reply to whoever wrote, and goes neither by a template nor to a test recipient.
    """

    has_page: bool = False
    replies: bool = False


ORDINARY = Situation()


@dataclass(frozen=True, slots=True)
class Guidance:
    """Whose turn it is while a condition has this reason, and what they do."""

    awaiting: Party
    remedy: str


TRIED_FOR = timedelta(days=3)
"""How long a step that an upstream or a receiver keeps back is taken up again by itself."""

GUIDANCE: dict[Reason, Guidance] = {
    Reason.SOLUTION_PENDING: Guidance(
        Party.INFOBIP,
        "Infobip accepts the partner solution: ask your account manager there. This goes on by "
        "itself.",
    ),
    Reason.SOLUTION_NOT_ACTIVE: Guidance(
        Party.OPERATOR,
        "Bring the partner solution to Active under WhatsApp > Partner solutions in the app "
        "dashboard.",
    ),
    Reason.SOLUTION_UNREADABLE: Guidance(
        Party.OPERATOR,
        "See that WABOARD_META_SOLUTION_ID and WABOARD_META_SYSTEM_TOKEN are right, and run "
        "`waboard readiness`.",
    ),
    Reason.SLOT_AWAITED: Guidance(
        Party.US,
        "Nothing to do: Meta lets so many new clients in a week, and this one is in the queue.",
    ),
    Reason.SUBSCRIPTION_REFUSED: Guidance(
        Party.OPERATOR,
        "Do what Meta says, or, where the client's token is missing or cannot be opened, send it "
        "the link that `waboard reconnect CLIENT_REF --why …` makes; then retry the run in the "
        "Prefect UI. Without our subscription Meta does not tell us when the client disconnects or "
        "is restricted.",
    ),
    Reason.SUBSCRIPTION_GONE: Guidance(
        Party.US, "Nothing to do: it is made again by itself, at the next look at the latest."
    ),
    Reason.TOKEN_REFUSED: Guidance(
        Party.CLIENT,
        "The client connects this WABA again: send it the link that `waboard reconnect CLIENT_REF "
        "--why …` makes. Its token has ended or was revoked, and until then nobody can see how it "
        "stands at Meta.",
    ),
    Reason.CLIENT_DISCONNECTED: Guidance(
        Party.CLIENT,
        "The client connects this WABA again, if it still wants to: send it the link that "
        "`waboard reconnect CLIENT_REF --why …` makes. It has removed you as a partner.",
    ),
    Reason.ACCOUNT_RESTRICTED: Guidance(
        Party.CLIENT,
        "The client sees in Business Support Home why Meta restricts this WABA, and may appeal "
        "there.",
    ),
    Reason.ACCOUNT_BANNED: Guidance(
        Party.CLIENT,
        "The client may appeal in Business Support Home: Meta has banned this WABA.",
    ),
    Reason.ACCOUNT_DELETED: Guidance(
        Party.OPERATOR,
        "Let the client leave with `waboard offboard CLIENT_REF --why …`, since it has deleted "
        "this WABA; then it can sign up with another.",
    ),
    Reason.ACCOUNT_SUSPENDED: Guidance(
        Party.CLIENT,
        "The client connects the number again in the WhatsApp Business app: it was taken out of "
        "coexistence there.",
    ),
    Reason.SHARE_NOT_ANSWERED: Guidance(
        Party.INFOBIP,
        "Nothing to do yet: the registration event will show whether the share was taken; without "
        "one it is repeated at the next look.",
    ),
    Reason.SHARE_REFUSED: Guidance(
        Party.OPERATOR,
        "Correct what Infobip names. Where it names nothing, check that the client shared this "
        "WABA with your partner solution, and that the id is a WABA id and not a portfolio id. "
        "Then retry the run in the Prefect UI.",
    ),
    Reason.REGISTRATION_IN_PROGRESS: Guidance(
        Party.INFOBIP, "Nothing to do: Infobip is registering this number, which can take days."
    ),
    Reason.REGISTRATION_FAILED: Guidance(
        Party.OPERATOR,
        "Ask Infobip support why this number failed. Once mended, retry the run in the Prefect UI: "
        "Infobip is then asked to register it again.",
    ),
    Reason.REGISTRATION_FAILED_BEFORE: Guidance(
        Party.OPERATOR,
        "Once the cause is mended, retry the run in the Prefect UI: Infobip is then asked to "
        "register this number again.",
    ),
    Reason.REGISTRATION_RETRY_REQUESTED: Guidance(
        Party.US,
        "Nothing to do: its run looks whether the number is registered by now, and else asks "
        "Infobip to register it again.",
    ),
    Reason.REGISTRATION_TIMED_OUT: Guidance(
        Party.OPERATOR,
        "Ask Infobip support for the registration of this WABA; check that its registration "
        "webhook points at this gateway. Retry the run in the Prefect UI to wait again.",
    ),
    Reason.NUMBER_MOVED: Guidance(
        Party.OPERATOR,
        "Let the client leave with `waboard offboard CLIENT_REF --why …` if it has no other "
        "number; if this one belongs to it after all, run `waboard sender assign CLIENT_REF "
        "PHONE_NUMBER --why …`.",
    ),
    Reason.OWNER_UNCLEAR: Guidance(
        Party.OPERATOR,
        "Ask both clients who has the number now, then run `waboard sender assign CLIENT_REF "
        "PHONE_NUMBER --why …`; until then its association stays as it is.",
    ),
    Reason.HELD_BY_ANOTHER_CLIENT: Guidance(
        Party.OPERATOR,
        "See which of the two clients has the number now, then run `waboard sender assign "
        "CLIENT_REF PHONE_NUMBER --why …`; until then its association stays as it is.",
    ),
    Reason.NUMBER_NOT_LISTED: Guidance(
        Party.OPERATOR,
        "Ask Infobip support for the numberKey of this sender: the Numbers API does not list it.",
    ),
    Reason.ASSOCIATION_REFUSED: Guidance(
        Party.OPERATOR, "Mend what the message names, then retry the run in the Prefect UI."
    ),
    Reason.ASSOCIATION_GONE: Guidance(
        Party.US, "Nothing to do: its run goes on by itself and files the sender anew."
    ),
    Reason.SENDER_BANNED: Guidance(
        Party.CLIENT, "The client appeals in WhatsApp Manager, under Account quality."
    ),
    Reason.SENDER_DISCONNECTED: Guidance(
        Party.OPERATOR, "Have Infobip connect this number again: support, or its portal."
    ),
    Reason.SENDER_GONE: Guidance(
        Party.OPERATOR,
        "Ask the client whether it moved the number; if it did not, ask Infobip support why it is "
        "not listed any more.",
    ),
    Reason.NUMBER_BLOCKED: Guidance(
        Party.CLIENT,
        "The client does what Meta names, or appeals in WhatsApp Manager, under Account quality.",
    ),
    Reason.WABA_BLOCKED: Guidance(
        Party.CLIENT,
        "The client does what Meta names, or appeals in Business Support Home.",
    ),
    Reason.NAME_IN_REVIEW: Guidance(
        Party.META, "Nothing to do: Meta reviews the display name, which takes a day or two."
    ),
    Reason.NAME_DECLINED: Guidance(
        Party.CLIENT,
        "The client chooses another display name in WhatsApp Manager, under Phone numbers; until "
        "it is approved Meta refuses the number's messages (131037).",
    ),
    Reason.FILED_ELSEWHERE: Guidance(
        Party.OPERATOR,
        "Set WABOARD_FOREIGN_FILING to `move` or `adopt` and run `waboard deploy`, or correct the "
        "association in Infobip's portal; then retry the run in the Prefect UI.",
    ),
    Reason.TEMPLATE_PENDING: Guidance(
        Party.META, "Nothing to do: Meta reviews the template, which takes minutes, at times a day."
    ),
    Reason.TEMPLATE_REJECTED: Guidance(
        Party.OPERATOR,
        "Give the template another name and text (WABOARD_VERIFICATION_TEMPLATE, "
        "WABOARD_VERIFICATION_TEXT), run `waboard deploy`, then retry the run in the Prefect UI. "
        "The client may appeal in WhatsApp Manager.",
    ),
    Reason.TEMPLATE_TIMED_OUT: Guidance(
        Party.OPERATOR,
        "See in WhatsApp Manager why Meta has not decided, then retry the run in the Prefect UI.",
    ),
    Reason.TEMPLATE_UNREADABLE: Guidance(
        Party.OPERATOR,
        "Correct what Infobip names (the key needs the scope whatsapp:manage), or make the "
        "template by hand, then retry the run in the Prefect UI.",
    ),
    Reason.TEMPLATE_NOT_SYNCED: Guidance(
        Party.US,
        "Nothing to do: Infobip does not have the template ready yet; another test message goes "
        "out at the next look.",
    ),
    Reason.TEMPLATE_LOST: Guidance(
        Party.US,
        "Nothing to do: it is looked for, or made again, when a test message is to be sent.",
    ),
    Reason.INBOUND_AWAITED: Guidance(
        Party.CLIENT,
        WRITE_BY_CARD,
    ),
    Reason.NO_INBOUND: Guidance(
        Party.OPERATOR,
        "Retry the run in the Prefect UI, and have the client write to its number then, by the "
        "link or the QR code on the card of the run. If it had written, check that Infobip's "
        "inbound webhook points at this gateway.",
    ),
    Reason.REPORT_AWAITED: Guidance(
        Party.INFOBIP, "Nothing to do: the test message is on its way; its report is awaited."
    ),
    Reason.SEND_NOT_ANSWERED: Guidance(
        Party.INFOBIP,
        "Nothing to do yet: the message is not sent again; its report will show whether it went.",
    ),
    Reason.MESSAGE_REFUSED: Guidance(
        Party.OPERATOR,
        "Correct WABOARD_VERIFICATION_TEMPLATE or WABOARD_TEST_RECIPIENT as Infobip says, run "
        "`waboard deploy`, then retry the run in the Prefect UI.",
    ),
    Reason.MESSAGE_UNDELIVERABLE: Guidance(
        Party.OPERATOR,
        "Check that the test recipient (WABOARD_TEST_RECIPIENT) has WhatsApp and is reachable, "
        "then retry the run in the Prefect UI.",
    ),
    Reason.MESSAGE_EXPIRED: Guidance(
        Party.OPERATOR,
        "Check that the test recipient's phone (WABOARD_TEST_RECIPIENT) is online, then retry the "
        "run in the Prefect UI.",
    ),
    Reason.MESSAGE_REJECTED: Guidance(
        Party.OPERATOR,
        "Look up Infobip's code; mend the sender, the template or the account, then retry the run "
        "in the Prefect UI.",
    ),
    Reason.NO_REPORT: Guidance(
        Party.OPERATOR,
        "Look at the test recipient's phone. If the message came, check that Infobip's delivery "
        "webhook points at this gateway; if not, ask Infobip support for the message id. Then "
        "retry the run in the Prefect UI.",
    ),
    Reason.RETRY_ASKED: Guidance(
        Party.US, "Nothing to do: another test message is about to be sent."
    ),
    Reason.NO_RECEIVER: Guidance(
        Party.OPERATOR,
        "Set WABOARD_OPERATOR_WEBHOOK_URL, WABOARD_OPERATOR_BLOCK or WABOARD_PROVIDER_WEBHOOK_URL "
        "and run `waboard deploy`, to be told of outcomes.",
    ),
    Reason.RECEIVER_FAILED: Guidance(
        Party.OPERATOR, "Check that the receiver of the notification answers with 2xx."
    ),
    Reason.APPROVAL_AWAITED: Guidance(
        Party.OPERATOR,
        "Approve or refuse it in the form of its run in the Prefect UI, or with `waboard offboard "
        "CLIENT_REF --approve` or `--refuse`.",
    ),
    Reason.APPROVAL_GIVEN: Guidance(
        Party.US, "Nothing to do: its run gives back what is ours, and says when that is done."
    ),
    Reason.RELEASE_FAILED: Guidance(
        Party.OPERATOR,
        "Do what is said, then retry the run in the Prefect UI, or ask again with `waboard "
        "offboard CLIENT_REF --why …`: it goes on from there, and needs no other approval.",
    ),
    Reason.UNSUBSCRIBED: Guidance(
        Party.US, "Nothing to do: the client has left, and our app is not subscribed any more."
    ),
    Reason.DISSOCIATED: Guidance(
        Party.US, "Nothing to do: the client has left, and the sender is not filed under its ids."
    ),
    Reason.TO_BE_DEREGISTERED: Guidance(
        Party.INFOBIP,
        "Infobip's support deregisters these senders: ask it to, then say so with `waboard "
        "offboard CLIENT_REF --done deregistered`.",
    ),
    Reason.TO_BE_UNSHARED: Guidance(
        Party.INFOBIP,
        "Infobip un-shares this WABA: ask your account manager there, then say so with `waboard "
        "offboard CLIENT_REF --done unshared`.",
    ),
    Reason.PARTNER_TO_BE_REMOVED: Guidance(
        Party.CLIENT,
        "The client removes you as a partner in its Business settings, under Accounts > WhatsApp "
        "accounts > Partners; then say so: `waboard offboard CLIENT_REF --done partner-removed`.",
    ),
    Reason.RECEIVER_AWAITED: Guidance(
        Party.US,
        "Nothing to do yet: it is tried again by itself. If it lasts, see that "
        "WABOARD_PROVIDER_WEBHOOK_URL answers with 2xx.",
    ),
    Reason.RECEIVER_STOPPED: Guidance(
        Party.OPERATOR,
        "Have your system take messages again, then run `waboard outbox resume`; nothing is lost "
        "in 30 days.",
    ),
    Reason.RECEIVER_GIVEN_UP: Guidance(
        Party.OPERATOR,
        "See that WABOARD_PROVIDER_WEBHOOK_URL answers with 2xx, then run `waboard outbox replay "
        "--since …`.",
    ),
    Reason.PROVIDER_UNAVAILABLE: Guidance(
        Party.US,
        f"Nothing to do: the run goes on by itself at each reconciliation, for {TRIED_FOR.days} "
        "days; after that retry it in the Prefect UI.",
    ),
    Reason.UPSTREAM_GIVEN_UP: Guidance(
        Party.OPERATOR,
        "See whether Infobip or Meta can be reached from here, and what their status pages say; "
        "then retry the run in the Prefect UI.",
    ),
}
"""Reasons of conditions that are not true. The others need nobody."""

WITH_A_PAGE: dict[Reason, Guidance] = {
    Reason.INBOUND_AWAITED: Guidance(Party.CLIENT, WRITE_BY_PAGE),
    Reason.NO_INBOUND: Guidance(
        Party.OPERATOR,
        "Retry the run in the Prefect UI, and have the client write to its number then, by the "
        "link or the QR code on its signup page. If it had written, check that Infobip's inbound "
        "webhook points at this gateway.",
    ),
}
"""What else is to be done where the client has a signup page."""

OF_A_REPLY: dict[Reason, Guidance] = {
    Reason.MESSAGE_REFUSED: Guidance(
        Party.OPERATOR,
        "Correct what Infobip names (the text is WABOARD_REPLY_TEXT), run `waboard deploy`, then "
        "retry the run in the Prefect UI.",
    ),
    Reason.MESSAGE_UNDELIVERABLE: Guidance(
        Party.OPERATOR,
        "Have somebody write to the number from another phone, then retry the run in the Prefect "
        "UI: the reply goes to whoever wrote last.",
    ),
    Reason.MESSAGE_EXPIRED: Guidance(
        Party.OPERATOR,
        "Have somebody write to the number from a phone that stays online, then retry the run in "
        "the Prefect UI: the reply goes to whoever wrote last.",
    ),
    Reason.MESSAGE_REJECTED: Guidance(
        Party.OPERATOR,
        "Look up Infobip's code and mend the sender or the account; have somebody write to the "
        "number, since a reply goes out only within 24 hours of that; then retry the run in the "
        "Prefect UI.",
    ),
    Reason.NO_REPORT: Guidance(
        Party.OPERATOR,
        "Look at the phone that wrote to the number. If the reply came, check that Infobip's "
        "delivery webhook points at this gateway; if not, ask Infobip support for the message id. "
        "Then retry the run in the Prefect UI.",
    ),
}
"""What else is to be done where the test message is a reply."""

REGISTRATION_HINTS: dict[str, Guidance] = {
    "two-step": Guidance(
        Party.CLIENT,
        "The client turns two-step verification off for this number in WhatsApp Manager; then "
        "retry the run in the Prefect UI: Infobip is then asked to register it again.",
    ),
}
"""What Infobip's free-text `registrationInfo` is known to mean, by a part of it in lower case."""


NAME_HINTS: dict[str, Guidance] = {
    "NAME_FORMAT_UNACCEPTABLE": Guidance(
        Party.CLIENT,
        "The client asks for the display name again in WhatsApp Manager, spelt as Meta's "
        "guidelines want it: not all in capitals, no odd spacing or punctuation, no slogan or URL.",
    ),
    "NAME_NOT_CONSISTENT": Guidance(
        Party.CLIENT,
        "The client asks for a display name in WhatsApp Manager that its website and its verified "
        "business show in the same form.",
    ),
    "NAME_ENDCLIENT_NOTRELATED": Guidance(
        Party.CLIENT,
        "The client asks for a display name in WhatsApp Manager that is its own business's, and "
        "shows on its website how the two belong together.",
    ),
    "NAME_EMPLOYEE_ISSUE": Guidance(
        Party.CLIENT,
        "The client asks for a display name in WhatsApp Manager that is the business's, not an "
        "employee's.",
    ),
    "NAME_INDIVIDUAL_ISSUE": Guidance(
        Party.CLIENT,
        "The client asks for a display name in WhatsApp Manager that is the business's, not a "
        "person's alone.",
    ),
}
"""What Meta's `rejection_reason` of a display name asks for."""

DISCONNECTION_HINTS: dict[str, Guidance] = {
    "PRIMARY_INACTIVITY": Guidance(
        Party.CLIENT,
        "The WhatsApp Business app was not opened for too long: the client opens it on its phone, "
        "then connects again by a new signup link.",
    ),
    "COMPANION_INACTIVITY": Guidance(
        Party.CLIENT,
        "The connection to the WhatsApp Business app was idle for too long: the client connects "
        "again by a new signup link.",
    ),
    "CHANGE_NUMBER": Guidance(
        Party.CLIENT,
        "The client has changed its number in the WhatsApp Business app: send it a new signup link "
        "to connect the new one.",
    ),
    "USER_RE_REGISTERED": Guidance(
        Party.CLIENT,
        "The client has set the WhatsApp Business app up anew: it connects again by a new signup "
        "link.",
    ),
    "BUSINESS_DOWNGRADE": Guidance(
        Party.CLIENT,
        "The client has moved the number from the WhatsApp Business app to WhatsApp: it moves it "
        "back, then connects again by a new signup link.",
    ),
    "ACCOUNT_DISCONNECTED": Guidance(
        Party.CLIENT,
        "The client has disconnected the number in the WhatsApp Business app: send it a new signup "
        "link.",
    ),
}
"""What the `reason` means with which a number leaves the WhatsApp Business app's coexistence."""

_NAMED_IN: dict[Reason, dict[str, Guidance]] = {
    Reason.NAME_DECLINED: NAME_HINTS,
    Reason.CLIENT_DISCONNECTED: DISCONNECTION_HINTS,
}
"""Reasons of which the message names more closely, in Meta's words, what is the matter."""

_FAILED = frozenset({Reason.MESSAGE_UNDELIVERABLE, Reason.MESSAGE_EXPIRED, Reason.MESSAGE_REJECTED})
_CHAT_ERROR = re.compile(r"\((7\d{3})\)")


_OF_A_TEMPLATE = re.compile("test recipient|template", re.IGNORECASE)


def guidance_for(reason: str, message: str, situation: Situation = ORDINARY) -> Guidance:
    """Return whose turn it is and what to do, given a condition's reason and message."""
    known = _of_chat_error(reason, message)
    if known is not None and not (situation.replies and _OF_A_TEMPLATE.search(known.remedy)):
        return known
    closer = _NAMED_IN.get(Reason(reason), {})
    named = next((closer[name] for name in closer if name in message), None)
    if named is not None:
        return named
    if reason == Reason.REGISTRATION_FAILED:
        for hint, guidance in REGISTRATION_HINTS.items():
            if hint in message.lower():
                return guidance
    if situation.has_page and reason in WITH_A_PAGE:
        return WITH_A_PAGE[Reason(reason)]
    if situation.replies and reason in OF_A_REPLY:
        return OF_A_REPLY[Reason(reason)]
    return GUIDANCE[Reason(reason)]


def _of_chat_error(reason: str, message: str) -> Guidance | None:
    code = _CHAT_ERROR.search(message) if reason in _FAILED else None
    error = CHAT_ERRORS.get(int(code[1])) if code else None
    if error is None:
        return None
    says_when = "retry" in error.remedy.lower() or error.awaiting is Party.US
    again = "" if says_when else "Then retry the run in the Prefect UI."
    return Guidance(error.awaiting, sentences(error.remedy, again))
