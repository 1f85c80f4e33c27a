"""The durable queue: how jobs come in, are claimed and picked."""

import asyncio
from dataclasses import replace

import pytest

from tests.contract.stores import (
    CHOICE,
    LEASE,
    MINUTE,
    NOW,
    OPEN,
    claim_of,
    claimed_ids,
    job,
    offer,
)
from userbot.domain.jobs import JobId
from userbot.domain.records import JobState, Lane
from userbot.errors import TooManyJobsError


async def test_a_new_job_is_kept_as_it_came(store):
    item = job(1, user=2**52, chat=-(10**13))
    assert await store.add(item, NOW)
    record = await store.find(item.id)
    assert record.job == item
    assert (record.state, record.created_at, record.changed_at) == (JobState.NEW, NOW, NOW)
    assert (record.attempts, record.retries, record.extraction) == (0, 0, None)
    assert await store.find(job(2).id) is None


async def test_an_update_that_comes_twice_makes_one_job(store):
    first = job(1)
    assert await store.add(first, NOW)
    assert not await store.add(first, NOW)
    assert not await store.add(replace(first, id=JobId("other")), NOW)
    assert await store.add(replace(first, id=JobId("other"), url="https://example.org/other"), NOW)
    with pytest.raises(RuntimeError):
        await store.add(replace(first, url="https://example.org/third"), NOW)
    assert len(await store.unfinished()) == 2


async def test_of_many_equal_jobs_at_once_one_is_kept(store):
    kept = []

    async def add(number):
        if await store.add(replace(job(1), id=JobId(f"id{number}")), NOW):
            kept.append(number)

    async with asyncio.TaskGroup() as tasks:
        for number in range(50):
            tasks.create_task(add(number))
    (summary,) = await store.unfinished()
    assert [f"id{number}" for number in kept] == [summary.job.id]


async def test_of_many_jobs_at_once_no_more_than_allowed_are_kept(store):
    kept = []

    async def add(number):
        try:
            kept.append(await store.add(job(number), NOW, max_unfinished=5))
        except TooManyJobsError as error:
            assert error.limit == 5

    async with asyncio.TaskGroup() as tasks:
        for number in range(30):
            tasks.create_task(add(number))
    assert kept == [True] * 5
    assert await store.count_unfinished(1) == 5
    assert not await store.add(job(0), NOW, max_unfinished=5), "known, not one too many"
    assert await store.add(job(99, user=2), NOW, max_unfinished=5)
    assert await store.end(job(0).id, JobState.CANCELLED, None, NOW)
    assert await store.add(job(98), NOW, max_unfinished=5)


async def test_a_late_finisher_changes_nothing(store):
    await store.add(job(1), NOW)
    old = await claim_of(store)
    new = await claim_of(store, now=LEASE)
    assert new.fence != old.fence
    changed = replace(old.record, state=JobState.FAILED)
    assert not await store.renew(old, LEASE + MINUTE)
    assert not await store.save(old, changed, NOW)
    assert not await store.release(old, changed, NOW)
    assert await store.find(job(1).id) == replace(old.record, attempts=1)
    assert await store.save(new, new.record, NOW)
    assert await store.release(new, new.record, NOW)
    assert not await store.release(new, changed, NOW), "given back once"
    assert not await store.renew(new, LEASE)


async def test_a_lease_that_ran_out_is_good_until_somebody_else_claims(store):
    await store.add(job(1), NOW)
    claim = await claim_of(store)
    assert await store.claim(Lane.INSPECT, LEASE - MINUTE / 60, LEASE, OPEN) is None
    assert await store.renew(claim, LEASE + MINUTE)
    assert await store.claim(Lane.INSPECT, LEASE, LEASE + MINUTE, OPEN) is None
    again = await claim_of(store, now=LEASE + MINUTE)
    assert (claim.record.attempts, again.record.attempts) == (0, 1)
    assert again.lease_until == LEASE + 2 * MINUTE
    assert await store.release(again, again.record, NOW)
    assert (await claim_of(store)).record.attempts == 1, "a claim given back is no attempt"


async def test_after_a_restart_nobody_holds_a_claim(store):
    for number in range(3):
        await store.add(job(number), NOW)
    claim = await claim_of(store)
    await claim_of(store)
    assert await store.give_up_claims() == 2
    assert await store.give_up_claims() == 0
    assert not await store.save(claim, claim.record, NOW)
    assert not [item for item in await store.unfinished() if item.is_claimed]
    attempts = [(await claim_of(store)).record.attempts for _ in range(3)]
    assert attempts == [1, 1, 0]
    assert await store.give_up_claims(is_crash=False) == 3
    attempts = [(await claim_of(store)).record.attempts for _ in range(3)]
    assert sorted(attempts) == [0, 1, 1], "who is stopped has not crashed"


async def test_a_menu_is_answered_once(store):
    await store.add(job(1), NOW)
    assert not await store.pick(job(1).id, CHOICE, NOW), "there is no menu yet"
    await offer(store, job(1))
    assert await claimed_ids(store, Lane.INSPECT) == await claimed_ids(store) == []
    picked = []

    async def pick(height):
        if await store.pick(job(1).id, replace(CHOICE, height=height), NOW + MINUTE):
            picked.append(height)

    async with asyncio.TaskGroup() as tasks:
        for height in range(20):
            tasks.create_task(pick(height))
    record = await store.find(job(1).id)
    assert (record.state, [record.choice.height]) == (JobState.QUEUED, picked)
    assert record.changed_at == NOW + MINUTE
    assert not await store.pick("unknown", CHOICE, NOW)
    assert await claimed_ids(store) == [job(1).id]


async def test_open_jobs_are_counted_and_listed_oldest_first(store):
    numbers = (5, 3, 9, 1)
    for number in numbers:
        await store.add(job(number, user=number % 2), NOW)
    await store.add(job(20, user=7), NOW)
    assert [item.job for item in await store.unfinished(1)] == [job(n, user=1) for n in numbers]
    assert len(await store.unfinished()) == 5
    await store.end(job(3).id, JobState.CANCELLED, None, NOW)
    assert [item.job.id for item in await store.unfinished(1)] == ["job5", "job9", "job1"]
    assert [await store.count_unfinished(user) for user in (1, 7, 8)] == [3, 1, 0]
    assert await store.unfinished(8) == []


async def test_a_job_that_waits_until_later_can_be_called_at_once(store):
    waits, held, ended = job(1), job(2), job(3)
    for item in (waits, held, ended):
        assert await store.add(item, NOW)
    for item in (waits, held):
        claim = await claim_of(store)
        assert claim.record.job == item
        assert await store.release(claim, replace(claim.record, not_before=NOW + MINUTE), NOW)
    assert await store.end(ended.id, JobState.CANCELLED, None, NOW)
    assert await claimed_ids(store, Lane.INSPECT) == []
    assert (await claim_of(store, now=NOW + MINUTE)).record.job == waits
    claim = await claim_of(store, now=NOW + MINUTE)
    await store.release(claim, replace(claim.record, not_before=NOW + 2 * MINUTE), NOW)
    await store.hasten([])
    await store.hasten([waits.id, held.id, ended.id, JobId("nobody")])
    assert await claimed_ids(store, Lane.INSPECT) == [held.id], "the other one is claimed"
