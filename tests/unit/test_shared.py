"""Who leads and who follows, on a real queue: nobody is lost, held up or told twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from userbot.domain.jobs import Job, JobId, Looking, Request
from userbot.domain.records import FairLimits, JobState, Lane
from userbot.errors import RemovedError
from userbot.services.held import ClaimLostError, Held
from userbot.services.shared import LOOK_AGAIN, FailedTogetherError, Shared
from userbot.sqlite.database import open_database
from userbot.sqlite.jobs import SqliteJobs

NOW = datetime(2030, 1, 1, tzinfo=UTC)
OPEN = FairLimits(100, 100)
KEY = "page:1"


class Shown:
    """Where views would be shown: remembers who was to see what."""

    def __init__(self):
        self.views = []

    def show(self, job, view):
        self.views.append((job.id, view))


class Crowd:
    """Three people with the same link, and the time."""

    def __init__(self, store):
        self.store = store
        self.now = NOW
        self.chat = cast(Any, Shown())
        self.shared = Shared(store, self.chat, lambda: self.now)
        self.jobs = [
            Job(JobId(f"job{n}"), Request(n, 1, n, is_group=False), "https://example.org/")
            for n in range(1, 4)
        ]

    async def claim(self):
        """The next job that is due, None when there is none."""
        later = self.now + timedelta(minutes=5)
        claim = await self.store.claim(Lane.INSPECT, self.now, later, OPEN)
        return Held(self.store, claim, lambda: self.now) if claim else None

    async def gathered(self):
        """Let the first lead and the others follow."""
        leader = await self.claim()
        assert await self.shared.leads(KEY, leader.record.job)
        for _ in self.jobs[1:]:
            follower = await self.claim()
            assert not await self.shared.leads(KEY, follower.record.job)
            await self.shared.follow(KEY, follower)
        assert await self.claim() is None, "who follows is not due"
        return leader


@pytest.fixture
async def crowd(tmp_path):
    async with open_database(tmp_path / "userbot.db") as database:
        crowd = Crowd(SqliteJobs(database))
        for job in crowd.jobs:
            await crowd.store.add(job, NOW)
        yield crowd


async def told(crowd, kind=str):
    """What those who followed hear when they are claimed."""
    heard = []
    while held := await crowd.claim():
        heard.append(crowd.shared.told(held.record.job.id, kind))
    return heard


async def test_what_the_leader_got_is_handed_to_all_who_follow(crowd):
    leader = await crowd.gathered()
    await crowd.shared.done(leader.record.job.id, "a page")
    assert await told(crowd) == ["a page", "a page"]
    assert not crowd.shared.is_under_way(KEY)


async def test_it_is_handed_over_once(crowd):
    leader = await crowd.gathered()
    await crowd.shared.done(leader.record.job.id, "a page")
    follower = await crowd.claim()
    assert crowd.shared.told(follower.record.job.id, str) == "a page"
    assert crowd.shared.told(follower.record.job.id, str) is None


async def test_a_failure_ends_all_who_follow(crowd):
    leader = await crowd.gathered()
    await crowd.shared.done(leader.record.job.id, RemovedError("404"))
    for _ in crowd.jobs[1:]:
        follower = await crowd.claim()
        with pytest.raises(FailedTogetherError) as failed:
            crowd.shared.told(follower.record.job.id, str)
        assert isinstance(failed.value.error, RemovedError)


async def test_when_the_leader_leaves_one_of_the_others_leads(crowd):
    leader = await crowd.gathered()
    await crowd.shared.leave(leader.record.job.id)
    heir, other = await crowd.claim(), await crowd.claim()
    assert await crowd.shared.leads(KEY, heir.record.job)
    assert crowd.shared.told(heir.record.job.id, str) is None
    assert not await crowd.shared.leads(KEY, other.record.job)


async def test_who_follows_leaves_without_a_trace(crowd):
    leader = await crowd.gathered()
    gone, stays = crowd.jobs[1].id, crowd.jobs[2].id
    assert await crowd.store.end(gone, JobState.CANCELLED, None, NOW)
    await crowd.shared.leave(gone)
    crowd.shared.show(leader.record.job, Looking())
    assert [job_id for job_id, _ in crowd.chat.views] == [leader.record.job.id, stays]
    await crowd.shared.done(leader.record.job.id, "a page")
    assert await told(crowd) == ["a page"]


async def test_all_see_what_the_leader_sees_also_who_comes_later(crowd):
    leader = await crowd.claim()
    assert await crowd.shared.leads(KEY, leader.record.job)
    crowd.shared.show(leader.record.job, Looking())
    follower = await crowd.claim()
    assert not await crowd.shared.leads(KEY, follower.record.job)
    await crowd.shared.follow(KEY, follower)
    assert crowd.chat.views == [(crowd.jobs[0].id, Looking()), (crowd.jobs[1].id, Looking())]


async def test_who_was_cancelled_while_it_began_to_follow_is_not_counted(crowd):
    leader = await crowd.claim()
    assert await crowd.shared.leads(KEY, leader.record.job)
    follower = await crowd.claim()
    assert not await crowd.shared.leads(KEY, follower.record.job)
    await crowd.store.end(follower.record.job.id, JobState.CANCELLED, None, NOW)
    with pytest.raises(ClaimLostError):
        await crowd.shared.follow(KEY, follower)
    crowd.shared.show(leader.record.job, Looking())
    assert crowd.chat.views == [(leader.record.job.id, Looking())]


async def test_a_leader_that_tries_again_still_leads(crowd):
    leader = await crowd.gathered()
    await leader.release(not_before=NOW + timedelta(seconds=5))
    crowd.now += timedelta(seconds=5)
    again = await crowd.claim()
    assert again.record.job == leader.record.job
    assert await crowd.shared.leads(KEY, again.record.job)


async def test_a_leader_that_ended_without_a_word_is_replaced(crowd):
    leader = await crowd.gathered()
    await crowd.store.end(leader.record.job.id, JobState.FAILED, None, NOW)
    crowd.now += LOOK_AGAIN
    heir = await crowd.claim()
    assert await crowd.shared.leads(KEY, heir.record.job)


async def test_while_the_leader_works_who_looks_again_goes_on_waiting(crowd):
    await crowd.gathered()
    crowd.now += LOOK_AGAIN
    follower = await crowd.claim()
    assert not await crowd.shared.leads(KEY, follower.record.job)
    await crowd.shared.follow(KEY, follower)


async def test_after_a_restart_the_first_that_is_claimed_leads(crowd):
    await crowd.gathered()
    await crowd.store.give_up_claims()
    crowd.shared = Shared(crowd.store, crowd.chat, lambda: crowd.now)
    await crowd.shared.call_all(await crowd.store.unfinished())
    first = await crowd.claim()
    assert await crowd.shared.leads(KEY, first.record.job)
    for _ in crowd.jobs[1:]:
        assert not await crowd.shared.leads(KEY, (await crowd.claim()).record.job)


async def test_other_work_has_a_leader_of_its_own(crowd):
    leader = await crowd.gathered()
    other = replace(crowd.jobs[0], id=JobId("other"))
    assert await crowd.shared.leads("page:2", other)
    assert crowd.shared.is_under_way(KEY)
    assert await crowd.shared.leads(KEY, leader.record.job)
