"""The gateway as a whole."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from tests.gateway.desk import desk_settings
from waboard.gateway.app import create_app


def test_no_request_waits_for_a_thread():
    """FastAPI runs plain functions in threads: one of them took a quarter of a webhook's time."""
    app = create_app(desk_settings(Path("nobody-opens-it.db")))
    routes = [each.route for each in iter_route_contexts(app.routes)]
    asked = [call for route in routes if isinstance(route, APIRoute) for call in calls(route)]
    assert len(asked) > 40
    assert [call for call in asked if not inspect.iscoroutinefunction(call)] == []


def calls(route: APIRoute) -> Iterator[Callable[..., Any]]:
    """What a route runs: itself and all that it depends on."""

    def down(dependant: Dependant) -> Iterator[Callable[..., Any]]:
        if dependant.call is not None:
            yield dependant.call
        for each in dependant.dependencies:
            yield from down(each)

    return down(route.dependant)
