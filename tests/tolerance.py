"""Holds readers to the rule that a member which is not needed may be anything.

A `Case` is a reader with a whole sample and the members that identify or decide. Each member of the
sample is blanked, nulled, dropped and retyped in turn (`every_mutation`), and several at a time
(`several_mutations`); `verify` says whether what the reader makes of it keeps the rule:

- one that is not required costs nothing: what decides is read as from the untouched sample;
- one that is required costs the item that it belongs to, alone, and the reason names it.

To hold another reader to it: add a `Case` to the table of a test module that calls `verify`.
"""

import copy
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]
DROPPED = object()


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


KINDS: dict[str, Any] = {
    "blank": "",
    "spaces": " \t",
    "null": None,
    "dropped": DROPPED,
    "number": 7,
    "huge": 10**400,
    "fraction": 1.5,
    "not a number": float("nan"),
    "text": "odd",
    "half a character": "\ud800",
    "true": True,
    "list": [],
    "list of null": [None],
    "object": {},
    "other object": {"odd": 1},
    "nested": _nested(100),
}
"""What a member is replaced with."""
DIGITS = frozenset({"number", "huge"})
"""What is as good as a text where ids may be written as numbers."""
WORDS = frozenset({"text", "half a character"})
"""What is a text."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader makes of a body: what decides, by the path of the item, and its complaints.

    The body itself has the path "". An item that it could not read is missing.
    """

    decided: Mapping[str, object]
    notes: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A reader, and what it may rely on. Paths have a `*` for each place in a list.

    `required` names what identifies or decides, each with the kinds that are as good as what it
    holds; of each group of `either`, one is required. `telling` names what is not required and
    still tells something else with these kinds. Where a body is `indivisible`, an item that cannot
    be read costs all of it. Without `shows_why` the reasons go to the log, and are not looked at.
    """

    name: str
    sample: Any
    read: Callable[[Any], Reading]
    required: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])
    either: Collection[tuple[str, ...]] = ()
    telling: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])
    indivisible: bool = False
    shows_why: bool = True

    def __str__(self) -> str:
        return self.name


Mutation = tuple[Path, str]


def members(value: Any, path: Path = ()) -> Iterator[Path]:
    """Give the path of each member and each item in a body, the outer ones first."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    for name, each in inner:
        yield (*path, name)
        yield from members(each, (*path, name))


def every_mutation(case: Case) -> Iterator[Mutation]:
    """Give each member with each kind of value."""
    for path in members(case.sample):
        for kind in KINDS:
            if kind != "dropped" or isinstance(path[-1], str):
                yield path, kind


def several_mutations(case: Case) -> st.SearchStrategy[list[Mutation]]:
    """Give some members with some kinds of values."""
    one = st.sampled_from(list(every_mutation(case)))
    return st.lists(one, min_size=2, max_size=5, unique_by=lambda mutation: mutation[0])


def mutated(case: Case, mutations: Collection[Mutation]) -> Any:
    """Give the sample with these members replaced, the inner ones first."""
    body = json.loads(json.dumps(case.sample))  # whose parts are not shared
    for path, kind in sorted(mutations, key=lambda mutation: -len(mutation[0])):
        _replace(body, path, KINDS[kind])
    return body


def _replace(body: Any, path: Path, value: object) -> None:
    for name in path[:-1]:
        body = body[name]
    if value is DROPPED:
        del body[path[-1]]
    else:
        body[path[-1]] = copy.deepcopy(value)


def verify(case: Case, mutations: Collection[Mutation]) -> None:
    """See that the reader keeps the rule with these members replaced."""
    untouched, read = case.read(copy.deepcopy(case.sample)), case.read(mutated(case, mutations))
    costs = {owner for owner in untouched.decided if _may_cost(case, owner, mutations)}
    for owner, decided in untouched.decided.items():
        assert owner in costs or read.decided.get(owner) == decided, (owner, mutations, read)
    if len(mutations) == 1 and costs and not _is_borne(case, *mutations[0]):
        ((path, kind),) = mutations
        assert not costs & set(read.decided), (path, kind, read)
        if case.shows_why and _is_named(case, path, kind):
            assert any(_names(note, path) for note in read.notes), (path, kind, read)


def _names(note: str, path: Path) -> bool:
    return _owner(path) in note and str(path[-1]) in note


def _is_named(case: Case, path: Path, kind: str) -> bool:
    """Whether the reason is to name a member: an item, a list, or what is required."""
    is_absent = kind in {"blank", "spaces", "null", "dropped", "list"}
    is_list = isinstance(_at(case.sample, path), list) and not is_absent
    return is_list or isinstance(path[-1], int) or _is_required(case, path)


def _is_borne(case: Case, path: Path, kind: str) -> bool:
    # Another text in place of a text makes another sample, and not an odd one.
    value, held = KINDS[kind], _at(case.sample, path)
    is_said = not isinstance(value, str) or bool(value.strip())
    is_alike = type(value) is type(held) and not isinstance(value, dict) and is_said
    kinds = (said.get(named, ()) for said in (case.required, case.telling) for named in _both(path))
    return is_alike or any(kind in each for each in kinds)


def _may_cost(case: Case, owner: str, mutations: Collection[Mutation]) -> bool:
    return any(_costs(case, owner, *each) for each in mutations) or any(
        all(any(_is_within(member, _text(path)) for path, _ in mutations) for member in group)
        for group in _groups(case, owner)
    )


def _costs(case: Case, owner: str, path: Path, kind: str) -> bool:
    """Whether a member holds the item, or what the item requires."""
    if owner and _is_within(owner, _text(path)):
        return True
    is_of_it = case.indivisible or not _owner(path) or _is_within(owner, _owner(path))
    tells = kind in case.telling.get(_pattern(path), ())
    return is_of_it and (tells or _is_required(case, path))


def _is_required(case: Case, path: Path) -> bool:
    return any(_holds(each, required) for each in _both(path) for required in case.required)


def _both(path: Path) -> tuple[str, str]:
    # Members are named for every place in a list, or for one.
    return _text(path), _pattern(path)


def _holds(outer: str, required: str) -> bool:
    # A list that holds items which require something is not required itself.
    return _is_within(required, outer) and "*" not in required[len(outer) :]


def _groups(case: Case, owner: str) -> Iterator[list[str]]:
    places = [each for each in owner.split(".") if each.isdigit()]
    for group in case.either:
        if all(each.count("*") == len(places) for each in group):
            yield [_placed(each, places) for each in group]


def _placed(pattern: str, places: list[str]) -> str:
    left = iter(places)
    return ".".join(next(left) if each == "*" else each for each in pattern.split("."))


def _is_within(inner: str, outer: str) -> bool:
    return inner == outer or inner.startswith(f"{outer}.")


def _at(value: Any, path: Path) -> Any:
    for name in path:
        value = value[name]
    return value


def _text(path: Path) -> str:
    return ".".join(map(str, path))


def _pattern(path: Path) -> str:
    return ".".join("*" if isinstance(each, int) else each for each in path)


def _owner(path: Path) -> str:
    """The item that a member belongs to: the innermost in a list, or else the body."""
    places = [place for place, each in enumerate(path) if isinstance(each, int)]
    return _text(path[: places[-1] + 1]) if places else ""
