"""Which mutants are killed by some tests, in processes of their own.

They are forked from one that holds the libraries already, which saves seconds each time.
"""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from tests.mutants.host import Host, Wrong, in_a_fork

LIBRARIES = [
    "asyncpg",
    "fastapi",
    "httpx",
    "hypothesis",
    "phonenumbers",
    "prefect",
    "pydantic_settings",
    "sqlalchemy.ext.asyncio",
    "tests.mutants.trial",
]

_forks = multiprocessing.get_context("forkserver")


class NothingToTell(Exception):
    """Tests that fail with nothing wrong tell nothing of mutants."""


def load_libraries() -> None:
    """Have them in the process that all others are forked from: worth it from the third on."""
    _forks.set_forkserver_preload(LIBRARIES)


def killed(tests: Sequence[str], wrongs: Sequence[Wrong]) -> Iterator[bool | None]:
    """Say of mutants in functions whether a test fails; None where none calls the function.

    Raises NothingToTell if one does with nothing wrong.
    """
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as home:
        ours, theirs = _forks.Pipe(duplex=False)
        process = _forks.Process(target=_host, args=(tests, wrongs, home, theirs))
        process.start()
        theirs.close()
        for _ in wrongs:
            found = _heard(ours)
            if isinstance(found, str):
                raise NothingToTell(f"{found}\n{_last_lines(Path(home, 'said'))}")
            yield found
        process.join()


def passes(tests: Sequence[str], wrong: Wrong, seconds: float) -> bool:
    """Whether all tests pass, in time, with a mutant in what is read when a module is imported."""
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as home:
        process = _forks.Process(target=_import, args=(tests, wrong, home, seconds))
        process.start()
        process.join()
        return process.exitcode == 0


def _heard(ours: Connection) -> bool | str | None:
    try:
        return ours.recv()
    except EOFError:
        return "The process of the tests died."


def _last_lines(said: Path) -> str:
    return "\n".join(said.read_text(errors="replace").splitlines()[-30:]) if said.exists() else ""


def _host(tests: Sequence[str], wrongs: Sequence[Wrong], home: str, to: Connection) -> None:
    _settle(home)
    pytest.main([*_options(home), *tests], plugins=[Host(wrongs, to.send)])


def _import(tests: Sequence[str], wrong: Wrong, home: str, seconds: float) -> None:
    _settle(home)
    sys.meta_path.insert(0, _Finder(wrong))
    all_pass = in_a_fork(lambda _: pytest.main([*_options(home), *tests]) == 0, seconds)
    sys.exit(all_pass is None)


def _settle(home: str) -> None:
    said = os.open(f"{home}/said", os.O_CREAT | os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(said, stream)
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = f"{home}/examples"


def _options(home: str) -> list[str]:
    """The same order and the same examples each time: a mutant dies or lives, but not by chance."""
    plugins = ["-p", "no:randomly", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    late = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
    return ["-x", "-q", "--tb=short", "-W", late, *plugins, f"--basetemp={home}/made"]


class _Loader(SourceFileLoader):
    def __init__(self, wrong: Wrong) -> None:
        super().__init__(wrong.module, str(wrong.path))
        self._wrong = wrong

    def get_code(self, fullname: str) -> CodeType:
        return self._wrong.code()


class _Finder(MetaPathFinder):
    def __init__(self, wrong: Wrong) -> None:
        self._wrong = wrong

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._wrong.module:
            return None
        return spec_from_file_location(fullname, self._wrong.path, loader=_Loader(self._wrong))
