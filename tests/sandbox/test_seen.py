"""Seen reports: who gets one, and of which messages."""

import json
from typing import Any

import pytest

from tests.sandbox.lab import Lab
from tests.sandbox.test_messages import with_sender
from tests.sandbox.test_subscriptions import OWN_URL, subscribe

SEEN_URL = "http://own.test/seen"


def seen_by(sandbox: Lab, url: str) -> list[dict[str, Any]]:
    """The seen reports that somebody got."""
    bodies = [json.loads(each.content) for each in sandbox.inbox if str(each.url) == url]
    results = [each for body in bodies for each in body.get("results", [])]
    return [each for each in results if each.get("event") == "SEEN"]


async def test_a_seen_report_follows_the_delivery(sandbox: Lab):
    """To the one URL of the subscription, after the delays of both."""
    await subscribe(sandbox)
    sender = await with_sender(sandbox, seen=True)
    sandbox.naps.clear()
    await sandbox.send(sender=sender, options={"platform": {"entityId": "acme"}})
    (report,) = seen_by(sandbox, OWN_URL)
    assert sandbox.naps == [1.0, 1.0]
    assert (report["messageId"], report["platform"]) == ("message-1", {"entityId": "acme"})


async def test_the_messages_own_url_goes_first(sandbox: Lab):
    """As with delivery reports."""
    await subscribe(sandbox)
    sender = await with_sender(sandbox, seen=True)
    webhooks = {"seen": {"url": SEEN_URL}, "callbackData": "attempt-1"}
    await sandbox.send(sender=sender, webhooks=webhooks)
    (report,) = seen_by(sandbox, SEEN_URL)
    assert report["callbackData"] == "attempt-1"
    assert seen_by(sandbox, OWN_URL) == []


async def test_without_a_listener_nobody_ever_knows(sandbox: Lab):
    """Neither the configured URLs nor the pull queue get it."""
    sender = await with_sender(sandbox, seen=True)
    sandbox.inbox.clear()
    await sandbox.send(sender=sender)
    assert sandbox.inbox == []
    assert [each["event"] for each in await sandbox.reports()] == ["DELIVERY"]


@pytest.mark.parametrize("fate", [{}, {"seen": True, "delivery": "undeliverable"}])
async def test_what_nobody_looks_at_is_not_seen(sandbox: Lab, fate: dict[str, Any]):
    """By default, and when it never arrived."""
    sender = await with_sender(sandbox, **fate)
    await sandbox.send(sender=sender, webhooks={"seen": {"url": SEEN_URL}})
    assert seen_by(sandbox, SEEN_URL) == []
