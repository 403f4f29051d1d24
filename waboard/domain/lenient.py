"""Types for what upstreams send: a member that we do not need may be anything, or be missing.

Null, blank (`""`, `"  "`) and of another type all count as absent, and one bad item in a list costs
that item alone. What identifies or decides stays a plain type, or one of the `Required` ones here.

    class Sender(BaseModel):
        status: RequiredText                  # invalid without it
        type: LenientText = ""                # "" unless it is a text
        phone_number_id: Lenient[PhoneNumberIdField] = None
        health: Annotated[Health, unreadable_as(Health())] = Health()

    class Event(BaseModel):
        senders: LenientItems[Sender] = ()

    left_out(event)  # ["1 of 2 senders could not be read: senders.1.status: Field required"]

No value makes a reader of these types raise anything but pydantic's ValidationError.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Annotated, Any, Generic, TypeVar, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

_T = TypeVar("_T")
_NOT_READABLE = (ValueError, ArithmeticError, RecursionError)  # the first holds pydantic's own
MAX_NAMED = 5
"""Items of one list whose problems are named."""


def is_blank(value: object) -> bool:
    """Whether a member is as good as absent: null, or a text of nothing but white space."""
    return value is None or (isinstance(value, str) and not value.strip())


def unreadable_as(fallback: object) -> WrapValidator:
    """Read a member as `fallback`, which is never changed, where it is blank or of another type."""

    def read(value: object, handler: ValidatorFunctionWrapHandler) -> object:
        held = _storable(value)
        if is_blank(held):
            return fallback
        try:
            return handler(held)
        except _NOT_READABLE:
            return fallback

    return WrapValidator(read)


def _storable(value: object) -> object:
    # JSON can write half a character and NUL, which no encoding or PostgreSQL can hold.
    if not isinstance(value, str):
        return value
    return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _digits_of(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _storable(value)


def _not_blank(value: object) -> object:
    held = _storable(value)
    if held is not None and is_blank(held):
        raise PydanticCustomError("blank", "Field is blank")
    return held


def _no_truth(value: object) -> object:
    # Pydantic takes true for 1, which is the id of a status.
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    return value


Lenient = Annotated[_T | None, unreadable_as(None)]
"""A member that we do not need: None where it cannot be read. Give it the default None."""
LenientText = Annotated[str, unreadable_as("")]
"""A text that we do not need: `""` where it cannot be read. Give it the default `""`."""
LenientTextOrDigits = Annotated[str, BeforeValidator(_digits_of), unreadable_as("")]
"""The same, of which a number may be written as one: an id, a code."""
WholeNumber = Annotated[int, BeforeValidator(_no_truth)]
"""A whole number, also as a text of digits. true is none."""
RequiredText = Annotated[str, BeforeValidator(_not_blank)]
"""A text that identifies or decides: blank is as good as missing."""
RequiredTextOrDigits = Annotated[RequiredText, BeforeValidator(_digits_of)]
"""The same, of which a number may be written as one."""


class _Items(tuple[_T, ...], Generic[_T]):
    """The items of a list that could be read; `places` says where each stood."""

    places: tuple[int, ...]
    given: int
    problems: tuple[str, ...]


def _item_by_item(value: object, handler: Callable[[Any], Any]) -> _Items[Any]:
    if not isinstance(value, list | tuple):
        return _items([], 0, () if is_blank(value) else ("Input should be a list",))
    items = cast("list[object] | tuple[object, ...]", value)
    read: list[tuple[int, Any]] = []
    problems: list[str] = []
    for place, item in enumerate(items):
        try:
            read.append((place, handler([item])[0]))
        except ValidationError as error:
            problems.extend(_problems_of(place, error))
        except _NOT_READABLE:
            problems.append(f"{place}: Input cannot be read")
    return _items(read, len(items), tuple(problems))


def _problems_of(place: int, error: ValidationError) -> Iterator[str]:
    for part in _parts(error):
        yield _problem((place, *part["loc"][1:]), part)


def _items(read: list[tuple[int, Any]], given: int, problems: tuple[str, ...]) -> _Items[Any]:
    items = _Items[Any](item for _, item in read)
    items.places = tuple(place for place, _ in read)
    items.given = given
    items.problems = problems
    return items


LenientItems = Annotated[tuple[_T, ...], WrapValidator(_item_by_item)]
"""A list whose items are read each by itself: see `left_out`. Anything else is an empty one."""


_Model = TypeVar("_Model", bound=BaseModel)


def read_items(model: type[_Model], rows: list[Any], name: str) -> tuple[list[_Model], str]:
    """Read each row by itself. Also say which of the list `name` could not be, and why, or ""."""
    items = _item_by_item(rows, _adapter(model).validate_python)
    return list(items), _note(items, name) if items.problems else ""


@cache
def _adapter(model: type[BaseModel]) -> TypeAdapter[Any]:
    return TypeAdapter(cast("Any", tuple)[model, ...])


def problems_in(error: ValidationError) -> str:
    """Say what is wrong with which members, without their values: those may be personal."""
    return "; ".join(_problem(part["loc"], part) for part in _parts(error))


def _parts(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_input=False, include_url=False, include_context=False)


def _problem(place: Iterable[int | str], part: ErrorDetails) -> str:
    return f"{'.'.join(map(str, place)) or 'body'}: {part['msg']}"


def left_out(model: BaseModel) -> list[str]:
    """Say of each list in a model how many of its items could not be read, which and why."""
    return list(_left_out(model, ""))


def _left_out(model: BaseModel, prefix: str) -> Iterator[str]:
    for name, field in type(model).model_fields.items():
        value: object = getattr(model, name)
        path = f"{prefix}{_wire_name(name, field)}"
        if isinstance(value, BaseModel):
            yield from _left_out(value, f"{path}.")
        elif isinstance(value, _Items):
            yield from _left_out_of_list(cast("_Items[object]", value), path)


def _left_out_of_list(items: _Items[object], path: str) -> Iterator[str]:
    if items.problems:
        yield _note(items, path)
    for place, item in zip(items.places, items, strict=True):
        if isinstance(item, BaseModel):
            yield from _left_out(item, f"{path}.{place}.")


def _note(items: _Items[object], path: str) -> str:
    if not items.given:
        return f"{path} could not be read: {items.problems[0]}"
    named = "; ".join(f"{path}.{problem}" for problem in items.problems[:MAX_NAMED])
    more = "; …" if len(items.problems) > MAX_NAMED else ""
    missing = items.given - len(items)
    return f"{missing} of {items.given} {path} could not be read: {named}{more}"


def _wire_name(name: str, field: FieldInfo) -> str:
    return field.validation_alias if isinstance(field.validation_alias, str) else name
