"""Who hears of their place in line, and when, on a real queue."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from tests.contract.stores import CHOICE, extraction, job
from tests.unit.backstage import until
from userbot.domain.jobs import Looking, Waiting
from userbot.domain.records import FairLimits, JobState, Lane
from userbot.services import line as line_module
from userbot.services.held import Held
from userbot.services.line import MOMENT, TOLD, TOLD_EACH, Line
from userbot.services.shared import Shared
from userbot.sqlite.stores import open_stores

NOW = datetime(2030, 1, 1, tzinfo=UTC)
PAUSE = timedelta(seconds=30)
OPEN = FairLimits(1000, 1000)
ANN, BOB = 1, 2
PASSER_BY = job(0)


def clock():
    return datetime.now(UTC)


class Shown:
    """Where views would be shown: remembers the last one of each job."""

    def __init__(self):
        self.last = {}

    def show(self, job, view):
        self.last[job.id] = view


class Standing:
    """People in line, the time, and what they see."""

    def __init__(self, store):
        self.store = store
        self.now = NOW
        self.shown = Shown()
        self.shared = Shared(store, cast(Any, self.shown), lambda: self.now)
        self.line = Line(store, self.shared.show, lambda: self.now, dict.fromkeys(Lane, 2))

    async def claimed(self, lane=Lane.INSPECT):
        claim = await self.store.claim(lane, self.now, self.now + PAUSE, OPEN)
        return Held(self.store, claim, lambda: self.now)

    async def links(self, user, count, first=1):
        """Let somebody send links that stand in line."""
        jobs = [job(number, user) for number in range(first, first + count)]
        for item in jobs:
            await self.store.add(item, self.now)
            self.line.joined(item)
        return jobs

    async def tried_in_vain(self, item, **changes):
        """Have a job claimed, and given back until after a pause."""
        held = await self.claimed()
        assert held.record.job == item
        self.line.left(item.id)
        await held.release(not_before=self.now + PAUSE, **changes)
        title = held.record.extraction.title if held.record.extraction else ""
        self.line.joined(item, title, since=self.now + PAUSE, says_other=True)

    def place_of(self, item):
        view = self.shown.last.get(item.id)
        return view.position if isinstance(view, Waiting) else None

    def passes(self, time):
        """Let time pass, and have the line look."""
        self.now += time
        self.line.joined(PASSER_BY)
        self.line.left(PASSER_BY.id)


@pytest.fixture
async def standing(tmp_path, monkeypatch):
    monkeypatch.setattr(line_module, "SETTLE_S", 0.01)
    async with open_stores(tmp_path / "userbot.db") as stores:
        yield Standing(stores.jobs)


@asynccontextmanager
async def serving(standing):
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(standing.line.serve())
        yield
        task.cancel()


async def test_who_is_tried_again_hears_of_the_place_once_the_pause_is_over(standing):
    (again,) = await standing.links(ANN, 1)
    await standing.tried_in_vain(again)
    (other,) = await standing.links(BOB, 1, first=2)
    async with serving(standing):
        standing.passes(MOMENT)
        await until(lambda: standing.place_of(other) == 1)
        assert standing.place_of(again) is None, "the pause is what it waits for"
        standing.passes(PAUSE)
        await until(lambda: standing.place_of(again) == 2)


async def test_it_hears_of_it_although_nobody_comes_or_goes(standing, monkeypatch):
    monkeypatch.setattr(line_module, "MOMENT", timedelta(seconds=0.1))
    standing.line = Line(standing.store, standing.shown.show, clock, dict.fromkeys(Lane, 2))
    item = job(1)
    await standing.store.add(item, clock())
    claim = await standing.store.claim(Lane.INSPECT, clock(), clock() + PAUSE, OPEN)
    soon = clock() + timedelta(seconds=1)
    await Held(standing.store, claim, clock).release(not_before=soon)
    standing.line.joined(item, since=soon, says_other=True)
    async with serving(standing):
        await until(lambda: standing.place_of(item) == 1)
    assert clock() >= soon


async def test_with_many_links_of_one_person_who_is_tried_again_is_told_all_the_same(standing):
    first, *others = await standing.links(ANN, 2 * TOLD_EACH)
    await standing.tried_in_vain(first)
    async with serving(standing):
        standing.passes(PAUSE + MOMENT)
        await until(lambda: standing.place_of(first) is not None)
        assert sum(standing.place_of(item) is not None for item in others) <= TOLD_EACH


async def test_a_menu_that_was_answered_says_a_place_however_far_back(standing):
    async def picked(number):
        item = job(number, number)
        await standing.store.add(item, standing.now)
        held = await standing.claimed()
        await held.release(state=JobState.OFFERED, extraction=extraction(), choices=(CHOICE,))
        await standing.store.pick(item.id, CHOICE, standing.now)
        return item

    for number in range(1, TOLD + 1):
        await picked(number)
    last, unsaid = await picked(TOLD + 1), await picked(TOLD + 2)
    standing.line.joined(last, "A title", says_other=True)
    standing.line.joined(unsaid, "A title")
    async with serving(standing):
        standing.passes(MOMENT)
        await until(lambda: standing.place_of(last) == TOLD + 1)
        assert standing.place_of(unsaid) is None, "it hears when it comes nearer"


async def test_who_follows_sees_the_place_of_whoever_leads(standing):
    leader, follower = job(1, ANN), job(2, BOB)
    for item in (leader, follower):
        await standing.store.add(item, standing.now)
    held = await standing.claimed()
    assert await standing.shared.leads("page", leader)
    standing.shared.show(leader, Looking())
    other = await standing.claimed()
    assert not await standing.shared.leads("page", follower)
    await standing.shared.follow("page", other)
    await held.release(not_before=standing.now + PAUSE)
    standing.line.joined(leader, since=standing.now + PAUSE, says_other=True)
    async with serving(standing):
        standing.passes(PAUSE + MOMENT)
        await until(lambda: standing.place_of(leader) is not None)
        assert standing.shown.last[follower.id] == standing.shown.last[leader.id]


async def test_who_has_their_turn_is_told_no_place(standing):
    (again,) = await standing.links(ANN, 1)
    await standing.tried_in_vain(again)
    (other,) = await standing.links(BOB, 1, first=2)
    standing.line.left(again.id)
    async with serving(standing):
        standing.passes(PAUSE + MOMENT)
        await until(lambda: standing.place_of(other) is not None)
        assert standing.place_of(again) is None
