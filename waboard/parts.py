"""Taking a list in parts, for whoever takes only so many at a time."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def parts(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """Return the items in order, at most so many in each part."""
    return (items[at : at + most] for at in range(0, len(items), most))
