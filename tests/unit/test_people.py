"""Who somebody is, while the store is slow or away; and news of work between processes."""

import asyncio
import logging

import pytest

from userbot.domain.jobs import Job, JobId, Progress, Request, Stage, Working
from userbot.domain.people import Role, User
from userbot.errors import StoreAwayError
from userbot.memory.live import MemoryLive
from userbot.memory.wakeups import MemoryWakeups
from userbot.ports.volatile import LiveJob
from userbot.services.access import Access
from userbot.services.board import Board
from userbot.services.people import REST_S, People
from userbot.services.wakes import Waker
from userbot.sqlite.users import SqliteUsers

ANN = 2
JOB = Job(JobId("a"), Request(1, 1, ANN, False), "https://a.example/")


class Clock:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


class SlowUsers(SqliteUsers):
    """A store that answers when a test lets it, and does not hear of a cancelled caller before."""

    def __init__(self):
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.is_away = False

    async def find(self, user_id):
        self.asked += 1
        if self.is_away:
            raise StoreAwayError
        await self.may_answer.wait()
        return User(user_id, role=Role.TRUSTED)


async def test_nobody_waits_for_a_slow_store_and_its_answer_counts_when_it_comes():
    users, clock = SlowUsers(), Clock()
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        people = People(Access([], [ANN], []), users, tasks, clock)
        assert await people.role_of(ANN) is Role.USER
        assert await people.role_of(ANN) is Role.USER
        assert users.asked == 1, "a store that did not answer is left alone"
        users.may_answer.set()
    assert await people.role_of(ANN) is Role.TRUSTED
    assert users.asked == 1


async def test_a_store_that_is_away_is_asked_again_after_a_while(caplog):
    users, clock = SlowUsers(), Clock()
    users.is_away = True
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        people = People(Access([], [ANN], []), users, tasks, clock)
        for _ in range(3):
            assert await people.role_of(ANN) is Role.USER
        assert users.asked == 1
        users.is_away = False
        users.may_answer.set()
        clock.now_s += REST_S
        assert await people.role_of(ANN) is Role.TRUSTED
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


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
    views, rounds, nexts = [(JOB, Working("Boats", Progress(Stage.DOWNLOAD, 5, 10)))], [], []

    async def pause(_seconds):
        rounds.append(await live.of_user(ANN))
        if len(rounds) == 8:
            views.clear()
        if len(rounds) == 9:
            nexts.append(await live.get(JOB.id))
            raise asyncio.CancelledError

    board = Board(live, lambda: views, pause)
    with pytest.raises(asyncio.CancelledError):
        await board.serve()
    expected = LiveJob(JOB.id, ANN, "Boats", Progress(Stage.DOWNLOAD, 5, 10))
    assert rounds == [[expected]] * 8 + [[]]
    assert nexts == [None]


async def test_what_another_process_works_on_is_found(live):
    board = Board(live, list)
    assert await board.find(JOB.id) is None
    await live.put(LiveJob(JOB.id, ANN, "Boats", Progress(Stage.UPLOAD)))
    assert await board.find(JOB.id) == Working("Boats", Progress(Stage.UPLOAD))
