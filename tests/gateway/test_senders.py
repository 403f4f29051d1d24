"""Senders beyond the first: added, given their one-time passwords, and described to people."""

import asyncio
import json
import logging
import re
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import quote, unquote
from uuid import UUID, uuid4

import httpx
import pytest
from prefect.client.schemas.responses import (
    OrchestrationResult,
    SetStateStatus,
    StateAbortDetails,
    StateAcceptDetails,
)
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_UI_URL, temporary_settings
from prefect.states import Paused, Running

from tasks import additions, deployments, forms
from tests.deployed import assert_takes
from tests.domain.samples import BAD, GOOD, T0, WABA
from tests.gateway.desk import CLIENT_NUMBER, Desk, FakePrefect, assert_problem
from waboard.domain.additions import AdditionState
from waboard.domain.facts import registration_facts
from waboard.ledger.additions import move_addition, record_sleep
from waboard.ledger.events import receive
from waboard.ledger.look import look
from waboard.ledger.onboardings import end_onboarding

CODE = "739145"
AWAITED = AdditionState.CODE_AWAITED
REQUEST = {"phone_number": f"+{CLIENT_NUMBER}", "display_name": "Acme Downtown"}
AS_PEOPLE_WRITE_IT = "+44 7860 099311"
NOWHERE = "0b0e0000-0000-4000-8000-00000000dead"


@dataclass
class FakeRuns:
    """A Prefect API that has both deployments, and remembers what its runs were given."""

    deployed: bool = True
    deleted: bool = False
    asleep: bool = True
    pause_key: str = field(default_factory=lambda: str(uuid4()))
    started: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Its runs, each by its idempotency key."""
    given: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def __aenter__(self) -> "FakeRuns":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read_deployment_by_name(self, name: str) -> SimpleNamespace:
        if not self.deployed:
            raise ObjectNotFound(ValueError(name))
        return SimpleNamespace(id=name)

    async def create_flow_run_from_deployment(
        self, deployment: str, *, idempotency_key: str, **given: Any
    ) -> SimpleNamespace:
        assert_takes(deployment, given["parameters"])
        new = {"id": uuid4(), "deployment": deployment, **given}
        return SimpleNamespace(id=self.started.setdefault(idempotency_key, new)["id"])

    async def read_flow_run(self, run_id: UUID) -> SimpleNamespace:
        if self.deleted:
            raise ObjectNotFound(ValueError(str(run_id)))
        asleep = Paused(reschedule=True, pause_key=self.pause_key)
        return SimpleNamespace(id=run_id, state=asleep if self.asleep else Running())

    async def resume_flow_run(
        self, run_id: UUID, run_input: dict[str, Any]
    ) -> OrchestrationResult[Any]:
        """As Prefect 3.8.8 does, which breaks off with a 500 where it knows no such run."""
        if self.deleted:
            request = httpx.Request("POST", f"http://prefect.test/api/flow_runs/{run_id}/resume")
            answer = httpx.Response(500, request=request)
            raise PrefectHTTPStatusError("Server error", request=request, response=answer)
        if not self.asleep:
            reason = StateAbortDetails(reason="Cannot resume a flow run that is not paused.")
            return OrchestrationResult(state=None, status=SetStateStatus.ABORT, details=reason)
        self.given.append((str(run_id), run_input))
        accepted = SetStateStatus.ACCEPT
        return OrchestrationResult(state=None, status=accepted, details=StateAcceptDetails())

    @property
    def run(self) -> dict[str, Any]:
        """The only run that was started."""
        [run] = self.started.values()
        return run


@pytest.fixture(autouse=True)
def runs(monkeypatch: pytest.MonkeyPatch) -> FakeRuns:
    """The runs that the gateway starts and wakes for senders."""
    fake = FakeRuns()
    monkeypatch.setattr(additions, "get_client", lambda: fake)
    monkeypatch.setattr(forms, "get_client", lambda: fake)
    monkeypatch.setattr(deployments, "get_client", lambda: fake)
    return fake


@pytest.fixture
async def acme(desk: Desk) -> str:
    """The id of the onboarding of a client that has one sender."""
    return (await desk.asked(phone_numbers=[GOOD]))["id"]


async def add(desk: Desk, onboarding_id: str, **facts: Any) -> httpx.Response:
    """Ask for a sender."""
    return await desk.http.post(
        f"/v1/onboardings/{onboarding_id}/senders", json={**REQUEST, **facts}
    )


async def listed(desk: Desk, onboarding_id: str) -> list[dict[str, Any]]:
    """The senders that were added, as the API lists them."""
    return (await desk.http.get(f"/v1/onboardings/{onboarding_id}/senders/additions")).json()


async def moves(desk: Desk, runs: FakeRuns, state: AdditionState, detail: str = "So.") -> None:
    """The last run that was started has come so far; if a password is awaited it sleeps."""
    run_id = str([*runs.started.values()][-1]["id"])
    async with desk.begin() as session:
        await move_addition(session, run_id, state, detail, desk.time)
        if state is AWAITED:
            until = desk.time + timedelta(days=3)
            await record_sleep(session, run_id, runs.pause_key, until)


async def give(
    desk: Desk, onboarding_id: str, given: Any = None, number: str = CLIENT_NUMBER
) -> httpx.Response:
    """Give a password, or ask for another."""
    path = f"/v1/onboardings/{onboarding_id}/senders/{quote(number, safe='')}/otp"
    return await desk.http.post(path, json={"code": CODE} if given is None else given)


async def describe(
    desk: Desk, onboarding_id: str, change: Any, number: str = GOOD
) -> httpx.Response:
    """Change a sender's profile."""
    path = f"/v1/onboardings/{onboarding_id}/senders/{quote(number, safe='')}/profile"
    return await desk.http.patch(path, json=change)


@pytest.mark.parametrize("again", [CLIENT_NUMBER, f"+{CLIENT_NUMBER}", AS_PEOPLE_WRITE_IT])
async def test_the_first_time_is_added_and_the_same_again_is_found(
    desk: Desk, runs: FakeRuns, acme: str, again: str
):
    first = await add(desk, acme)
    second = await add(desk, acme, phone_number=again)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json()
    assert len(runs.started) == 1


async def test_two_who_ask_in_the_same_instant_get_the_same(desk: Desk, acme: str):
    answers = await asyncio.gather(add(desk, acme), add(desk, acme))
    assert sorted(answer.status_code for answer in answers) == [200, 201]
    assert answers[0].json() == answers[1].json()


async def test_a_sender_that_is_added_is_shown_as_it_stands(desk: Desk, runs: FakeRuns, acme: str):
    asked_at = T0.isoformat().replace("+00:00", "Z")
    shown = {
        "phone_number": CLIENT_NUMBER,
        "state": "asked",
        "detail": "Asked for.",
        "asked_at": asked_at,
        "give_up_at": None,
        "links": {},
    }
    assert (await add(desk, acme)).json() == shown
    desk.pass_time(minutes=1)
    await moves(desk, runs, AWAITED, "On its way.")
    until = (desk.time + timedelta(days=3)).isoformat().replace("+00:00", "Z")
    news = {"state": "code-awaited", "detail": "On its way.", "give_up_at": until}
    assert (await add(desk, acme)).json() == shown | news
    assert await listed(desk, acme) == [shown | news]


async def test_a_sender_that_is_added_leads_to_its_run_in_the_prefect_ui(
    desk: Desk, runs: FakeRuns, acme: str
):
    with temporary_settings({PREFECT_UI_URL: "http://prefect.test"}):
        added = (await add(desk, acme)).json()
    assert added["links"] == {"flow_run": f"http://prefect.test/runs/flow-run/{runs.run['id']}"}


async def test_the_run_is_told_what_was_asked_for(desk: Desk, runs: FakeRuns, acme: str):
    await add(desk, acme, code_by="voice", locale="pt_BR")
    assert runs.run["deployment"] == "add-sender/add-sender"
    assert runs.run["parameters"] == {
        "client_ref": "acme",
        "phone_number": CLIENT_NUMBER,
        "display_name": "Acme Downtown",
        "code_by": "voice",
        "locale": "pt_BR",
    }


async def test_a_password_is_sent_by_text_message_in_english_unless_it_is_said(
    desk: Desk, runs: FakeRuns, acme: str
):
    await add(desk, acme)
    parameters = runs.run["parameters"]
    assert (parameters["code_by"], parameters["locale"]) == ("sms", "en_US")


async def test_the_run_is_found_by_client_and_waba_and_shows_no_whole_number(
    desk: Desk, runs: FakeRuns, acme: str
):
    await add(desk, acme)
    assert runs.run["name"] == "acme · add sender …9311"
    assert runs.run["tags"] == ["client:acme", f"waba:{WABA}"]


async def test_a_sender_of_the_client_cannot_be_added(desk: Desk, runs: FakeRuns, acme: str):
    answer = await add(desk, acme, phone_number=GOOD)
    assert_problem(answer, 409, "…8538", "acme", "waboard status")
    assert (runs.started, await listed(desk, acme)) == ({}, [])


async def test_a_number_that_is_being_added_to_another_client_is_not_added(
    desk: Desk, runs: FakeRuns, acme: str
):
    bolt = (await desk.asked(client_ref="bolt", waba_id="2"))["id"]
    await add(desk, bolt)
    assert_problem(await add(desk, acme), 409, "…9311", "another client", "Prefect UI")
    assert (len(runs.started), await listed(desk, acme)) == (1, [])


@pytest.mark.parametrize(
    "ended", [AdditionState.REFUSED, AdditionState.TIMED_OUT, AdditionState.CANCELLED]
)
async def test_a_number_that_came_to_nothing_may_be_added_anew_by_whomever(
    desk: Desk, runs: FakeRuns, acme: str, ended: AdditionState
):
    bolt = (await desk.asked(client_ref="bolt", waba_id="2"))["id"]
    for onboarding_id in (acme, acme, bolt):
        assert (await add(desk, onboarding_id)).status_code == 201
        await moves(desk, runs, ended)
        desk.pass_time(minutes=1)
    assert [a["state"] for a in await listed(desk, acme)] == [ended, ended]
    assert [a["state"] for a in await listed(desk, bolt)] == [ended]


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        *[({"phone_number": n}, "phone_number") for n in ("nobody", "", None, "07860 099311")],
        ({"phone_number": CLIENT_NUMBER * 2}, "phone_number"),
        ({"phone_number": [CLIENT_NUMBER]}, "phone_number"),
        *[({"display_name": name}, "display_name") for name in ("", None, 5, "a" * 256)],
        ({"display_name": "a\x00b"}, "display_name"),
        *[({"code_by": way}, "code_by") for way in ("", "fax", "SMS", "EXTERNAL_SMS", None)],
        *[({"locale": it}, "locale") for it in ("", "e", "en-US", "en_US\n", "a" * 13, None)],
        ({"phoneNumber": CLIENT_NUMBER}, "phoneNumber"),
        ({"client_ref": "bolt"}, "client_ref"),
    ],
)
async def test_a_field_that_cannot_be_used_is_named(
    desk: Desk, runs: FakeRuns, acme: str, facts: dict[str, Any], field: str
):
    body = assert_problem(await add(desk, acme, **facts), 422, field)
    assert [error["field"] for error in body["errors"]] == [field]
    assert (runs.started, await listed(desk, acme)) == ({}, [])


@pytest.mark.parametrize("field", REQUEST)
async def test_a_missing_field_is_named(desk: Desk, runs: FakeRuns, acme: str, field: str):
    rest = {name: value for name, value in REQUEST.items() if name != field}
    answer = await desk.http.post(f"/v1/onboardings/{acme}/senders", json=rest)
    assert_problem(answer, 422, field)
    assert runs.started == {}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "senders", REQUEST),
        ("GET", "senders/additions", None),
        ("POST", f"senders/{CLIENT_NUMBER}/otp", {"code": CODE}),
        ("PATCH", f"senders/{GOOD}/profile", {"about": "Fresh bread"}),
    ],
)
async def test_an_onboarding_that_there_is_not_is_a_problem(
    desk: Desk, runs: FakeRuns, method: str, path: str, body: dict[str, Any] | None
):
    answer = await desk.http.request(method, f"/v1/onboardings/{NOWHERE}/{path}", json=body)
    assert_problem(answer, 404)
    assert (runs.started, runs.given) == ({}, [])


async def test_without_a_deployment_the_remedy_is_to_deploy_and_nothing_is_kept(
    desk: Desk, runs: FakeRuns, acme: str
):
    runs.deployed = False
    assert_problem(await add(desk, acme), 404, "add-sender", "waboard deploy")
    assert await listed(desk, acme) == []
    answer = await describe(desk, acme, {"about": "Fresh bread"})
    assert_problem(answer, 404, "set-profile", "waboard deploy")
    runs.deployed = True
    assert (await add(desk, acme)).status_code == 201


async def test_added_senders_are_listed_the_first_asked_for_first(desk: Desk, acme: str):
    bolt = (await desk.asked(client_ref="bolt", waba_id="2"))["id"]
    assert await listed(desk, acme) == []
    for number in (CLIENT_NUMBER, BAD):
        await add(desk, acme, phone_number=number)
        desk.pass_time(minutes=1)
    await add(desk, bolt, phone_number="447860099312")
    assert [a["phone_number"] for a in await listed(desk, acme)] == [CLIENT_NUMBER, BAD]
    assert [a["phone_number"] for a in await listed(desk, bolt)] == ["447860099312"]


@pytest.mark.parametrize(
    ("given", "passed_on"),
    [
        *[({"code": c}, {"code": c, "send_another": "no"}) for c in (CODE, "0000", "0123456789")],
        ({"code": CODE, "send_another": None}, {"code": CODE, "send_another": "no"}),
        ({"send_another": "sms"}, {"code": "", "send_another": "sms"}),
        ({"code": None, "send_another": "voice"}, {"code": "", "send_another": "voice"}),
    ],
)
async def test_what_is_given_is_passed_on_to_the_run_that_waits_for_it(
    desk: Desk, runs: FakeRuns, acme: str, given: dict[str, Any], passed_on: dict[str, Any]
):
    await add(desk, acme)
    await moves(desk, runs, AWAITED)
    answer = await give(desk, acme, given)
    assert (answer.status_code, answer.json()) == (202, (await listed(desk, acme))[0])
    assert runs.given == [(str(runs.run["id"]), passed_on)]


@pytest.mark.parametrize("number", [CLIENT_NUMBER, f"+{CLIENT_NUMBER}", AS_PEOPLE_WRITE_IT])
async def test_a_number_in_a_path_may_be_written_as_people_do(
    desk: Desk, runs: FakeRuns, acme: str, number: str
):
    await add(desk, acme)
    await moves(desk, runs, AWAITED)
    assert (await give(desk, acme, number=number)).status_code == 202
    client = (await desk.asked(client_ref="bolt", waba_id="2", phone_numbers=[CLIENT_NUMBER]))["id"]
    assert (await describe(desk, client, {"about": "Bolts"}, number)).status_code == 202


@pytest.mark.parametrize(
    ("given", "field"),
    [
        *[(neither, "body") for neither in ({}, {"code": None}, {"send_another": None})],
        ({"code": CODE, "send_another": "sms"}, "body"),
        *[({"code": code}, "code") for code in (f"{CODE}x", "x739145", "739-145", "739 145")],
        *[({"code": code}, "code") for code in ("", "739", "73914573914", f"{CODE}\n")],
        *[({"code": code}, "code") for code in ("٧٣٩١٤٥", 739145, ["739145"], {"code": CODE})],
        *[({"send_another": way}, "send_another") for way in ("", "no", "fax", "SMS", True)],
        ({"code": CODE, "sender": CLIENT_NUMBER}, "sender"),
        ({"otp": CODE}, "otp"),
        ([CODE], "body"),
        (CODE, "body"),
    ],
)
async def test_what_is_no_password_and_no_wish_for_one_is_refused_and_not_repeated(
    desk: Desk, runs: FakeRuns, acme: str, given: Any, field: str
):
    await add(desk, acme)
    await moves(desk, runs, AWAITED)
    answer = await give(desk, acme, given)
    body = assert_problem(answer, 422, field)
    assert field in [error["field"] for error in body["errors"]]
    assert not re.search("739|145|٧٣٩", answer.text)
    assert runs.given == []


@pytest.mark.parametrize("number", ["nobody", "07860099311", CLIENT_NUMBER * 2, "44-nobody"])
async def test_a_number_in_a_path_that_cannot_be_used_is_named_and_not_repeated(
    desk: Desk, runs: FakeRuns, acme: str, number: str
):
    for answer in (
        await give(desk, acme, number=number),
        await describe(desk, acme, {"about": "Fresh bread"}, number),
    ):
        assert_problem(answer, 422, "phone_number")
        assert number not in answer.text
        assert CODE not in answer.text
    assert (runs.started, runs.given) == ({}, [])


async def test_a_password_for_a_number_that_nobody_adds_is_passed_on_to_nobody(
    desk: Desk, runs: FakeRuns, acme: str
):
    answer = await give(desk, acme)
    assert_problem(answer, 404, "…9311", "waboard sender list")
    assert CODE not in answer.text
    assert runs.given == []


async def test_a_password_is_passed_on_to_no_run_of_another_client(
    desk: Desk, runs: FakeRuns, acme: str
):
    """Nor is it told that there is one."""
    bolt = (await desk.asked(client_ref="bolt", waba_id="2"))["id"]
    unknown = assert_problem(await give(desk, acme), 404)
    await add(desk, bolt)
    await moves(desk, runs, AWAITED)
    assert assert_problem(await give(desk, acme), 404) == unknown
    assert runs.given == []


@pytest.mark.parametrize("ended", [state for state in AdditionState if state.is_over])
async def test_a_password_for_a_number_that_is_over_comes_too_late(
    desk: Desk, runs: FakeRuns, acme: str, ended: AdditionState
):
    await add(desk, acme)
    await moves(desk, runs, ended)
    taken = ended is AdditionState.SUBMITTED
    said = "one was taken already" if taken else "Add the sender first"
    assert_problem(await give(desk, acme), 404, "…9311", said)
    assert runs.given == []


async def test_a_run_that_does_not_wait_for_a_password_is_given_none(
    desk: Desk, runs: FakeRuns, acme: str
):
    await add(desk, acme)
    await moves(desk, runs, AWAITED)
    runs.asleep = False
    answer = await give(desk, acme)
    assert_problem(answer, 409, "…9311", "in a moment", "Prefect UI")
    assert CODE not in answer.text
    assert runs.given == []


async def test_a_run_that_prefect_does_not_know_any_more_is_said(
    desk: Desk, runs: FakeRuns, acme: str
):
    """Somebody has deleted it."""
    await add(desk, acme)
    await moves(desk, runs, AWAITED)
    runs.deleted = True
    assert_problem(await give(desk, acme), 404, "…9311", "Add the sender again")


async def test_a_profile_is_changed_by_a_run_that_is_told_only_what_shall_be_different(
    desk: Desk, runs: FakeRuns, acme: str
):
    change = {"about": "Fresh bread", "vertical": "RESTAURANT", "websites": ["https://a.test"]}
    with temporary_settings({PREFECT_UI_URL: "http://prefect.test"}):
        answer = await describe(desk, acme, change | {"email": None})
    url = f"http://prefect.test/runs/flow-run/{runs.run['id']}"
    assert (answer.status_code, answer.json()) == (202, {"links": {"flow_run": url}})
    assert runs.run["deployment"] == "set-profile/set-profile"
    assert runs.run["parameters"] == {
        "client_ref": "acme",
        "phone_number": GOOD,
        "profile": change,
    }


async def test_the_run_that_changes_a_profile_shows_no_whole_number(
    desk: Desk, runs: FakeRuns, acme: str
):
    await describe(desk, acme, {"about": "Fresh bread"})
    assert runs.run["name"] == "acme · profile of …8538"
    assert runs.run["tags"] == ["client:acme", f"waba:{WABA}"]


async def test_every_change_of_a_profile_has_a_run_of_its_own(
    desk: Desk, runs: FakeRuns, acme: str
):
    for _ in range(2):
        assert (await describe(desk, acme, {"about": "Fresh bread"})).status_code == 202
    assert len(runs.started) == 2


@pytest.mark.parametrize("spelt", ["logoUrl", "logo_url"])
async def test_a_logo_is_named_by_its_url(desk: Desk, runs: FakeRuns, acme: str, spelt: str):
    """As docs/http.md spells it, and as everything else here is spelt."""
    answer = await describe(desk, acme, {spelt: "https://a.test/logo.png"})
    assert answer.status_code == 202
    assert runs.run["parameters"]["profile"] == {"logoUrl": "https://a.test/logo.png"}


@pytest.mark.parametrize(
    ("field", "longest"),
    [
        ("about", "a" * 130),
        ("address", "a" * 256),
        ("description", "a" * 512),
        ("email", "a" * 128),
        ("websites", ["a" * 256, "b" * 256]),
        ("logoUrl", "https://a.test/".ljust(2048, "a")),
    ],
)
async def test_what_is_too_long_for_a_profile_is_named(
    desk: Desk, runs: FakeRuns, acme: str, field: str, longest: Any
):
    assert (await describe(desk, acme, {field: longest})).status_code == 202
    runs.started.clear()
    longer = [longest[0] + "a"] if isinstance(longest, list) else longest + "a"
    body = assert_problem(await describe(desk, acme, {field: longer}), 422, field)
    assert [error["field"] for error in body["errors"]] == [field]
    assert runs.started == {}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"websites": ["a", "b", "c"]}, "websites"),
        ({"websites": "https://a.test"}, "websites"),
        ({"vertical": "BAKERY"}, "vertical"),
        ({"vertical": "restaurant"}, "vertical"),
        *[({"logoUrl": url}, "logoUrl") for url in ("", "logo.png", "ftp://a.test/logo.png")],
        *[({field: "x"}, field) for field in ("displayName", "display_name", "logo", "website")],
        ({"phone_number": CLIENT_NUMBER}, "phone_number"),
        ([], "body"),
    ],
)
async def test_what_does_not_belong_into_a_profile_is_named(
    desk: Desk, runs: FakeRuns, acme: str, change: Any, field: str
):
    body = assert_problem(await describe(desk, acme, change), 422, field)
    assert [error["field"] for error in body["errors"]] == [field]
    assert runs.started == {}


async def test_a_number_that_is_no_sender_of_the_client_has_no_profile(
    desk: Desk, runs: FakeRuns, acme: str
):
    """One that is being added has none yet, and another client's is not this one's."""
    await desk.asked(client_ref="bolt", waba_id="2", phone_numbers=[BAD])
    for number in (CLIENT_NUMBER, BAD):
        answer = await describe(desk, acme, {"about": "Fresh bread"}, number)
        assert_problem(answer, 404, f"…{number[-4:]}", "acme", "waboard status")
        assert number not in answer.text
    assert runs.started == {}
    await add(desk, acme)
    answer = await describe(desk, acme, {"about": "Fresh bread"}, CLIENT_NUMBER)
    assert_problem(answer, 404, "…9311")


async def test_neither_passwords_nor_numbers_get_into_the_log(
    desk: Desk, prefect: FakePrefect, runs: FakeRuns, acme: str, caplog: pytest.LogCaptureFixture
):
    """However much is asked to be said, and whatever goes wrong."""
    with caplog.at_level(logging.DEBUG):
        await give(desk, acme)
        await add(desk, acme, locale="x")
        await add(desk, acme)
        await moves(desk, runs, AWAITED)
        for given in ({"code": CODE}, {"code": f"{CODE}x"}, {"code": CODE, "send_another": "sms"}):
            await give(desk, acme, given)
        runs.asleep = False
        await give(desk, acme)
        await describe(desk, acme, {"about": "Fresh bread"}, CLIENT_NUMBER)
    # What this test's own HTTP client says of its URLs is not the gateway's.
    lines = [r.getMessage() for r in caplog.records if not r.name.startswith("http")]
    assert [line for line in lines if CODE in line or CLIENT_NUMBER in line] == []


@pytest.mark.parametrize(
    "number", [CLIENT_NUMBER, f"+{CLIENT_NUMBER}", AS_PEOPLE_WRITE_IT, "+1 313-513-8538"]
)
@pytest.mark.parametrize("what", ["otp", "profile"])
async def test_no_whole_number_gets_into_the_access_log(
    desk: Desk, caplog: pytest.LogCaptureFixture, number: str, what: str
):
    """It stands in the path, however it is written there."""
    caplog.set_level("INFO", "uvicorn.access")
    path = quote(f"/v1/onboardings/{NOWHERE}/senders/{number}/{what}")  # as uvicorn does
    given = ("127.0.0.1:5", "POST", path, "1.1", 202)
    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', *given)
    shown = unquote(caplog.text.partition("/senders/")[2].partition(f"/{what}")[0])
    assert len(re.sub(r"\D", "", shown)) <= 4, shown


@pytest.mark.parametrize("change", [{}, {"about": None}])
async def test_a_change_that_changes_nothing_is_refused(
    desk: Desk, runs: FakeRuns, acme: str, change: dict[str, Any]
):
    path = f"/v1/onboardings/{acme}/senders/{GOOD}/profile"
    assert_problem(await desk.http.patch(path, json=change), 422)
    assert runs.started == {}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "", REQUEST),
        ("PATCH", f"/{GOOD}/profile", {"about": "Bread"}),
    ],
    ids=["add", "profile"],
)
async def test_a_prefect_that_is_away_is_said(
    desk: Desk,
    acme: str,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    body: dict[str, Any],
):
    """Nothing was done, and it can be asked for again."""

    def away() -> None:
        raise httpx.ConnectError("All connection attempts failed")

    monkeypatch.setattr(deployments, "get_client", away)
    answer = await desk.http.request(method, f"/v1/onboardings/{acme}/senders{path}", json=body)
    assert_problem(answer, 502)
    assert await listed(desk, acme) == []


async def test_a_password_that_cannot_be_passed_on_now_is_said(
    desk: Desk, runs: FakeRuns, acme: str, monkeypatch: pytest.MonkeyPatch
):
    await add(desk, acme)
    await moves(desk, runs, AWAITED)

    def away() -> None:
        raise httpx.ConnectError("All connection attempts failed")

    monkeypatch.setattr(forms, "get_client", away)
    path = f"/v1/onboardings/{acme}/senders/{CLIENT_NUMBER}/otp"
    assert_problem(await desk.http.post(path, json={"code": CODE}), 502)
    assert [each["state"] for each in await listed(desk, acme)] == [AWAITED]


class TestNamingASender:
    """What the API shows as a sender's number is taken back as one, by every verb."""

    SHOWN = "+52 1 33 1234 5678"

    async def registered(self, desk: Desk) -> str:
        onboarding = await desk.asked()
        sender = {"phoneNumberId": "902", "displayPhoneNumber": self.SHOWN, "status": "FAILED"}
        body = {
            "businessAccountId": int(WABA),
            "status": "FINISHED",
            "lastModifiedAt": "2026-01-05T09:01:00.000+0000",
            "senders": [sender],
        }
        async with desk.begin() as session:
            await receive(session, registration_facts(json.dumps(body).encode()), "webhook", T0)
            await look(session, onboarding["id"], T0)
            await end_onboarding(session, onboarding["id"], T0, "RegistrationFailed")
        return onboarding["id"]

    @pytest.mark.parametrize("number", ["5213312345678", "+52 1 33 1234 5678", "523312345678"])
    async def test_a_phone_library_is_not_asked(self, desk: Desk, number: str):
        onboarding_id = await self.registered(desk)
        (shown,) = (await desk.onboarding(onboarding_id))["senders"]
        assert shown["phone_number"] == "5213312345678"
        order = {"by": "mia", "why": "x", "sender": number}
        answer = await desk.http.post(f"/v1/onboardings/{onboarding_id}/retry", json=order)
        assert answer.status_code == 200, answer.text

    async def test_one_that_is_not_there_is_not_found(self, desk: Desk):
        onboarding_id = await self.registered(desk)
        order = {"by": "mia", "why": "x", "sender": "5213312345679"}
        answer = await desk.http.post(f"/v1/onboardings/{onboarding_id}/retry", json=order)
        assert_problem(answer, 404)

    async def test_it_is_a_sender_already_in_any_spelling(self, desk: Desk):
        onboarding_id = await self.registered(desk)
        request = {"phone_number": "+5213312345678", "display_name": "Acme"}
        answer = await desk.http.post(f"/v1/onboardings/{onboarding_id}/senders", json=request)
        assert_problem(answer, 409, "sender of acme already")


class TestAssigning:
    """Whose a number is that several clients have, a person decides."""

    ORDER: ClassVar[dict[str, str]] = {"by": "mia", "why": "Both were asked."}

    async def shared(self, desk: Desk) -> dict[str, str]:
        """Two clients whose registration of one number says nothing of which came last."""
        wabas = {"left-a": "7401", "left-b": "7402"}
        ids: dict[str, str] = {}
        for client, waba_id in wabas.items():
            ids[client] = (await desk.asked(client_ref=client, waba_id=waba_id))["id"]
            number = {"phoneNumberId": f"{waba_id}1", "displayPhoneNumber": f"+{GOOD}"}
            body = {
                "businessAccountId": waba_id,
                "status": "FINISHED",
                "lastModifiedAt": "2026-01-05T09:01:00.000+0000",
                "senders": [number | {"status": "FINISHED"}],
            }
            async with desk.begin() as session:
                await receive(session, registration_facts(json.dumps(body).encode()), "webhook", T0)
                await look(session, ids[client], T0)
        return ids

    async def assign(self, desk: Desk, onboarding_id: str, **order: str) -> httpx.Response:
        path = f"/v1/onboardings/{onboarding_id}/senders/{GOOD}/assign"
        return await desk.http.post(path, json=self.ORDER | order)

    async def test_both_say_that_it_is_the_operator_s_turn(self, desk: Desk):
        for onboarding_id in (await self.shared(desk)).values():
            needed = (await desk.onboarding(onboarding_id))["requirements"]
            (unclear,) = [each for each in needed if each["reason"] == "OwnerUnclear"]
            assert unclear["awaiting"] == "operator"
            assert "waboard sender assign" in unclear["remedy"]

    async def test_it_is_decided_recorded_and_shown(self, desk: Desk):
        ids = await self.shared(desk)
        answer = await self.assign(desk, ids["left-b"])
        assert answer.status_code == 200, answer.text
        (decision,) = answer.json()["decisions"]
        assert (decision["verb"], decision["by"], decision["why"]) == (
            "assign",
            "mia",
            "Both were asked.",
        )
        (other,) = (await desk.onboarding(ids["left-a"]))["senders"]
        moved = next(each for each in other["conditions"] if each["type"] == "Owned")
        assert (moved["status"], moved["reason"]) == ("False", "NumberMoved")
        assert "moved to left-b" in moved["message"]

    async def test_the_same_request_twice_is_one(self, desk: Desk):
        ids = await self.shared(desk)
        await self.assign(desk, ids["left-b"])
        answer = await self.assign(desk, ids["left-b"])
        assert (answer.status_code, len(answer.json()["decisions"])) == (200, 1)

    async def test_where_nothing_is_to_be_decided_it_is_refused(self, desk: Desk):
        onboarding = await desk.asked(phone_numbers=[f"+{GOOD}"])
        assert_problem(await self.assign(desk, onboarding["id"]), 409, "its own")

    async def test_who_and_why_are_needed(self, desk: Desk):
        ids = await self.shared(desk)
        assert_problem(await self.assign(desk, ids["left-b"], why=""), 422)
