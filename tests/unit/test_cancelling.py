"""A job that is cancelled while its file is being sent: the chat has the file, or it has not."""

import asyncio
from typing import Any

import pytest

from tests.unit.backstage import backstage, until
from userbot.domain.jobs import Cancelled, JobId, Paused, Retrying, Working
from userbot.domain.records import JobState
from userbot.errors import ChatBusyError, DeliveryError, FileRefusedError, StoreAwayError
from userbot.services import withdrawal
from userbot.telegram import texts
from userbot.telegram.handlers.presses import OpenJobPresses
from userbot.telegram.handlers.rights import Rights
from userbot.telegram.messages import Presser

ANN, BOB = 1, 2
LINK = "https://example.org/v"


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(withdrawal, "ANSWER_S", 0.2)
    monkeypatch.setattr(withdrawal, "LOOK_S", 5.0)


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
    if state is JobState.CANCELLED:
        await until(lambda: bool(bot.chats.shown(job, Cancelled)))
    assert bool(bot.chats.shown(job, Cancelled)) == (state is JobState.CANCELLED)
    assert not bot.chats.shown(job, Paused)
    return (record.state, bot.chats.sending) == (state, [job.id])


async def test_what_the_chat_has_already_was_delivered_although_telegram_did_not_say_so(bot):
    bot.chats.answers.clear()
    job = await sending(bot)
    await until(lambda: bot.chats.sent == [job.id])
    assert await bot.jobs.cancel(job.id)
    assert await is_over(bot, job, JobState.DELIVERED)


async def test_what_telegram_takes_in_this_moment_was_delivered_and_nobody_has_to_look(bot):
    bot.chats.on_its_way.clear()
    job = await sending(bot)
    assert await bot.jobs.cancel(job.id)
    bot.chats.on_its_way.set()
    assert await is_over(bot, job, JobState.DELIVERED)
    assert bot.chats.looks == 0


async def test_what_was_found_in_the_chat_is_known_to_whoever_asks_next(bot):
    bot.chats.answers.clear()
    job = await sending(bot)
    await until(lambda: bot.chats.sent == [job.id])
    assert await bot.jobs.cancel(job.id)
    assert (await bot.ends(job)).file_ids == ("a-file-id",)
    bot.chats.answers.set()
    other = await bot.send_link(BOB, LINK)
    await bot.pick(other)
    await bot.ends(other)
    assert bot.site.fetches == [LINK], "the file of a cancelled job is as good as any"


async def test_who_waits_for_the_same_file_gets_what_was_found_in_the_chat(bot):
    bot.chats.answers.clear()
    job = await sending(bot)
    await until(lambda: bot.chats.sent == [job.id])
    follower = await bot.send_link(BOB, LINK)
    await bot.pick(follower)
    await until(lambda: bool(bot.chats.shown(follower, Working)))
    assert await bot.jobs.cancel(job.id)
    bot.chats.answers.set()
    assert (await bot.ends(follower)).state is JobState.DELIVERED
    assert (await bot.ends(job)).state is JobState.DELIVERED
    assert bot.site.fetches == [LINK]


@pytest.mark.parametrize("error", [None, DeliveryError("NO_ANSWER")])
async def test_what_the_chat_has_not_is_cancelled_and_does_not_come_later(bot, monkeypatch, error):
    monkeypatch.setattr(withdrawal, "LOOK_S", 0.1)
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


async def test_two_presses_at_once_are_one(bot):
    bot.chats.answers.clear()
    job = await sending(bot)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(bot.jobs.cancel(job.id))
    assert await is_over(bot, job, JobState.DELIVERED)
    assert bot.chats.looks == 1


async def test_a_wish_that_cannot_be_kept_is_followed_all_the_same(bot):
    bot.chats.on_its_way.clear()
    job = await sending(bot)
    bot.store.moods = {"note_cancel": [StoreAwayError()]}
    assert await bot.jobs.cancel(job.id)
    assert await is_over(bot, job, JobState.CANCELLED)


async def test_what_was_cancelled_can_be_asked_for_again(bot):
    bot.chats.on_its_way.clear()
    job = await sending(bot)
    assert await bot.jobs.cancel(job.id)
    assert await is_over(bot, job, JobState.CANCELLED)
    bot.chats.on_its_way.set()
    assert await bot.jobs.again(job.id)
    await bot.pick(job)
    assert (await bot.ends(job)).state is JobState.DELIVERED


async def test_a_stop_waits_for_a_cancel_and_does_not_promise_to_go_on(bot):
    bot.chats.answers.clear()
    job = await sending(bot)
    assert await bot.jobs.cancel(job.id)
    await bot.jobs.pause()
    await bot.jobs.finish(10)
    assert (await bot.record(job)).state is JobState.DELIVERED
    assert not await bot.store.untold()
    assert not bot.chats.shown(job, Paused)


async def cancelled_too_late(folder):
    """Return a job of a bot that takes a press of Cancel, and dies before the job has ended."""
    async with backstage(folder) as bot:
        bot.chats.answers.clear()
        job = await sending(bot)
        assert await bot.jobs.cancel(job.id)
        bot.store.moods = {"find": [StoreAwayError()]}
        await until(lambda: bot.store.refused["find"] > 0)
        return job


@pytest.mark.parametrize("is_there", [False, True])
async def test_a_cancel_outlives_the_bot(tmp_path, is_there):
    job = await cancelled_too_late(tmp_path)
    async with backstage(tmp_path) as bot:
        bot.chats.sent += [job.id] * is_there
        await bot.jobs.resume()
        await bot.jobs.reopen()
        record = await bot.record(job)
        assert record.state is (JobState.DELIVERED if is_there else JobState.CANCELLED)
        assert not bot.folder_of(job).exists()
        await until(lambda: bool(bot.chats.shown(job, Cancelled)) != is_there)
        assert not bot.chats.sending
        assert record.extraction
        assert record.choice
        known = await bot.kit.files.find(record.extraction, record.choice)
        assert bool(known) == is_there, "for all who wait for it"


async def test_nobody_goes_on_with_what_was_cancelled(tmp_path):
    job = await cancelled_too_late(tmp_path)
    async with backstage(tmp_path) as bot:
        await bot.store.give_up_claims()
        bot.queue.wake()
        while not (await bot.store.unfinished())[0].is_claimed:
            await asyncio.sleep(0.01)
        await bot.jobs.reopen()
        assert (await bot.record(job)).state is JobState.CANCELLED
        assert not bot.chats.sending


async def test_a_store_that_is_away_leaves_the_button_as_it_was(bot):
    bot.chats.on_its_way.clear()
    job = await sending(bot)
    bot.store.moods = {"end": [StoreAwayError()]}
    assert await bot.jobs.cancel(job.id)
    await until(lambda: bot.store.refused["end"] > 0)
    bot.store.moods = {}
    while not await bot.jobs.cancel(job.id):
        await asyncio.sleep(0.01)
    assert await is_over(bot, job, JobState.CANCELLED)


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


async def test_a_job_whose_chat_takes_nothing_just_now_is_cancelled_at_once(bot):
    bot.chats.troubles[ANN] = ChatBusyError("FLOOD_WAIT", 600.0, is_unsent=True)
    job = await sending(bot)
    await until(lambda: bool(bot.chats.shown(job, Retrying)))
    assert await bot.jobs.cancel(job.id)
    assert (await bot.record(job)).state is JobState.CANCELLED
    assert bot.chats.looks == 0
    assert await is_over(bot, job, JobState.CANCELLED)


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
