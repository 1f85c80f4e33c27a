"""The cache, in memory and in Redis: the same promises."""

import asyncio
import random

import pytest

from tests.contract.volatile import BOT_ID, PATIENCE_S, Clock, both, opened, redis
from userbot.memory.cache import MemoryCache
from userbot.redis.cache import MAX_PACKED_CHARS, RedisCache
from userbot.redis.client import open_client
from userbot.redis.keys import Keys

LONG_S = 3600


@both
@pytest.mark.parametrize("value", ["", "text", "naïve текст 🎬", "x" * 100_000, "a\r\nb\0c"])
async def test_what_was_put_comes_back(kind, value):
    async with opened(kind, Clock()) as stores:
        assert await stores.cache.get("key") is None
        await stores.cache.put("key", value, LONG_S)
        assert await stores.cache.get("key") == value


@both
async def test_putting_again_replaces_and_dropping_forgets(kind):
    async with opened(kind, Clock()) as stores:
        await stores.cache.put("key", "old", LONG_S)
        await stores.cache.put("key", "new", LONG_S)
        await stores.cache.put("other", "stays", LONG_S)
        assert await stores.cache.get("key") == "new"
        await stores.cache.drop("key")
        await stores.cache.drop("never there")
        assert await stores.cache.get("key") is None
        assert await stores.cache.get("other") == "stays"


@both
async def test_what_has_no_time_left_is_not_kept_and_replaces_what_was(kind):
    async with opened(kind, Clock()) as stores:
        for ttl_s in (0, -5.0):
            await stores.cache.put("key", "old", LONG_S)
            await stores.cache.put("key", "new", ttl_s)
            assert await stores.cache.get("key") is None


@both
async def test_text_that_utf_8_cannot_say_does_no_harm(kind):
    async with opened(kind, Clock()) as stores:
        await stores.cache.put("key", "half \ud83c of a pair", LONG_S)
        assert await stores.cache.get("key") in ("half \ud83c of a pair", "half ? of a pair")


async def test_a_long_text_comes_back_whole_and_takes_less_in_redis():
    text = "zlib:" + '{"url": "https://a.example/ü\n"}, ' * 40_000
    keys = Keys(BOT_ID)
    async with redis() as server, open_client(server.url, PATIENCE_S) as client:
        cache = RedisCache(client, keys)
        for value in (text[:100], text):
            await cache.put("key", value, LONG_S)
            assert await cache.get("key") == value
        assert await client.strlen(keys.cached("key")) < len(text) / 5
        for rubbish in ("zlib:", "zlib:!", "zlib:aGVsbG8="):
            await client.set(keys.cached("key"), rubbish)
            assert await cache.get("key") is None


async def test_what_is_too_long_even_when_packed_is_not_kept_in_redis():
    text = random.Random(0).randbytes(MAX_PACKED_CHARS).hex()
    async with opened("redis", Clock()) as stores:
        await stores.cache.put("key", "old", LONG_S)
        await stores.cache.put("key", text, LONG_S)
        assert await stores.cache.get("key") is None


async def test_redis_forgets_in_time():
    async with opened("redis", Clock()) as stores:
        await stores.cache.put("key", "value", 0.2)
        async with asyncio.timeout(10):
            while await stores.cache.get("key") is not None:
                await asyncio.sleep(0.05)


async def test_memory_forgets_in_time():
    clock = Clock()
    cache = MemoryCache(clock)
    await cache.put("key", "value", 60)
    clock.now_s += 59.9
    assert await cache.get("key") == "value"
    clock.now_s += 0.1
    assert await cache.get("key") is None


async def test_memory_keeps_what_was_used_last_when_entries_run_out():
    cache = MemoryCache(Clock(), max_entries=3)
    for key in "abc":
        await cache.put(key, key, LONG_S)
    await cache.get("a")
    await cache.put("d", "d", LONG_S)
    assert [await cache.get(key) for key in "abcd"] == ["a", None, "c", "d"]


async def test_memory_counts_bytes_and_refuses_what_alone_is_too_large():
    cache = MemoryCache(Clock(), max_bytes=100)
    await cache.put("a", "x" * 40, LONG_S)
    await cache.put("b", "x" * 40, LONG_S)
    await cache.put("c", "ü" * 40, LONG_S)
    assert [await cache.get(key) for key in "abc"] == [None, None, "ü" * 40]
    await cache.put("c", "x" * 200, LONG_S)
    assert await cache.get("c") is None
    await cache.put("a", "x" * 90, LONG_S)
    assert await cache.get("a") == "x" * 90
