"""Keys, rate limits, scripted failures and control."""

import asyncio

import httpx
import pytest

from tests.sandbox.lab import DOCUMENTED, FINISHED_NUMBER, SHARE, Lab, lab, message
from waboard.sandbox.limits import Bucket, Window

ENTITIES = "/provisioning/1/entities"


@pytest.mark.parametrize("authorization", ["", "App wrong", "key", "Basic key", "App kéy"])
async def test_only_the_key_opens(sandbox: Lab, authorization: str):
    """401 in the family of the endpoint."""
    async with sandbox.caller("") as stranger:
        headers = {"Authorization": authorization.encode()}
        legacy = await stranger.get(ENTITIES, headers=headers)
        newer = await stranger.post("/messages-api/1/messages", json=message(), headers=headers)
    assert (legacy.status_code, newer.status_code) == (401, 401)
    assert legacy.json()["requestError"]["serviceException"]["messageId"] == "UNAUTHORIZED"
    assert newer.json()["errorCode"] == "E401"


async def test_what_does_not_exist_is_not_found_in_either_family(sandbox: Lab):
    """No framework shows through."""
    legacy = await sandbox.http.get("/whatsapp/1/registrations")
    newer = await sandbox.http.get("/messages-api/1/nothing")
    assert "requestError" in legacy.json()
    assert newer.json()["errorCode"] == "E404"
    assert (await sandbox.http.delete(SHARE)).status_code == 405


async def test_provisioning_lets_one_request_a_second_pass():
    """Each operation for itself; the body is the legacy one, without Retry-After."""
    async with lab(rate_limits=True) as sandbox:
        assert (await sandbox.http.get(ENTITIES)).status_code == 200
        refused = await sandbox.http.get(ENTITIES)
        assert (await sandbox.http.get(f"{ENTITIES}/a")).status_code == 404
        assert (await sandbox.http.get(f"{ENTITIES}/b")).status_code == 429
        assert (await sandbox.http.get("/provisioning/1/applications")).status_code == 200
        sandbox.time += 1
        assert (await sandbox.http.get(ENTITIES)).status_code == 200
    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers
    assert refused.json()["requestError"]["serviceException"]["messageId"] == "TOO_MANY_REQUESTS"


async def test_a_429_can_say_when_to_come_back():
    """For the client that honours it."""
    async with lab(rate_limits=True, retry_after=True) as sandbox:
        await sandbox.http.get(ENTITIES)
        assert (await sandbox.http.get(ENTITIES)).headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("POST", SHARE, 15),
        ("GET", "/whatsapp/1/senders/quality", 10),
        ("POST", "/messages-api/1/messages/validate", 10),
        ("GET", "/numbers/1/numbers", 2),
    ],
)
async def test_each_operation_has_its_documented_limit(method: str, path: str, limit: int):
    """What was refused for its content counts all the same."""
    async with lab(rate_limits=True) as sandbox:
        codes = [(await sandbox.http.request(method, path)).status_code for _ in range(limit + 1)]
    assert 429 not in codes[:limit]
    assert codes[limit] == 429


def test_a_window_forgives_20_milliseconds_and_no_more():
    """Loopback jitters."""
    window = Window(1)
    assert [window.admits(at) for at in (10.0, 10.97, 10.985)] == [True, False, True]


def test_a_bucket_refills_by_one_a_second_up_to_its_burst():
    """Two at once, then one a second."""
    bucket = Bucket(per_second=1, burst=2)
    passed = {moment: [bucket.admits(moment) for _ in range(3)] for moment in (10.0, 11.0, 20.0)}
    assert passed == {
        10.0: [True, True, False],
        11.0: [True, False, False],
        20.0: [True, True, False],
    }


async def test_a_scripted_answer_is_given_so_many_times(sandbox: Lab):
    """And does nothing else, by default."""
    await sandbox.script(method="POST", path=SHARE, status=503, body="busy", times=2)
    answers = [await sandbox.share() for _ in range(3)]
    assert [each.status_code for each in answers] == [503, 503, 202]
    assert answers[0].text == "busy"
    assert (await sandbox.books())["shares"] == {DOCUMENTED: 1}


async def test_a_request_can_take_effect_although_the_answer_denies_it(sandbox: Lab):
    """The ambiguous 5xx."""
    await sandbox.script(path=SHARE, status=500, acting=True)
    assert (await sandbox.share()).status_code == 500
    assert (await sandbox.books())["shares"] == {DOCUMENTED: 1}


async def test_an_answer_can_come_late(sandbox: Lab):
    """The real one, when no status is scripted."""
    await sandbox.script(path=SHARE, hang_seconds=120)
    assert (await sandbox.share()).status_code == 202
    assert 120 in sandbox.naps


async def test_a_scripted_answer_can_carry_headers_and_json(sandbox: Lab):
    """A 429 with Retry-After, for one."""
    await sandbox.script(path=ENTITIES, status=429, body={"a": 1}, headers={"Retry-After": "7"})
    response = await sandbox.http.get(ENTITIES)
    assert (response.headers["Retry-After"], response.json()) == ("7", {"a": 1})


@pytest.mark.parametrize(
    ("pattern", "hit"),
    [
        (f"{ENTITIES}/{{entityId}}", [False, True]),
        (ENTITIES, [True, False]),
        ("/provisioning/1", [True, True]),
        ("/whatsapp", [False, False]),
    ],
)
async def test_a_script_names_a_template_or_a_prefix(sandbox: Lab, pattern: str, hit: list[bool]):
    """A documented path is only itself, so that a list can fail and its items not."""
    await sandbox.script(path=pattern, status=503, times=2)
    answers = [await sandbox.http.get(path) for path in (ENTITIES, f"{ENTITIES}/a")]
    assert [each.status_code == 503 for each in answers] == hit


async def test_a_caller_who_hangs_up_is_not_waited_for():
    """The sleep is endless; only the disconnect ends it."""
    async with lab() as sandbox:
        sandbox.world.sleep = lambda _seconds: asyncio.Event().wait()
        await sandbox.script(path=ENTITIES, status=503, hang_seconds=1)
        messages = iter([{"type": "http.request"}, {"type": "http.disconnect"}])

        async def receive():
            return next(messages)

        async def send(_message: object) -> None:
            pass

        scope = {"type": "http", "method": "GET", "path": ENTITIES, "headers": []}
        scope |= {"query_string": b""}
        await asyncio.wait_for(sandbox.app(scope, receive, send), timeout=10)


async def test_whoever_hangs_can_be_released():
    """The sleep is endless; only the release ends it, with the truth."""
    hangs = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        hangs.set()
        await asyncio.Event().wait()

    async with lab() as sandbox:
        sandbox.world.sleep = sleep
        await sandbox.script(path=SHARE, hang_seconds=1)
        share = asyncio.create_task(
            sandbox.http.post(SHARE, json={"businessAccountId": DOCUMENTED})
        )
        await hangs.wait()
        await sandbox.http.post("/sandbox/failures/release")
        assert (await share).status_code == 202


async def test_a_receiver_keeps_what_it_is_sent(sandbox: Lab):
    """Header names in lower case, the body as it was; no key is asked for."""
    async with sandbox.caller("") as somebody:
        for body in ('{"a": 1}', "plain"):
            headers = {"Webhook-Id": "1"}
            url = "/sandbox/receivers/crm"
            response = await somebody.post(url, content=body, headers=headers)
            assert response.status_code == 204
    first, second = (await sandbox.books())["notifications"]
    assert (first["receiver"], first["body"], second["body"]) == ("crm", {"a": 1}, "plain")
    assert first["headers"]["webhook-id"] == "1"


async def test_a_receiver_can_refuse(sandbox: Lab):
    """By its URL, or by a script."""
    url = "/sandbox/receivers/crm"
    assert (await sandbox.http.post(url, params={"status": 500})).status_code == 500
    await sandbox.script(path=url, status=503)
    codes = [(await sandbox.http.post(url)).status_code for _ in range(2)]
    assert codes == [503, 204]


async def test_the_books_tell_every_request_and_its_answer(sandbox: Lab):
    """Control is not among them."""
    await sandbox.share()
    assert [
        (each["method"], each["path"], each["status"])
        for each in (await sandbox.books())["requests"]
    ] == [("POST", SHARE, 202)]


async def test_reset_forgets_everything(sandbox: Lab):
    """Fates and scripts, too."""
    await sandbox.share()
    await sandbox.script(path=ENTITIES, status=503)
    assert (await sandbox.http.post("/sandbox/reset")).status_code == 204
    books = await sandbox.books()
    assert (books["requests"], books["shares"], books["senders"]) == ([], {}, {})
    assert (await sandbox.http.get("/sandbox/failures")).json() == []
    quality = await sandbox.http.get("/whatsapp/1/senders/quality?senders=" + FINISHED_NUMBER)
    assert quality.json() == {"results": []}


async def test_a_misspelt_fate_is_refused(sandbox: Lab):
    """The control API is strict, so that a test does not lie to itself."""
    response = await sandbox.http.put(f"/sandbox/wabas/{DOCUMENTED}", json={"sillent": True})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "sillent"]


async def test_control_is_for_this_machine_only(sandbox: Lab):
    """It has no key."""
    transport = httpx.ASGITransport(sandbox.app, client=("192.0.2.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test") as stranger:
        assert (await stranger.get("/sandbox/books")).status_code == 403
        assert (await stranger.post("/sandbox/receivers/crm")).status_code == 204


async def test_senders_are_asked_for_with_commas_and_by_repeating(sandbox: Lab):
    """One to a hundred numbers of digits."""
    await sandbox.share("777")
    one, two = (await sandbox.books())["senders"]
    url = "/whatsapp/1/senders/quality"
    both = await sandbox.http.get(url, params={"senders": [one, f"{two},{one}"]})
    assert [each["sender"] for each in both.json()["results"]] == [one, two]
    for wrong in ([], ["+1"], [",".join(["1"] * 101)]):
        assert (await sandbox.http.get(url, params={"senders": wrong})).status_code == 400
