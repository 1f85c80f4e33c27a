"""Live progress and wake-ups, in memory and in Redis: the same promises."""

import asyncio
from dataclasses import replace

from tests.contract.volatile import BOT_ID, Clock, both, opened, redis
from userbot.domain.jobs import JobId, Progress, Stage
from userbot.memory.live import TTL_S, MemoryLive
from userbot.ports.volatile import LiveJob
from userbot.redis.client import open_client
from userbot.redis.keys import LIVE_TTL_S, Keys
from userbot.redis.live import RedisLive

JOB = LiveJob(JobId("a1"), 5, "Ключ <b> \n", Progress(Stage.DOWNLOAD, 10, 100, 3.5, True))
SECOND = LiveJob(JobId("a2"), 5, "", Progress(Stage.UPLOAD))


@both
async def test_the_latest_of_a_job_is_there_for_everybody(kind):
    async with opened(kind, Clock()) as stores:
        assert await stores.live.get(JOB.job_id) is None
        await stores.live.put(JOB)
        assert await stores.live.get(JOB.job_id) == JOB
        later = replace(JOB, progress=Progress(Stage.UPLOAD, 3))
        await stores.live.put(later)
        assert await stores.live.get(JOB.job_id) == later


@both
async def test_what_nobody_works_on_any_more_is_gone_and_nothing_else(kind):
    async with opened(kind, Clock()) as stores:
        for job in (JOB, SECOND, JOB):
            await stores.live.put(job)
        await stores.live.drop(JOB)
        await stores.live.drop(JOB)
        assert await stores.live.get(JOB.job_id) is None
        assert await stores.live.get(SECOND.job_id) == SECOND


async def test_memory_forgets_what_nobody_puts_again():
    clock = Clock()
    live = MemoryLive(clock)
    await live.put(JOB)
    clock.now_s += TTL_S
    assert await live.get(JOB.job_id) is None
    await live.put(SECOND)
    assert len(live._jobs) == 1


async def test_redis_forgets_what_nobody_puts_again_and_reads_no_rubbish():
    keys = Keys(BOT_ID)
    async with redis() as server, open_client(server.url) as client:
        live = RedisLive(client, keys)
        await live.put(JOB)
        assert 0 < await client.ttl(keys.live(JOB.job_id)) <= LIVE_TTL_S
        await client.set(keys.live(JOB.job_id), '{"job_id": 5}')
        assert await live.get(JOB.job_id) is None


@both
async def test_everybody_who_listens_is_woken(kind):
    async with opened(kind, Clock()) as stores, asyncio.TaskGroup() as tasks:
        woken = [asyncio.Event(), asyncio.Event()]
        listening = [tasks.create_task(stores.wakeups.serve(event.set)) for event in woken]
        async with asyncio.timeout(10):
            while not all(event.is_set() for event in woken):
                await stores.wakeups.wake()
                await asyncio.sleep(0.01)
        for task in listening:
            task.cancel()
