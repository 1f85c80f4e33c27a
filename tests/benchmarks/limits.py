"""How fast limits are checked, in memory and in Redis: `python -m tests.benchmarks.limits`.

Each check is of four levels. Figures are worth something on a quiet machine only; Redis is a
redis-server of this machine, on a unix socket.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.contract.volatile import redis
from userbot.memory.volatile import in_memory
from userbot.ports.volatile import Charge, RateLimiter
from userbot.redis.fallback import open_redis

CHECKS = 20_000
TASKS = 50
LEVELS = [Charge(name, 10**6, 60) for name in ("all", "chat:1", "user:1", "operation")]
AT_ONCE, LIMIT = 500, 50


async def main() -> None:
    async with in_redis() as limiter:
        await measure("Redis", limiter)
    await measure("memory", in_memory(time.monotonic)[0].limiter)


@asynccontextmanager
async def in_redis() -> AsyncIterator[RateLimiter]:
    local, forget = in_memory(time.monotonic)
    async with redis() as server, open_redis(server.url, 1, local, forget) as stores:
        yield stores.limiter


async def measure(name: str, limiter: RateLimiter) -> None:
    one_s = await _one_after_another(limiter, CHECKS // 10)
    rate = await _many_at_once(limiter, CHECKS)
    passed, all_s = await _crowd(limiter)
    say(f"{name}: {one_s * 1e6:.0f} us one after another, {rate:.0f} checks/s from {TASKS} tasks")
    say(
        f"  {AT_ONCE} at once against {LIMIT}: {passed} pass, all answered in {all_s * 1000:.0f} ms"
    )


async def _one_after_another(limiter: RateLimiter, checks: int) -> float:
    """Return how long one check takes."""
    began = time.perf_counter()
    for _ in range(checks):
        assert await limiter.charge(LEVELS) == 0
    return (time.perf_counter() - began) / checks


async def _many_at_once(limiter: RateLimiter, checks: int) -> float:
    """Return how many checks a second are made."""

    async def some() -> None:
        for _ in range(checks // TASKS):
            assert await limiter.charge(LEVELS) == 0

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(TASKS):
            tasks.create_task(some())
    return checks / (time.perf_counter() - began)


async def _crowd(limiter: RateLimiter) -> tuple[int, float]:
    """Return how many of a crowd pass, and how long all of them take together."""
    waits: list[float] = []
    levels = [*LEVELS, Charge("crowd", LIMIT, 3600)]

    async def one() -> None:
        waits.append(await limiter.charge(levels))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(one())
    return waits.count(0), time.perf_counter() - began


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
