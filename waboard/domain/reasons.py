"""Why a condition is as it is: stable names, whose turn it then is, and what to do about it."""

import re
from dataclasses import dataclass
from enum import StrEnum

from waboard.domain.chat_errors import CHAT_ERRORS
from waboard.domain.parties import Party


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


@dataclass(frozen=True, slots=True)
class Guidance:
    """Whose turn it is while a condition has this reason, and what they do."""

    awaiting: Party
    remedy: str


GUIDANCE: dict[Reason, Guidance] = {
    Reason.SOLUTION_PENDING: Guidance(
        Party.INFOBIP,
        "Ask your Infobip account manager to accept the partner solution; this goes on by itself.",
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
        "Do what Meta says, then retry the run in the Prefect UI; without our subscription Meta "
        "does not tell us when the client disconnects or is restricted.",
    ),
    Reason.SUBSCRIPTION_GONE: Guidance(
        Party.US, "Nothing to do: it is made again by itself, at the next look at the latest."
    ),
    Reason.TOKEN_REFUSED: Guidance(
        Party.CLIENT,
        "The client's token has ended or was revoked: send the client a new signup link for this "
        "WABA; until then nobody can see how it stands at Meta.",
    ),
    Reason.CLIENT_DISCONNECTED: Guidance(
        Party.CLIENT,
        "The client has removed you as a partner of its WABA: send it a new signup link.",
    ),
    Reason.ACCOUNT_RESTRICTED: Guidance(
        Party.CLIENT,
        "Meta restricts this WABA: the client sees why, and may appeal, in Business Support Home.",
    ),
    Reason.ACCOUNT_BANNED: Guidance(
        Party.CLIENT,
        "Meta has banned this WABA: the client may appeal in Business Support Home.",
    ),
    Reason.ACCOUNT_DELETED: Guidance(
        Party.CLIENT, "The client has deleted this WABA. Another needs a new signup link."
    ),
    Reason.ACCOUNT_SUSPENDED: Guidance(
        Party.CLIENT,
        "The number was taken out of the WhatsApp Business app's coexistence: the client connects "
        "it again in the app.",
    ),
    Reason.SHARE_NOT_ANSWERED: Guidance(
        Party.INFOBIP,
        "Nothing to do yet: the registration event will show whether the share was taken; without "
        "one it is repeated at the next look.",
    ),
    Reason.SHARE_REFUSED: Guidance(
        Party.OPERATOR,
        "Check that the client shared this WABA with your partner solution, and that the id is a "
        "WABA id and not a portfolio id.",
    ),
    Reason.REGISTRATION_IN_PROGRESS: Guidance(
        Party.INFOBIP, "Nothing to do: Infobip is registering this number, which can take days."
    ),
    Reason.REGISTRATION_FAILED: Guidance(
        Party.OPERATOR,
        "Ask Infobip support why this number failed, and have it registered again once mended.",
    ),
    Reason.REGISTRATION_TIMED_OUT: Guidance(
        Party.OPERATOR,
        "Ask Infobip support for the registration of this WABA; check that its registration "
        "webhook points at this gateway. Retry the run in the Prefect UI to wait again.",
    ),
    Reason.NUMBER_MOVED: Guidance(
        Party.OPERATOR,
        "Nothing to do if the client moved the number: offboard the client that no longer has it. "
        "If it belongs here, run `waboard sender assign CLIENT_REF PHONE_NUMBER --why TEXT`.",
    ),
    Reason.OWNER_UNCLEAR: Guidance(
        Party.OPERATOR,
        "Ask both clients who has the number now, then run `waboard sender assign CLIENT_REF "
        "PHONE_NUMBER --why TEXT`; until then its association stays as it is.",
    ),
    Reason.HELD_BY_ANOTHER_CLIENT: Guidance(
        Party.OPERATOR,
        "See which of the two clients has the number now, then run `waboard sender assign "
        "CLIENT_REF PHONE_NUMBER --why TEXT`; until then its association stays as it is.",
    ),
    Reason.NUMBER_NOT_LISTED: Guidance(
        Party.OPERATOR,
        "Ask Infobip support for the numberKey of this sender: the Numbers API does not list it.",
    ),
    Reason.ASSOCIATION_REFUSED: Guidance(
        Party.OPERATOR, "Correct what Infobip names, then retry the run in the Prefect UI."
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
        Party.OPERATOR, "Ask the client whether it moved the number; if not, add it again."
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
        "The client opens its signup page and writes by the link or the QR code that it shows.",
    ),
    Reason.NO_INBOUND: Guidance(
        Party.CLIENT,
        "The client writes to its number from any other phone; retry the run in the Prefect UI "
        "before. If it has written, check that Infobip's inbound webhook points at this gateway.",
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
        "Look up the provider's code; mend the sender, the template or the account, then retry the "
        "run in the Prefect UI.",
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
        "Set WABOARD_OPERATOR_BLOCK or WABOARD_PROVIDER_WEBHOOK_URL to be told of outcomes.",
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
        "offboard CLIENT_REF`: it goes on from there, and needs no other approval.",
    ),
    Reason.UNSUBSCRIBED: Guidance(
        Party.US, "Nothing to do: the client has left, and our app is not subscribed any more."
    ),
    Reason.DISSOCIATED: Guidance(
        Party.US, "Nothing to do: the client has left, and the sender is not filed under its ids."
    ),
    Reason.TO_BE_DEREGISTERED: Guidance(
        Party.INFOBIP,
        "Ask Infobip support to deregister these senders, then say so: `waboard offboard "
        "CLIENT_REF --done deregistered`.",
    ),
    Reason.TO_BE_UNSHARED: Guidance(
        Party.INFOBIP,
        "Ask your Infobip account manager to un-share this WABA, then say so: `waboard offboard "
        "CLIENT_REF --done unshared`.",
    ),
    Reason.PARTNER_TO_BE_REMOVED: Guidance(
        Party.CLIENT,
        "The client removes you as a partner in its Business settings, under Accounts > WhatsApp "
        "accounts > Partners; then say so: `waboard offboard CLIENT_REF --done partner-removed`.",
    ),
    Reason.RECEIVER_AWAITED: Guidance(
        Party.US,
        "Nothing to do: it is tried again by itself. See that WABOARD_PROVIDER_WEBHOOK_URL answers "
        "with 2xx.",
    ),
    Reason.RECEIVER_STOPPED: Guidance(
        Party.OPERATOR,
        "Have your system take messages again, then run `waboard outbox resume`; nothing is lost "
        "in 30 days.",
    ),
    Reason.RECEIVER_GIVEN_UP: Guidance(
        Party.OPERATOR,
        "See that WABOARD_PROVIDER_WEBHOOK_URL answers with 2xx, then run `waboard outbox replay`.",
    ),
    Reason.PROVIDER_UNAVAILABLE: Guidance(
        Party.US,
        "Nothing to do: the run goes on by itself every 15 minutes, for three days; then retry it "
        "in the Prefect UI.",
    ),
}
"""Reasons of conditions that are not true. The others need nobody."""

REGISTRATION_HINTS: dict[str, Guidance] = {
    "two-step": Guidance(
        Party.CLIENT,
        "The client turns two-step verification off for this number in WhatsApp Manager; then have "
        "Infobip register it again.",
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


def guidance_for(reason: str, message: str) -> Guidance:
    """Return whose turn it is and what to do, given a condition's reason and message."""
    code = _CHAT_ERROR.search(message) if reason in _FAILED else None
    error = CHAT_ERRORS.get(int(code[1])) if code else None
    if error is not None:
        remedy = f"{error.remedy} Then retry the run in the Prefect UI."
        return Guidance(error.awaiting, remedy)
    closer = _NAMED_IN.get(Reason(reason), {})
    named = next((closer[name] for name in closer if name in message), None)
    if named is not None:
        return named
    if reason == Reason.REGISTRATION_FAILED:
        for hint, guidance in REGISTRATION_HINTS.items():
            if hint in message.lower():
                return guidance
    return GUIDANCE[Reason(reason)]
