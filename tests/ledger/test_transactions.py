"""Each transaction that writes is a function of its own, so that it can be done again as a whole.

A rule over the source: it holds for what nobody has thought of testing, too.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import pytest

from waboard.ledger import locks

ROOT = Path(__file__).parents[2]
ROOMS = ("waboard", "tasks", "flows")
NO_LEDGER = {"session", "engine"}
"""What else has a `begin`: a session's own transaction, and the engine's."""
LOCKING = {
    *(name for name in vars(locks) if name == "are_held" or name.startswith("hold")),
    *("hold_link", "hold_link_of", "hold_watched", "claim", "claim_due", "look", "learn"),
}
"""What takes a lock, which nobody can who only reads."""
OUTSIDE = {
    *("get_client", "boundary", "note", "show_seen", "show_decision", "show", "tell"),
    *("deliver_to_operator", "tell_operator", "start_run", "start_deployment", "sleep"),
}
"""What somebody else sees, and would see again if it was done again."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """A module, and what in it breaks the rule."""

    where: str
    tree: ast.Module

    def at(self, node: ast.stmt | ast.expr, what: str) -> str:
        return f"{self.where}:{node.lineno} {what}"

    @property
    def offenders(self) -> list[str]:
        marked = [each for each in ast.walk(self.tree) if _is_marked(each)]
        begun = _begun(self.tree)
        inside = {id(node) for each in marked for node in ast.walk(each)}
        return [
            *(self.at(each, "begins outside of any") for each in begun if id(each) not in inside),
            *(said for each in marked for said in self._within(each)),
            *(said for block in _blocks(self.tree, "read") for said in self._locked(block)),
        ]

    def _within(self, function: Function) -> Iterator[str]:
        blocks = list(_blocks(function, "begin"))
        if len(blocks) != 1 or len(list(_begun(function))) != 1:
            yield self.at(function, f"{function.name} is not one transaction")
        own = {id(node) for block in blocks for node in _below(block)}
        for node in ast.walk(function):
            if _waits(node) and node not in blocks and id(node) not in own:
                yield self.at(node, f"{function.name} awaits outside of its transaction")
            if isinstance(node, ast.Call) and _is_seen_outside(node):
                yield self.at(node, f"{function.name} calls {ast.unparse(node.func)}")

    def _locked(self, block: ast.AsyncWith) -> Iterator[str]:
        for node in ast.walk(block):
            if isinstance(node, ast.Call) and _name(node.func) in LOCKING:
                yield self.at(node, f"locks by {_name(node.func)}, and only reads")


def _is_marked(node: ast.AST) -> bool:
    if not isinstance(node, Function):
        return False
    return any(_name(each) == "one_transaction" for each in node.decorator_list)


def _begun(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if _opens(node, "begin"))


def _opens(node: ast.AST, how: str) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    named = {_name(each) for each in ast.walk(node.func.value)}
    return node.func.attr == how and NO_LEDGER.isdisjoint(named)


def _blocks(tree: ast.AST, how: str) -> Iterator[ast.AsyncWith]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncWith) and any(_opens(i.context_expr, how) for i in node.items):
            yield node


def _below(block: ast.AsyncWith) -> Iterator[ast.AST]:
    return (node for each in block.body for node in ast.walk(each))


def _waits(node: ast.AST) -> TypeGuard[ast.expr | ast.stmt]:
    loops = [each for each in getattr(node, "generators", []) if each.is_async]
    return bool(loops) or isinstance(node, ast.Await | ast.AsyncWith | ast.AsyncFor)


def _is_seen_outside(call: ast.Call) -> bool:
    function = call.func
    is_logged = isinstance(function, ast.Attribute) and _name(function.value) == "logger"
    return is_logged or _name(function) in OUTSIDE


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _sources() -> Iterator[Source]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            tree = ast.parse(path.read_text())
            yield Source(path.relative_to(ROOT).as_posix(), tree)


def test_each_that_writes_is_a_function_that_can_be_done_again_as_a_whole():
    offenders = [said for source in _sources() for said in source.offenders]
    assert not offenders, "\n".join(["These transactions cannot be done again:", *offenders])


def test_there_are_transactions_to_hold_to_it():
    """Else the rule would hold of nothing, were the ledger's words others one day."""
    trees = [source.tree for source in _sources()]
    for how in ("begin", "read"):
        assert sum(1 for tree in trees for _ in _blocks(tree, how)) > 50


def offenders(source: str) -> list[str]:
    return Source("it.py", ast.parse(source)).offenders


ONE = """
@one_transaction
async def _note_it(ledger):
    told = "so"
    async with ledger.begin() as session:
        await hold(session, told)
    return told
"""


def test_one_transaction_and_nothing_else_is_in_order():
    assert offenders(ONE) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (ONE.replace("@one_transaction", ""), "begins outside of any"),
        (ONE + "    await more()", "awaits outside"),
        (ONE.replace('"so"', "await more()"), "awaits outside"),
        (ONE.replace('"so"', "[x async for x in more()]"), "awaits outside"),
        (ONE + "    async with ledger.read() as session:\n        pass", "awaits outside"),
        (ONE + "    async with ledger.begin() as session:\n        pass", "is not one"),
        (ONE.replace("begin", "read"), "is not one"),
        (ONE.replace("await hold(session, told)", "logger.info(told)"), "calls logger.info"),
        (ONE.replace("hold(session, told)", "other.begin().more()"), "is not one"),
        (ONE.replace("hold(session, told)", "get_client()"), "calls get_client"),
        (ONE.replace("ledger.begin", "self._ledger.begin").replace("@one", "@no"), "begins"),
        ("async def f(a):\n async with a.read() as s:\n  await hold(s)", "locks by hold"),
    ],
)
def test_anything_else_is_named(source: str, said: str):
    assert said in "\n".join(offenders(source))
