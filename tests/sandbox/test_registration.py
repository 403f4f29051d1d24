"""Sharing a WABA, and the registration event that follows."""

import json
from typing import Any

import phonenumbers
import pytest

from tests.sandbox.lab import (
    DOCUMENTED,
    FAILED_NUMBER,
    FINISHED_NUMBER,
    REGISTRATION_URL,
    SHARE,
    Lab,
    lab,
)
from waboard.sandbox.fates import default_fate


def events(sandbox: Lab) -> list[dict[str, Any]]:
    return [json.loads(each.content) for each in sandbox.inbox]


@pytest.mark.parametrize("waba_id", [DOCUMENTED, int(DOCUMENTED)])
async def test_share_accepts_a_number_and_a_string_of_digits(sandbox: Lab, waba_id: str | int):
    """The page shows a string, the Java client sends a number; neither answer has a body."""
    response = await sandbox.share(waba_id)
    assert (response.status_code, response.content) == (202, b"")


@pytest.mark.parametrize(
    "body", [{}, {"businessAccountId": "abc"}, {"businessAccountId": True}, []]
)
async def test_share_refuses_what_is_no_waba_id(sandbox: Lab, body: Any):
    """400 in the legacy shape, and nothing happens."""
    response = await sandbox.http.post(SHARE, json=body)
    assert response.status_code == 400
    assert response.json()["requestError"]["serviceException"]["messageId"] == "BAD_REQUEST"
    assert (await sandbox.books())["registrations"] == {}


async def test_in_progress_comes_before_the_end(sandbox: Lab):
    """Two events, to the registration URL, the later with the later time."""
    fixed = {"created_at": "2026-01-05T09:00:00Z", "last_modified_at": "2026-01-05T09:01:00Z"}
    await sandbox.decide(**fixed)
    await sandbox.share()
    first, last = events(sandbox)
    assert {str(each.url) for each in sandbox.inbox} == {REGISTRATION_URL}
    assert (first["status"], last["status"]) == ("IN_PROGRESS", "FINISHED")
    assert first["lastModifiedAt"] < last["lastModifiedAt"]


async def test_registration_takes_the_configured_delay(sandbox: Lab):
    """The two parts of the way add up."""
    await sandbox.share()
    assert sum(sandbox.naps) == pytest.approx(2.0)


async def test_a_fate_can_have_its_own_delay(sandbox: Lab):
    """Per WABA, a day if need be."""
    await sandbox.decide(registration_delay=86400)
    await sandbox.share()
    assert sum(sandbox.naps) == pytest.approx(86400)


async def test_only_finished_senders_are_registered(sandbox: Lab):
    """The documented example has one sender that failed: it is not the account's."""
    await sandbox.share()
    asked = f"{FINISHED_NUMBER},{FAILED_NUMBER}"
    response = await sandbox.http.get("/whatsapp/1/senders/quality", params={"senders": asked})
    assert [each["sender"] for each in response.json()["results"]] == [FINISHED_NUMBER]


async def test_a_repeated_share_is_counted_and_sends_nothing_again(sandbox: Lab):
    """202 as the first time."""
    await sandbox.share()
    assert (await sandbox.share()).status_code == 202
    assert len(sandbox.inbox) == 2
    assert (await sandbox.books())["shares"] == {DOCUMENTED: 2}


async def test_a_repeated_share_can_register_again(sandbox: Lab):
    """A fate may say so, since nobody knows what Infobip does."""
    await sandbox.decide(repeat_registers=True, in_progress_first=False)
    await sandbox.share()
    await sandbox.share()
    assert len(sandbox.inbox) == 2


async def test_a_silent_fate_finishes_without_an_event(sandbox: Lab):
    """The event is lost, the senders are there: the case for polling."""
    await sandbox.decide(silent=True)
    await sandbox.share()
    assert sandbox.inbox == []
    assert list((await sandbox.books())["senders"]) == [FINISHED_NUMBER]


async def test_without_newer_the_event_has_the_documented_fields_only(sandbox: Lab):
    """Neither reasons nor the portfolio."""
    await sandbox.decide(newer=False, in_progress_first=False)
    await sandbox.share()
    (event,) = events(sandbox)
    assert "businessPortfolioId" not in event
    assert all("registrationInfo" not in each for each in (event, *event["senders"]))


async def test_any_other_waba_finishes_with_two_senders(sandbox: Lab):
    """Always the same two, so that a test can name them."""
    await sandbox.share("777")
    last = events(sandbox)[-1]
    assert last["status"] == "FINISHED"
    assert [each["status"] for each in last["senders"]] == ["FINISHED", "FINISHED"]
    assert default_fate("777") == default_fate("777")


def test_derived_numbers_are_possible_and_distinct():
    """Over a thousand WABAs, no number comes twice, and libphonenumber believes in each."""
    senders = [
        each for waba in range(10**14, 10**14 + 1000) for each in default_fate(str(waba)).senders
    ]
    assert len({each.number for each in senders}) == 2000
    assert len({each.phone_number_id for each in senders}) == 2000
    assert all(
        phonenumbers.is_valid_number(phonenumbers.parse(each.display_phone_number))
        for each in senders
    )


async def test_an_event_sent_again_is_the_same_to_the_last_byte(sandbox: Lab):
    """A provider's retry: what a receiver has to recognise as a duplicate."""
    await sandbox.share("777")
    sandbox.time += 60
    await sandbox.http.post("/sandbox/wabas/777/registration-event")
    await sandbox.settled()
    assert sandbox.inbox[-1].content == sandbox.inbox[-2].content


async def test_a_changed_fate_comes_true_with_the_next_event(sandbox: Lab):
    """The client switched two-step verification off; the event that says so is newer."""
    await sandbox.share()
    senders = [
        {**each, "status": "FINISHED", "registration_info": None}
        for each in (await sandbox.http.get(f"/sandbox/wabas/{DOCUMENTED}")).json()["fate"][
            "senders"
        ]
    ]
    await sandbox.decide(senders=senders)
    sandbox.time += 60
    await sandbox.http.post(f"/sandbox/wabas/{DOCUMENTED}/registration-event")
    await sandbox.settled()
    before, after = events(sandbox)[-2:]
    assert after["lastModifiedAt"] > before["lastModifiedAt"]
    assert set((await sandbox.books())["senders"]) == {FINISHED_NUMBER, FAILED_NUMBER}


async def test_an_event_can_come_for_a_waba_that_nobody_shared(sandbox: Lab):
    """The webhook that arrives before the signup result does."""
    await sandbox.http.post("/sandbox/wabas/888/registration-event")
    await sandbox.settled()
    assert events(sandbox)[0]["businessAccountId"] == 888


async def test_a_raw_event_goes_out_as_it_is_and_changes_nothing(sandbox: Lab):
    """Even what is not JSON."""
    await sandbox.http.post("/sandbox/wabas/888/registration-event", content=b"{not json")
    await sandbox.settled()
    assert sandbox.inbox[0].content == b"{not json"
    assert (await sandbox.books())["senders"] == {}


async def test_a_sender_can_be_associated_by_the_provider(sandbox: Lab):
    """Entity and association are there when the registration event arrives."""
    sender = default_fate("777").senders[0].model_copy(update={"auto_associated_entity": "999"})
    await sandbox.decide("777", senders=[sender.model_dump()])
    await sandbox.share("777")
    books = await sandbox.books()
    assert books["entities"] == {"999": "999"}
    assert [(each["applicationId"], each["entityId"]) for each in books["associations"]] == [
        ("default", "999")
    ]


async def test_a_restart_forgets_what_was_under_way():
    """Shutting down cancels what is pending instead of waiting for it."""
    async with lab() as sandbox:
        await sandbox.http.post(SHARE, json={"businessAccountId": "777"})
        assert sandbox.world.tasks.pending == 1
    assert sandbox.world.tasks.pending == 0
    assert sandbox.inbox == []
