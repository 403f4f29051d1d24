"""Runs that add senders: started once, asleep until a password is given, ended if none is."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import prefect.client.orchestration
import pytest
from prefect.client.schemas.objects import State
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus, StateAcceptDetails
from prefect.exceptions import ObjectNotFound, Pause, PrefectHTTPStatusError
from prefect.states import (
    Cancelled,
    Cancelling,
    Completed,
    Crashed,
    Failed,
    Paused,
    Pending,
    Running,
    Scheduled,
)
from pydantic import ValidationError

from flows.add_sender import add_sender
from tasks import additions, deployments, forms, runs
from tasks.additions import (
    AWAITING,
    DEPLOYMENT,
    LEFT_ALONE,
    OneTimePassword,
    SendAnother,
    ask_for_code,
    code_of,
    end_of,
    forget_code,
    give_code,
    run_name,
    settle_additions,
    start_addition,
    wanted,
)
from tests.deployed import assert_takes
from tests.domain.samples import true
from tests.tasks.bench import GOOD, OTHER, Bench, policy
from waboard.domain.additions import Addition, AdditionState, CodeBy, SenderRequest
from waboard.domain.conditions import ConditionType
from waboard.domain.errors import FactsDiffer, NotFound, WaboardError
from waboard.domain.ids import PhoneNumber
from waboard.ledger.additions import (
    SETTLES_IN,
    additions_of,
    move_addition,
    note_addition,
    record_sleep,
)
from waboard.ledger.conditions import write_condition

NEW = PhoneNumber("12024560123")
PATIENCE = timedelta(hours=2)
MOST_RUNS = 200
"""What Prefect's server gives at most, whatever is asked for (PREFECT_SERVER_API_DEFAULT_LIMIT)."""

ASKED, CODE_AWAITED, SUBMITTED, REFUSED, TIMED_OUT, CANCELLED = AdditionState


@dataclass
class FakePrefect:
    """A Prefect API with one deployment, runs, and what was given to each of them."""

    deployed: bool = True
    lets_sleep: bool = True
    breaks: bool = False
    runs: dict[UUID, State[Any] | None] = field(default_factory=dict[UUID, State[Any] | None])
    inputs: dict[tuple[UUID, str], str] = field(default_factory=dict[tuple[UUID, str], str])
    tags: dict[UUID, list[str]] = field(default_factory=dict[UUID, list[str]])
    created: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    keys: dict[str, UUID] = field(default_factory=dict[str, UUID])
    told: dict[UUID, State[Any]] = field(default_factory=dict[UUID, State[Any]])
    asked: int = 0
    """How often it was asked for runs."""
    log: list[str] = field(default_factory=list[str])

    async def __aenter__(self) -> "FakePrefect":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read_deployment_by_name(self, name: str) -> SimpleNamespace:
        if not self.deployed or name != DEPLOYMENT:
            raise ObjectNotFound(ValueError(name))
        return SimpleNamespace(id=name)

    async def create_flow_run_from_deployment(self, deployment: str, **given: Any) -> Any:
        assert_takes(deployment, given["parameters"])
        self.created.append({"deployment": deployment, **given})
        run_id = self.keys.setdefault(given["idempotency_key"], uuid4())
        self.runs.setdefault(run_id, Scheduled())
        return SimpleNamespace(id=run_id)

    async def update_flow_run(self, run_id: UUID, *, tags: list[str]) -> None:
        self.tags[run_id] = tags

    async def create_flow_run_input(
        self, *, flow_run_id: UUID, key: str, sender: str | None, value: str
    ) -> None:
        self.inputs[flow_run_id, key] = value
        self.log.append(f"keeps the {key.rpartition('-')[2]}")

    async def read_flow_run_input(self, flow_run_id: UUID, key: str) -> str:
        if (flow_run_id, key) not in self.inputs:
            raise answered(404)
        return self.inputs[flow_run_id, key]

    async def delete_flow_run_input(self, flow_run_id: UUID, key: str) -> None:
        if self.inputs.pop((flow_run_id, key), None) is None:
            raise answered(404)

    async def read_flow_run(self, run_id: UUID) -> SimpleNamespace:
        if run_id not in self.runs:
            raise ObjectNotFound(ValueError(str(run_id)))
        return SimpleNamespace(state=self.runs[run_id])

    async def resume_flow_run(self, run_id: UUID, run_input: dict[str, Any]) -> Any:
        state = self.runs[run_id]
        if state is None or not state.is_paused():
            return judged(None, SetStateStatus.ABORT)
        if run_input:  # an empty form is not kept
            key = state.state_details.run_input_keyset["response"]
            self.inputs[run_id, key] = orjson.dumps(run_input).decode()
        self.runs[run_id] = Scheduled(name="Resuming")
        return judged(self.runs[run_id], SetStateStatus.ACCEPT)

    async def set_flow_run_state(
        self, run_id: UUID, state: State[Any], *, force: bool = False
    ) -> Any:
        if self.breaks:
            raise httpx.ConnectError("nobody listens")
        if not self.lets_sleep:
            return judged(None, SetStateStatus.ABORT)
        if force:
            self.told[run_id] = state
        self.runs[run_id] = state
        self.log.append(f"sets {state.name}")
        return judged(state, SetStateStatus.ACCEPT)

    async def read_flow_runs(
        self, *, flow_run_filter: Any, limit: int | None = None, offset: int = 0
    ) -> list[SimpleNamespace]:
        self.asked += 1
        wanted = [run_id for run_id in flow_run_filter.id.any_ if run_id in self.runs]
        page = wanted[offset : offset + min(limit or MOST_RUNS, MOST_RUNS)]
        return [SimpleNamespace(id=run_id, state=self.runs[run_id]) for run_id in page]


def judged(state: State[Any] | None, status: SetStateStatus) -> Any:
    return OrchestrationResult(state=state, status=status, details=StateAcceptDetails())


def answered(status: int) -> PrefectHTTPStatusError:
    """What Prefect's client raises here, also for a 404."""
    request = httpx.Request("GET", "http://prefect.test/api")
    response = httpx.Response(status, request=request)
    return PrefectHTTPStatusError(f"It answered {status}", request=request, response=response)


@pytest.fixture
def prefect_api(monkeypatch: pytest.MonkeyPatch) -> FakePrefect:
    api = FakePrefect()
    for module in (additions, deployments, forms, runs, prefect.client.orchestration):
        monkeypatch.setattr(module, "get_client", lambda: api)
    return api


def request(number: PhoneNumber = NEW, **changes: Any) -> SenderRequest:
    asked = {"phone_number": number, "display_name": "Acme Downtown", **changes}
    return SenderRequest.model_validate(asked)


async def start(bench: Bench, number: PhoneNumber = NEW) -> tuple[Addition, bool]:
    onboarding = await bench.look()
    return await start_addition(bench.ledger, onboarding, request(number), lambda: bench.now)


async def known(bench: Bench, addition: Addition) -> Addition:
    """How it is now."""
    async with bench.ledger.begin() as session:
        all_of_them = await additions_of(session, addition.onboarding_id)
    return next(each for each in all_of_them if each.id == addition.id)


async def move(bench: Bench, addition: Addition, state: AdditionState) -> Addition:
    async with bench.ledger.begin() as session:
        return await move_addition(session, addition.id, state, "So.", bench.now)


async def begun(bench: Bench, number: PhoneNumber = NEW) -> Addition:
    """Somebody adds a number, and its password is awaited."""
    if not bench.id:
        await bench.start()
    addition, _ = await start(bench, number)
    return await move(bench, addition, CODE_AWAITED)


async def falls_asleep(bench: Bench, addition: Addition) -> Addition:
    with pytest.raises(Pause):
        await ask_for_code(bench.services, await bench.look(), await known(bench, addition))
    return await known(bench, addition)


async def asleep(bench: Bench, number: PhoneNumber = NEW) -> Addition:
    """The run sleeps until the password is given."""
    bench.services.policy = policy(code_give_up=PATIENCE.total_seconds())
    return await falls_asleep(bench, await begun(bench, number))


def state_of(api: FakePrefect, addition: Addition) -> State[Any]:
    state = api.runs[UUID(addition.id)]
    assert state is not None
    return state


class TestStarting:
    """Once for each number, whoever asks and however often."""

    async def test_the_run_is_made_of_the_deployment_and_written_down(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        onboarding = await bench.start()
        addition, created = await start(bench)
        assert created
        assert addition == await known(bench, addition)
        assert (addition.onboarding_id, addition.state) == (onboarding.id, ASKED)
        assert [str(run_id) for run_id in prefect_api.runs] == [addition.id]
        (run,) = prefect_api.created
        assert run["deployment"] == DEPLOYMENT
        assert (run["name"], run["tags"]) == ("acme · add sender …0123", onboarding.tags)
        assert run["parameters"] == {
            "client_ref": "acme",
            "phone_number": NEW,
            "display_name": "Acme Downtown",
            "code_by": "sms",
            "locale": "en_US",
        }

    async def test_the_flow_reads_what_was_asked_for(self, bench: Bench, prefect_api: FakePrefect):
        given = request(code_by="voice", locale="de")
        await start_addition(bench.ledger, await bench.start(), given, lambda: bench.now)
        read = add_sender.validate_parameters(prefect_api.created[0]["parameters"])
        assert read == {**given.model_dump(), "client_ref": "acme"}

    async def test_who_asks_again_is_given_the_run_that_is_under_way(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        await bench.start()
        first, _ = await start(bench)
        assert await start(bench) == (first, False)
        assert len(prefect_api.created) == 1

    async def test_who_asks_in_the_same_instant_is_given_the_same_run(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        await bench.start()
        (first, one), (second, two) = await asyncio.gather(start(bench), start(bench))
        assert first == second
        assert {one, two} == {True, False}
        assert len(prefect_api.runs) == 1

    @pytest.mark.parametrize("end", [REFUSED, TIMED_OUT, CANCELLED])
    async def test_one_that_came_to_nothing_is_not_under_way(
        self, bench: Bench, prefect_api: FakePrefect, end: AdditionState
    ):
        await bench.start()
        first, _ = await start(bench)
        await move(bench, first, end)
        second, created = await start(bench)
        assert created
        assert second.id != first.id
        assert len(prefect_api.runs) == 2

    async def test_one_that_infobip_registers_is_not_asked_for_again_for_a_day(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        await bench.start()
        first, _ = await start(bench)
        ended = await move(bench, first, SUBMITTED)
        assert await start(bench) == (ended, False)
        await bench.later(SETTLES_IN.total_seconds())
        second, created = await start(bench)
        assert created
        assert second.id != first.id

    async def test_a_number_that_is_being_added_to_another_client_is_refused(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        await bench.start()
        await start(bench)
        await bench.start(client_ref="globex", waba_id="102384266223094")
        with pytest.raises(FactsDiffer, match="…0123 is being added to another client") as refused:
            await start(bench)
        assert NEW not in str(refused.value)
        assert len(prefect_api.created) == 1

    async def test_without_a_deployment_the_remedy_is_to_deploy(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        prefect_api.deployed = False
        onboarding = await bench.start()
        with pytest.raises(NotFound, match="waboard deploy"):
            await start(bench)
        async with bench.ledger.begin() as session:
            assert await additions_of(session, onboarding.id) == []

    async def test_a_run_that_has_written_itself_down_already_is_the_same(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        """It may be faster than whoever started it."""
        onboarding = await bench.start()
        create = prefect_api.create_flow_run_from_deployment

        async def fast(deployment: str, **given: Any) -> Any:
            run = await create(deployment, **given)
            async with bench.ledger.begin() as session:
                await note_addition(session, str(run.id), onboarding.id, request(), bench.now)
            return run

        prefect_api.create_flow_run_from_deployment = fast
        addition, _ = await start(bench)
        assert addition == await known(bench, addition)
        assert len(prefect_api.runs) == 1

    def test_a_runs_name_shows_its_number_by_its_last_digits(self):
        assert run_name(NEW, "acme") == "acme · add sender …0123"


class TestFallingAsleep:
    """Under a name that says what for, with a form to answer."""

    async def test_the_state_says_what_is_awaited_and_what_happened_last(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        addition = await asleep(bench)
        state = state_of(prefect_api, addition)
        assert (state.name, state.message) == (AWAITING, addition.detail)
        assert state.is_paused()
        assert state.state_details.pause_reschedule

    async def test_the_tags_say_it_too(self, bench: Bench, prefect_api: FakePrefect):
        addition = await asleep(bench)
        asked = ["waiting:otp", "awaiting:client", "since:2026-01-05"]
        tags = [*(await bench.look()).tags, *asked]
        assert prefect_api.tags == {UUID(addition.id): tags}

    async def test_the_ledger_knows_the_very_sleep_and_until_when(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        addition = await asleep(bench)
        state = state_of(prefect_api, addition)
        assert addition.pause_key == state.state_details.pause_key
        assert addition.give_up_at == bench.now + PATIENCE

    async def test_each_sleep_has_a_key_of_its_own_and_the_end_stays(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        first = await asleep(bench)
        await bench.later(60)
        second = await falls_asleep(bench, first)
        assert first.pause_key != second.pause_key
        assert first.give_up_at == second.give_up_at

    async def test_the_form_is_there_before_the_run_sleeps(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        """Nobody can answer a question that is not there yet."""
        await asleep(bench)
        assert prefect_api.log == ["keeps the schema", "keeps the description", f"sets {AWAITING}"]

    async def test_the_form_is_found_by_what_the_state_names(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        addition = await asleep(bench)
        keys = state_of(prefect_api, addition).state_details.run_input_keyset
        kept = {key: orjson.loads(value) for (_, key), value in prefect_api.inputs.items()}
        assert kept.keys() == {keys["schema"], keys["description"]}
        assert kept[keys["description"]] == addition.detail
        fields = kept[keys["schema"]]["properties"]
        assert fields.keys() == {"code", "send_another"}
        assert fields["code"]["format"] == "password"

    async def test_a_run_that_prefect_does_not_let_sleep_says_so(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        prefect_api.lets_sleep = False
        addition = await begun(bench)
        with pytest.raises(WaboardError, match="did not let the run sleep: ABORT"):
            await ask_for_code(bench.services, await bench.look(), addition)


class TestAnswering:
    """A password wakes the run, which reads it until it is used."""

    async def test_what_a_person_gave_is_read_by_the_run_that_it_wakes(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        addition = await asleep(bench)
        given = OneTimePassword(code="123456")
        await give_code(addition, given)
        assert state_of(prefect_api, addition).is_scheduled()
        assert await code_of(addition) == given

    async def test_it_can_be_read_again_until_it_is_used(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        """The leg that read it first may have died."""
        addition = await asleep(bench)
        await give_code(addition, OneTimePassword(code="123456"))
        assert await code_of(addition) == await code_of(addition)

    async def test_once_used_it_is_kept_nowhere(self, bench: Bench, prefect_api: FakePrefect):
        addition = await asleep(bench)
        await give_code(addition, OneTimePassword(code="123456"))
        await forget_code(addition)
        assert "123456" not in str(prefect_api.inputs)

    async def test_what_was_given_in_another_sleep_is_not_read(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        first = await asleep(bench)
        await give_code(first, OneTimePassword(code="123456"))
        prefect_api.runs[UUID(first.id)] = Running()
        second = await falls_asleep(bench, first)
        await give_code(second, OneTimePassword(send_another=SendAnother.SMS))
        read = await code_of(second)
        assert read is not None
        assert (read.code, read.send_another) == ("", SendAnother.SMS)

    async def test_a_run_that_never_slept_was_given_nothing(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        assert await code_of(await begun(bench)) is None

    @pytest.mark.parametrize("edited", ["{", "[]", '{"code": "abc"}', '{"pin": "123456"}'])
    async def test_whoever_edits_it_by_hand_is_asked_again(
        self, bench: Bench, prefect_api: FakePrefect, edited: str
    ):
        addition = await asleep(bench)
        await give_code(addition, OneTimePassword(code="123456"))
        answers = [key for key in prefect_api.inputs if key[1].endswith("response")]
        prefect_api.inputs[answers[0]] = edited
        assert await code_of(addition) is None

    async def test_a_run_that_fell_asleep_again_is_given_nothing_that_was_meant_for_before(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        first = await asleep(bench)
        await falls_asleep(bench, first)
        with pytest.raises(FactsDiffer, match="…0123 does not wait"):
            await give_code(first, OneTimePassword(code="123456"))

    @pytest.mark.parametrize(
        "state",
        [Running(), Pending(), Scheduled(), Completed(), Paused()],
        ids=["running", "pending", "scheduled", "completed", "paused by a person"],
    )
    async def test_a_run_that_waits_for_none_is_given_none(
        self, bench: Bench, prefect_api: FakePrefect, state: State[Any]
    ):
        addition = await asleep(bench)
        prefect_api.runs[UUID(addition.id)] = state
        with pytest.raises(FactsDiffer, match="…0123 does not wait") as refused:
            await give_code(addition, OneTimePassword(code="123456"))
        assert "123456" not in str(refused.value)
        assert "123456" not in str(prefect_api.inputs)

    async def test_a_run_that_woke_without_an_answer_was_given_nothing(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        """It was taken up after its process had died, or somebody sent an empty form."""
        assert await code_of(await asleep(bench)) is None

    async def test_to_forget_it_twice_does_no_harm(self, bench: Bench, prefect_api: FakePrefect):
        addition = await asleep(bench)
        await give_code(addition, OneTimePassword(code="123456"))
        await forget_code(addition)
        await forget_code(addition)

    async def test_a_run_that_somebody_deleted_is_not_found(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        addition = await asleep(bench)
        prefect_api.runs.clear()
        with pytest.raises(NotFound, match="no run that adds …0123"):
            await give_code(addition, OneTimePassword(code="123456"))


class TestWanted:
    """A password, or another one: how it is to be sent."""

    @pytest.mark.parametrize(
        ("given", "by"),
        [
            ({"code": "123456"}, None),
            ({"code": "123456", "send_another": "voice"}, None),
            ({"send_another": "sms"}, CodeBy.SMS),
            ({"send_another": "voice"}, CodeBy.VOICE),
        ],
    )
    def test_whoever_gives_one_needs_no_other(self, given: dict[str, Any], by: CodeBy | None):
        assert wanted(OneTimePassword.model_validate(given)) is by

    @pytest.mark.parametrize(
        "given",
        [
            {"code": "12 34"},
            {"code": "abc"},
            {"code": "1" * 11},
            {"send_another": "pigeon"},
            {"pin": "123456"},
        ],
    )
    def test_what_is_no_password_is_refused(self, given: dict[str, Any]):
        with pytest.raises(ValidationError):
            OneTimePassword.model_validate(given)

    def test_one_that_is_shown_does_not_show_the_code(self):
        assert "123456" not in repr(OneTimePassword(code="123456"))
        assert "123456" not in str(OneTimePassword(code="123456"))


async def settle(bench: Bench) -> None:
    await settle_additions(bench.ledger, lambda: bench.now)


async def registers(bench: Bench, *numbers: str) -> None:
    """These numbers are known to be registered."""
    async with bench.ledger.begin() as session:
        for number in numbers:
            await write_condition(session, bench.id, number, true(ConditionType.REGISTERED))


class TestSettling:
    """What waits in vain, or needs not wait any more, is ended."""

    async def test_without_any_prefect_is_not_asked(self, bench: Bench, prefect_api: FakePrefect):
        await settle(bench)
        addition = await asleep(bench)
        await move(bench, addition, SUBMITTED)
        await settle(bench)
        assert prefect_api.asked == 0

    async def test_one_that_still_waits_is_left_alone(self, bench: Bench, prefect_api: FakePrefect):
        addition = await asleep(bench)
        await bench.later(PATIENCE.total_seconds() - 1)
        await settle(bench)
        assert await known(bench, addition) == addition
        assert prefect_api.asked == 1
        assert prefect_api.told == {}

    async def test_one_that_waited_too_long_has_timed_out(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        addition = await asleep(bench)
        await bench.later(PATIENCE.total_seconds())
        await settle(bench)
        ended = await known(bench, addition)
        assert ended.state is TIMED_OUT
        told = prefect_api.told[UUID(addition.id)]
        assert told.is_failed()
        assert (told.name, told.message) == ("OtpTimedOut", ended.detail)

    async def test_one_whose_number_is_registered_needs_no_password_any_more(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        """Even when it would have waited too long."""
        addition = await asleep(bench)
        await registers(bench, NEW)
        await bench.later(PATIENCE.total_seconds())
        await settle(bench)
        ended = await known(bench, addition)
        assert (ended.state, ended.detail) == (SUBMITTED, "…0123 is registered.")
        told = prefect_api.told[UUID(addition.id)]
        assert told.is_completed()
        assert (told.name, told.message) == ("SenderSubmitted", ended.detail)

    async def test_one_that_somebody_cancelled_is_over_and_needs_not_be_told(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        addition = await asleep(bench)
        prefect_api.runs[UUID(addition.id)] = Cancelled()
        await registers(bench, NEW)
        await settle(bench)
        ended = await known(bench, addition)
        assert (ended.state, ended.detail) == (
            CANCELLED,
            "Somebody cancelled its run, or deleted it.",
        )
        assert prefect_api.told == {}

    async def test_one_whose_run_somebody_deleted_is_over(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        addition = await asleep(bench)
        prefect_api.runs.clear()
        await settle(bench)
        assert (await known(bench, addition)).state is CANCELLED
        assert (await start(bench))[1]

    @pytest.mark.parametrize(
        "state",
        [Scheduled(), Pending(), Running(), Cancelling()],
        ids=lambda state: state.name,
    )
    async def test_one_that_is_awake_is_left_alone(
        self, bench: Bench, prefect_api: FakePrefect, state: State[Any]
    ):
        """It ends itself: somebody has given it something."""
        addition = await asleep(bench)
        prefect_api.runs[UUID(addition.id)] = state
        await registers(bench, NEW)
        await bench.later(PATIENCE.total_seconds())
        await settle(bench)
        assert await known(bench, addition) == addition
        assert prefect_api.told == {}

    async def test_one_that_a_person_paused_before_it_ever_asked_has_no_end(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        addition = await begun(bench)
        prefect_api.runs[UUID(addition.id)] = Paused()
        await bench.later(PATIENCE.total_seconds() * 1000)
        await settle(bench)
        assert await known(bench, addition) == addition

    async def test_each_is_judged_by_itself(self, bench: Bench, prefect_api: FakePrefect):
        late = await asleep(bench, NEW)
        await bench.later(PATIENCE.total_seconds())
        done, waiting = await asleep(bench, GOOD), await asleep(bench, OTHER)
        await registers(bench, GOOD)
        await settle(bench)
        states = [(await known(bench, each)).state for each in (late, done, waiting)]
        assert states == [TIMED_OUT, SUBMITTED, CODE_AWAITED]
        assert prefect_api.told.keys() == {UUID(late.id), UUID(done.id)}
        assert prefect_api.asked == 1

    async def test_what_is_settled_is_settled_once(self, bench: Bench, prefect_api: FakePrefect):
        addition = await asleep(bench)
        await bench.later(PATIENCE.total_seconds())
        await settle(bench)
        ended = await known(bench, addition)
        prefect_api.told.clear()
        await bench.later(60)
        await settle(bench)
        assert await known(bench, addition) == ended
        assert (prefect_api.told, prefect_api.asked) == ({}, 1)

    async def test_one_that_ended_otherwise_meanwhile_is_told_as_it_ended(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        addition = await asleep(bench)
        await bench.later(PATIENCE.total_seconds())
        read = prefect_api.read_flow_runs

        async def slow(**asked: Any) -> list[SimpleNamespace]:
            found = await read(**asked)
            await move(bench, addition, REFUSED)
            return found

        prefect_api.read_flow_runs = slow
        await settle(bench)
        assert (await known(bench, addition)).state is REFUSED
        assert prefect_api.told[UUID(addition.id)].name == "SenderRefused"

    async def test_one_whose_end_prefect_did_not_hear_of_is_told_again(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        """It would sleep for ever, and be over."""
        addition = await asleep(bench)
        await bench.later(PATIENCE.total_seconds())
        prefect_api.breaks = True
        await settle(bench)
        assert (await known(bench, addition)).state is CODE_AWAITED
        prefect_api.breaks = False
        await settle(bench)
        assert prefect_api.told[UUID(addition.id)].name == "OtpTimedOut"

    @pytest.mark.parametrize("end", [SUBMITTED, REFUSED, TIMED_OUT])
    async def test_one_whose_end_prefect_was_told_is_over_whoever_died_over_it(
        self, bench: Bench, prefect_api: FakePrefect, end: AdditionState
    ):
        """Told, and not written down: it comes to what its run shows, and needs no hours."""
        addition = await asleep(bench)
        told = end_of(replace(addition, state=end, detail="As it was told."))
        prefect_api.runs[UUID(addition.id)] = told
        await settle(bench)
        ended = await known(bench, addition)
        assert (ended.state, ended.detail) == (end, "As it was told.")

    @pytest.mark.parametrize(
        "state", [Failed(), Crashed(), Completed()], ids=lambda state: state.name
    )
    async def test_one_whose_run_broke_off_is_left_to_be_taken_up_and_then_over(
        self, bench: Bench, prefect_api: FakePrefect, state: State[Any]
    ):
        """It keeps its number from nobody for ever."""
        addition = await asleep(bench)
        broken = state.model_copy(update={"timestamp": bench.now})
        prefect_api.runs[UUID(addition.id)] = broken
        await bench.later(LEFT_ALONE.total_seconds())
        await settle(bench)
        assert await known(bench, addition) == addition
        await bench.later(1)
        await settle(bench)
        ended = await known(bench, addition)
        assert (ended.state, ended.detail) == (
            REFUSED,
            "Its run broke off; retry it in the Prefect UI.",
        )
        assert prefect_api.told[UUID(addition.id)].name == "SenderRefused"

    async def test_of_very_many_none_is_taken_for_cancelled(
        self, bench: Bench, prefect_api: FakePrefect
    ):
        """Prefect's server lists so many runs at once, and no more."""
        many = await all_asleep(bench, prefect_api, MOST_RUNS + 1)
        await settle(bench)
        async with bench.ledger.begin() as session:
            states = {each.state for each in await additions_of(session, bench.id)}
        assert len(many) == MOST_RUNS + 1
        assert states == {ASKED}


async def all_asleep(bench: Bench, api: FakePrefect, count: int) -> Sequence[UUID]:
    """So many additions, each run asleep."""
    await bench.start()
    made = [uuid4() for _ in range(count)]
    async with bench.ledger.begin() as session:
        for i, run_id in enumerate(made):
            number = PhoneNumber(f"1202456{i:04}")
            await note_addition(session, str(run_id), bench.id, request(number), bench.now)
            await record_sleep(session, str(run_id), f"sleep {i}", bench.now + PATIENCE)
            api.runs[run_id] = Paused(pause_key=f"sleep {i}", name=AWAITING)
    return made


class TestEnd:
    """A run's last state says what came of it."""

    @pytest.mark.parametrize(
        ("end", "name", "completed"),
        [
            (SUBMITTED, "SenderSubmitted", True),
            (REFUSED, "SenderRefused", False),
            (TIMED_OUT, "OtpTimedOut", False),
            (CANCELLED, "SenderCancelled", False),
        ],
    )
    async def test_only_what_was_submitted_is_completed(
        self,
        bench: Bench,
        prefect_api: FakePrefect,
        end: AdditionState,
        name: str,
        completed: bool,
    ):
        state = end_of(await move(bench, await begun(bench), end))
        assert (state.name, state.message) == (name, "So.")
        assert (state.is_completed(), state.is_failed()) == (completed, not completed)
