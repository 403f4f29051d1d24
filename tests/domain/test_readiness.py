"""The provider's own set-up: every item in its good and its bad state."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tests.domain.samples import T0
from waboard.domain.parties import Party
from waboard.domain.readiness import (
    ITEMS,
    WEBHOOK_FIELDS,
    Check,
    Confirmation,
    Facts,
    checklist,
    is_ready,
)
from waboard.domain.webhooks import Hook, HookState

HOOK = "https://in.provider.example/hooks/meta"
GOOD = Facts(
    now=T0,
    verification_status="verified",
    app={
        "category": "Messaging",
        "app_domains": ("provider.example",),
        "contact_email": "dev@provider.example",
        "icon_url": "https://provider.example/icon.png",
        "privacy_policy_url": "https://provider.example/privacy",
        "terms_of_service_url": "https://provider.example/terms",
    },
    permissions={"whatsapp_business_management": "live", "whatsapp_business_messaging": "live"},
    solution=("ACTIVE", "NONE"),
    partner=("ACCEPTED", ("MESSAGING",)),
    webhook_url=HOOK,
    webhook_active=True,
    webhook_fields=frozenset(WEBHOOK_FIELDS),
    our_webhook_url=HOOK,
    public_url="https://in.provider.example",
    config_id="800000000000001",
    token_is_valid=True,
    graph_version="v26.0",
    graph_versions={"v20.0": date(2025, 9, 24), "v21.0": date(2026, 2, 1), "v26.0": None},
    infobip_answers=True,
    registration_webhook_at=T0,
)
BY_PERSON = [item.key for item in ITEMS if item.judge is None]
SAID = {key: Confirmation(holds=True, who="ana", at=T0) for key in BY_PERSON}


def check(key: str, facts: Facts = GOOD, said: dict[str, Confirmation] = SAID) -> Check:
    return next(each for each in checklist(facts, said) if each.item.key == key)


def test_a_set_up_in_order_is_ready():
    checks = checklist(GOOD, SAID)
    assert [c.item.key for c in checks if c.is_open] == []
    assert is_ready(checks)


def test_every_item_has_a_place_to_click_and_a_duration():
    for item in ITEMS:
        assert item.title
        assert item.where
        assert item.usually
    assert len({item.key for item in ITEMS}) == len(ITEMS)


@pytest.mark.parametrize(
    ("key", "facts", "said"),
    [
        ("portfolio", {"verification_status": None}, "Meta shows it"),
        ("business-verification", {"verification_status": "pending"}, "is pending"),
        ("app-details", {"app": {"category": "Messaging"}}, "icon_url"),
        ("app-details", {"app": None}, "category"),
        ("app-review", {"permissions": None}, "not requested"),
        (
            "app-review",
            {"permissions": {"whatsapp_business_management": "unapproved"}},
            "whatsapp_business_management is unapproved",
        ),
        ("solution", {"solution": None}, "not set"),
        ("solution", {"solution": ("DRAFT", "NONE")}, "It is Draft."),
        ("partner", {"partner": None}, "no partner"),
        ("partner", {"partner": ("ACCEPTED", ())}, "not send"),
        ("partner", {"partner": ("INITIATED", ("MESSAGING",))}, "INITIATED"),
        ("login-configuration", {"config_id": None}, "not set"),
        ("https", {"public_url": "http://127.0.0.1:8420"}, "127.0.0.1"),
        ("meta-webhooks", {"webhook_url": None}, "nothing"),
        ("meta-webhooks", {"webhook_url": "https://old.example"}, "https://old.example"),
        ("meta-webhooks", {"webhook_active": False}, "switched off"),
        ("meta-webhooks", {"webhook_fields": frozenset({"account_update"})}, "partner_solutions"),
        ("meta-webhooks", {"webhook_fields": None}, "account_update"),
        ("graph-version", {"graph_version": "v20.0"}, "ended"),
        ("graph-version", {"graph_version": "v21.0"}, "ends on 2026-02-01"),
        ("system-token", {"token_is_valid": False}, "not valid"),
        ("system-token", {"token_ends_at": T0 + timedelta(days=9)}, "2026-01-14"),
    ],
)
def test_an_item_that_is_not_in_order_says_what_is_wrong(
    key: str, facts: dict[str, Any], said: str
):
    checks = checklist(replace(GOOD, **facts), SAID)
    found = next(each for each in checks if each.item.key == key)
    assert found.answer.holds is False
    assert said in found.answer.said
    assert not is_ready(checks)


@pytest.mark.parametrize(
    ("key", "facts"),
    [
        ("graph-version", {"graph_version": "v99.0"}),
        ("infobip-webhooks", {"registration_webhook_at": None}),
        ("infobip-webhooks", {"hooks": None, "registration_webhook_at": None}),
    ],
)
def test_what_cannot_be_known_is_neither_yes_nor_no(key: str, facts: dict[str, Any]):
    assert check(key, replace(GOOD, **facts)).answer.holds is None


def test_a_token_that_ends_long_from_now_is_in_order():
    facts = replace(GOOD, token_ends_at=T0 + timedelta(days=90))
    assert check("system-token", facts).answer.holds is True


def test_what_could_not_be_asked_is_not_known_and_says_why():
    facts = replace(GOOD, failures={"solution": "Not known: Meta did not answer."})
    found = check("solution", facts)
    assert (found.answer.holds, found.answer.said) == (None, "Not known: Meta did not answer.")


def test_a_solution_on_its_way_out_still_lets_clients_in_and_says_so():
    found = check("solution", replace(GOOD, solution=("ACTIVE", "PENDING_DEACTIVATION")))
    assert found.answer.holds is True
    assert "deactivation request" in found.answer.said


@pytest.mark.parametrize("key", BY_PERSON)
def test_what_only_a_person_sees_is_asked_and_recorded_with_who_and_when(key: str):
    assert f"--confirm {key}" in check(key, said={}).answer.said
    assert check(key, said={}).answer.holds is None
    assert check(key).answer.said == "Confirmed by ana, 2026-01-05."
    denied = {**SAID, key: Confirmation(holds=False, who="ana", at=T0, note="Still draft.")}
    assert check(key, said=denied).answer.holds is False
    assert "Still draft." in check(key, said=denied).answer.said


def test_what_a_person_said_long_ago_is_asked_again():
    long_ago = replace(GOOD, now=T0 + timedelta(days=181))
    found = check("live-mode", long_ago)
    assert found.answer.holds is None
    assert "too long ago" in found.answer.said
    assert check("data-use", long_ago).answer.holds is True


def test_what_is_only_advised_keeps_nobody_out():
    said = {key: value for key, value in SAID.items() if key != "access-verification"}
    checks = checklist(replace(GOOD, registration_webhook_at=None), said)
    assert any(c.is_open for c in checks)
    assert is_ready(checks)


def test_clients_tokens_that_end_soon_are_counted_and_keep_nobody_out():
    checks = checklist(replace(GOOD, client_tokens_ending=3), SAID)
    found = next(c for c in checks if c.item.key == "client-tokens")
    assert (found.answer.holds, "3 clients' tokens" in found.answer.said) == (False, True)
    assert is_ready(checks)


ALL_TAKEN = tuple(HookState(hook, took=True) for hook in Hook)
ONE_REFUSED = (*ALL_TAKEN[1:], HookState(Hook.REGISTRATION, took=False))


@pytest.mark.parametrize(
    ("hooks", "holds", "said"),
    [
        (ALL_TAKEN, True, "All are subscribed, to this gateway."),
        ((), True, "All are subscribed, to this gateway."),
        (ONE_REFUSED, False, "Not to this gateway, or not offered: ACCOUNT_REGISTRATION."),
        (None, True, "The last one arrived on 2026-01-05 09:00 UTC."),
    ],
)
def test_infobips_webhooks_are_judged_by_their_subscriptions_where_these_can_be_read(
    hooks: tuple[HookState, ...] | None, holds: bool, said: str
):
    """Where they cannot, that one has arrived is the proof."""
    answer = check("infobip-webhooks", replace(GOOD, hooks=hooks)).answer
    assert (answer.holds, answer.said) == (holds, said)


def test_that_a_webhook_arrived_once_proves_nothing_of_one_that_is_refused_now():
    facts = replace(GOOD, hooks=ONE_REFUSED, registration_webhook_at=T0)
    assert check("infobip-webhooks", facts).answer.holds is False


TODAY = T0.date()


@pytest.mark.parametrize(
    ("days", "holds"), [(-1, False), (0, False), (1, False), (60, False), (61, True)]
)
def test_a_version_is_left_in_time(days: int, holds: bool):
    ends = {"v26.0": TODAY + timedelta(days=days)}
    answer = check("graph-version", replace(GOOD, graph_versions=ends)).answer
    assert (answer.holds, "Meta serves another" in answer.said) == (holds, days <= 0)


@pytest.mark.parametrize(("days", "holds"), [(59, False), (60, False), (61, True)])
def test_a_token_is_renewed_in_time(days: int, holds: bool):
    facts = replace(GOOD, token_ends_at=T0 + timedelta(days=days))
    assert check("system-token", facts).answer.holds is holds


def test_a_token_that_never_ends_is_in_order():
    answer = check("system-token").answer
    assert (answer.holds, answer.said) == (True, "The system user's token never ends.")


@pytest.mark.parametrize(
    ("key", "days"), [("live-mode", 180), ("data-use", 365), ("access-verification", 180)]
)
def test_what_a_person_said_is_believed_for_so_long(key: str, days: int):
    on_the_day, after = (replace(GOOD, now=T0 + timedelta(days=each)) for each in (days, days + 1))
    assert check(key, on_the_day).answer.holds is True
    assert check(key, after).answer.holds is None


def test_these_are_advised_and_all_others_needed():
    assert {item.key for item in ITEMS if not item.needed} == {
        "access-verification",
        "infobip-webhooks",
        "client-tokens",
        "data-use",
    }


def test_these_are_up_to_somebody_else():
    awaited = {item.key: item.awaiting for item in ITEMS if item.awaiting is not Party.OPERATOR}
    assert awaited == {
        "business-verification": Party.META,
        "app-review": Party.META,
        "access-verification": Party.META,
        "solution": Party.INFOBIP,
        "partner": Party.INFOBIP,
        "infobip-webhooks": Party.INFOBIP,
    }
