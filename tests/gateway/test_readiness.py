"""The checklist over REST: asked of the sandbox's Meta, with what people confirm."""

from typing import Any

import httpx
import pytest

from tests.gateway.desk import Desk, assert_problem
from tests.gateway.front import HOOK, Front
from waboard.domain.readiness import ITEMS
from waboard.gateway import readiness
from waboard.infobip.client import InfobipClient

BY_PERSON = [item.key for item in ITEMS if item.judge is None]


@pytest.fixture
async def front(front: Front, monkeypatch: pytest.MonkeyPatch) -> Front:
    """One whose Infobip is the sandbox's, too, and whose set-up is in order."""
    way = httpx.ASGITransport(front.meta.app)

    def infobip(url: str, _key: Any, **more: Any) -> InfobipClient:
        key = front.meta.world.config.api_key
        return InfobipClient(url, key, transport=way, **more)

    monkeypatch.setattr(readiness, "InfobipClient", infobip)
    await set_up(front)
    return front


async def set_up(front: Front, **facts: Any) -> None:
    url = "https://in.provider.example/hooks/meta"
    answer = await front.meta.http.put("/sandbox/meta", json={"webhook_url": url, **facts})
    assert answer.status_code == 200, answer.text


async def checks(front: Front) -> dict[str, Any]:
    answer = await front.http.get("/v1/readiness")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def holds(front: Front, key: str) -> Any:
    return next(c for c in (await checks(front))["checks"] if c["key"] == key)


@pytest.mark.alone
async def test_what_an_api_shows_is_shown_by_it_and_the_rest_is_asked(front: Front):
    found = await checks(front)
    open_keys = [c["key"] for c in found["checks"] if c["holds"] is not True]
    assert set(open_keys) == {*BY_PERSON, "infobip-webhooks"}
    assert not found["ready"]
    for key in BY_PERSON:
        said = {"who": "ana", "note": "seen in the dashboard"}
        assert (await front.http.post(f"/v1/readiness/{key}", json=said)).status_code == 204
    assert (await checks(front))["ready"]


async def test_what_a_person_says_can_be_taken_back(front: Front):
    for said in (True, False):
        body = {"who": "ana", "holds": said}
        await front.http.post("/v1/readiness/live-mode", json=body)
        assert (await holds(front, "live-mode"))["holds"] is said


@pytest.mark.parametrize(
    ("facts", "key"),
    [
        ({"verification_status": "pending"}, "business-verification"),
        ({"permissions": {"whatsapp_business_management": "unapproved"}}, "app-review"),
        ({"app": {"name": "x"}}, "app-details"),
        ({"solution_status": "DRAFT"}, "solution"),
        ({"partner_permissions": []}, "partner"),
        ({"webhook_fields": ["account_update"]}, "meta-webhooks"),
        ({"webhook_url": HOOK}, "meta-webhooks"),
        ({"webhook_active": False}, "meta-webhooks"),
        ({"system_token_expires_at": 1}, "system-token"),
    ],
)
async def test_what_is_wrong_at_meta_is_found(front: Front, facts: dict[str, Any], key: str):
    await set_up(front, **facts)
    found = await holds(front, key)
    assert found["holds"] is False
    assert found["awaiting"]
    assert found["where"]


async def test_a_meta_that_refuses_leaves_it_unknown_and_says_why(front: Front):
    object.__setattr__(front.meta.world.config, "meta_system_token", front.settings.api_keys[0])
    found = await holds(front, "solution")
    assert (found["holds"], "190" in found["evidence"]) == (None, True)
    assert (await holds(front, "app-review"))["holds"] is True


@pytest.mark.parametrize("key", ["solution", "nothing"])
async def test_nobody_is_asked_what_an_api_shows(front: Front, key: str):
    answer = await front.http.post(f"/v1/readiness/{key}", json={"who": "ana"})
    assert_problem(answer, 404, "live-mode")


async def test_a_confirmation_names_who_says_so(front: Front):
    assert_problem(await front.http.post("/v1/readiness/live-mode", json={"who": ""}), 422)


async def test_without_metas_side_it_says_what_is_missing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    answer = await desk.http.get("/v1/readiness")
    found = {c["key"]: c for c in answer.json()["checks"]}
    assert not answer.json()["ready"]
    assert "WABOARD_META_" in found["solution"]["evidence"]
    assert found["infobip-key"]["holds"] is None


async def test_the_checklist_needs_a_key(desk: Desk):
    assert (await desk.stranger.get("/v1/readiness")).status_code == 401
