"""Prefect's API, as far as flows and the waker use it: it remembers runs, forms and artifacts."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
from prefect.client.schemas.objects import Artifact, State
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus, StateAcceptDetails
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Scheduled

from tests.deployed import assert_takes


@dataclass
class Run:
    """A flow run: of which deployment, what it was given, and all that it has been."""

    deployment: str
    parameters: dict[str, Any]
    name: str
    tags: list[str]
    states: list[State[Any]]
    id: UUID = field(default_factory=uuid4)
    labels: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def state(self) -> State[Any]:
        """What it is now."""
        return self.states[-1]

    @property
    def flow_name(self) -> str:
        """The flow that it is a run of: a deployment is named `flow/deployment`."""
        return self.deployment.partition("/")[0]

    @property
    def story(self) -> list[str | None]:
        """What it has been, by name."""
        return [state.name for state in self.states]


class PrefectApi:
    """What a client of Prefect's would be told by its server. Its states have the bench's times."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.runs: dict[UUID, Run] = {}
        self.artifacts: list[Artifact] = []
        self._inputs: dict[tuple[UUID, str], str] = {}
        self._keys: dict[str, UUID] = {}

    async def __aenter__(self) -> "PrefectApi":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """Prefect gives a client only to those who are in its event loop."""
        return asyncio.get_running_loop()

    def set(self, run: Run, state: State[Any]) -> None:
        """Let a run be something else, as of now."""
        run.states.append(state.model_copy(update={"timestamp": self._clock()}))

    def of(self, flow_name: str) -> list[Run]:
        """The runs of a flow, in the order in which they were made."""
        return [run for run in self.runs.values() if run.flow_name == flow_name]

    def shown(self, key: str) -> list[Artifact]:
        """The artifacts under a key, the newest last."""
        return [each for each in self.artifacts if each.key == key]

    def answers(self) -> list[str]:
        """What people have filled in, and nobody has used yet."""
        return [value for (_, key), value in self._inputs.items() if key.endswith("response")]

    def create(self, deployment: str, parameters: dict[str, Any], name: str = "") -> Run:
        """Make a run of a deployment, which is refused where Prefect would refuse it."""
        assert_takes(deployment, parameters)
        run = Run(deployment, parameters, name, [], [])
        self.set(run, Scheduled())
        self.runs[run.id] = run
        return run

    async def read_deployment_by_name(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(id=name)

    async def create_flow_run_from_deployment(
        self,
        deployment: str,
        *,
        parameters: dict[str, Any],
        name: str | None,
        tags: Iterable[str],
        idempotency_key: str,
    ) -> Run:
        if idempotency_key not in self._keys:
            run = self.create(deployment, parameters, name or "")
            run.tags = list(tags)
            self._keys[idempotency_key] = run.id
        return self.runs[self._keys[idempotency_key]]

    async def read_flow_run(self, run_id: UUID) -> Run:
        if run_id not in self.runs:
            raise ObjectNotFound(ValueError(str(run_id)))
        return self.runs[run_id]

    async def read_flow_run_states(self, run_id: UUID) -> list[State[Any]]:
        return list((await self.read_flow_run(run_id)).states)

    async def read_flow_runs(
        self, *, flow_run_filter: Any, flow_filter: Any = None, limit: int | None = None
    ) -> list[Run]:
        named = flow_filter.name.any_ if flow_filter else None
        runs = [run for run in self.runs.values() if _passes(run, flow_run_filter)]
        return [run for run in runs if named is None or run.flow_name in named][:limit]

    async def read_workers_for_work_pool(self, _: str) -> list[Any]:
        return []

    async def update_flow_run(self, run_id: UUID, *, tags: list[str]) -> None:
        (await self.read_flow_run(run_id)).tags = tags

    async def set_flow_run_state(
        self, run_id: UUID, state: State[Any], *, force: bool = False
    ) -> Any:
        run = await self.read_flow_run(run_id)
        if run.state.is_final() and not force:
            return _judged(None, SetStateStatus.ABORT)
        self.set(run, state)
        return _judged(run.state, SetStateStatus.ACCEPT)

    async def resume_flow_run(self, run_id: UUID, run_input: dict[str, Any] | None = None) -> Any:
        run = await self.read_flow_run(run_id)
        if not run.state.is_paused():
            return _judged(None, SetStateStatus.REJECT)
        if run_input:
            keys = run.state.state_details.run_input_keyset or {}
            self._inputs[run_id, keys["response"]] = orjson.dumps(run_input).decode()
        self.set(run, Scheduled(name="Resuming"))
        return _judged(run.state, SetStateStatus.ACCEPT)

    async def create_flow_run_input(
        self, *, flow_run_id: UUID, key: str, sender: str | None, value: str
    ) -> None:
        self._inputs[flow_run_id, key] = value

    async def read_flow_run_input(self, run_id: UUID, key: str) -> str:
        if (run_id, key) not in self._inputs:
            raise _not_found()
        return self._inputs[run_id, key]

    async def delete_flow_run_input(self, run_id: UUID, key: str) -> None:
        if self._inputs.pop((run_id, key), None) is None:
            raise _not_found()

    async def create_artifact(self, artifact: Any) -> Artifact:
        made = Artifact.model_validate({"id": uuid4(), **artifact.model_dump(exclude_unset=True)})
        self.artifacts.append(made)
        return made

    async def update_artifact(self, artifact_id: UUID, artifact: Any) -> None:
        (known,) = [each for each in self.artifacts if each.id == artifact_id]
        known.data = artifact.data

    async def read_artifacts(self, *, artifact_filter: Any, **_: Any) -> list[Artifact]:
        return [each for each in self.artifacts if each.key in artifact_filter.key.any_][::-1]

    async def read_block_document_by_name(self, name: str, block_type_slug: str, **_: Any) -> Any:
        raise ObjectNotFound(ValueError(f"{block_type_slug}/{name}"))


def _passes(run: Run, which: Any) -> bool:
    if which.id is not None:
        return run.id in which.id.any_
    state = which.state
    if state.name is not None:
        return run.state.name in state.name.any_
    return run.state.type in state.type.any_


def _judged(state: State[Any] | None, status: SetStateStatus) -> Any:
    return OrchestrationResult(state=state, status=status, details=StateAcceptDetails())


def _not_found() -> PrefectHTTPStatusError:
    request = httpx.Request("GET", "http://prefect.test/api")
    response = httpx.Response(404, request=request)
    return PrefectHTTPStatusError("404", request=request, response=response)
