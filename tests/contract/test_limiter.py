"""The rate limiter, in memory and in Redis: the same promises."""

import asyncio

import pytest

from tests.contract.volatile import Clock, both, opened
from userbot.memory.limiter import SWEEP_EVERY_S, MemoryLimiter
from userbot.ports.volatile import Charge

LONG_S = 3600.0


def charge(key="k", limit=2, window_s=LONG_S, cost=1):
    return Charge(key, limit, window_s, cost)


@both
async def test_of_500_at_once_exactly_50_pass(kind):
    async with opened(kind, Clock()) as stores:
        waits = await _all_at_once(stores.limiter, [charge(limit=50)], 500)
    assert waits.count(0) == 50
    assert all(LONG_S - 100 < wait <= LONG_S for wait in waits if wait)


async def _all_at_once(limiter, charges, times):
    """Never more at once than a client has time to answer: what waits long is no question here."""
    waits = []
    turns = asyncio.Semaphore(100)

    async def one():
        async with turns:
            waits.append(await limiter.charge(charges))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(times):
            tasks.create_task(one())
    return waits


@both
async def test_all_levels_are_charged_or_none(kind):
    async with opened(kind, Clock()) as stores:
        narrow, wide = charge("narrow", 1), charge("wide", 3)
        assert await stores.limiter.charge([narrow, wide]) == 0
        for _ in range(5):
            assert await stores.limiter.charge([wide, narrow]) > 0
        assert await stores.limiter.charge([wide]) == 0
        assert await stores.limiter.charge([wide]) == 0
        assert await stores.limiter.charge([wide]) > 0


@both
async def test_the_longest_wait_of_all_levels_is_told(kind):
    async with opened(kind, Clock()) as stores:
        short, long = charge("short", 1, 50.0), charge("long", 1, LONG_S)
        assert await stores.limiter.charge([short, long]) == 0
        assert 50 < await stores.limiter.charge([short, long]) <= LONG_S


@both
async def test_what_costs_more_waits_for_as_much_room(kind):
    async with opened(kind, Clock()) as stores:
        assert await stores.limiter.charge([charge(limit=5, cost=3)]) == 0
        assert await stores.limiter.charge([charge(limit=5, cost=3)]) > 0
        assert await stores.limiter.charge([charge(limit=5, cost=2)]) == 0
        assert await stores.limiter.charge([charge(limit=5)]) > 0


@both
async def test_what_costs_more_than_the_limit_is_possible_when_nothing_was_charged(kind):
    async with opened(kind, Clock()) as stores:
        assert await stores.limiter.charge([charge(limit=5, cost=20)]) == 0
        assert await stores.limiter.charge([charge(limit=5)]) > 0


@both
async def test_nothing_to_charge_passes(kind):
    async with opened(kind, Clock()) as stores:
        assert await stores.limiter.charge([]) == 0


@both
async def test_keys_do_not_share_a_counter(kind):
    async with opened(kind, Clock()) as stores:
        for key in ("user:1:link", "user:1:download", "user:2:link", "naïve ключ\n"):
            assert await stores.limiter.charge([charge(key, 1)]) == 0
            assert await stores.limiter.charge([charge(key, 1)]) > 0


async def test_the_wait_told_by_redis_is_enough():
    async with opened("redis", Clock()) as stores:
        assert await stores.limiter.charge([charge(limit=1, window_s=0.5)]) == 0
        wait_s = await stores.limiter.charge([charge(limit=1, window_s=0.5)])
        assert 0 <= wait_s <= 0.5
        await asyncio.sleep(wait_s + 0.01)
        assert await stores.limiter.charge([charge(limit=1, window_s=0.5)]) == 0


async def test_the_wait_told_by_memory_is_exact():
    clock = Clock()
    limiter = MemoryLimiter(clock)
    for _ in range(2):
        assert await limiter.charge([charge(window_s=60)]) == 0
        clock.now_s += 10
    assert await limiter.charge([charge(window_s=60)]) == pytest.approx(40)
    clock.now_s += 39.9
    assert await limiter.charge([charge(window_s=60)]) > 0
    clock.now_s += 0.2
    assert await limiter.charge([charge(window_s=60)]) == 0
    assert await limiter.charge([charge(window_s=60)]) == pytest.approx(9.9)


async def test_memory_forgets_keys_whose_windows_are_over():
    clock = Clock()
    limiter = MemoryLimiter(clock)
    for number in range(1000):
        await limiter.charge([charge(f"user:{number}", 5, 60)])
    clock.now_s += SWEEP_EVERY_S + 1
    await limiter.charge([charge("one more")])
    assert len(limiter._windows) == 1
