"""What cannot be used is refused with the field, the reason and the remedy, and nothing is kept."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.domain.samples import DOCUMENTED
from tests.gateway.desk import (
    CLIENT_NUMBER,
    DELIVERY,
    REGISTRATION,
    Desk,
    FakePrefect,
    assert_problem,
    sign,
)
from waboard.gateway import onboardings
from waboard.gateway.limits import MOST_BYTES, BodyLimit

GOOD = {"client_ref": "acme", "waba_id": "102384266223093"}


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"waba_id": "10238426622309x"}, "waba_id"),
        ({"waba_id": "+102384266223093"}, "waba_id"),
        ({"waba_id": "١٢٣"}, "waba_id"),
        ({"waba_id": ""}, "waba_id"),
        ({"waba_id": "1" * 21}, "waba_id"),
        ({"waba_id": -1}, "waba_id"),
        ({"waba_id": 1.5}, "waba_id"),
        ({"waba_id": True}, "waba_id"),
        ({"waba_id": None}, "waba_id"),
        ({"waba_id": ["102384266223093"]}, "waba_id"),
        ({"client_ref": ""}, "client_ref"),
        ({"client_ref": None}, "client_ref"),
        ({"client_ref": "a/b"}, "client_ref"),
        ({"client_ref": "a" * 256}, "client_ref"),
        ({"client_ref": ".."}, "client_ref"),
        ({"entity_id": "a b"}, "entity_id"),
        ({"client_name": ""}, "client_name"),
        ({"client_name": "a" * 256}, "client_name"),
        ({"phone_numbers": ["nobody"]}, "phone_numbers"),
        ({"phone_numbers": [CLIENT_NUMBER, f"{CLIENT_NUMBER}{CLIENT_NUMBER}"]}, "phone_numbers"),
        ({"phone_numbers": CLIENT_NUMBER}, "phone_numbers"),
        ({"phone_numbers": [CLIENT_NUMBER] * 101}, "phone_numbers"),
        ({"waba": "102384266223093"}, "waba"),
        ({"phoneNumbers": [CLIENT_NUMBER]}, "phoneNumbers"),
    ],
)
async def test_a_field_that_cannot_be_used_is_named(
    desk: Desk, prefect: FakePrefect, facts: dict[str, Any], field: str
):
    body = assert_problem(await desk.ask(**facts), 422, field)
    assert [error["field"] for error in body["errors"]] == [field]
    assert all(error["message"] for error in body["errors"])
    assert prefect.started == []
    assert await desk.onboardings() == []


@pytest.mark.parametrize("field", GOOD)
async def test_a_missing_field_is_named(desk: Desk, field: str):
    rest = {name: value for name, value in GOOD.items() if name != field}
    assert_problem(await desk.http.post("/v1/onboardings", json=rest), 422, field)


async def test_all_fields_that_cannot_be_used_are_named_at_once(desk: Desk):
    body = assert_problem(await desk.ask(waba_id="x", extra=1), 422, "waba_id", "extra")
    assert {error["field"] for error in body["errors"]} == {"waba_id", "extra"}


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"nothing", b"[]", b'"text"', b"null", b"{}x", b'{"client_ref": "acme",}'],
)
async def test_a_body_that_is_no_json_object_is_refused(desk: Desk, raw: bytes):
    headers = {"Content-Type": "application/json"}
    answer = await desk.http.post("/v1/onboardings", content=raw, headers=headers)
    assert_problem(answer, 422, "body")


async def test_a_body_that_is_no_text_is_refused(desk: Desk):
    headers = {"Content-Type": "application/json"}
    answer = await desk.http.post("/v1/onboardings", content=b'{"\xff": 1}', headers=headers)
    assert_problem(answer, 400, "body")


async def test_a_body_of_another_type_is_refused(desk: Desk):
    answer = await desk.http.post("/v1/onboardings", data=GOOD)
    assert_problem(answer, 422, "body")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/onboardings?limit=0", "limit"),
        ("/v1/onboardings?limit=1001", "limit"),
        ("/v1/onboardings?limit=many", "limit"),
        ("/v1/events?limit=0", "limit"),
        ("/v1/events?disposition=lost", "disposition"),
        ("/v1/events/first", "event_id"),
    ],
)
async def test_a_parameter_that_cannot_be_used_is_named(desk: Desk, path: str, field: str):
    assert_problem(await desk.http.get(path), 422, field)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("POST", "/hooks/infobip/weather", 404), ("DELETE", "/v1/events", 405)],
)
async def test_what_the_gateway_does_not_offer_is_a_problem_too(
    desk: Desk, method: str, path: str, status: int
):
    assert_problem(await desk.http.request(method, path), status, "/docs")


async def in_chunks(size: int, many: int, taken: list[int]) -> AsyncIterator[bytes]:
    for chunk in range(many):
        taken.append(chunk)
        yield b"x" * size


@pytest.mark.parametrize("path", ["/v1/onboardings", REGISTRATION, DELIVERY])
async def test_a_body_over_a_mebibyte_is_refused(desk: Desk, path: str):
    answer = await desk.http.post(path, content=b"x" * (MOST_BYTES + 1))
    assert_problem(answer, 413, str(MOST_BYTES))


@pytest.mark.parametrize("path", ["/v1/onboardings", REGISTRATION, DELIVERY])
async def test_a_body_over_a_mebibyte_in_chunks_is_not_read_to_its_end(desk: Desk, path: str):
    taken: list[int] = []
    answer = await desk.http.post(path, content=in_chunks(MOST_BYTES // 4, 1000, taken))
    assert_problem(answer, 413, str(MOST_BYTES))
    assert len(taken) == 5


async def test_a_body_of_a_mebibyte_gets_in(desk: Desk):
    raw = DOCUMENTED + b" " * (MOST_BYTES - len(DOCUMENTED))
    assert (await desk.hook(REGISTRATION, raw)).status_code == 200


async def test_a_body_in_chunks_gets_in_whole(desk: Desk):
    async def parts() -> AsyncIterator[bytes]:
        yield DOCUMENTED[:100]
        yield b""
        yield DOCUMENTED[100:]

    headers = {"X-Hub-Signature": f"SHA256={sign(DOCUMENTED)}"}
    answer = await desk.stranger.post(REGISTRATION, content=parts(), headers=headers)
    assert answer.json() == {"kept": 1, "duplicates": 0}


async def test_a_caller_who_hangs_up_in_the_middle_reaches_nothing():
    async def app(*_: object) -> None:
        raise AssertionError("nobody is to be reached")

    parts = [
        {"type": "http.request", "body": b"half", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return parts.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await BodyLimit(app)({"type": "http"}, receive, send)
    assert sent == []
    assert parts == []


async def test_half_a_character_in_a_field_is_refused(desk: Desk):
    r"""JSON can name half of a pair, such as `\ud83d`, which is no text that can be stored."""
    raw = b'{"client_ref": "acme", "waba_id": "5", "client_name": "\\ud83d"}'
    headers = {"Content-Type": "application/json"}
    answer = await desk.http.post("/v1/onboardings", content=raw, headers=headers)
    assert_problem(answer, 422, "client_name")


async def test_an_error_that_nobody_foresaw_is_a_problem_that_gives_nothing_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    async def fails(*_: object) -> None:
        raise RuntimeError(f"something about {CLIENT_NUMBER}")

    monkeypatch.setattr(onboardings, "start_onboarding", fails)
    transport = httpx.ASGITransport(desk.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://gateway.test", headers=desk.http.headers
    ) as http:
        assert_problem(await http.post("/v1/onboardings", json=GOOD), 500)
