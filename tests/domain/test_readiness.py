"""The provider's own set-up: every item in its good and its bad state."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tests.domain.samples import T0
from waboard.domain.readiness import (
    ITEMS,
    WEBHOOK_FIELDS,
    Check,
    Confirmation,
    Facts,
    checklist,
    is_ready,
)

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
