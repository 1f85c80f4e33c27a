"""The position in Telegram's updates is written when they are handled, never before."""

import asyncio
import contextlib
import sqlite3

import pytest_asyncio
from pyrogram.storage import UpdateState

from userbot.telegram.position import Position


@pytest_asyncio.fixture
async def position(tmp_path):
    position = Position("bot", tmp_path)
    await position.open()
    yield position
    await position.close()


def kept(tmp_path) -> int | None:
    """The position that a bot which is started now would read from."""
    with contextlib.closing(sqlite3.connect(tmp_path / "bot.session")) as database:
        row = database.execute("SELECT pts FROM update_state WHERE id = 0").fetchone()
    return int(row[0]) if row else None


async def came(position, pts):
    """Telegram sent an update: Pyrogram notes its position, and queues it."""
    await position.set_update_state(UpdateState(0, pts, None, None, None))
    position.updates.put_nowait(pts)


class Worker:
    """One of Pyrogram's workers: takes updates, and is busy until it is let go."""

    def __init__(self, position, tasks):
        self.took, self.may_end = asyncio.Event(), asyncio.Event()
        self.task = tasks.create_task(self._run(position))

    async def _run(self, position):
        while await position.updates.get() is not None:
            self.took.set()
            await self.may_end.wait()


async def test_it_is_kept_when_the_last_update_is_handled(position, tmp_path):
    async with asyncio.TaskGroup() as tasks:
        await came(position, 7)
        assert kept(tmp_path) is None
        first, second = Worker(position, tasks), Worker(position, tasks)
        await came(position, 8)
        await first.took.wait()
        await second.took.wait()
        await position.save()
        assert kept(tmp_path) is None, "both are being handled"
        first.may_end.set()
        await asyncio.sleep(0)
        assert kept(tmp_path) is None, "one still is"
        second.may_end.set()
        await _until(lambda: kept(tmp_path) == 8)
        position.updates.put_nowait(None)
        position.updates.put_nowait(None)


async def test_what_is_on_its_way_into_the_queue_counts(position, tmp_path):
    async with position.updates.arriving():
        await position.set_update_state(UpdateState(0, 9, None, None, None))
        await position.save()
        assert kept(tmp_path) is None
    assert kept(tmp_path) == 9


async def test_a_worker_that_ends_keeps_what_it_handled_last(position, tmp_path):
    async with asyncio.TaskGroup() as tasks:
        worker = Worker(position, tasks)
        worker.may_end.set()
        await came(position, 5)
        position.updates.put_nowait(None)
    assert kept(tmp_path) == 5


async def _until(claim):
    async with asyncio.timeout(10):
        while not claim():
            await asyncio.sleep(0.01)
