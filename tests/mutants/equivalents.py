"""Mutants that no test can notice, each with the reason: they are not counted."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.changes import Change

LISTED = Path(__file__).with_name("equivalent.toml")


@dataclass(frozen=True)
class Equivalent:
    """A change that changes nothing: where in which module, and why."""

    path: str
    within: str
    what: str
    why: str

    def is_this(self, path: str, change: Change) -> bool:
        """Whether a change is this one."""
        return (self.path, self.within, self.what) == (path, change.within, change.what)


def equivalents() -> list[Equivalent]:
    """All that are listed."""
    return [Equivalent(**each) for each in tomllib.loads(LISTED.read_text()).get("equivalent", [])]
