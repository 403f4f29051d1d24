"""Stateful machines over a ledger: any history of calls, each answer foretold by a plain model.

`EXAMPLES` in the environment makes each play more histories than in CI.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.ledger.databases import Databases, SqliteDatabases

PATIENCE = 30.0
"""Seconds that a call may take."""
Act = tuple[str, dict[str, Any]]
"""The name of what happens, and how it does."""


class Machine(RuleBasedStateMachine):
    """A machine with a database and an event loop of its own.

    It is alone there: its model knows all that there is, several onboardings among them.
    """

    def __init__(self, databases: Databases) -> None:
        super().__init__()
        self.databases, self.url = databases, databases.create(alone=True)
        self.loop = asyncio.new_event_loop()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Wait for something, and not for ever."""
        return self.loop.run_until_complete(asyncio.wait_for(work, PATIENCE))

    def do(self, act: Act) -> None:
        """Let something happen."""
        name, given = act
        getattr(self, name)(**given)

    async def close(self) -> None:
        """Close what the history opened."""

    def teardown(self) -> None:
        self.run(self.close())
        self.loop.close()
        self.databases.drop(self.url)


def act(name: str, **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Act]:
    """Something that can happen.

    A machine whose rules need each other has one rule, which lets any of these happen: of rules,
    hypothesis leaves out half in each history.
    """
    return st.tuples(st.just(name), st.fixed_dictionaries(given))


def acts(
    times: int, name: str, **given: st.SearchStrategy[Any]
) -> Iterable[st.SearchStrategy[Act]]:
    """Let that happen so many times as often: each by itself, since `one_of` leaves out twins."""
    return [act(name, **given) for _ in range(times)]


def play(
    machine: Callable[[Databases], Machine], databases: Databases, examples: int, steps: int
) -> None:
    """Play that many histories, each of at most so many steps; on PostgreSQL a fifth of them.

    It writes each step to the disk, and what differs there are locks more than answers.
    """
    played = examples if isinstance(databases, SqliteDatabases) else max(examples // 5, 1)
    rules = settings(
        max_examples=int(os.environ.get("EXAMPLES", played)),
        stateful_step_count=steps,
        deadline=None,
        phases=[Phase.reuse, Phase.generate],  # to shrink a history takes longer than to read it
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lambda: machine(databases), settings=rules)
