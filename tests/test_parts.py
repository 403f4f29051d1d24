"""Taking a list in parts, and several at a time."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from waboard.parts import parts, side_by_side


def test_parts_are_in_order_and_the_last_may_be_shorter():
    assert list(parts([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]
    assert list(parts([], 2)) == []


async def items(count: int) -> AsyncGenerator[int]:
    for item in range(count):
        yield item


class Work:
    """Notes what is under way at a time, and breaks off at one of the items."""

    def __init__(self, breaks_at: int | None = None) -> None:
        self.under_way, self.most = 0, 0
        self.done: list[int] = []
        self.breaks_at = breaks_at

    async def do(self, item: int) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0)
            if item == self.breaks_at:
                raise RuntimeError(item)
            await asyncio.sleep(0)
            self.done.append(item)
        finally:
            self.under_way -= 1


@pytest.mark.parametrize(("count", "most"), [(10, 3), (2, 2), (0, 0)])
async def test_so_many_are_under_way_and_all_are_done(count: int, most: int):
    work = Work()
    await side_by_side(items(count), work.do, abreast=3)
    assert (sorted(work.done), work.most) == (list(range(count)), most)


async def test_the_first_failure_ends_it_and_nothing_is_left_under_way():
    work = Work(breaks_at=1)
    with pytest.raises(RuntimeError):
        await side_by_side(items(100), work.do, abreast=3)
    assert work.under_way == 0
    assert len(work.done) < 100


async def test_the_next_are_read_while_one_is_under_way():
    read: list[int] = []

    async def noted() -> AsyncGenerator[int]:
        async for item in items(3):
            read.append(item)
            yield item

    when_done: list[list[int]] = []

    async def do(_: int) -> None:
        await asyncio.sleep(0)
        when_done.append([*read])

    await side_by_side(noted(), do, abreast=1)
    assert when_done == [[0, 1, 2]] * 3


async def test_what_broke_off_the_reading_is_raised():
    async def breaks() -> AsyncGenerator[int]:
        yield 1
        raise RuntimeError("the database is away")

    with pytest.raises(RuntimeError, match="away"):
        await side_by_side(breaks(), Work().do, abreast=3)
