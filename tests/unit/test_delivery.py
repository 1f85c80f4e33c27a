"""Jobs whose store, site or chat has a bad day: each goes on, or ends with one plain sentence."""

import asyncio
from datetime import timedelta

import pytest

from tests.unit.backstage import LARGE, backstage, until
from userbot.domain.jobs import Looking, Paused, Retrying, Waiting
from userbot.domain.records import JobState
from userbot.errors import (
    ChatBusyError,
    DiskFullError,
    InfrastructureError,
    RateLimitedError,
    RemovedError,
    SiteDownError,
    StallError,
    StoreAwayError,
    ToolStuckError,
    WorkerDiedError,
)
from userbot.services import delivery, held, line, shared
from userbot.sqlite.stores import open_stores

ANN, BOB = 1, 2
GROUP = -1001
LINK = "https://example.org/v"


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """A bot that waits for nothing longer than it must."""
    monkeypatch.setattr(delivery, "PAUSES_S", (0.05, 0.05))
    monkeypatch.setattr(delivery, "STORE_PAUSES_S", (0.02,))
    monkeypatch.setattr(delivery, "STORE_AWAY_PAUSE_S", 0.05)
    monkeypatch.setattr(held, "STORE_PAUSES_S", (0.02,))
    monkeypatch.setattr(held, "STORE_PAUSE_S", 0.02)
    monkeypatch.setattr(held, "RENEW_S", 0.02)
    monkeypatch.setattr(line, "SETTLE_S", 0.01)


@pytest.fixture
async def bot(tmp_path):
    async with backstage(tmp_path) as bot:
        yield bot


async def is_delivered(bot, job):
    """Wait for the end; nothing of it may count as a crash or come twice."""
    record = await bot.ends(job)
    assert (record.state, record.attempts) == (JobState.DELIVERED, 0)
    assert bot.chats.sent.count(job.id) == 1


# the store


@pytest.mark.parametrize("error", [StoreAwayError("gone"), DiskFullError(), InfrastructureError()])
async def test_another_try_that_cannot_be_kept_is_kept_as_soon_as_it_can(bot, error):
    bot.site.reading = [SiteDownError("503")]
    bot.store.moods = {"release": [error]}
    job = await bot.send_link(ANN, LINK)
    await until(lambda: bot.store.refused["release"] >= 3)
    assert (await bot.record(job)).state is JobState.NEW
    bot.store.moods = {}
    await bot.pick(job)
    assert len(bot.site.reads) == 2, "the failure is one try, however long it took to keep it"
    assert len(bot.chats.shown(job, Retrying)) == 1
    await is_delivered(bot, job)


async def test_a_bot_that_stops_meanwhile_gives_the_claim_back_as_it_was(tmp_path):
    async with backstage(tmp_path) as bot:
        bot.site.reading = [SiteDownError("503")]
        bot.store.moods = {"release": [DiskFullError()]}
        job = await bot.send_link(ANN, LINK)
        await until(lambda: bot.store.refused["release"] >= 2)
        bot.store.moods = {"claim": [StoreAwayError()]}
    async with open_stores(tmp_path / "userbot.db") as stores:
        assert await stores.jobs.give_up_claims() == 0, "nobody died"
        record = await stores.jobs.find(job.id)
        assert record is not None
        assert (record.state, record.attempts) == (JobState.NEW, 0)


async def test_what_was_delivered_does_not_promise_to_go_on_when_the_bot_stops(tmp_path):
    async with backstage(tmp_path) as bot:
        job = await bot.send_link(ANN, LINK)
        await bot.reaches(job, JobState.OFFERED)
        bot.store.moods = {"release": [StoreAwayError()]}
        assert await bot.offers.pick(job.id, 0, bot.queue)
        await until(lambda: bot.chats.sent == [job.id] and bot.store.refused["release"] > 0)
        bot.store.moods = {}
        await bot.queue.drain(0)
        assert (await bot.record(job)).state is JobState.DELIVERED
        assert not bot.chats.shown(job, Paused)


async def test_a_link_is_claimed_when_the_store_is_back(bot):
    bot.store.moods = {"claim": [StoreAwayError("gone")]}
    job = await bot.send_link(ANN, LINK)
    await until(lambda: bot.store.refused["claim"] > 0)
    bot.store.moods = {}
    bot.queue.wake()
    await bot.pick(job)
    await is_delivered(bot, job)


async def test_a_page_that_was_read_in_an_outage_is_not_read_again(bot):
    bot.store.moods = {"release": [StoreAwayError("gone")]}
    job = await bot.send_link(ANN, LINK)
    await until(lambda: bot.store.refused["release"] >= 3)
    bot.store.moods = {}
    await bot.pick(job)
    assert len(bot.site.reads) == 1
    await is_delivered(bot, job)


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("renew", StoreAwayError("gone")),
        ("renew", InfrastructureError()),
        ("save", StoreAwayError("gone")),
        ("release", StoreAwayError("gone")),
    ],
)
async def test_what_was_fetched_in_an_outage_is_sent_once_and_not_fetched_again(bot, method, error):
    gate = bot.site.hold_file(LINK)
    job = await bot.send_link(ANN, LINK)
    await bot.pick(job)
    await until(lambda: bot.site.busy == [LINK])
    bot.store.moods = {method: [error]}
    if method != "renew":
        gate.set()
    await until(lambda: bot.store.refused[method] >= 3)
    bot.store.moods = {}
    gate.set()
    await is_delivered(bot, job)
    assert len(bot.site.fetches) == 1


async def test_followers_go_on_although_the_store_was_away_when_they_were_called(bot, monkeypatch):
    monkeypatch.setattr(shared, "LOOK_AGAIN", timedelta(seconds=0.2))
    gate = bot.site.hold_page(LINK)
    jobs = [await bot.send_link(user, LINK) for user in (ANN, BOB)]
    await until(lambda: bool(bot.chats.shown(jobs[1], Looking)))
    bot.store.moods = {"hasten": [StoreAwayError("gone")]}
    gate.set()
    await until(lambda: bot.store.refused["hasten"] > 0)
    for job in jobs:
        await bot.reaches(job, JobState.OFFERED)
    assert len(bot.site.reads) == 1


async def test_who_is_to_be_tried_again_and_finds_no_free_turn_hears_of_a_place(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(line, "MOMENT", timedelta(seconds=0.1))
    pages = [f"{LINK}{number}" for number in range(3)]
    async with backstage(tmp_path, inspect=2) as bot:
        gates = [bot.site.hold_page(page) for page in pages]
        await bot.send_link(BOB, pages[0])
        await until(lambda: len(bot.site.reads) == 1)
        job = await bot.send_link(ANN, pages[1])
        await until(lambda: len(bot.site.reads) == 2)
        await bot.send_link(BOB, pages[2])
        bot.site.reading = [SiteDownError("503")]
        gates[1].set()
        await until(lambda: bool(bot.chats.shown(job, Waiting)))
        assert bot.chats.shown(job, Retrying)
        assert bot.site.reads.count(pages[1]) == 1, "nobody tried again yet"
        for gate in gates:
            gate.set()
        await bot.reaches(job, JobState.OFFERED)


# the site


@pytest.mark.parametrize(
    "error",
    [SiteDownError("503"), RateLimitedError("429"), WorkerDiedError("9"), StallError(1.0)],
    ids=lambda error: type(error).__name__,
)
async def test_what_may_pass_is_not_held_against_the_link(bot, error):
    bot.site.reading = [error] * 3
    job = await bot.send_link(ANN, LINK)
    assert (await bot.ends(job)).state is JobState.FAILED
    assert [type(told) for told in bot.failures(job)] == [type(error)]
    again = await bot.send_link(BOB, LINK)
    await bot.pick(again)
    await is_delivered(bot, again)
    assert len(bot.site.reads) == 4


async def test_a_tool_that_is_stuck_is_not_tried_again(bot):
    bot.site.fetching = [ToolStuckError(1.0)]
    job = await bot.send_link(ANN, LINK)
    await bot.pick(job)
    assert (await bot.ends(job)).state is JobState.FAILED
    assert len(bot.site.fetches) == 1
    assert not bot.chats.shown(job, Retrying)


async def test_one_person_in_two_chats_holds_one_place_of_those_that_are_soon_done(bot):
    bot.site.hold_file(LINK)
    bot.site.hold_file(f"{LINK}2")
    for chat, url in ((ANN, LINK), (GROUP, f"{LINK}2")):
        await bot.pick(await bot.send_link(ANN, url, chat=chat))
    other = await bot.send_link(BOB, f"{LINK}3")
    await bot.pick(other)
    await is_delivered(bot, other)


async def test_what_a_site_says_for_good_is_told_to_the_next_without_asking(bot):
    bot.site.reading = [RemovedError("404")]
    for user in (ANN, BOB):
        job = await bot.send_link(user, LINK)
        await bot.ends(job)
        assert [type(told) for told in bot.failures(job)] == [RemovedError]
    assert len(bot.site.reads) == 1


async def test_a_fetch_that_fails_for_good_says_nothing_about_the_link(bot):
    bot.site.fetching = [RemovedError("404")]
    job = await bot.send_link(ANN, LINK)
    await bot.pick(job)
    assert (await bot.ends(job)).state is JobState.FAILED
    again = await bot.send_link(BOB, LINK)
    await bot.pick(again)
    await is_delivered(bot, again)


# the chat


async def test_a_chat_that_takes_nothing_for_a_while_holds_nobody_up(tmp_path):
    async with backstage(tmp_path, deliver=1) as bot:
        bot.site.size_bytes = LARGE
        bot.chats.troubles[ANN] = ChatBusyError("FLOOD_WAIT", 1.0, is_unsent=True)
        job = await bot.send_link(ANN, LINK)
        await bot.pick(job)
        await until(lambda: bool(bot.chats.shown(job, Retrying)))
        record = await bot.record(job)
        assert (record.state, record.send_random_id) == (JobState.FETCHED, None)
        other = await bot.send_link(BOB, "https://example.org/other")
        await bot.pick(other)
        await is_delivered(bot, other)
        del bot.chats.troubles[ANN]
        await is_delivered(bot, job)
        record = await bot.record(job)
        assert (record.retries, bot.site.fetches.count(LINK)) == (0, 1)


async def test_what_may_be_in_the_chat_is_still_looked_for_after_a_wait(bot):
    bot.chats.troubles[ANN] = ChatBusyError("FLOOD_WAIT", 0.1, is_unsent=False)
    job = await bot.send_link(ANN, LINK)
    await bot.pick(job)
    await until(lambda: bool(bot.chats.shown(job, Retrying)))
    bot.chats.sent.append(job.id)  # an earlier try, whose answer was lost
    await is_delivered(bot, job)


async def test_a_chat_that_takes_nothing_for_ever_gets_no_more_tries(bot, monkeypatch):
    monkeypatch.setattr(delivery, "CHAT_PATIENCE", timedelta(seconds=0.3))
    error = bot.chats.troubles[ANN] = ChatBusyError("FLOOD_WAIT", 0.1, is_unsent=True)
    job = await bot.send_link(ANN, LINK)
    await bot.pick(job)
    assert (await bot.ends(job)).state is JobState.FAILED
    await until(lambda: [repr(shown) for shown in bot.failures(job)] == [repr(error)])


async def test_those_who_follow_do_not_wait_long_for_the_chat_of_another(bot):
    bot.chats.troubles[ANN] = ChatBusyError("FLOOD_WAIT", 600.0, is_unsent=True)
    gate = bot.site.hold_file(LINK)
    jobs = [await bot.send_link(user, LINK) for user in (ANN, BOB)]
    await bot.pick(jobs[0])
    await until(lambda: bot.site.busy == [LINK])
    await bot.pick(jobs[1])
    gate.set()
    await is_delivered(bot, jobs[1])


async def test_a_stop_waits_for_what_is_told_of_the_end_but_not_for_long(bot):
    bot.chats.clears.clear()
    job = await bot.send_link(ANN, LINK)
    await bot.pick(job)
    await bot.ends(job)
    await bot.jobs.finish(0.05)
    assert await bot.store.untold()
    stop = asyncio.ensure_future(bot.jobs.finish(10))
    await asyncio.sleep(0)
    assert not stop.done()
    bot.chats.clears.set()
    await stop
    assert not await bot.store.untold()
