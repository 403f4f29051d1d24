"""Senders that are added after the signup, and the one-time passwords that prove them."""

import json
from typing import Any

import httpx
import pytest

from tests.sandbox.lab import DOCUMENTED, FAILED_NUMBER, FINISHED_NUMBER, Lab, lab

REGISTRATIONS = "/whatsapp/1/embedded-signup/registrations"
ADD = f"{REGISTRATIONS}/business-account/{DOCUMENTED}/senders"
NUMBER = "12024560123"
BY_SMS = {"type": "EXTERNAL_SMS", "locale": "en_US"}


def verification(number: str = NUMBER) -> str:
    return f"{REGISTRATIONS}/senders/{number}/verification"


def new_sender(number: str = NUMBER, **changes: Any) -> dict[str, Any]:
    """The body that adds a number of North America; changes replace its parts, None removes one."""
    parts = {"countryCode": "1", "phoneNumber": number[1:], "displayName": "Acme"}
    body = {**parts, **BY_SMS, **changes}
    return {name: each for name, each in body.items() if each is not None}


async def code_of(sandbox: Lab, number: str = NUMBER) -> str:
    """What the phone would show."""
    return (await sandbox.http.get(f"/sandbox/senders/{number}/otp")).json()["code"]


async def submit(sandbox: Lab, code: str, number: str = NUMBER) -> httpx.Response:
    """Submit a code and let the registration run its course."""
    response = await sandbox.http.post(verification(number), json={"code": code})
    await sandbox.settled()
    return response


async def added(sandbox: Lab, number: str = NUMBER) -> None:
    """The whole way of one number."""
    assert (await sandbox.http.post(ADD, json=new_sender(number))).status_code == 202
    assert (await submit(sandbox, await code_of(sandbox, number), number)).status_code == 202


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def text_of(response: httpx.Response) -> str:
    return response.json()["requestError"]["serviceException"]["text"]


def last_event(sandbox: Lab) -> dict[str, Any]:
    return json.loads(sandbox.inbox[-1].content)


async def quality_of(sandbox: Lab, number: str) -> list[dict[str, Any]]:
    params = {"senders": number}
    return (await sandbox.http.get("/whatsapp/1/senders/quality", params=params)).json()["results"]


async def test_a_number_that_is_added_is_asked_for_a_code(sandbox: Lab):
    """Nothing is registered before it has come back."""
    await sandbox.share()
    response = await sandbox.http.post(ADD, json=new_sender())
    await sandbox.settled()
    assert (response.status_code, response.json()) == (202, {"status": "OTP_REQUESTED"})
    assert await quality_of(sandbox, NUMBER) == []
    assert (await sandbox.books())["proofs"] == {
        NUMBER: {"waba_id": DOCUMENTED, "codes": 1, "verified": False}
    }


async def test_the_right_code_makes_it_a_sender(sandbox: Lab):
    """After the registration delay, for all that know senders."""
    await sandbox.share()
    await sandbox.http.post(ADD, json=new_sender())
    sandbox.naps.clear()
    response = await submit(sandbox, await code_of(sandbox))
    assert (response.status_code, response.content) == (202, b"")
    assert sandbox.naps == [2.0]
    assert (await quality_of(sandbox, NUMBER))[0]["status"] == "CONNECTED"
    assert await sandbox.number_key(NUMBER)
    templates = await sandbox.http.get(f"/whatsapp/2/senders/{NUMBER}/templates")
    assert [each["name"] for each in templates.json()["templates"]] == ["waboard_verification"]
    await sandbox.send(sender=NUMBER)
    assert (await sandbox.reports())[0]["status"]["groupName"] == "DELIVERED"


async def test_the_event_lists_all_senders_of_the_waba(sandbox: Lab):
    """The new one last, and later than the event before."""
    await sandbox.share()
    before = last_event(sandbox)
    sandbox.time += 60
    await added(sandbox)
    after = last_event(sandbox)
    assert after["senders"][:-1] == before["senders"]
    assert {"displayPhoneNumber": "+1 202-456-0123", "status": "FINISHED"}.items() <= (
        after["senders"][-1].items()
    )
    assert after["createdAt"] == before["createdAt"]
    assert after["lastModifiedAt"] > before["lastModifiedAt"]


async def test_even_a_half_truth_is_later_than_the_event_before(sandbox: Lab):
    """Mischief with registrations strikes here as well."""
    await sandbox.share()
    before = last_event(sandbox)
    await sandbox.decide(mischief=["fails-then-finishes"])
    sandbox.time += 60
    await added(sandbox)
    half, truth = (json.loads(each.content) for each in sandbox.inbox[-2:])
    assert (half["status"], truth["status"]) == ("FAILED", "FINISHED")
    assert half["lastModifiedAt"] > before["lastModifiedAt"]


async def test_a_sender_that_failed_can_be_added_again(sandbox: Lab):
    """Whatever else was decided for it holds."""
    await sandbox.share()
    await added(sandbox, FAILED_NUMBER)
    event = last_event(sandbox)
    assert [each["status"] for each in event["senders"]] == ["FINISHED", "FINISHED"]
    assert event["senders"][1]["phoneNumberId"] == "119302867930080"
    assert await quality_of(sandbox, FAILED_NUMBER)


async def test_a_number_that_was_verified_needs_no_code(sandbox: Lab):
    """It is registered, again if need be."""
    await sandbox.share()
    await added(sandbox)
    events = len(sandbox.inbox)
    for number in (NUMBER, FINISHED_NUMBER):
        response = await sandbox.http.post(ADD, json=new_sender(number))
        assert response.json() == {"status": "SUBMITTED_FOR_REGISTRATION"}
    await sandbox.settled()
    assert len(sandbox.inbox) == events + 2


async def test_a_silent_waba_says_nothing_of_its_new_sender(sandbox: Lab):
    """As with those of its signup."""
    await sandbox.decide(silent=True)
    await sandbox.share()
    await added(sandbox)
    assert sandbox.inbox == []
    assert await quality_of(sandbox, NUMBER)


@pytest.mark.parametrize("again", ["resend", "add"])
async def test_asking_again_makes_a_new_code(sandbox: Lab, again: str):
    """The old one is wrong from then on."""
    await sandbox.share()
    await sandbox.http.post(ADD, json=new_sender())
    old = await code_of(sandbox)
    if again == "resend":
        response = await sandbox.http.put(verification(), json=BY_SMS)
        assert (response.status_code, response.content) == (202, b"")
    else:
        await sandbox.http.post(ADD, json=new_sender())
    assert (await submit(sandbox, old)).status_code == 400
    assert (await submit(sandbox, await code_of(sandbox))).status_code == 202


async def test_each_refusal_of_a_code_says_why(sandbox: Lab):
    """Wrong, too old, or not needed any more; one sent again is young again."""
    await sandbox.share()
    await sandbox.http.post(ADD, json=new_sender())
    code = await code_of(sandbox)
    refused = [await submit(sandbox, wrong(code))]
    sandbox.time += 600
    refused.append(await submit(sandbox, code))
    await sandbox.http.put(verification(), json=BY_SMS)
    sandbox.time += 599
    assert (await submit(sandbox, await code_of(sandbox))).status_code == 202
    refused.append(await submit(sandbox, await code_of(sandbox)))
    refused.append(await sandbox.http.put(verification(), json=BY_SMS))
    assert [(each.status_code, text_of(each)) for each in refused] == [
        (400, "Verification code is not correct"),
        (400, "Verification code has expired"),
        (400, "Sender is already verified"),
        (400, "Sender is already verified"),
    ]


@pytest.mark.parametrize(
    ("method", "body"), [("PUT", BY_SMS), ("POST", {"code": "123456"})], ids=["resend", "verify"]
)
@pytest.mark.parametrize("number", [NUMBER, FINISHED_NUMBER])
async def test_who_asked_for_no_code_is_not_found(
    sandbox: Lab, method: str, body: dict[str, Any], number: str
):
    """A number that nobody knows, and one that came with the signup."""
    await sandbox.share()
    response = await sandbox.http.request(method, verification(number), json=body)
    assert (response.status_code, text_of(response)) == (404, "Sender not found")
    assert (await sandbox.http.get(f"/sandbox/senders/{number}/otp")).status_code == 404


async def test_a_waba_must_have_been_shared(sandbox: Lab):
    """That a fate was decided for it is the sandbox's secret."""
    await sandbox.decide()
    assert (await sandbox.http.post(ADD, json=new_sender())).status_code == 404
    await sandbox.share("777")
    assert (await sandbox.http.post(ADD, json=new_sender())).status_code == 404


async def test_a_number_belongs_to_one_waba(sandbox: Lab):
    """Whether it is registered there or only asked for."""
    await sandbox.share("777")
    await sandbox.share()
    elsewhere = ADD.replace(DOCUMENTED, "777")
    await sandbox.http.post(ADD, json=new_sender())
    for number in (NUMBER, FINISHED_NUMBER):
        response = await sandbox.http.post(elsewhere, json=new_sender(number))
        details = response.json()["requestError"]["serviceException"]
        assert (response.status_code, list(details["validationErrors"])) == (400, ["phoneNumber"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("countryCode", None),
        ("countryCode", 1),
        ("phoneNumber", "202-456-0123"),
        ("displayName", ""),
        ("type", "SMS"),
        ("locale", None),
    ],
)
async def test_what_is_missing_or_wrong_is_named(sandbox: Lab, name: str, value: Any):
    """In the older family of error bodies."""
    await sandbox.share()
    response = await sandbox.http.post(ADD, json=new_sender(**{name: value}))
    details = response.json()["requestError"]["serviceException"]
    assert (response.status_code, list(details["validationErrors"])) == (400, [name])


async def test_fifteen_a_second():
    """Each of the three for itself."""
    calls = [("POST", ADD), ("PUT", verification()), ("POST", verification())]
    async with lab(rate_limits=True) as sandbox:
        for method, path in calls:
            answers = [await sandbox.http.request(method, path, json={}) for _ in range(16)]
            assert [each.status_code for each in answers[-2:]] == [400, 429]


async def test_a_number_that_no_plan_knows_is_shown_as_it_is(sandbox: Lab):
    """The sandbox does not judge numbers."""
    await sandbox.share()
    body = new_sender(countryCode="999", phoneNumber="5550123")
    assert (await sandbox.http.post(ADD, json=body)).status_code == 202
    await submit(sandbox, await code_of(sandbox, "9995550123"), "9995550123")
    assert last_event(sandbox)["senders"][-1]["displayPhoneNumber"] == "+9995550123"
