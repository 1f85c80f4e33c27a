"""Errands: handlers never wait, a failure stays alone, nobody takes all the room."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from userbot.errors import DeliveryError
from userbot.telegram.handlers import errands as module
from userbot.telegram.handlers.errands import Errands


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Errands]:
    async with asyncio.TaskGroup() as tasks:
        errands = Errands(tasks)
        try:
            yield errands
        finally:
            errands.close()


class Slow:
    """An errand that takes until it is told to end."""

    def __init__(self):
        self.begun = 0
        self.end = asyncio.Event()
        self.ended = asyncio.Event()

    async def __call__(self):
        self.begun += 1
        await self.end.wait()
        self.ended.set()


async def test_an_errand_that_waits_keeps_nobody_waiting():
    async with running() as errands, asyncio.timeout(5):
        slow, quick = Slow(), Slow()
        quick.end.set()
        errands.run(1, slow)
        errands.run(2, quick)
        await quick.ended.wait()
        assert not slow.ended.is_set()


async def test_a_failure_ends_no_other_errand_and_is_logged(caplog):
    async def refused():
        raise DeliveryError("USER_IS_BLOCKED")

    async def wrong():
        raise RuntimeError("a bug")

    async with running() as errands, asyncio.timeout(5):
        last = Slow()
        last.end.set()
        for errand in (refused, wrong, last):
            errands.run(1, errand)
        await last.ended.wait()
    levels = [record.levelno for record in caplog.records]
    assert levels == [logging.WARNING, logging.ERROR]


async def test_one_person_cannot_take_the_room_of_others(caplog):
    async with running() as errands, asyncio.timeout(5):
        greedy, modest = Slow(), Slow()
        modest.end.set()
        for _ in range(module.MAX_EACH + 5):
            errands.run(1, greedy)
        errands.run(2, modest)
        await modest.ended.wait()
        assert greedy.begun == module.MAX_EACH
        assert len(caplog.records) == 5
        greedy.end.set()
        await greedy.ended.wait()
        greedy.ended.clear()
        while greedy.begun == module.MAX_EACH:  # room again once the others have ended
            await asyncio.sleep(0)
            errands.run(1, greedy)


async def test_who_has_enough_under_way_can_still_cancel_all_of_it():
    async with running() as errands, asyncio.timeout(5):
        greedy, cancel = Slow(), Slow()
        for _ in range(module.MAX_EACH):
            errands.run(1, greedy)
        for _ in range(100):
            assert errands.run(1, cancel, is_urgent=True)
        assert not errands.run(1, greedy)
        await asyncio.sleep(0)
        assert cancel.begun == 100
        while errands.run(1, cancel, is_urgent=True):
            pass


async def test_all_together_are_bounded():
    async with running() as errands, asyncio.timeout(5):
        slow = Slow()
        for person in range(module.MAX_ALL + 10):
            errands.run(person, slow)
        await asyncio.sleep(0)
        assert slow.begun == module.MAX_ALL


async def test_closing_ends_what_waits_and_begins_nothing_more():
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        errands, slow = Errands(tasks), Slow()
        errands.run(1, slow)
        await asyncio.sleep(0)
        errands.close()
        errands.run(2, slow)
    assert slow.begun == 1
    assert not slow.ended.is_set()
