"""Several jobs want the same file, or many small ones are at work: nobody is lost or held up."""

import pytest

from tests.unit.backstage import LARGE, backstage, until
from userbot.domain.jobs import Retrying, Working
from userbot.domain.records import ENDS, JobState
from userbot.errors import (
    ChatGoneError,
    DeadlineError,
    RemovedError,
    SiteDownError,
    TooLargeForDiskError,
)
from userbot.services import delivery, line
from userbot.services.fetching import QUICK_AT_ONCE

LINK = "https://example.org/v"
QUICK_SLOTS = 16
LEADER, FIRST, SECOND = USERS = (1, 2, 3)


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(delivery, "PAUSES_S", (0.05, 0.05))
    monkeypatch.setattr(line, "SETTLE_S", 0.01)


@pytest.fixture
async def bot(tmp_path):
    async with backstage(tmp_path, quick=QUICK_SLOTS) as bot:
        yield bot


async def gathered(bot, link=LINK):
    """Have the first fetch, held, and the others follow; return their jobs and what holds it."""
    gate = bot.site.hold_file(link)
    jobs = []
    for user in USERS:
        job = await bot.send_link(user, link)
        await bot.pick(job)
        jobs.append(job)
        await until(lambda: bool(bot.chats.shown(jobs[-1], Working)))
    assert bot.site.fetches == [link]
    return jobs, gate


async def states(bot, jobs):
    return [(await bot.ends(job)).state for job in jobs]


async def test_one_fetch_and_one_failure_for_all_who_wait_told_once_each(bot):
    jobs, gate = await gathered(bot)
    bot.site.fetching = [RemovedError("404")]
    gate.set()
    assert await states(bot, jobs) == [JobState.FAILED] * 3
    for job in jobs:
        assert [type(error) for error in bot.failures(job)] == [RemovedError]
    assert bot.site.fetches == [LINK]
    assert not bot.chats.sent


async def test_what_may_pass_is_tried_again_by_one_for_all_who_see_it(bot):
    jobs, gate = await gathered(bot)
    bot.site.fetching = [SiteDownError("503")]
    gate.set()
    assert await states(bot, jobs) == [JobState.DELIVERED] * 3
    assert bot.site.fetches == [LINK] * 2
    for job in jobs:
        assert bot.chats.shown(job, Retrying)
        assert bot.chats.sent.count(job.id) == 1


async def test_a_leader_whose_chat_is_gone_costs_the_others_nothing(bot):
    jobs, gate = await gathered(bot)
    bot.chats.troubles = {LEADER: ChatGoneError("USER_IS_BLOCKED")}
    gate.set()
    assert await states(bot, jobs) == [JobState.FAILED, JobState.DELIVERED, JobState.DELIVERED]
    assert [type(error) for error in bot.failures(jobs[0])] == [ChatGoneError]
    assert sorted(bot.chats.sent) == sorted(job.id for job in jobs[1:])
    assert bot.site.fetches == [LINK] * 2, "one of them began anew, for both"


async def test_a_follower_whose_chat_is_gone_fails_alone(bot):
    jobs, gate = await gathered(bot)
    bot.chats.troubles = {FIRST: ChatGoneError("USER_IS_BLOCKED")}
    gate.set()
    assert await states(bot, jobs) == [JobState.DELIVERED, JobState.FAILED, JobState.DELIVERED]
    assert bot.site.fetches == [LINK]


async def test_a_leader_that_is_cancelled_leaves_the_work_to_another(bot):
    jobs, gate = await gathered(bot)
    assert await bot.jobs.cancel(jobs[0].id)
    await until(lambda: len(bot.site.fetches) == 2)
    gate.set()
    assert await states(bot, jobs) == [JobState.CANCELLED, JobState.DELIVERED, JobState.DELIVERED]
    assert jobs[0].id not in bot.chats.sent


async def test_a_follower_that_is_cancelled_leaves_no_trace(bot):
    jobs, gate = await gathered(bot)
    assert await bot.jobs.cancel(jobs[1].id)
    seen = len(bot.chats.shown(jobs[1], Working))
    gate.set()
    assert await states(bot, jobs) == [JobState.DELIVERED, JobState.CANCELLED, JobState.DELIVERED]
    assert len(bot.chats.shown(jobs[1], Working)) == seen
    assert jobs[1].id not in bot.chats.sent
    again = await bot.send_link(FIRST, LINK)
    await bot.pick(again)
    assert (await bot.ends(again)).state is JobState.DELIVERED
    assert bot.site.fetches == [LINK], "what it had waited for is there"


async def test_a_leader_that_goes_to_the_long_line_leaves_the_others_together(bot):
    """It was to be done in a moment, as somebody worked on it; that one failed by itself."""
    bot.site.size_bytes = LARGE
    jobs, gate = await gathered(bot)
    bot.chats.troubles = {LEADER: ChatGoneError("USER_IS_BLOCKED")}
    gate.set()
    assert await states(bot, jobs) == [JobState.FAILED, JobState.DELIVERED, JobState.DELIVERED]
    records = [await bot.record(job) for job in jobs[1:]]
    assert [record.attempts for record in records] == [0, 0]
    assert bot.site.fetches == [LINK] * 2


async def test_many_small_jobs_that_hang_hold_up_neither_large_ones_nor_what_is_there(bot):
    known = await bot.send_link(SECOND, f"{LINK}/known")
    await bot.pick(known)
    await bot.ends(known)
    small = [await bot.send_link(user, f"{LINK}/{user}") for user in range(10, 9 + QUICK_SLOTS)]
    gates = [bot.site.hold_file(job.url) for job in small]
    for job in small:
        await bot.pick(job)
    await until(lambda: len(bot.site.busy) == QUICK_AT_ONCE)
    again = await bot.send_link(FIRST, f"{LINK}/known")
    await bot.pick(again)
    bot.site.size_bytes = LARGE
    large = await bot.send_link(LEADER, f"{LINK}/large")
    await bot.pick(large)
    assert await states(bot, [again, large]) == [JobState.DELIVERED] * 2
    assert len(bot.site.busy) == QUICK_AT_ONCE
    assert not any([(await bot.record(job)).state in ENDS for job in small])
    for gate in gates:
        gate.set()
    assert set(await states(bot, small)) == {JobState.DELIVERED}


@pytest.mark.parametrize("error", [DeadlineError(60.0), TooLargeForDiskError(2, 1)])
async def test_an_error_of_the_file_itself_is_everybodys(bot, error):
    jobs, gate = await gathered(bot)
    bot.site.fetching = [error]
    gate.set()
    assert await states(bot, jobs) == [JobState.FAILED] * 3
    assert bot.site.fetches == [LINK]
