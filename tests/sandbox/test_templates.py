"""Templates: created, reviewed, edited, deleted, listed, and sent too early."""

import json
from typing import Any

import httpx
import pytest

from tests.sandbox.lab import FINISHED_NUMBER, Lab, lab
from tests.sandbox.test_messages import with_sender
from tests.sandbox.test_subscriptions import subscribe
from waboard.sandbox.fates import default_fate
from waboard.sandbox.limits import HOUR, Limiter

TEMPLATES = f"/whatsapp/2/senders/{FINISHED_NUMBER}/templates"
ACCOUNT = "/whatsapp/1/templates"


def template(**changes: Any) -> dict[str, Any]:
    """What it takes to create one."""
    structure = {"body": {"text": "Hello {{1}}", "examples": ["Ann"]}}
    body = {"name": "welcome", "language": "en", "category": "UTILITY", "structure": structure}
    return {**body, **changes}


async def create(sandbox: Lab, **changes: Any) -> httpx.Response:
    """Create one, and let its review run its course."""
    response = await sandbox.http.post(TEMPLATES, json=template(**changes))
    await sandbox.settled()
    return response


async def made(sandbox: Lab, **changes: Any) -> str:
    """The path of one that was created."""
    return f"{TEMPLATES}/{(await create(sandbox, **changes)).json()['id']}"


async def named(sandbox: Lab, path: str = TEMPLATES, **query: Any) -> list[str]:
    """The names that a list has, in its order."""
    listed = (await sandbox.http.get(path, params=query)).json()
    return [each["name"] for each in listed.get("templates", listed.get("results"))]


async def test_a_new_template_is_pending_until_its_review(sandbox: Lab):
    """The WABA is named; and it takes the review's time, and no longer."""
    await sandbox.share()
    sandbox.naps.clear()
    created = await create(sandbox)
    assert created.status_code == 201
    assert (created.json()["status"], created.json()["businessAccountId"]) == (
        "PENDING",
        102384266223093,
    )
    assert sandbox.naps == [1.0]
    reviewed = (await sandbox.http.get(f"{TEMPLATES}/{created.json()['id']}")).json()
    assert reviewed["status"] == "APPROVED"


@pytest.mark.parametrize(
    ("fate", "status", "error"),
    [
        ({}, "APPROVED", 0),
        ({"template_verdict": "REJECTED"}, "REJECTED", 7009),
        ({"template_verdict": "PENDING"}, "PENDING", 7009),
    ],
)
async def test_only_an_approved_template_can_be_sent(
    sandbox: Lab, fate: dict[str, Any], status: str, error: int
):
    """The verdict is the fate's."""
    await sandbox.decide(**fate)
    await sandbox.share()
    path = await made(sandbox)
    assert (await sandbox.http.get(path)).json()["status"] == status
    await sandbox.send(template={"templateName": "welcome", "language": "en"})
    assert (await sandbox.reports())[0]["error"]["id"] == error


@pytest.mark.parametrize(
    ("fate", "change"),
    [
        ({}, {"newStatus": "APPROVED", "reason": "NONE"}),
        (
            {"template_verdict": "REJECTED", "template_reason": "SCAM"},
            {"newStatus": "REJECTED", "reason": "SCAM"},
        ),
    ],
)
async def test_the_verdict_is_told_to_whoever_subscribed(
    sandbox: Lab, fate: dict[str, Any], change: dict[str, str]
):
    """Its ids are numbers there: one that is none is left out."""
    await subscribe(sandbox, events=["TEMPLATE_UPDATE"])
    await sandbox.decide(**fate)
    await sandbox.share()
    sandbox.inbox.clear()
    await create(sandbox, platform={"entityId": "17", "applicationId": "app"})
    event = json.loads(sandbox.inbox[0].content)
    assert event["change"] == {"type": "TEMPLATE_STATUS_UPDATE", **change}
    assert (event["messageTemplateName"], event["entityId"]) == ("welcome", 17)
    assert "applicationId" not in event


async def test_a_review_can_take_its_own_time(sandbox: Lab):
    """And without a subscription nobody is told of its end."""
    await sandbox.decide(template_review_delay=86400)
    await sandbox.share()
    sandbox.inbox.clear()
    sandbox.naps.clear()
    await create(sandbox)
    assert sandbox.naps == [86400]
    assert sandbox.inbox == []


async def test_templates_are_the_wabas(sandbox: Lab):
    """Created through one sender, seen through the other; those of the fate are there as well."""
    await sandbox.share("777")
    one, other = [each.number for each in default_fate("777").senders]
    await sandbox.http.post(f"/whatsapp/2/senders/{one}/templates", json=template())
    found = await named(sandbox, f"/whatsapp/2/senders/{other}/templates")
    assert found == ["waboard_verification", "welcome"]
    unknown = await sandbox.http.get("/whatsapp/2/senders/447000000000/templates")
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "With Capitals"},
        {"name": "with-dash"},
        {"name": ""},
        {"name": "x" * 513},
        {"language": "tlh"},
        {"category": "SPAM"},
        {"structure": None},
        {"structure": {}},
        {"structure": {"body": {}}},
        {"structure": {"body": {"text": "Hello"}, "footer": {"text": "x" * 61}}},
        {"name": "waboard_verification"},
    ],
)
async def test_what_is_wrong_is_refused(sandbox: Lab, changes: dict[str, Any]):
    """A bad name first of all; and a name that exists in this language."""
    await sandbox.share()
    response = await create(sandbox, **changes)
    assert response.status_code == 400
    details = response.json()["requestError"]["serviceException"]
    assert details["messageId"] == "BAD_REQUEST"
    assert details["validationErrors"]
    assert await named(sandbox) == ["waboard_verification"]


async def test_the_words_of_an_authentication_template_are_metas(sandbox: Lab):
    """What was asked for comes back as it will be sent."""
    await sandbox.share()
    structure = {
        "body": {"addSecurityRecommendation": True},
        "footer": {"codeExpirationMinutes": 15},
        "buttons": [{"otpType": "COPY_CODE", "text": "Copy"}],
    }
    created = await create(sandbox, category="AUTHENTICATION", structure=structure)
    shown = created.json()["structure"]
    assert shown["body"]["text"] == "*{{1}}* is your verification code."
    assert shown["footer"]["text"] == "This code expires in 15 minutes."


async def test_an_edited_template_is_reviewed_again(sandbox: Lab):
    """Until then it cannot be sent."""
    await sandbox.share()
    path = await made(sandbox)
    await sandbox.decide(template_verdict="PENDING")
    changed = await sandbox.http.patch(path, json={"structure": {"body": {"text": "Bye"}}})
    assert changed.status_code == 200
    assert (changed.json()["status"], changed.json()["structure"]["body"]) == (
        "PENDING",
        {"text": "Bye"},
    )


async def test_an_approved_template_is_edited_once_a_day_and_ten_times_a_month(sandbox: Lab):
    """Its category never."""
    await sandbox.share()
    path = await made(sandbox)

    async def edit(**body: Any) -> int:
        response = await sandbox.http.patch(path, json=body)
        await sandbox.settled()
        return response.status_code

    assert await edit(category="MARKETING") == 400
    assert [await edit(), await edit()] == [200, 400]
    for _ in range(9):
        sandbox.time += 24 * HOUR
        assert await edit() == 200
    sandbox.time += 24 * HOUR
    assert await edit() == 400
    sandbox.time += 30 * 24 * HOUR
    assert await edit() == 200


async def test_a_rejected_template_is_edited_at_will_and_a_pending_one_not_at_all(sandbox: Lab):
    """Even its category."""
    await sandbox.decide(template_verdict="REJECTED")
    await sandbox.share()
    path = await made(sandbox)
    for _ in range(2):
        assert (await sandbox.http.patch(path, json={"category": "MARKETING"})).status_code == 200
        await sandbox.settled()
    await sandbox.decide(template_verdict="PENDING")
    assert (await sandbox.http.patch(path, json={})).status_code == 200
    assert (await sandbox.http.patch(path, json={})).status_code == 400


async def test_deleting_takes_all_languages_and_the_name_with_them(sandbox: Lab):
    """For 30 days."""
    await sandbox.share()
    path = await made(sandbox)
    await create(sandbox, language="de")
    assert (await sandbox.http.delete(f"{TEMPLATES}/welcome")).status_code == 204
    assert (await sandbox.http.get(path)).status_code == 404
    assert await named(sandbox) == ["waboard_verification"]
    assert (await create(sandbox)).status_code == 400
    sandbox.time += 30 * 24 * HOUR
    assert (await create(sandbox)).status_code == 201


async def test_a_name_that_was_never_approved_is_free_at_once(sandbox: Lab):
    """Deleted during its review, which then has nothing to say."""
    await sandbox.decide(template_verdict="REJECTED")
    await sandbox.share()
    await sandbox.http.post(TEMPLATES, json=template())
    assert (await sandbox.http.delete(f"{TEMPLATES}/welcome")).status_code == 204
    await sandbox.settled()
    assert (await create(sandbox)).status_code == 201


async def test_those_of_a_fate_can_be_deleted_too(sandbox: Lab):
    """And are then not sent any more."""
    await sandbox.share()
    await sandbox.http.delete(f"{TEMPLATES}/waboard_verification")
    await sandbox.send()
    assert (await sandbox.reports())[0]["error"]["id"] == 7009


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", "Bad-Name", 400),
        ("DELETE", "none", 404),
        ("GET", "none", 400),
        ("GET", "1", 404),
        ("PATCH", "1", 404),
    ],
)
async def test_what_is_not_there_is_not_there(sandbox: Lab, method: str, path: str, status: int):
    """Ids are numbers, and names are names."""
    await sandbox.share()
    response = await sandbox.http.request(method, f"{TEMPLATES}/{path}", json={})
    assert response.status_code == status


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, 4),
        ({"sender": FINISHED_NUMBER}, 3),
        ({"sender": "447000000000"}, 0),
        ({"name": "welcome"}, 2),
        ({"name": "welcome", "language": "de"}, 1),
        ({"language": "de,en"}, 4),
        ({"status": ["APPROVED", "PENDING"], "category": "MARKETING"}, 1),
        ({"entityId": "acme"}, 1),
        ({"applicationId": "none"}, 0),
    ],
)
async def test_the_account_lists_those_of_all_its_wabas(
    sandbox: Lab, query: dict[str, Any], found: int
):
    """Filtered by all that is given."""
    await sandbox.share()
    await sandbox.share("777")
    await create(sandbox, platform={"entityId": "acme"})
    await create(sandbox, language="de", category="MARKETING")
    assert len(await named(sandbox, ACCOUNT, **query)) == found


async def test_the_accounts_list_is_paged_in_the_order_of_ids(sandbox: Lab):
    """Both ways."""
    await sandbox.share()
    for name in ("a", "b", "c"):
        await create(sandbox, name=name)
    up = await named(sandbox, ACCOUNT)
    assert await named(sandbox, ACCOUNT, orderBy="templateId,DESC") == up[::-1]
    assert await named(sandbox, ACCOUNT, size=3, page=1) == up[3:]


@pytest.mark.parametrize("query", [{"status": "FINE"}, {"orderBy": "name"}, {"size": 101}])
async def test_an_unknown_filter_is_refused_in_the_newer_shape(sandbox: Lab, query: dict[str, Any]):
    """And named."""
    response = await sandbox.http.get(ACCOUNT, params=query)
    assert response.status_code == 400
    assert response.json()["violations"][0]["property"] in query


async def test_a_new_sender_does_not_know_its_templates_yet(sandbox: Lab):
    """So many messages fail, each for a while only; then it does."""
    sender = await with_sender(sandbox, templates_not_synced=2)
    for number in range(3):
        await sandbox.send(sender=sender, destinations=[{"to": "41", "messageId": str(number)}])
    errors = [each["error"] for each in await sandbox.reports()]
    assert [each["id"] for each in errors] == [7036, 7036, 0]
    assert (errors[0]["name"], errors[0]["permanent"]) == ("EC_TEMPLATE_NOT_SYNCED", False)


async def test_templates_are_created_at_the_documented_pace():
    """A thousand an hour, where everything else is counted by the second."""
    limiter = Limiter()
    assert all(limiter.admits("POST", TEMPLATES, now=0.0) for _ in range(1000))
    assert not limiter.admits("POST", TEMPLATES, now=HOUR / 2)
    assert limiter.admits("POST", TEMPLATES, now=HOUR)


async def test_a_reset_forgets_them():
    """With everything else."""
    async with lab() as sandbox:
        await sandbox.share()
        await create(sandbox)
        await sandbox.http.post("/sandbox/reset")
        await sandbox.share()
        assert await named(sandbox) == ["waboard_verification"]
