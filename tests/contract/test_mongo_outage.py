"""MongoDB killed, frozen or not there: calls fail within seconds, and it goes on by itself."""

import asyncio
import contextlib
import time
from dataclasses import replace

import pytest

from tests.contract import mongo_server
from tests.contract.stores import LEASE, NOW, OPEN, extraction, job, queue
from userbot.domain.records import JobState, Lane
from userbot.errors import InfrastructureError
from userbot.mongo.jobs import open_jobs

SECONDS = 12  # the driver gives up after 3 or 4, but has only so many threads at once


@pytest.fixture
async def server(tmp_path):
    async with mongo_server.running(tmp_path) as server:
        yield server


@pytest.fixture
async def store(server):
    async with open_jobs(server.url, "userbot") as store:
        yield store


async def fails(call):
    started = time.monotonic()
    with pytest.raises(InfrastructureError, match="MongoDB"):
        await call
    assert time.monotonic() - started < SECONDS


async def test_what_a_killed_server_had_is_there_when_it_is_back(server, store):
    await queue(store, job(1), job(2))
    claim = await store.claim(Lane.DELIVER, NOW, LEASE, OPEN)
    record = replace(claim.record, state=JobState.SENDING, extraction=extraction(info_json="{}"))
    assert await store.save(claim, record, NOW)
    expected = await store.find(job(1).id)
    await server.kill()
    async with asyncio.TaskGroup() as tasks:
        for call in (
            store.add(job(3), NOW),
            store.find(job(1).id),
            store.claim(Lane.DELIVER, NOW, LEASE, OPEN),
            store.renew(claim, LEASE),
            store.save(claim, record, NOW),
            store.release(claim, record, NOW),
            store.end(job(1).id, JobState.CANCELLED, None, NOW),
            store.unfinished(),
            store.places(Lane.DELIVER, NOW, 5),
        ):
            tasks.create_task(fails(call))
    await server.start()
    assert await store.find(job(1).id) == expected
    assert await store.renew(claim, LEASE)
    assert (await store.claim(Lane.DELIVER, NOW, LEASE, OPEN)).record.job == job(2)
    assert await store.claim(Lane.DELIVER, NOW, LEASE, OPEN) is None
    assert await store.find(job(3).id) is None
    assert await store.release(claim, replace(record, state=JobState.DELIVERED), NOW)


async def test_what_was_acknowledged_before_the_server_was_killed_is_kept(server, store):
    kept = []

    async def add(first):
        with contextlib.suppress(InfrastructureError):
            for number in range(first, first + 1000):
                assert await store.add(job(number, user=first), NOW)
                kept.append(number)

    async with asyncio.TaskGroup() as tasks:
        for first in range(0, 4000, 1000):
            tasks.create_task(add(first))
        while len(kept) < 60:
            await asyncio.sleep(0)
        await server.kill()
    await server.start()
    found = {item.job.id for item in await store.unfinished()}
    assert found >= {f"job{number}" for number in kept}
    assert len(found) <= len(kept) + 4, "what was under way may be kept as well"
    claims = [await store.claim(Lane.INSPECT, NOW, LEASE, OPEN) for _ in range(8)]
    assert len({claim.record.job.id for claim in claims}) == 8


async def test_a_frozen_server_is_given_up_and_leaves_nothing_claimed(server, store):
    await queue(store, *(job(number, user=number) for number in range(3)))
    server.freeze()
    await fails(store.claim(Lane.DELIVER, NOW, LEASE, OPEN))
    server.thaw()
    order = [place.job_id for place in await store.places(Lane.DELIVER, NOW, 10)]
    assert order == ["job0", "job1", "job2"]
    claims = [await store.claim(Lane.DELIVER, NOW, LEASE, OPEN) for _ in order]
    assert [claim.record.job.id for claim in claims] == order
    assert [claim.record.attempts for claim in claims] == [0, 0, 0]


async def test_a_claim_whose_answer_was_lost_is_nobodys(server, store):
    """The server freezes before the one command that makes the claim, and carries it out later."""
    await queue(store, job(1))
    change = store._claims._change

    async def freeze_and_change(*arguments):
        server.freeze()
        return await change(*arguments)

    store._claims._change = freeze_and_change
    await fails(store.claim(Lane.DELIVER, NOW, LEASE, OPEN))
    store._claims._change = change
    server.thaw()
    claim = await store.claim(Lane.DELIVER, NOW, LEASE, OPEN)
    while claim is None:  # until the server has come to the command of before
        claim = await store.claim(Lane.DELIVER, NOW, LEASE, OPEN)
    assert (claim.record.job, claim.record.attempts) == (job(1), 0)


async def test_a_cancelled_call_ends_although_the_server_is_frozen(server, store):
    await queue(store, job(1))
    server.freeze()
    started = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        claiming = tasks.create_task(store.claim(Lane.DELIVER, NOW, LEASE, OPEN))
        await asyncio.sleep(0)
        claiming.cancel()
    assert claiming.cancelled()
    assert time.monotonic() - started < SECONDS
    server.thaw()
    assert await store.claim(Lane.DELIVER, NOW, LEASE, OPEN)


async def open_and_fail(url):
    with pytest.raises(InfrastructureError, match="MongoDB") as caught:
        async with open_jobs(url, "userbot"):
            pytest.fail("it was opened")
    return str(caught.value)


async def test_a_server_that_is_not_there_is_told_without_the_password():
    started = time.monotonic()
    said = await open_and_fail("mongodb://me:secret@127.0.0.1:1/?authSource=admin")
    assert "secret" not in said
    assert "127.0.0.1:1" in said
    assert time.monotonic() - started < SECONDS


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mongodb://", "mongodb://me:se@cret@x/", "http://x"]
)
async def test_an_address_that_is_none_is_told(url):
    assert "cret" not in await open_and_fail(url)
