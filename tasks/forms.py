"""Forms with which a run asks people, in the Prefect UI: it sleeps until somebody fills one in."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from httpx import HTTPStatusError
from prefect.client.schemas.objects import State
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import ObjectNotFound
from prefect.input.run_input import RunInput, keyset_from_paused_state
from prefect.states import Paused
from pydantic import ValidationError

from tasks.runs import suspend
from waboard.domain.errors import FactsDiffer, NotFound
from waboard.prefect_client import get_client

F = TypeVar("F", bound=RunInput)


@dataclass(frozen=True, slots=True)
class Question:
    """What a run asks: in which sleep, named how, and what people read above the form."""

    run_id: str
    state_name: str
    pause_key: str
    message: str

    @property
    def asleep(self) -> State[Any]:
        """The state in which the run waits for the answer."""
        return Paused(
            reschedule=True,
            pause_key=self.pause_key,
            name=self.state_name,
            message=self.message,
        )


async def ask(question: Question, form: type[RunInput]) -> None:
    """Put the form where the Prefect UI finds it: before the run sleeps.

    So nobody can answer a question that is not there yet.
    """
    described = form.with_initial_data(description=question.message)
    await described.asave(keyset_from_paused_state(question.asleep), UUID(question.run_id))


async def fall_asleep(question: Question, kind: str) -> NoReturn:
    """Leave the run asleep until the form is filled in."""
    asleep = question.asleep
    asleep.state_details.run_input_keyset = {**keyset_from_paused_state(asleep)}
    return await suspend(question.run_id, asleep, kind)


async def answer_to(question: Question, form: type[F]) -> F | None:
    """Return what a person filled in, or None. It can be read again until it is forgotten."""
    keys = keyset_from_paused_state(question.asleep)
    async with get_client() as client:
        with _none_is_fine():
            given = await client.read_flow_run_input(UUID(question.run_id), keys["response"])
            try:
                return form.model_validate_json(given)
            except ValidationError:  # whoever edited it by hand is asked again
                return None
    return None


async def forget_answer(question: Question) -> None:
    """Delete what was filled in: it has been used."""
    keys = keyset_from_paused_state(question.asleep)
    async with get_client() as client:
        with _none_is_fine():
            await client.delete_flow_run_input(UUID(question.run_id), keys["response"])


@contextmanager
def _none_is_fine() -> Generator[None]:
    # Of an input that there is not, Prefect's client (3.8.8) says so as of any HTTP error.
    try:
        yield
    except ObjectNotFound:
        return
    except HTTPStatusError as error:
        if error.response.status_code != HTTPStatus.NOT_FOUND:
            raise


async def give_answer(
    run_id: str, pause_key: str | None, given: RunInput, gone: NotFound, not_now: FactsDiffer
) -> None:
    """Wake the run that asks with what a person has filled in elsewhere than in the UI.

    Raises `gone` when Prefect knows the run no more, `not_now` when it does not ask just that.
    """
    async with get_client() as client:
        try:
            run = await client.read_flow_run(UUID(run_id))
        except ObjectNotFound:
            raise gone from None
        # Only in the sleep that we know of: an answer is for no other.
        asks = run.state is not None and run.state.is_paused()
        if not asks or str(run.state.state_details.pause_key) != pause_key:  # pyright: ignore[reportOptionalMemberAccess]
            raise not_now
        answer = given.model_dump(mode="json")
        result = await client.resume_flow_run(UUID(run_id), run_input=answer)
        if result.status != SetStateStatus.ACCEPT:
            raise not_now
