"""Apps that are used by one test after another.

FastAPI works out what a route takes when it is first asked, which for a whole app takes longer
than most tests. What makes an app another one is its state alone, and that is new for each test.
"""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import State


class Apps:
    """Builds an app when all that there are are in use."""

    def __init__(self, build: Callable[[], FastAPI]) -> None:
        self._build = build
        self._idle: list[FastAPI] = []

    def take(self, **state: Any) -> FastAPI:
        """Get an app that nobody else uses, in this state."""
        app = self._idle.pop() if self._idle else self._build()
        _set(app.state, state)
        return app

    def give_back(self, app: FastAPI) -> None:
        """Let the next test have it."""
        _set(app.state, {})
        self._idle.append(app)


def _set(state: State, values: dict[str, Any]) -> None:
    for name in list(state._state):
        del state._state[name]
    for name, value in values.items():
        setattr(state, name, value)
