"""Many calls to the durable queue at the same time."""

import asyncio
from dataclasses import replace

from tests.contract.stores import (
    LEASE,
    NOW,
    OPEN,
    claimed_ids,
    job,
    queue,
)
from userbot.domain.records import JobState, Lane

# The server that stands in for MongoDB takes time with every claim: the more, the more jobs it has.
MANY = {"sqlite": 200, "mongo": 70}


async def test_fifty_at_once_claim_each_job_once(store, kind):
    count = MANY[kind]
    await queue(store, *(job(number, user=number % 7) for number in range(count)))
    claims = []

    async def work():
        while claim := await store.claim(Lane.DELIVER, NOW, LEASE, OPEN):
            claims.append(claim)
            done = replace(claim.record, state=JobState.DELIVERED)
            assert await store.release(claim, done, NOW)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(50):
            tasks.create_task(work())
    assert sorted(claim.record.job.id for claim in claims) == sorted(
        f"job{n}" for n in range(count)
    )
    assert await store.unfinished() == []


async def test_claims_of_all_lanes_at_once_spare_each_other(store):
    await queue(store, *(job(number, user=number) for number in range(6)))
    await queue(store, *(job(number, user=number) for number in range(10, 16)), quick=True)
    for number in range(20, 26):
        await store.add(job(number, user=number), NOW)
    claims = []

    async def work(lane):
        while claim := await store.claim(lane, NOW, LEASE, OPEN):
            claims.append(claim)

    async with asyncio.TaskGroup() as tasks:
        for lane in Lane:
            tasks.create_task(work(lane))
    assert len(claims) == 18
    for claim in claims:
        assert await store.renew(claim, LEASE)


async def test_a_cancelled_call_happens_or_not_and_spares_the_others(store):
    await queue(store, *(job(number, user=number % 5) for number in range(30)))
    order = [place.job_id for place in await store.places(Lane.DELIVER, NOW, 100)]
    for yields in range(40):
        async with asyncio.TaskGroup() as tasks:
            claiming = tasks.create_task(store.claim(Lane.DELIVER, NOW, LEASE, OPEN))
            adding = tasks.create_task(store.add(job(1000 + yields), NOW))
            for _ in range(yields):
                await asyncio.sleep(0 if yields % 2 else 0.0002)
            claiming.cancel()
            adding.cancel()
        if not claiming.cancelled():
            claim = claiming.result()
            assert await store.end(claim.record.job.id, JobState.CANCELLED, None, NOW)
            order.remove(claim.record.job.id)
        waiting = [place.job_id for place in await store.places(Lane.DELIVER, NOW, 100)]
        assert waiting == order, "what nobody holds is not claimed, nor is the turn lost"
    assert await claimed_ids(store) == order
    assert await store.give_up_claims() == len(order)
    for item in await store.unfinished():
        assert (await store.find(item.job.id)).attempts == (item.job.id in order)
