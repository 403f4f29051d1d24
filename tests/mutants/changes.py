"""The small things that may be wrong in a module: what each changes, and the code with it.

Texts and annotations are left as they are, and so is what only says where a process is.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
CLAUSES = {"where", "and_", "or_", "filter", "having"}
"""Of these, one condition after the other is left out."""
CHAINED = {"where", "order_by", "limit", "distinct", "with_for_update", "on_conflict_do_nothing"}
"""These are left out of a query altogether."""
FIELDS = {"values", "replace"}
"""Of these, one field after the other is left out."""
LEFT_ALONE = {"annotation", "returns", "decorator_list", "type_params", "bases"}
SAID = {"logger", "_logger", "log", "boundary"}
"""What only says where a process is: to the log, or to the chaos that kills it there."""

Found = Iterator[tuple[ast.AST, str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Change:
    """One thing that is wrong: on which line, in which function, class or constant, and what.

    `function` is the outermost function or method that it is in; empty for what is read once, when
    the module is imported.
    """

    number: int
    line: int
    within: str
    what: str
    function: str


@dataclass(frozen=True)
class _Site:
    parent: ast.AST
    field: str
    place: int | None
    line: int
    within: str
    what: str
    function: str
    changed: ast.AST

    def apply(self) -> None:
        if self.place is None:
            setattr(self.parent, self.field, self.changed)
        else:
            getattr(self.parent, self.field)[self.place] = self.changed


def changes_of(source: str) -> list[Change]:
    """All that may be wrong in a module, in the order of the code."""
    sites = _sites(ast.parse(source))
    return [
        Change(n, site.line, site.within, site.what, site.function) for n, site in enumerate(sites)
    ]


def changed(source: str, number: int) -> ast.Module:
    """The module with one thing wrong."""
    tree = ast.parse(source)
    list(_sites(tree))[number].apply()
    return ast.fix_missing_locations(tree)


def noting(source: str, listener: str) -> ast.Module:
    """The module whose outermost functions say at each call which they are."""
    tree = ast.parse(source)
    for function, node in _functions(tree):
        call = ast.Call(ast.Name(listener, ast.Load()), [ast.Constant(function)], [])
        node.body.insert(0, ast.copy_location(ast.Expr(call), node.body[0]))
    return ast.fix_missing_locations(tree)


def _functions(node: ast.AST, within: tuple[str, ...] = ()) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield ".".join((*within, child.name)), child
        else:
            named = isinstance(child, ast.ClassDef)
            yield from _functions(child, (*within, child.name) if named else within)


def _sites(
    node: ast.AST, within: tuple[str, ...] = (), function: str = "", line: int = 0
) -> Iterator[_Site]:
    for field, place, child in _children(node):
        at = getattr(child, "lineno", line)
        inside = function
        if isinstance(node, Function) and field == "body":
            inside = function or ".".join(within)
        for new, what in _changes(node, field, child, outside=not inside):
            yield _Site(node, field, place, at, ".".join(within), what, inside, new)
        name = _name_of(child) if not inside or isinstance(child, Function) else None
        yield from _sites(child, (*within, name) if name else within, inside, at)


def _name_of(node: ast.AST) -> str | None:
    """What holds what is in it: a function, a class, or a constant."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return node.name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case _:
            return None


def _children(node: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    for field, value in ast.iter_fields(node):
        if field in LEFT_ALONE:
            continue
        for place, each in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(each, ast.AST) and not _is_left_alone(each):
                yield field, place, each


def _is_left_alone(node: ast.AST) -> bool:
    if not isinstance(node, ast.Expr):
        return False
    if isinstance(node.value, ast.Constant):
        return True
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    attributes = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    return bool(SAID & (names | attributes))


def _changes(parent: ast.AST, field: str, node: ast.AST, *, outside: bool) -> Found:
    if field == "test" or (isinstance(parent, ast.match_case) and field == "guard"):
        yield from _negated(node)
    match node:
        case ast.Compare():
            yield from _compared(node)
        case ast.BoolOp():
            yield from _joined(node)
        case ast.UnaryOp(op=ast.Not() | ast.Invert()):
            yield _in_place_of(node, node.operand)
        case ast.BinOp() if type(node.op) in SWAPS and not _is_type(node, outside=outside):
            yield _in_place_of(node, _with(node, op=SWAPS[type(node.op)]()))
        case ast.Constant():
            yield from _other_constant(node)
        case ast.Call():
            yield from _called(node)
        case ast.comprehension() | ast.Set() | ast.Match():
            field = {ast.comprehension: "ifs", ast.Set: "elts", ast.Match: "cases"}[type(node)]
            yield from _one_left_out(node, field, at_least=field != "ifs")
        case ast.stmt():
            yield from _undone(node)
        case _:
            pass


def _is_type(node: ast.BinOp, *, outside: bool) -> bool:
    return outside and isinstance(node.op, ast.BitOr)


def _negated(test: ast.AST) -> Found:
    orders = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
    simple = isinstance(test, ast.Name | ast.Attribute | ast.Call | ast.Await | ast.NamedExpr)
    if simple or (isinstance(test, ast.Compare) and isinstance(test.ops[0], orders)):
        yield _in_place_of(test, ast.UnaryOp(ast.Not(), test))


def _compared(node: ast.Compare) -> Found:
    for place, op in enumerate(node.ops):
        if type(op) in SWAPS:
            ops = [*node.ops[:place], SWAPS[type(op)](), *node.ops[place + 1 :]]
            yield _in_place_of(node, _with(node, ops=ops))
        listed = node.comparators[place]
        if isinstance(op, ast.In | ast.NotIn) and isinstance(listed, ast.Tuple):
            for fewer, what in _one_left_out(listed, "elts", at_least=True):
                comparators = [*node.comparators]
                comparators[place] = fewer
                yield _with(node, comparators=comparators), what


def _joined(node: ast.BoolOp) -> Found:
    yield _in_place_of(node, _with(node, op=SWAPS[type(node.op)]()))
    for place, value in enumerate(node.values):
        rest = [*node.values[:place], *node.values[place + 1 :]]
        fewer = rest[0] if len(rest) == 1 else _with(node, values=rest)
        yield fewer, f"without `{ast.unparse(value)}` in `{ast.unparse(node)}`"


def _other_constant(node: ast.Constant) -> Found:
    if isinstance(node.value, bool):
        yield _in_place_of(node, ast.Constant(not node.value))
    elif isinstance(node.value, int | float):
        yield _in_place_of(node, ast.Constant(node.value + 1))


def _called(node: ast.Call) -> Found:
    name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
    if isinstance(node.func, ast.Name) and name in CALLS:
        yield _in_place_of(node, _with(node, func=ast.Name(CALLS[name], ast.Load())))
    if isinstance(node.func, ast.Attribute) and name in CHAINED:
        said = ast.unparse(_with(node, func=ast.Name(name, ast.Load())))
        yield node.func.value, f"without `.{said}`"
    if name in CLAUSES and len(node.args) > 1:
        yield from _one_left_out(node, "args", at_least=True)
    if name in FIELDS:
        yield from _one_left_out(node, "keywords", at_least=name == "values")


def _one_left_out(node: ast.AST, field: str, *, at_least: bool) -> Found:
    """Leave out one after the other, but not the only one if there must be one at least."""
    listed = getattr(node, field)
    for place, each in enumerate(listed):
        if len(listed) > 1 or not at_least:
            rest = [*listed[:place], *listed[place + 1 :]]
            yield _with(node, **{field: rest}), f"without `{_said(each)}`"


def _said(node: ast.AST) -> str:
    if isinstance(node, ast.match_case):
        return f"case {ast.unparse(node.pattern)}"
    return ast.unparse(node)


def _undone(node: ast.stmt) -> Found:
    match node:
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.AugAssign() | ast.Delete():
            yield _left_out(node)
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
            yield _left_out(node)
        case ast.Raise() | ast.Continue() | ast.Break():
            yield _left_out(node)
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield _in_place_of(node, ast.Return(ast.Constant(None)))
        case _:
            pass


def _left_out(node: ast.stmt) -> tuple[ast.AST, str]:
    return ast.Pass(), f"without `{ast.unparse(node)}`"


def _in_place_of(node: ast.AST, new: ast.AST) -> tuple[ast.AST, str]:
    return new, f"`{ast.unparse(node)}` is `{ast.unparse(ast.fix_missing_locations(new))}`"


def _with(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new
