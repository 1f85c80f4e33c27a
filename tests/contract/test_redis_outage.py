"""Redis stops, freezes, is slow, comes back: nobody is failed, and nobody waits for it."""

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from functools import partial

import pytest

from tests.contract.volatile import BOT_ID, redis
from userbot.domain.jobs import JobId, Progress, Stage
from userbot.memory.volatile import in_memory
from userbot.ports.volatile import Charge, LiveJob
from userbot.redis.fallback import open_redis

LONG_S = 3600
PATIENCE_S = 1.0  # the machine may be busy; people's is shorter
LONG_PATIENCE_S = 3.0
NO_WAIT_S = 10.0
BACK_S = 30.0
JOB = LiveJob(JobId("a"), 1, "Title", Progress(Stage.UPLOAD))
CHARGE = [Charge("all", 10**6, 60), Charge("user", 10**6, 60)]


@asynccontextmanager
async def opened(url):
    local, forget = in_memory(time.monotonic)
    async with open_redis(url, BOT_ID, local, forget, PATIENCE_S) as stores:
        yield stores


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO, logger="userbot.redis")

    def lines():
        return [record.getMessage().partition(":")[0] for record in caplog.records]

    return lines


async def _use_all(stores):
    """Call everything once; fail when that takes long."""
    async with asyncio.timeout(NO_WAIT_S):
        await stores.limiter.charge(CHARGE)
        await stores.cache.put("used", "value", LONG_S)
        assert await stores.cache.get("used") == "value"
        await stores.cache.drop("used")
        await stores.live.put(JOB)
        assert await stores.live.get(JOB.job_id) == JOB
        await stores.live.drop(JOB)
        await stores.wakeups.wake()


async def _back(said, times=1):
    async with asyncio.timeout(BACK_S):
        while said().count("Redis is back") < times:
            await asyncio.sleep(0.02)


async def test_a_killed_redis_is_done_without_and_used_again_by_itself(said):
    async with redis() as server, opened(server.url) as stores:
        await _use_all(stores)
        assert said() == []
        for times in (1, 2):
            await server.kill()
            for _ in range(20):
                await _use_all(stores)
            assert said().count("Redis is away") == times
            await server.start()
            await _back(said, times)
            await _use_all(stores)


async def test_a_frozen_redis_is_done_without_and_used_again_by_itself(said):
    async with redis() as server, opened(server.url) as stores:
        await stores.cache.put("before", "kept", LONG_S)
        server.freeze()
        async with asyncio.timeout(NO_WAIT_S), asyncio.TaskGroup() as tasks:
            for _ in range(200):  # whoever asks at that moment, all at once
                tasks.create_task(stores.limiter.charge(CHARGE))
        await _use_all(stores)
        assert await stores.cache.get("before") is None
        await stores.cache.put("before", "meanwhile", LONG_S)
        server.thaw()
        await _back(said)
        assert await stores.cache.get("before") == "kept"
        assert said() == ["Redis is away", "Redis is back"]
        server.freeze()
        assert await stores.cache.get("before") is None  # what was meanwhile is over
        server.thaw()


async def test_an_answer_that_came_too_late_is_not_taken_for_another(said):
    async with redis() as server, opened(server.url) as stores:
        for key in "abcdefgh":
            await stores.cache.put(key, key, LONG_S)
        server.freeze()
        async with asyncio.TaskGroup() as tasks:
            for key in "abcd":
                tasks.create_task(stores.cache.get(key))
        server.thaw()
        await _back(said)
        assert [await stores.cache.get(key) for key in "hgfedcba"] == list("hgfedcba")


async def test_a_redis_that_is_not_there_at_the_start_is_used_when_it_comes(said):
    async with redis() as server:
        await server.kill()
        async with opened(server.url) as stores:
            assert said() == ["Redis is away"]
            await _use_all(stores)
            await server.start()
            await _back(said)
            await stores.cache.put("key", "value", LONG_S)
            await server.kill()
            assert await stores.cache.get("key") is None


@pytest.mark.parametrize(
    "url",
    ["redis://127.0.0.1:9", "redis://somebody:open-sesame@127.0.0.1:9/5", "unix:///nowhere/s"],
)
async def test_a_refused_connection_fails_nobody_and_shows_no_password(url, said, caplog):
    async with opened(url) as stores:
        await _use_all(stores)
    assert said() == ["Redis is away"]
    assert "sesame" not in caplog.text


async def test_a_server_that_takes_calls_and_never_answers_is_done_without(said):
    async def swallow(reader, writer):
        try:
            while await reader.read(1000):
                pass
        finally:
            writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with opened(f"redis://127.0.0.1:{port}") as stores:
            await _use_all(stores)
        assert said() == ["Redis is away"]


@pytest.mark.parametrize("rubbish", ["a text", "a list"])
async def test_a_key_that_somebody_else_wrote_costs_what_was_under_it_and_nothing_more(
    rubbish, said
):
    async with redis() as server, opened(server.url) as stores:
        client = stores.cache._there._client
        await stores.cache.put("other", "kept", LONG_S)
        names = ("rate:user", "cache:used", "live:a")
        for key in (f"userbot:{BOT_ID}:{name}" for name in names):
            await (client.set(key, "x") if rubbish == "a text" else client.rpush(key, "x", "nan"))
        limits = [Charge("all", 2, LONG_S), Charge("user", 1, LONG_S)]
        waits = [await stores.limiter.charge(limits) for _ in range(2)]
        assert waits[0] == 0 < waits[1] <= LONG_S
        if rubbish == "a list":
            assert await stores.cache.get("used") is None
        assert await stores.live.get(JOB.job_id) is None
        await _use_all(stores)
        assert await stores.cache.get("other") == "kept"
        assert "Redis is away" not in said()


async def test_a_wrong_time_in_the_middle_of_a_count_is_waited_for_no_longer_than_the_window():
    async with redis() as server, opened(server.url) as stores:
        client = stores.cache._there._client
        now_us = int(time.time() * 1e6)
        for middle in ("rubbish", "inf"):
            await client.delete(f"userbot:{BOT_ID}:rate:k")
            await client.rpush(f"userbot:{BOT_ID}:rate:k", now_us, middle)
            assert 0 < await stores.limiter.charge([Charge("k", 2, LONG_S, 2)]) <= LONG_S


async def test_a_redis_that_only_refuses_to_write_is_done_without_once(said):
    """Its memory is full, or it is a replica: a ping would say that all is well."""
    async with redis() as server, opened(server.url) as stores:
        client = stores.cache._there._client
        await client.config_set("maxmemory", 1)
        await client.config_set("maxmemory-policy", "noeviction")
        await stores.limiter.charge(CHARGE)
        assert not await stores.cache._breaker._answers()
        await _use_all(stores)
        assert said() == ["Redis is away"]
        await client.config_set("maxmemory", 0)
        await _back(said)
        assert said() == ["Redis is away", "Redis is back"]


async def test_large_calls_keep_nobody_else_waiting(said):
    async with redis() as server, opened(server.url) as stores, asyncio.TaskGroup() as tasks:
        breaker, late = stores.cache._breaker, asyncio.Event()
        breaker._timeout_s = LONG_PATIENCE_S

        async def instead():
            """It does without."""

        large = [
            tasks.create_task(breaker.call(late.wait, instead, is_large=True)) for _ in range(100)
        ]
        await asyncio.sleep(0)
        assert await stores.limiter.charge(CHARGE) == 0
        assert not any(call.done() for call in large), "none was waited for"
        late.set()
    assert said() == []


async def test_a_frozen_redis_under_load_fails_nobody_and_holds_up_no_limiter(said):
    page = "x" * 300_000
    async with redis() as server, opened(server.url) as stores:
        waits = []

        async def crowd(number):
            began = time.monotonic()
            assert await stores.limiter.charge(CHARGE) == 0
            waits.append(time.monotonic() - began)
            await stores.cache.put(f"page{number % 50}", page, LONG_S)
            assert await stores.cache.get(f"page{number % 50}") in (page, None)

        server.freeze()
        async with asyncio.timeout(NO_WAIT_S), asyncio.TaskGroup() as tasks:
            for number in range(300):
                tasks.create_task(crowd(number))
        server.thaw()
        assert max(waits) < 2 * PATIENCE_S + 1, "a call and a question, whoever else waits"
        assert said()[:1] == ["Redis is away"]


async def test_what_redis_was_too_slow_to_take_is_known_here(said):
    async with redis() as server, opened(server.url) as stores:
        breaker = stores.cache._breaker
        await breaker.call(  # as it is when a put is late
            partial(stores.cache._there._client.brpop, "nothing", timeout=NO_WAIT_S),
            partial(stores.cache._here.put, "page", "late", LONG_S),
            is_large=True,
        )
        assert said() == []
        assert await stores.cache.get("page") == "late"
        await stores.cache.put("page", "new", LONG_S)
        assert await stores.cache._here.get("page") is None
        assert await stores.cache.get("page") == "new"
        await stores.cache.drop("page")
        assert await stores.cache.get("page") is None


async def test_what_is_late_because_it_is_long_closes_nothing(said):
    async with redis() as server, opened(server.url) as stores:
        breaker = stores.cache._breaker
        late, here = asyncio.Event(), asyncio.Event()
        breaker._timeout_s = PATIENCE_S

        async def instead():
            here.set()

        await breaker.call(late.wait, instead, is_large=True)
        assert here.is_set()
        assert said() == []
        await breaker.call(late.wait, instead)
        assert said() == ["Redis is away"]


async def test_a_process_without_a_processor_does_not_take_redis_for_away(said):
    async with redis() as server, opened(server.url) as stores:
        breaker = stores.cache._breaker
        breaker._timeout_s = LONG_PATIENCE_S

        def busy():
            time.sleep(LONG_PATIENCE_S + 0.5)
            return asyncio.Event().wait()

        assert await breaker.call(busy, partial(asyncio.sleep, 0, "here")) == "here"
        assert said() == []


async def test_limits_hold_for_this_process_while_redis_is_away():
    async with opened("redis://127.0.0.1:9") as stores:
        waits = [await stores.limiter.charge([Charge("k", 5, LONG_S)]) for _ in range(20)]
    assert waits.count(0) == 5


async def test_wakeups_go_on_after_redis_was_away(said):
    async with redis() as server, opened(server.url) as stores, asyncio.TaskGroup() as tasks:
        woken = asyncio.Event()
        listening = tasks.create_task(stores.wakeups.serve(woken.set))
        await _wake_until(stores, woken)
        await server.kill()
        await _wake_until(stores, woken)
        await server.start()
        await _back(said)
        await _wake_until(stores, woken)
        listening.cancel()


async def _wake_until(stores, woken):
    woken.clear()
    async with asyncio.timeout(BACK_S):
        while not woken.is_set():
            await stores.wakeups.wake()
            await asyncio.sleep(0.02)
