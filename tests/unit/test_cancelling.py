"""A job that is cancelled while its file is being sent: the chat has the file, or it has not."""

import asyncio
from typing import Any

import pytest

from tests.unit.backstage import backstage, until
from userbot.domain.jobs import Cancelled, JobId, Paused, Retrying
from userbot.domain.records import JobState
from userbot.errors import DeliveryError, FileRefusedError, StoreAwayError
from userbot.services import jobs
from userbot.telegram import texts
from userbot.telegram.handlers.presses import OpenJobPresses
from userbot.telegram.handlers.rights import Rights
from userbot.telegram.messages import Presser

ANN, BOB = 1, 2
LINK = "https://example.org/v"


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(jobs, "LOOK_PAUSE_S", 0.01)


@pytest.fixture
async def bot(tmp_path):
    async with backstage(tmp_path) as bot:
        yield bot


async def sending(bot):
    """Return a job whose file is on its way."""
    job = await bot.send_link(ANN, LINK)
    await bot.pick(job)
    await until(lambda: bot.chats.sending == [job.id])
    return job


async def is_over(bot, job, state):
    """Whether a job ends so, is told so, and leaves nothing."""
    record = await bot.ends(job)
    await until(lambda: not bot.folder_of(job).exists())
    await until(lambda: bool(bot.chats.shown(job, Cancelled)) == (state is JobState.CANCELLED))
    assert not bot.chats.shown(job, Paused)
    return (record.state, bot.chats.sending) == (state, [job.id])


async def test_what_the_chat_has_already_was_delivered_although_telegram_did_not_say_so(bot):
    bot.chats.answers.clear()
    job = await sending(bot)
    await until(lambda: bot.chats.sent == [job.id])
    assert await bot.jobs.cancel(job.id)
    assert await is_over(bot, job, JobState.DELIVERED)


async def test_what_comes_into_the_chat_while_it_is_looked_for_was_delivered(bot):
    bot.chats.on_its_way.clear()
    job = await sending(bot)
    assert await bot.jobs.cancel(job.id)
    await until(lambda: bot.chats.looks > 0)
    bot.chats.sent.append(job.id)
    assert await is_over(bot, job, JobState.DELIVERED)


@pytest.mark.parametrize("error", [None, DeliveryError("NO_ANSWER")])
async def test_what_the_chat_has_not_is_cancelled_and_does_not_come_later(bot, monkeypatch, error):
    monkeypatch.setattr(jobs, "LOOK_S", 0.1)
    bot.chats.on_its_way.clear()
    job = await sending(bot)
    if error is not None:
        bot.chats.looking = error
    assert await bot.jobs.cancel(job.id)
    assert await is_over(bot, job, JobState.CANCELLED)
    bot.chats.on_its_way.set()
    other = await bot.send_link(BOB, LINK)
    await bot.pick(other)
    await bot.ends(other)
    assert bot.chats.sent == [other.id]


async def test_a_second_press_meanwhile_finds_nothing_to_cancel(bot):
    bot.chats.answers.clear()
    job = await sending(bot)
    assert [await bot.jobs.cancel(job.id) for _ in range(2)] == [True, False]
    assert await is_over(bot, job, JobState.DELIVERED)


async def test_a_job_that_waits_for_another_try_to_send_is_looked_for_as_well(bot):
    bot.chats.troubles[ANN] = DeliveryError("NO_ANSWER")
    job = await sending(bot)
    await until(lambda: bool(bot.chats.shown(job, Retrying)))
    bot.chats.sent.append(job.id)  # only the answer was lost
    assert await bot.jobs.cancel(job.id)
    assert await is_over(bot, job, JobState.DELIVERED)


async def test_a_store_that_is_away_leaves_the_button_as_it_was(bot):
    bot.chats.answers.clear()
    job = await sending(bot)
    await until(lambda: bot.chats.sent == [job.id])
    bot.store.moods = {"end": [StoreAwayError()]}
    assert await bot.jobs.cancel(job.id)
    await until(lambda: bot.store.refused["end"] > 0)
    bot.store.moods = {}
    while not await bot.jobs.cancel(job.id):
        await asyncio.sleep(0.01)
    assert await is_over(bot, job, JobState.DELIVERED)


async def test_a_job_of_which_nothing_can_be_in_the_chat_is_cancelled_without_a_look(bot):
    first = await bot.send_link(ANN, LINK)
    await bot.pick(first)
    await bot.ends(first)
    gate = bot.site.hold_file(LINK)
    bot.chats.troubles[BOB] = FileRefusedError("FILE_REFERENCE_EXPIRED")
    job = await bot.send_link(BOB, LINK)  # what is known is refused, so it is fetched anew
    await bot.pick(job)
    await until(lambda: bot.site.busy == [LINK])
    looks = bot.chats.looks
    assert await bot.jobs.cancel(job.id)
    assert (await bot.ends(job)).state is JobState.CANCELLED
    await until(lambda: bool(bot.chats.shown(job, Cancelled)))
    assert bot.chats.looks == looks
    assert not gate.is_set()


async def test_a_press_of_cancel_after_the_end_says_how_it_ended(bot):
    nobody: Any = None  # rights that need no group ask nobody
    presses = OpenJobPresses(Rights(nobody, bot.access), bot.jobs, bot.offers, bot.queue)
    ann = Presser(ANN, "", "", ANN, "", is_group=False, message_id=1)
    menu = await bot.send_link(1, "https://a.example/1")
    await bot.reaches(menu, JobState.OFFERED)
    assert await presses.cancel(ann, menu.id) is None
    assert await presses.cancel(ann, menu.id) == texts.CANCELLED_ALREADY
    done = await bot.send_link(1, "https://a.example/2")
    await bot.pick(done)
    await bot.ends(done)
    assert await presses.cancel(ann, done.id) == texts.ENDED_ALREADY
    assert await presses.cancel(ann, JobId("unknown")) == texts.PRESS_TOO_OLD
