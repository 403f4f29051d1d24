"""What Meta's webhooks come to, from the hook to what an operator sees."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.domain.meta import NUMBER, PORTFOLIO, SHOWN_NUMBER, body, change, info
from tests.domain.samples import T0
from tests.gateway.desk import REGISTRATION, FakePrefect, assert_problem
from tests.gateway.front import Front
from tests.gateway.test_meta_hooks import post
from tests.sandbox.lab import DOCUMENTED
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.reasons import Reason
from waboard.domain.waits import WaitKind
from waboard.gateway.grave_notices import GraveNotices
from waboard.gateway.waker import tidy, wake_due
from waboard.ledger.locks import hold
from waboard.ledger.meta_words import record
from waboard.ledger.models import OnboardingRow
from waboard.ledger.watched_wabas import LookAt, record_looked

REGISTERED = {
    "businessAccountId": int(DOCUMENTED),
    "status": "FINISHED",
    "lastModifiedAt": "2026-01-01T00:00:00.000+0000",
    "businessPortfolioId": int(PORTFOLIO),
    "senders": [
        {
            "phoneNumberId": "122098754222007518",
            "displayPhoneNumber": SHOWN_NUMBER,
            "type": "CLOUD",
            "status": "FINISHED",
        }
    ],
}


def ago(front: Front, **span: float) -> int:
    """A time of Meta's clock."""
    return int((front.time - timedelta(**span)).timestamp())


def later(front: Front, **span: float) -> int:
    return int((front.time + timedelta(**span)).timestamp())


async def says(
    front: Front, event: str, time: int | None = None, field: str = "account_update", **value: Any
) -> None:
    """Meta says something of the WABA."""
    answer = await post(front, body(change(event, time, DOCUMENTED, field, **value)))
    assert answer.status_code == 200


async def registered(front: Front) -> str:
    """A client with a registered number."""
    onboarding = await front.asked()
    await front.hook(REGISTRATION, REGISTERED)
    return onboarding["id"]


async def saw(front: Front, onboarding_id: str, kind: ConditionType, reason: Reason) -> None:
    """A step or a reconciliation has seen that a condition is true."""
    seen = Condition(kind, Status.TRUE, reason, "Seen.", "a look", front.time)
    async with front.begin() as session:
        await hold(session, onboarding_id)
        await record(session, onboarding_id, "", seen)


async def condition(front: Front, onboarding_id: str, kind: str, number: str = "") -> Any:
    """A condition's status and reason; None where there is none."""
    shown = await front.onboarding(onboarding_id)
    of: Sequence[Any] = [shown] if not number else shown["senders"]
    found = [c for each in of for c in each["conditions"] if c["type"] == kind]
    return (found[0]["status"], found[0]["reason"]) if found else None


# Connected


async def test_a_number_that_leaves_coexistence_is_disconnected_with_its_own_remedy(front: Front):
    onboarding_id = await registered(front)
    left = {"reason": "PRIMARY_INACTIVITY", "initiated_by": "SYSTEM"}
    await says(front, "PARTNER_REMOVED", phone_number=NUMBER, disconnection_info=left)
    assert await condition(front, onboarding_id, "Connected") == ("False", "ClientDisconnected")
    (needed,) = [
        each
        for each in (await front.onboarding(onboarding_id))["requirements"]
        if each["condition"] == "Connected"
    ]
    assert "PRIMARY_INACTIVITY" in needed["message"]
    assert "opens it on its phone" in needed["remedy"]


@pytest.mark.parametrize("order", [1, -1])
async def test_a_backlog_counts_by_metas_clock_whenever_and_however_it_comes(
    front: Front, order: int
):
    onboarding_id = await registered(front)
    said = [("PARTNER_ADDED", 600), ("PARTNER_REMOVED", 300)]
    for event, seconds in said[::order]:
        front.pass_time(seconds=3)
        raw = body(change(event, ago(front, seconds=seconds), PORTFOLIO, waba_info=info()))
        await post(front, raw)
    assert await condition(front, onboarding_id, "Connected") == ("False", "ClientDisconnected")


async def test_a_word_after_our_own_read_wins_and_one_before_does_not(front: Front):
    onboarding_id = await registered(front)
    await saw(front, onboarding_id, ConditionType.CONNECTED, Reason.SUBSCRIPTION_READ_BACK)
    front.pass_time(hours=1)
    await says(front, "ACCOUNT_RECONNECTED", ago(front, hours=2))
    await says(front, "PARTNER_REMOVED", ago(front, hours=3), waba_info=info())
    assert await condition(front, onboarding_id, "Connected") == ("True", "SubscriptionReadBack")
    await says(front, "PARTNER_REMOVED", ago(front, minutes=30), waba_info=info())
    assert await condition(front, onboarding_id, "Connected") == ("False", "ClientDisconnected")


async def test_a_restriction_of_calls_is_shown_and_stops_no_messages(front: Front):
    onboarding_id = await registered(front)
    await saw(front, onboarding_id, ConditionType.CONNECTED, Reason.SUBSCRIPTION_READ_BACK)
    calls = {"restriction_type": "RESTRICTED_USER_INITIATED_CALLING"}
    ends = {**calls, "expiration": later(front, hours=1)}
    over = {**calls, "expiration": ago(front, seconds=10)}
    await says(front, "ACCOUNT_RESTRICTION", later(front, seconds=1), restriction_info=[over])
    assert (await front.onboarding(onboarding_id))["notices"] == []
    await says(front, "ACCOUNT_RESTRICTION", restriction_info=[ends])
    assert await condition(front, onboarding_id, "Connected") == ("True", "SubscriptionReadBack")
    (notice,) = (await front.onboarding(onboarding_id))["notices"]
    assert notice["said"].startswith("Calls are restricted, messages are not: RESTRICTED_USER")
    front.pass_time(hours=1)
    assert (await front.onboarding(onboarding_id))["notices"] == []


async def test_a_restriction_ends_by_itself_with_no_event(front: Front, prefect: FakePrefect):
    onboarding_id = await registered(front)
    await saw(front, onboarding_id, ConditionType.CONNECTED, Reason.SUBSCRIPTION_READ_BACK)
    kind = "RESTRICTED_BIZ_INITIATED_MESSAGING"
    listed = [{"restriction_type": kind, "expiration": later(front, hours=1)}]
    await says(front, "ACCOUNT_RESTRICTION", later(front, seconds=1), restriction_info=listed)
    assert await condition(front, onboarding_id, "Connected") == ("False", "AccountRestricted")
    front.pass_time(minutes=59)
    await tidy(front.ledger, front.now)
    assert await condition(front, onboarding_id, "Connected") == ("False", "AccountRestricted")
    front.pass_time(minutes=1)
    await tidy(front.ledger, front.now)
    assert await condition(front, onboarding_id, "Connected") == ("True", "SubscriptionReadBack")


async def test_a_restriction_alone_ends_as_one_that_has_ended(front: Front, prefect: FakePrefect):
    onboarding_id = await registered(front)
    listed = [
        {"restriction_type": "RESTRICTED_UTILITY_TEMPLATES", "expiration": later(front, hours=1)}
    ]
    await says(front, "ACCOUNT_RESTRICTION", restriction_info=listed)
    front.pass_time(hours=1)
    await tidy(front.ledger, front.now)
    assert await condition(front, onboarding_id, "Connected") == ("True", "RestrictionEnded")


async def test_one_that_has_ended_before_it_comes_changes_nothing(front: Front):
    onboarding_id = await registered(front)
    listed = [{"restriction_type": "RESTRICTED_X", "expiration": ago(front, seconds=10)}]
    await says(front, "ACCOUNT_RESTRICTION", restriction_info=listed)
    assert await condition(front, onboarding_id, "Connected") is None


async def test_empty_members_do_not_count_and_the_event_does(front: Front):
    onboarding_id = await registered(front)
    empty = {"waba_id": DOCUMENTED, "owner_business_id": None, "solution_id": None}
    raw = body(change("PARTNER_REMOVED", None, waba_info=empty, disconnection_info=None))
    await post(front, raw)
    assert await condition(front, onboarding_id, "Connected") == ("False", "ClientDisconnected")
    blank = {"waba_id": DOCUMENTED, "owner_business_id": "", "solution_id": ""}
    await post(front, body(change("PARTNER_ADDED", later(front, seconds=5), waba_info=blank)))
    assert await condition(front, onboarding_id, "Connected") == ("True", "PartnerAdded")


async def test_another_apps_uninstall_changes_nothing(front: Front):
    onboarding_id = await registered(front)
    await says(front, "PARTNER_APP_UNINSTALLED", waba_info=info(partner_app_id="600000000000009"))
    assert await condition(front, onboarding_id, "Connected") is None
    (event, *_) = await front.events()
    assert event["detail"].startswith("Kept: another app's.")


async def test_a_wabas_removal_without_details_is_its_own_where_we_know_it(front: Front):
    onboarding_id = await registered(front)
    await says(front, "PARTNER_REMOVED")
    assert await condition(front, onboarding_id, "Connected") == ("False", "ClientDisconnected")
    await post(front, body(change("PARTNER_REMOVED", entry="123450000000000")))
    assert (await front.events())[0]["disposition"] == "unsupported"


# Review, name, template


async def test_a_review_that_rejects_the_waba_makes_it_unhealthy_until_it_is_approved(
    front: Front,
):
    onboarding_id = await registered(front)
    review = {"field": "account_review_update"}
    await says(front, "", ago(front, hours=3), decision="APPROVED", **review)
    assert await condition(front, onboarding_id, "Healthy") is None
    await says(front, "", ago(front, hours=1), decision="REJECTED", **review)
    await says(front, "", ago(front, hours=2), decision="APPROVED", **review)
    await says(front, "", ago(front, minutes=5), decision="DEFERRED", **review)
    assert await condition(front, onboarding_id, "Healthy") == ("False", "WabaBlocked")
    await says(front, "", ago(front, minutes=1), decision="APPROVED", **review)
    assert await condition(front, onboarding_id, "Healthy") == ("True", "MetaLetsSend")


async def test_a_declined_display_name_is_told_with_its_reason_and_remedy(front: Front):
    onboarding_id = await registered(front)
    name = {"field": "phone_number_name_update", "display_phone_number": SHOWN_NUMBER}
    await says(front, "", ago(front, hours=2), decision="PENDING", **name)
    found = await condition(front, onboarding_id, "NameApproved", NUMBER)
    assert found == ("Unknown", "NameInReview")
    why = {"rejection_reason": "NAME_NOT_CONSISTENT", "requested_verified_name": "Acme"}
    await says(front, "", ago(front, hours=1), decision="REJECTED", **why, **name)
    found = await condition(front, onboarding_id, "NameApproved", NUMBER)
    assert found == ("False", "NameDeclined")
    (sender,) = (await front.onboarding(onboarding_id))["senders"]
    (told,) = [c for c in sender["conditions"] if c["type"] == "NameApproved"]
    assert "'Acme': REJECTED (NAME_NOT_CONSISTENT)" in told["message"]
    await says(front, "", ago(front, minutes=1), decision="APPROVED", **name)
    found = await condition(front, onboarding_id, "NameApproved", NUMBER)
    assert found == ("True", "NameApproved")


async def test_a_name_of_a_number_that_is_not_known_yet_counts_once_it_is(front: Front):
    onboarding = await front.asked()
    name = {"field": "phone_number_name_update", "display_phone_number": SHOWN_NUMBER}
    await says(front, "", ago(front, hours=1), decision="REJECTED", **name)
    await front.hook(REGISTRATION, REGISTERED)
    found = await condition(front, onboarding["id"], "NameApproved", NUMBER)
    assert found == ("False", "NameDeclined")


TEMPLATE = {
    "field": "message_template_status_update",
    "message_template_name": "waboard_verification",
    "message_template_language": "en",
}


async def test_a_decision_on_our_template_wakes_its_wabas_run_alone(
    front: Front, prefect: FakePrefect
):
    onboarding_id = await registered(front)
    other = await front.asked(client_ref="bakery", waba_id="200000000000002")
    for of in (onboarding_id, other["id"]):
        seen = Condition(
            ConditionType.TEMPLATE_READY,
            Status.UNKNOWN,
            Reason.TEMPLATE_PENDING,
            "In review.",
            "template 1",
            front.time,
        )
        async with front.begin() as session:
            await hold(session, of)
            await record(session, of, "", seen)
        await front.sleeps(of, WaitKind.TEMPLATE, nudge=60)
    await says(front, "PENDING", later(front, seconds=1), **TEMPLATE)
    await says(
        front,
        "APPROVED",
        later(front, seconds=2),
        **{**TEMPLATE, "message_template_language": "es"},
    )
    await wake_due(front.ledger, front.now)
    assert prefect.woken == []
    await says(front, "APPROVED", later(front, seconds=3), **TEMPLATE)
    await wake_due(front.ledger, front.now)
    assert prefect.woken == [onboarding_id]
    found = await condition(front, onboarding_id, "TemplateReady")
    assert found == ("True", "TemplateApproved")


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ("PAUSED", ("False", "TemplateLost")),
        ("ARCHIVED", ("False", "TemplateLost")),
        ("DISABLED", ("False", "TemplateLost")),
        ("FLAGGED", ("True", "TemplateApproved")),
        ("LOCKED", ("True", "TemplateApproved")),
        ("LIMIT_EXCEEDED", ("True", "TemplateApproved")),
        ("IN_APPEAL", ("Unknown", "TemplatePending")),
    ],
)
async def test_what_happens_to_an_approved_template_is_noted(
    front: Front, event: str, found: tuple[str, str]
):
    onboarding_id = await registered(front)
    await saw(front, onboarding_id, ConditionType.TEMPLATE_READY, Reason.TEMPLATE_APPROVED)
    await says(front, event, later(front, seconds=1), **TEMPLATE)
    assert await condition(front, onboarding_id, "TemplateReady") == found
    await says(front, "PAUSED", ago(front, seconds=5), **TEMPLATE)
    assert await condition(front, onboarding_id, "TemplateReady") == found


# What is shown


async def test_the_latest_limit_by_metas_clock_is_shown(front: Front):
    onboarding_id = await registered(front)
    quality = {"field": "phone_number_quality_update", "display_phone_number": NUMBER}
    await says(front, "UPGRADE", ago(front, hours=1), current_limit="TIER_10K", **quality)
    await says(front, "DOWNGRADE", ago(front, hours=2), current_limit="TIER_250", **quality)
    of_business = {"field": "business_capability_update"}
    await says(front, "", None, max_daily_conversations_per_business="TIER_1K", **of_business)
    shown = await front.onboarding(onboarding_id)
    assert shown["senders"][0]["limit"]["value"] == "TIER_10K"
    assert shown["limit"]["value"] == "TIER_1K"
    assert [each["said"] for each in shown["notices"]] == [
        "The limit of …8538 was lowered (DOWNGRADE)."
    ]


ALERT = {
    "alert_severity": "CRITICAL",
    "alert_status": "ACTIVE",
    "alert_type": "PROFILE_PICTURE_LOST",
    "alert_description": "The picture is gone.",
}


@pytest.mark.parametrize(
    ("entity", "entry"),
    [
        (("WABA", DOCUMENTED), PORTFOLIO),
        (("PHONE_NUMBER", "122098754222007518"), "1"),
        (("BUSINESS", PORTFOLIO), DOCUMENTED),
    ],
)
async def test_an_alert_is_shown_whatever_it_names_and_gone_once_it_is_over(
    front: Front, entity: tuple[str, str], entry: str
):
    onboarding_id = await registered(front)
    value = {"entity_type": entity[0], "entity_id": entity[1], "alert_info": ALERT}
    await post(front, body(change("", ago(front, hours=2), entry, "account_alerts", **value)))
    (notice,) = (await front.onboarding(onboarding_id))["notices"]
    assert notice["said"] == "Meta warns (CRITICAL): PROFILE_PICTURE_LOST: The picture is gone."
    value["alert_info"] = {**ALERT, "alert_status": "NONE"}
    await post(front, body(change("", ago(front, hours=1), entry, "account_alerts", **value)))
    assert (await front.onboarding(onboarding_id))["notices"] == []


async def test_the_operator_is_told_once_that_somebody_changed_a_pin(front: Front):
    onboarding_id = await registered(front)
    pin = {"field": "security", "display_phone_number": NUMBER}
    await says(front, "PIN_RESET_REQUEST", ago(front, minutes=2), **pin)
    await says(front, "PIN_CHANGED", ago(front, minutes=1), **pin)

    async def tell(subject: str, text: str) -> None:
        front.told.append(f"{subject}: {text}")

    for _ in range(2):
        await GraveNotices(front.ledger, front.now, tell).tidy()
    told = "Somebody changed the PIN of …8538 (PIN_CHANGED)."
    assert front.told == [f"acme: Meta warns: {told}"]
    notices = [each["said"] for each in (await front.onboarding(onboarding_id))["notices"]]
    assert told in notices
    assert len(notices) == 2


async def test_where_meta_lets_no_number_be_added_none_is(front: Front):
    onboarding_id = await registered(front)
    listed = [{"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION", "expiration": None}]
    await says(front, "ACCOUNT_RESTRICTION", restriction_info=listed)
    asked = {"phone_number": "+1 415-555-0132", "display_name": "Acme Downtown"}
    answer = await front.http.post(f"/v1/onboardings/{onboarding_id}/senders", json=asked)
    assert_problem(answer, 409, "RESTRICTED_ADD_PHONE_NUMBER_ACTION")


# Whatever comes


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ("VERIFIED_ACCOUNT", "account_update"),
        ("SOMETHING_NEW", "account_update"),
        ("ACCOUNT_VIOLATION", "account_update"),
        ("", "something_new"),
    ],
)
async def test_whatever_meta_says_of_a_waba_makes_its_next_comparison_due(
    front: Front, event: str, field: str
):
    onboarding_id = await registered(front)
    raw = body(change(event, ago(front, minutes=1), DOCUMENTED, field))
    for is_news in (True, False):
        async with front.begin() as session:
            await record_looked(session, LookAt.META, [onboarding_id], front.time)
        await post(front, raw)
        async with front.begin() as session:
            row = await session.get_one(OnboardingRow, onboarding_id)
            assert (row.meta_looked_at is None) is is_news, "the same again is no news"


@pytest.mark.parametrize("field", ["messages", "history", "smb_message_echoes"])
async def test_chats_that_come_here_are_counted_and_not_kept(front: Front, field: str):
    await registered(front)
    for text in ("SECRET ONE", "SECRET TWO"):
        value = {
            "contacts": [{"profile": {"name": "SECRET NAME"}, "wa_id": "16505550123"}],
            "messages": [{"from": "16505550123", "text": {"body": text}}],
        }
        await post(front, body(change("", int(T0.timestamp()), DOCUMENTED, field, **value)))
    (event, *_) = await front.events()
    assert (event["kind"], event["times_received"]) == ("unread", 2)
    kept = (await front.http.get(f"/v1/events/{event['id']}")).text
    assert "SECRET" not in kept
    assert "16505550123" not in kept
    broken = b'{"entry": {"messages": "SECRET"'
    assert (await post(front, broken)).status_code == 200
    assert "SECRET" not in (await front.http.get(f"/v1/events/{event['id'] + 1}")).text
