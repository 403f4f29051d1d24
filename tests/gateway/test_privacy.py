"""No whole phone number and no secret in a log line or in an exception's text."""

import logging
import re
from collections.abc import Iterable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tests.domain.samples import BAD, DOCUMENTED, GOOD, registration, report
from tests.gateway.desk import (
    API_KEY,
    CLIENT_NUMBER,
    DELIVERY,
    OTHER_API_KEY,
    OTHER_SECRET,
    RECIPIENT,
    REGISTRATION,
    SECRET,
    Desk,
    FakePrefect,
)
from waboard.domain.facts import registration_facts
from waboard.gateway.waker import tidy, wake_due
from waboard.ledger.database import Ledger

INFOBIP_KEY = "ib-1f04c3d8"
NUMBERS = [GOOD, BAD, CLIENT_NUMBER, RECIPIENT]
SECRETS = [API_KEY, OTHER_API_KEY, SECRET, OTHER_SECRET, INFOBIP_KEY]


def told_by(texts: Iterable[str]) -> list[str]:
    """What must not be told and is, also where a number is written with spaces and dashes."""
    found: list[str] = []
    for told in texts:
        digits = re.sub(r"(?<=\d)[ ().-]+(?=\d)", "", told)
        found += [f"{private} in {told[:200]}" for private in SECRETS if private in told]
        found += [f"{number} in {told[:200]}" for number in NUMBERS if number in digits]
    return found


async def whole_story(desk: Desk, prefect: FakePrefect) -> None:
    prefect.away = True
    await desk.ask(phone_numbers=[GOOD, CLIENT_NUMBER], waba_id="x")
    await desk.ask(phone_numbers=["+1", CLIENT_NUMBER])
    onboarding = await desk.asked(phone_numbers=[GOOD, CLIENT_NUMBER])
    await desk.ask(phone_numbers=[BAD])
    prefect.away = False
    await tidy(desk.ledger, desk.now)
    await desk.sleeps(onboarding["id"])
    prefect.refuses = {onboarding["id"]}
    await desk.hook(REGISTRATION, DOCUMENTED)
    await desk.hook(REGISTRATION, DOCUMENTED)
    failed = {CLIENT_NUMBER: "FAILED"}
    await desk.hook(REGISTRATION, registration(minute=1, senders=failed, registrationInfo=GOOD))
    await desk.hook(REGISTRATION, registration(displayPhoneNumber=GOOD, businessAccountId=GOOD))
    await desk.hook(REGISTRATION, f'{{"senders": "{CLIENT_NUMBER}"'.encode())
    await desk.hook(REGISTRATION, DOCUMENTED, **{"X-Hub-Signature": SECRET})
    await desk.has_sent_a_test(onboarding["id"], GOOD, "waboard-1")
    reports = [report("delivered", to=RECIPIENT, sender=GOOD), {"to": RECIPIENT}]
    await desk.hook(DELIVERY, {"results": reports})
    await desk.stranger.get("/v1/onboardings", headers={"Authorization": f"Basic {API_KEY}"})
    await desk.http.post("/v1/events/1/replay")
    await desk.inbox.keep(registration_facts(DOCUMENTED))
    desk.pass_time(days=20)
    await wake_due(desk.ledger, desk.now)
    prefect.refuses = set()
    await wake_due(desk.ledger, desk.now)
    empty = Ledger("sqlite://")
    with desk.with_ledger(empty), pytest.raises(SQLAlchemyError):
        await desk.hook(REGISTRATION, DOCUMENTED)
    await empty.close()


async def test_a_whole_story_leaves_no_number_and_no_secret_in_the_log(
    desk: Desk, prefect: FakePrefect, caplog: pytest.LogCaptureFixture
):
    """Of ours and of every library, however much they are asked to say."""
    with caplog.at_level(logging.DEBUG):
        await whole_story(desk, prefect)
    lines = [caplog.handler.format(record) for record in caplog.records]
    assert any("its run starts later" in line for line in lines)
    assert told_by(lines) == []


def test_what_must_not_be_told_would_be_found():
    texts = [f"+{GOOD}", "+1 313-513-8538", "(+44) 7860 099311", f"key={API_KEY}", SECRET]
    assert len(told_by(texts)) == len(texts)
    assert told_by(["…8538", "WABA …3093", "hook", "2026-01-05 09:00:00.123456"]) == []


async def test_an_error_of_the_ledger_tells_no_number(desk: Desk):
    """It ends in the log with its whole text when it comes after the answer."""
    full = "CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END"
    async with desk.begin() as session:
        await session.execute(text(full))
    with pytest.raises(SQLAlchemyError, match="full") as caught:
        await desk.inbox.keep(registration_facts(DOCUMENTED))
    assert told_by([str(caught.value)]) == []
