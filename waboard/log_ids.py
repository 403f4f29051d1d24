"""What a log line is about: the ids of an onboarding and of its run."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

Ids = Mapping[str, object]
_ABOUT: ContextVar[Ids | None] = ContextVar("about", default=None)


@contextmanager
def about(onboarding: str, run: str | None = None) -> Generator[None]:
    """Let the lines that are logged meanwhile carry these ids."""
    token = _ABOUT.set({"run": run, "onboarding": onboarding})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def ids() -> Ids:
    """Return the ids of what is being done now, as far as somebody said."""
    return _ABOUT.get() or {}
