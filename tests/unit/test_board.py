"""News of work, and how far it is, between processes."""

import asyncio

import pytest

from userbot.domain.jobs import Job, JobId, Progress, Request, Stage, Working
from userbot.memory.live import MemoryLive
from userbot.memory.wakeups import MemoryWakeups
from userbot.ports.volatile import LiveJob
from userbot.services.board import Board
from userbot.services.wakes import Waker

ANN = 2
JOB = Job(JobId("a"), Request(1, 1, ANN, False), "https://a.example/")


class Woken:
    def __init__(self):
        self.times = 0
        self.event = asyncio.Event()

    def wake(self):
        self.times += 1
        self.event.set()


async def test_a_link_in_one_process_wakes_the_queue_of_another():
    wakeups, ours, theirs = MemoryWakeups(), Woken(), Woken()
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        here, there = Waker(ours.wake, wakeups, tasks), Waker(theirs.wake, wakeups, tasks)
        listening = tasks.create_task(there.serve())
        await asyncio.sleep(0)
        here.wake()
        assert ours.times == 1, "at once"
        await theirs.event.wait()
        listening.cancel()


@pytest.fixture
def live():
    return MemoryLive(lambda: 0.0)


async def test_what_is_worked_on_is_there_for_others_until_it_is_not(live):
    views, rounds = [(JOB, Working("Boats", Progress(Stage.DOWNLOAD, 5, 10)))], []

    async def pause(_seconds):
        rounds.append(await live.get(JOB.id))
        if len(rounds) == 8:
            views.clear()
        if len(rounds) == 9:
            raise asyncio.CancelledError

    board = Board(live, lambda: views, pause)
    with pytest.raises(asyncio.CancelledError):
        await board.serve()
    expected = LiveJob(JOB.id, ANN, "Boats", Progress(Stage.DOWNLOAD, 5, 10))
    assert rounds == [expected] * 8 + [None]


async def test_what_another_process_works_on_is_found(live):
    board = Board(live, list)
    assert await board.find(JOB.id) is None
    await live.put(LiveJob(JOB.id, ANN, "Boats", Progress(Stage.UPLOAD)))
    assert await board.find(JOB.id) == Working("Boats", Progress(Stage.UPLOAD))
