"""What the mutation tests may change in a module, and that a changed module is what is tested."""

import ast
from pathlib import Path

import pytest

from tests.mutants.__main__ import mutants_of, outdated, row, sample
from tests.mutants.changes import changed, changes_of
from tests.mutants.host import Wrong
from tests.mutants.targets import TARGETS
from tests.mutants.trial import NothingToTell, killed, passes


def all_of(source: str) -> list[str]:
    """The code with each thing wrong, one after the other."""
    return [ast.unparse(changed(source, each.number)) for each in changes_of(source)]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("a < b", "a <= b"),
        ("a is None", "a is not None"),
        ("a and b", "a or b"),
        ("a and b", "a"),
        ("not a", "a"),
        ("a + b", "a - b"),
        ("limit = 7", "limit = 8"),
        ("asked = True", "asked = False"),
        ("min(a, b)", "max(a, b)"),
        ("select(a).where(b, c)", "select(a).where(c)"),
        ("select(a).where(b)", "select(a)"),
        ("replace(a, b=c)", "replace(a)"),
        ("{a, b}", "{b}"),
        ("a in (b, c)", "a in (c,)"),
        ("[a for a in b if c]", "[a for a in b]"),
        ("if a:\n    b()", "if not a:\n    b()"),
        ("if a:\n    b()", "if a:\n    pass"),
        ("await a()", "pass"),
        ("a.b = c", "pass"),
        ("raise A", "pass"),
        ("def a():\n    return b", "def a():\n    return None"),
        (
            "match a:\n    case 1:\n        b\n    case _:\n        c",
            "match a:\n    case _:\n        c",
        ),
    ],
)
def test_one_thing_is_wrong(right: str, wrong: str):
    assert wrong in all_of(right)


@pytest.mark.parametrize(
    "right",
    [
        '"""A docstring."""',
        "a = 'a text'",
        "a: int | None",
        "Name = One | Other",
        "logger.warning('%s', a)",
        "boundary('start:asked')",
        "def a(b: int | None = None) -> int | None:\n    return None",
    ],
)
def test_texts_annotations_and_logs_are_left_alone(right: str):
    assert all_of(right) == []


def test_a_change_is_named_by_where_it_is():
    change = changes_of("class A:\n    def b(self):\n        return self.c")[0]
    assert (change.line, change.within, change.function) == (3, "A.b", "A.b")
    assert change.what == "`return self.c` is `return None`"


def test_what_is_read_at_import_is_in_no_function():
    (limit, given) = changes_of("class A:\n    limit = 7\n    def b(self, given=8): ...")
    assert (limit.within, limit.function) == ("A.limit", "")
    assert (given.within, given.function) == ("A.b", "")


def test_the_same_seed_chooses_the_same_mutants():
    target = TARGETS[-1]
    assert sample(target, 5, seed=3) == sample(target, 5, seed=3) != sample(target, 5, seed=4)
    assert len(sample(target, 10_000, seed=3)) == len(mutants_of(target))


def test_each_module_has_tests():
    tests = {
        test
        for target in TARGETS
        for path in target.files()
        for test in (*target.tests_of(path), *target.others)
    }
    assert [test for test in tests if not Path(test).exists()] == []


def test_what_is_listed_as_equivalent_is_a_mutant():
    assert outdated() == []


def test_the_score_is_of_those_that_are_not_equivalent():
    fates = ["killed", "killed", "killed", "survived", "equivalent"]
    assert row("a", fates).split() == ["a", "5", "3", "1", "1", "75.0%"]


ADDING = """
MOST = 9

class Adding:
    def of(self, number):
        return more(number)

def more(number):
    if number < MOST:
        number = number + 1
    return number

def unused(number):
    return number - 1
"""
TEST = """
from adding import Adding

def test_one_more():
    assert Adding().of(1) == 2
"""


@pytest.fixture
def adding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of its own, with one test."""
    monkeypatch.chdir(tmp_path)
    Path("adding.py").write_text(ADDING)
    Path("test_adding.py").write_text(TEST)
    return Path("adding.py")


def wrong(path: Path, what: str) -> Wrong:
    change = next(each for each in changes_of(ADDING) if each.what == what)
    return Wrong(path, ADDING, change.number, change.function, ("test_adding.py",))


def test_a_mutant_is_killed_where_a_test_notices_and_its_file_stays_as_it_is(adding: Path):
    noticed = wrong(adding, "`number + 1` is `number - 1`")
    unnoticed = wrong(adding, "`number < MOST` is `number <= MOST`")
    uncalled = wrong(adding, "`number - 1` is `number + 1`")
    assert [*killed(["test_adding.py"], [noticed, unnoticed, uncalled])] == [True, False, None]
    assert adding.read_text() == ADDING


def test_what_is_read_once_is_wrong_from_the_beginning(adding: Path):
    assert passes(["test_adding.py"], wrong(adding, "`9` is `10`"), seconds=60)
    assert not passes(["test_adding.py"], wrong(adding, "`number + 1` is `number - 1`"), seconds=60)


def test_tests_that_fail_with_nothing_wrong_tell_nothing(adding: Path):
    Path("test_adding.py").write_text(TEST.replace("== 2", "== 3"))
    with pytest.raises(NothingToTell, match="although nothing is wrong"):
        [*killed(["test_adding.py"], [wrong(adding, "`9` is `10`")])]
