"""Somebody sets the clock while the bot runs: nothing waits for it, and nothing begins anew."""

import asyncio
from datetime import timedelta

import pytest

from tests.unit.backstage import Clock, backstage, until
from userbot.domain.jobs import Cancelled, Retrying
from userbot.domain.records import JobState
from userbot.errors import SiteDownError
from userbot.services import delivery, queue

ANN, BOB = 1, 2
LINK, OTHER = "https://example.org/v", "https://example.org/w"
HOUR = timedelta(hours=1)


@pytest.fixture
async def bot(tmp_path, monkeypatch):
    monkeypatch.setattr(queue, "LOOK_AGAIN_S", 0.05)
    monkeypatch.setattr(delivery, "PAUSES_S", (60.0,))
    async with backstage(tmp_path) as bot:
        yield bot


async def test_what_was_to_wait_for_seconds_does_not_wait_for_an_hour(bot):
    bot.site.reading = [SiteDownError("503")]
    job = await bot.send_link(ANN, LINK)
    await until(lambda: bool(bot.chats.shown(job, Retrying)))
    bot.clock.set_by -= HOUR
    await bot.pick(job)
    assert (await bot.ends(job)).state is JobState.DELIVERED
    assert len(bot.site.reads) == 2


@pytest.mark.parametrize("step", [HOUR, -HOUR])
async def test_what_runs_goes_on(bot, step):
    gate = bot.site.hold_file(LINK)
    job = await bot.send_link(ANN, LINK)
    await bot.pick(job)
    await until(lambda: bot.site.busy == [LINK])
    bot.clock.set_by += step
    other = await bot.send_link(BOB, OTHER)  # whoever claims it looks at all leases
    await bot.pick(other)
    await bot.ends(other)
    gate.set()
    record = await bot.ends(job)
    assert (record.state, record.attempts) == (JobState.DELIVERED, 0)
    assert bot.site.fetches.count(LINK) == 1


async def test_an_end_of_a_time_to_come_is_told_at_once(bot):
    job = await bot.send_link(ANN, LINK)
    await bot.reaches(job, JobState.OFFERED)
    await bot.store.end(job.id, JobState.CANCELLED, None, bot.kit.now() + HOUR)
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(bot.endings.serve())
        await until(lambda: bool(bot.chats.shown(job, Cancelled)))
        telling.cancel()


async def test_a_start_with_a_clock_that_was_set_back_waits_for_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(delivery, "PAUSES_S", (60.0,))
    async with backstage(tmp_path) as bot:
        bot.site.reading = [SiteDownError("503")]
        job = await bot.send_link(ANN, LINK)
        await until(lambda: bool(bot.chats.shown(job, Retrying)))
    clock = Clock()
    clock.set_by -= HOUR
    async with backstage(tmp_path, clock=clock) as bot:
        await bot.jobs.resume()
        bot.queue.wake()
        await bot.reaches(job, JobState.OFFERED)
