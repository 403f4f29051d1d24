"""What your own system is told, by a postman, at a receiver that really listens."""

import asyncio
import re
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from tests.domain.samples import DOCUMENTED
from tests.gateway.conftest import OpenDesk
from tests.gateway.desk import REGISTRATION, Desk, assert_problem
from tests.receiver import Receiver, receiving
from waboard.domain.clock import utc_now
from waboard.domain.posting import LONGEST_PAUSE, SHORTEST_PAUSE, MessageState
from waboard.gateway import postman as module
from waboard.gateway.postman import AT_ONCE, Postman
from waboard.ledger.deliveries import LEASE
from waboard.provider import ProviderSystem

OLD, NEW = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_bmV3ZXItdGhhbi10aGUtb3RoZXItMTIz"


@dataclass
class Round:
    """A postman, the desk that he works at, and whom he tells."""

    desk: Desk
    receiver: Receiver
    postman: Postman
    told: list[tuple[str, str]]

    async def go(self) -> int:
        return await self.postman.go_round()

    async def go_until_done(self) -> None:
        while await self.go():
            pass

    async def messages(self, **params: Any) -> list[dict[str, Any]]:
        return (await self.desk.http.get("/v1/outbox", params=params)).json()

    async def states(self) -> list[str]:
        return [message["state"] for message in await self.messages()]


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with receiving() as listening:
        yield listening


@pytest.fixture
async def round_(open_desk: OpenDesk, receiver: Receiver) -> AsyncGenerator[Round]:
    """A gateway whose provider wants to be told, by the real clock: the signature has a time."""
    given = {"provider_webhook_url": receiver.url, "provider_webhook_secrets": f"{NEW},{OLD}"}
    async with open_desk(**given) as desk, rounds(desk, receiver) as one:
        desk.time = utc_now()
        yield one


@asynccontextmanager
async def rounds(desk: Desk, receiver: Receiver) -> AsyncGenerator[Round]:
    told: list[tuple[str, str]] = []

    async def tell(subject: str, text: str) -> None:
        told.append((subject, text))

    async with ProviderSystem(receiver.url, [SecretStr(NEW), SecretStr(OLD)]) as system:
        yield Round(desk, receiver, Postman(desk.ledger, system, desk.now, tell), told)


async def test_what_happens_is_told_in_its_order(round_: Round):
    onboarding = await round_.desk.asked()
    now = f"{utc_now():%Y-%m-%dT%H:%M:%S.000+0000}".encode()
    said = re.sub(rb'(?<="lastModifiedAt": ")[^"]+', now, DOCUMENTED)
    await round_.desk.hook(REGISTRATION, said)
    await round_.go_until_done()
    bodies = sorted(round_.receiver.bodies, key=lambda body: body["data"]["sequence"])
    assert [body["type"] for body in bodies] == [
        *("onboarding.started", "onboarding.shared"),
        *("sender.registration_failed", "sender.registered"),
    ]
    assert {body["data"]["onboarding_id"] for body in bodies} == {onboarding["id"]}
    assert await round_.states() == ["delivered"] * 4


@pytest.mark.parametrize("secret", [OLD, NEW])
async def test_a_receiver_verifies_with_the_old_secret_or_the_new(round_: Round, secret: str):
    await round_.desk.asked()
    await round_.go()
    ((headers, raw),) = round_.receiver.got
    assert Webhook(secret).verify(raw, headers) == round_.receiver.bodies[0]
    assert len(headers["webhook-signature"].split()) == 2


async def test_a_message_is_the_same_at_every_try(round_: Round):
    round_.receiver.always = 422
    await round_.desk.asked()
    await round_.go()
    round_.desk.pass_time(seconds=7)
    await round_.go()
    assert len(round_.receiver.got) == 2
    assert len({(headers["webhook-id"], raw) for headers, raw in round_.receiver.got}) == 1
    (message,) = await round_.messages()
    assert (message["tries"], message["answer"]) == (2, "HTTP 422")
    assert message["id"] == round_.receiver.ids[0]


async def test_a_receiver_that_is_away_gets_no_request_for_each_message(round_: Round):
    """In a quarter of an hour it is asked a few times, with one each."""
    round_.receiver.always = 503
    for number in range(20):
        await round_.desk.asked(client_ref=f"c{number}", waba_id=str(number + 1))
    for _ in range(30):
        await round_.go()
        round_.desk.pass_time(seconds=30)
    assert AT_ONCE < len(round_.receiver.got) <= AT_ONCE + 8
    waiting = [each["id"] for each in await round_.messages() if each["tries"] == 0]
    assert len(waiting) >= 4
    round_.receiver.always = 204
    round_.desk.time += LONGEST_PAUSE
    await round_.go_until_done()
    assert set(waiting) <= {each["id"] for each in await round_.messages(state="delivered")}


async def test_one_that_is_back_is_told_what_it_missed(round_: Round):
    round_.receiver.answers = [(500, {})]
    await round_.desk.asked()
    assert await round_.go() == 1
    assert await round_.go() == 0
    round_.desk.time += SHORTEST_PAUSE * 1.3
    assert await round_.go() == 1
    assert await round_.states() == ["delivered"]


async def test_it_is_asked_again_when_it_says(round_: Round):
    round_.receiver.answers = [(429, {"retry-after": "120"})]
    await round_.desk.asked()
    await round_.go()
    round_.desk.pass_time(seconds=119)
    assert await round_.go() == 0
    round_.desk.pass_time(seconds=1)
    assert await round_.go() == 1


async def test_410_ends_all_and_the_operator_hears_of_it_once(round_: Round):
    round_.receiver.always = 410
    for number in range(3):
        await round_.desk.asked(client_ref=f"c{number}", waba_id=str(number + 1))
    await round_.go()
    requests = len(round_.receiver.got)
    round_.desk.pass_time(days=3)
    await round_.desk.asked(client_ref="late", waba_id="77")
    assert await round_.go() == 0
    assert len(round_.receiver.got) == requests
    ((_, text),) = round_.told
    assert "waboard outbox resume" in text
    assert await round_.states() == ["pending"] * 4


async def test_after_410_somebody_resumes_and_nothing_is_lost(round_: Round):
    round_.receiver.answers = [(410, {})]
    await round_.desk.asked()
    await round_.go()
    answer = await round_.desk.http.post("/v1/outbox/resume")
    assert answer.json() == {"had_stopped": True}
    assert (await round_.desk.http.post("/v1/outbox/resume")).json() == {"had_stopped": False}
    await round_.go()
    assert await round_.states() == ["delivered"]


async def test_two_postmen_do_not_send_the_same(round_: Round):
    for number in range(20):
        await round_.desk.asked(client_ref=f"c{number}", waba_id=str(number + 1))
    async with rounds(round_.desk, round_.receiver) as other:
        await asyncio.gather(round_.go_until_done(), other.go_until_done())
    assert len(round_.receiver.ids) == len(set(round_.receiver.ids)) == 20


async def test_what_a_postman_died_with_is_sent_by_the_next(
    round_: Round, monkeypatch: pytest.MonkeyPatch
):
    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    await round_.desk.asked()
    with monkeypatch.context() as patch:
        patch.setattr(module, "deliver", die)
        with suppress(asyncio.CancelledError):
            await round_.go()
    assert await round_.go() == 0
    round_.desk.time += LEASE
    await round_.go()
    assert await round_.states() == ["delivered"]


@pytest.mark.alone
async def test_with_nobody_to_tell_messages_are_kept_and_can_be_had_later(
    desk: Desk, receiver: Receiver
):
    await desk.asked()
    await Postman(desk.ledger, None, desk.now, _never).go_round()
    (message,) = (await desk.http.get("/v1/outbox")).json()
    assert (message["state"], message["next_at"]) == ("dropped", None)
    for path in (f"{message['id']}/replay", "resume"):
        answer = await desk.http.post(f"/v1/outbox/{path}")
        assert_problem(answer, 404, "WABOARD_PROVIDER_WEBHOOK_URL")


async def _never(*_: str) -> None:
    raise AssertionError("the operator was told")


async def test_old_messages_are_deleted_now_and_then(round_: Round):
    await round_.desk.asked()
    await round_.go()
    round_.desk.pass_time(days=31)
    await round_.go()
    assert await round_.messages() == []


async def test_a_message_is_sent_again_when_somebody_asks(round_: Round):
    await round_.desk.asked()
    await round_.go()
    (message,) = await round_.messages()
    answer = (await round_.desk.http.post(f"/v1/outbox/{message['id']}/replay")).json()
    assert (answer["state"], answer["tries"]) == ("pending", 0)
    await round_.go()
    assert round_.receiver.ids == [message["id"]] * 2


async def test_all_since_a_time_are_sent_again(round_: Round):
    await round_.desk.asked()
    round_.desk.pass_time(minutes=1)
    since = round_.desk.time.isoformat()
    await round_.desk.asked(client_ref="bolt", waba_id="55")
    await round_.go()
    answer = await round_.desk.http.post("/v1/outbox/replay", json={"since": since})
    assert answer.json() == {"replayed": 1}
    await round_.go()
    assert len(round_.receiver.got) == 3


@pytest.mark.parametrize("since", ["2026-08-01T10:00:00", "yesterday", ""])
async def test_a_time_without_a_zone_is_refused(round_: Round, since: str):
    answer = await round_.desk.http.post("/v1/outbox/replay", json={"since": since})
    assert_problem(answer, 422, "since")


async def test_a_message_is_shown_with_what_is_sent(round_: Round):
    await round_.desk.asked()
    await round_.go()
    (message,) = await round_.messages(state="delivered")
    shown = (await round_.desk.http.get(f"/v1/outbox/{message['id']}")).json()
    assert shown.pop("body") == round_.receiver.bodies[0]
    assert shown == message


@pytest.mark.parametrize("state", MessageState)
async def test_messages_are_found_by_what_became_of_them(round_: Round, state: str):
    onboarding = await round_.desk.asked()
    found = await round_.messages(state=state, onboarding_id=onboarding["id"])
    assert len(found) == (state == "pending")
    assert await round_.messages(onboarding_id="another") == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", ""), ("GET", "/1"), ("POST", "/1/replay")),
        *(("POST", "/replay"), ("POST", "/resume")),
    ],
)
async def test_nobody_without_a_key_sees_or_sends_anything(desk: Desk, method: str, path: str):
    answer = await desk.stranger.request(method, f"/v1/outbox{path}", json={})
    assert_problem(answer, 401, "WABOARD_API_KEYS")


@pytest.mark.parametrize(("method", "path"), [("GET", "/7"), ("POST", "/7/replay")])
async def test_a_message_that_is_not_there_is_a_problem(round_: Round, method: str, path: str):
    answer = await round_.desk.http.request(method, f"/v1/outbox{path}")
    assert_problem(answer, 404, "no message 7", "waboard outbox list")


async def test_the_postman_goes_on_whatever_goes_wrong(
    round_: Round, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    turns: list[int] = []
    enough = asyncio.Event()

    async def go_round() -> int:
        turns.append(len(turns))
        if len(turns) == 3:
            enough.set()
        raise OSError("no route for +13135138538")

    monkeypatch.setattr(round_.postman, "go_round", go_round)
    monkeypatch.setattr(module, "EVERY", 0)
    task = asyncio.create_task(going(round_.postman))
    await asyncio.wait_for(enough.wait(), 10)
    task.cancel()
    assert "OSError" in caplog.text
    assert "13135138538" not in caplog.text


going = Postman.keep_going
"""As it is, before the desk gave its own postman a rest."""
