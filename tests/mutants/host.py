"""Tests that are collected once, and run against one mutant after the other.

All modules are imported as they are. For each mutant the process is forked, and in the fork the one
function that is wrong gets its wrong code; then those tests are run that call it.
"""

import builtins
import gc
import os
import resource
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType
from typing import IO

import pytest

from tests.mutants.changes import changed, noting

MOST_SECONDS = 600
"""Of computing: then one that hangs ends, although whoever should end it is dead."""
SLACK = 30.0
"""Seconds that a mutant gets beside ten times what all tests take: then it hangs."""

Tell = Callable[[object], None]
Work = Callable[[IO[str]], bool]


@dataclass(frozen=True)
class Wrong:
    """A module with one thing wrong: in which function, if in one; its own tests come first."""

    path: Path
    source: str
    number: int
    function: str
    own: tuple[str, ...]

    @property
    def module(self) -> str:
        """The name by which it is imported."""
        return ".".join(self.path.with_suffix("").parts)

    def code(self) -> CodeType:
        """The code of the whole module."""
        return compile(changed(self.source, self.number), self.path, "exec", dont_inherit=True)


@dataclass
class Host:
    """A plugin that runs the tests itself: once to see which test calls what, then each mutant.

    `tell` hears of each whether it was killed, None where no test calls it; or that the tests fail
    with nothing wrong.
    """

    wrongs: Sequence[Wrong]
    tell: Tell
    _callers: dict[str, list[pytest.Item]] = field(default_factory=dict, init=False)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Do so, in the place of running the tests."""
        gc.unfreeze()  # what is frozen is not found
        began = time.monotonic()
        called = None if session.testsfailed else in_a_fork(lambda to: self._see(session, to), 3600)
        if called is None:
            self.tell("Tests fail although nothing is wrong.")
            return True
        for item, names in zip(session.items, called.splitlines(), strict=True):
            for name in names.split():
                self._callers.setdefault(name, []).append(item)
        limit = 10 * (time.monotonic() - began) + SLACK
        for wrong in self.wrongs:
            self.tell(self._is_killed(wrong, limit))
        return True

    def _see(self, session: pytest.Session, to: IO[str]) -> bool:
        """Run all tests in code that says which function is called: a line of names for each."""
        names: set[str] = set()
        for path, source in {(wrong.path, wrong.source) for wrong in self.wrongs}:
            listener = f"hear_of_{path.stem}_{abs(hash(path))}"
            setattr(builtins, listener, lambda name, of=path: names.add(f"{of}:{name}"))
            code = compile(noting(source, listener), path, "exec", dont_inherit=True)
            for each in _codes(code):
                _put_in_place(path, each)
        for passed in _run(session.items):
            to.write(" ".join(sorted(names)) + "\n")
            names.clear()
            if not passed:
                return False
        return True

    def _is_killed(self, wrong: Wrong, limit: float) -> bool | None:
        callers = self._callers.get(f"{wrong.path}:{wrong.function}")
        if not callers:
            return None
        own = [Path(each).resolve() for each in wrong.own]
        callers.sort(key=lambda item: item.path not in own)

        def survives(_to: IO[str]) -> bool:
            for each in _codes(wrong.code()):
                if each.co_qualname == wrong.function:
                    _put_in_place(wrong.path, each)
            return all(_run(callers))

        return in_a_fork(survives, limit) is None


def _codes(module: CodeType) -> Iterator[CodeType]:
    for each in module.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes(each)


def _put_in_place(path: Path, new: CodeType) -> None:
    """Give a function other code, however the function is wrapped."""
    this = (str(path.resolve()), new.co_qualname, new.co_firstlineno)
    for each in gc.get_objects():
        if isinstance(each, FunctionType):
            old = each.__code__
            if (old.co_filename, old.co_qualname, old.co_firstlineno) == this:
                each.__code__ = new.replace(co_filename=old.co_filename)


def _run(items: Sequence[pytest.Item]) -> Iterator[bool]:
    """Run tests until one fails: of each, whether it passed."""
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        passed = not item.session.testsfailed
        if not passed:
            item.session._setupstate.teardown_exact(None)
        yield passed


def in_a_fork(work: Work, limit: float) -> str | None:
    """Return what it writes; None if it fails, dies, or takes too long."""
    with tempfile.TemporaryFile("w+") as written:
        child = os.fork()
        if child == 0:
            _do(work, written)
        until = time.monotonic() + limit
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < until:
            time.sleep(0.02)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        if ended == (0, 0):
            os.waitpid(child, 0)
        written.seek(0)
        return written.read() if ended == (child, 0) else None


def _do(work: Work, written: IO[str]) -> None:
    """Work and exit: with 0 if all is well."""
    code = 1
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        code = 0 if work(written) else 1
        written.flush()
    finally:
        os._exit(code)
