"""How many mutants the tests notice: `python -m tests.mutants events door --seed 7`."""

import argparse
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from tests.mutants.changes import Change, changes_of
from tests.mutants.equivalents import equivalents
from tests.mutants.host import Wrong
from tests.mutants.targets import TARGETS, Target, named
from tests.mutants.trial import NothingToTell, killed, load_libraries, passes

SECONDS = 150.0
"""How long tests may take in which a module is wrong from the beginning."""


@dataclass(frozen=True)
class Mutant:
    """A module with one thing wrong, and the tests that should notice."""

    target: Target
    path: Path
    change: Change

    def __str__(self) -> str:
        return f"{self.path}:{self.change.line} in {self.change.within}: {self.change.what}"

    @property
    def is_equivalent(self) -> bool:
        """Whether it is listed as one that no test can notice."""
        return any(each.is_this(str(self.path), self.change) for each in equivalents())

    @property
    def wrong(self) -> Wrong:
        """What the tests are run against."""
        own = tuple(self.target.tests_of(self.path))
        return Wrong(
            self.path, self.path.read_text(), self.change.number, self.change.function, own
        )


def fates_of(mutants: Sequence[Mutant]) -> list[tuple[Mutant, str]]:
    """Try mutants of one target. None has a fate if its tests fail with nothing wrong."""
    try:
        return _fates_of(mutants)
    except NothingToTell as error:
        print(f"NOT TRIED {mutants[0].target.path}: {error}", flush=True)
        return []


def _fates_of(mutants: Sequence[Mutant]) -> list[tuple[Mutant, str]]:
    found = {each: "equivalent" for each in mutants if each.is_equivalent}
    inside = [each for each in mutants if each not in found and each.change.function]
    tests = {test: None for each in mutants for test in (*each.wrong.own, *each.target.others)}
    told = killed(_without_parts(tests), [each.wrong for each in inside]) if inside else []
    for mutant, is_killed in zip(inside, told, strict=True):
        if is_killed is not None:
            found[mutant] = "killed" if is_killed else "survived"
            print(f"{found[mutant]:10} {mutant}", flush=True)
    for mutant in mutants:
        if mutant not in found:
            found[mutant] = fate_from_the_beginning(mutant)
            print(f"{found[mutant]:10} {mutant}", flush=True)
    return [(each, found[each]) for each in mutants]


def fate_from_the_beginning(mutant: Mutant) -> str:
    """Try a mutant in what is read when its module is imported, or in what no test calls."""
    wrong, others = mutant.wrong, mutant.target.others
    rounds = [tests for tests in (wrong.own, others) if tests]
    survives = all(passes(tests, wrong, SECONDS) for tests in rounds)
    return "survived" if survives else "killed"


def _without_parts(tests: Iterable[str]) -> list[str]:
    """Leave out files of a folder that is there as well."""
    listed = list(tests)
    return [each for each in listed if not set(map(str, Path(each).parents)) & set(listed)]


def mutants_of(target: Target) -> list[Mutant]:
    """All mutants of a target."""
    return [
        Mutant(target, path, change)
        for path in target.files()
        for change in changes_of(path.read_text())
    ]


def sample(target: Target, size: int, seed: int) -> list[Mutant]:
    """Choose some: the same ones for the same seed, as long as the code is the same."""
    everyone = mutants_of(target)
    chosen = random.Random(f"{seed} {target.path}")  # noqa: S311
    return chosen.sample(everyone, min(size * target.share, len(everyone)))


def table(fates: list[tuple[Mutant, str]], targets: list[Target]) -> str:
    """Show a line for each target, and one for all."""
    head = f"{'module':36} mutants killed survived equivalent  score"
    rows = [row(each.path, [f for m, f in fates if m.target is each]) for each in targets]
    return "\n".join([head, *rows, row("all", [f for _, f in fates])])


def row(name: str, fates: list[str]) -> str:
    """Show one line."""
    count = Counter(fates)
    counted = count["killed"] + count["survived"]
    score = f"{count['killed'] / counted:6.1%}" if counted else "     -"
    return (
        f"{name:36} {len(fates):7} {count['killed']:6} {count['survived']:8} "
        f"{count['equivalent']:10} {score}"
    )


def outdated() -> list[str]:
    """What is listed as equivalent and is no mutant any more."""
    everyone = {
        (str(mutant.path), mutant.change.within, mutant.change.what)
        for target in TARGETS
        for mutant in mutants_of(target)
    }
    return [
        f"{each.path} in {each.within}: {each.what}"
        for each in equivalents()
        if (each.path, each.within, each.what) not in everyone
    ]


def main() -> None:
    """Try a sample of mutants and print what became of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("names", nargs="*", help="modules, such as `events`; all, if none is named")
    parser.add_argument("--sample", type=int, default=12, help="mutants a module; domain: 12 times")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--own", action="store_true", help="a module's own tests alone: quick")
    given = parser.parse_args()
    load_libraries()
    targets = [replace(t, others=()) if given.own else t for t in named(given.names)]
    chosen = [sample(each, given.sample, given.seed) for each in targets]
    with ThreadPoolExecutor(given.jobs) as pool:
        fates = list(chain.from_iterable(pool.map(fates_of, chosen)))
    print(f"\nseed {given.seed}\n{table(fates, targets)}\n")
    print("\n".join(f"SURVIVED {mutant}" for mutant, fate in fates if fate == "survived"))
    print("\n".join(f"no mutant any more: {each}" for each in outdated()))


if __name__ == "__main__":
    main()
