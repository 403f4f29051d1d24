"""How the worker watches itself."""

import asyncio

from waboard.worker.service import Stop, memory_used, watch_memory


async def test_one_that_has_outgrown_its_memory_is_told_to_end():
    stop = Stop()
    await asyncio.wait_for(watch_memory(memory_used() - 1, stop), 10)
    assert stop.is_told
    assert stop.outgrown


async def test_one_that_has_not_goes_on():
    stop = Stop()
    watching = asyncio.create_task(watch_memory(memory_used() + 10_000, stop))
    await asyncio.sleep(0)
    assert not watching.done()
    assert not stop.is_told
    watching.cancel()
