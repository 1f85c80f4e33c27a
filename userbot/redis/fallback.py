"""The volatile ports on Redis with something to fall back on: no call fails, none waits long."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from userbot.domain.jobs import JobId
from userbot.ports.volatile import (
    Cache,
    Charge,
    Live,
    LiveJob,
    RateLimiter,
    Volatile,
    Wakeups,
)
from userbot.redis.breaker import Breaker
from userbot.redis.cache import RedisCache
from userbot.redis.client import TIMEOUT_S, open_client
from userbot.redis.keys import Keys
from userbot.redis.limiter import RedisLimiter
from userbot.redis.live import RedisLive
from userbot.redis.wakeups import RedisWakeups

PROBE_TTL_S = 1


@asynccontextmanager
async def open_redis(
    url: str,
    bot_id: int,
    local: Volatile,
    forget: Callable[[], None],
    timeout_s: float = TIMEOUT_S,
) -> AsyncIterator[Volatile]:
    """Use the server at url for the block, and `local` while it is away, from the start on.

    Forget is called when the server is back: what local was told meanwhile must not come up the
    next time. No call waits for Redis longer than timeout_s. Raises InfrastructureError for a url
    that cannot be understood.
    """
    keys = Keys(bot_id)
    async with open_client(url, timeout_s) as client:
        # Written, not only asked: with its memory full, or as a replica, it would answer a ping.
        probe = partial(client.set, keys.probe, "", ex=PROBE_TTL_S)
        breaker = Breaker(probe, forget, timeout_s)
        async with _probing(breaker):
            await breaker.call(probe, _nothing)  # so that the log says at once if it is away
            yield Volatile(
                SafeCache(breaker, RedisCache(client, keys), local.cache),
                SafeLimiter(breaker, RedisLimiter(client, keys), local.limiter),
                SafeLive(breaker, RedisLive(client, keys), local.live),
                SafeWakeups(breaker, RedisWakeups(client, keys), local.wakeups),
            )


@asynccontextmanager
async def _probing(breaker: Breaker) -> AsyncIterator[None]:
    """Let the breaker look for Redis during the block. What the block raises is raised as it is."""
    try:
        async with asyncio.TaskGroup() as tasks:
            probing = tasks.create_task(breaker.serve(), name="redis")
            try:
                yield
            finally:
                probing.cancel()
    except BaseExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        error = group.exceptions[0]
        raise error from error.__cause__


class SafeCache:
    """`Cache` on both. What Redis was too slow to take, or to give, this process may have."""

    def __init__(self, breaker: Breaker, there: Cache, here: Cache) -> None:
        self._breaker = breaker
        self._there = there
        self._here = here

    async def get(self, key: str) -> str | None:
        """See `ports.volatile.Cache`."""
        found = await self._breaker.call(lambda: self._there.get(key), _nothing, is_large=True)
        return await self._here.get(key) if found is None else found

    async def put(self, key: str, value: str, ttl_s: float) -> None:
        """See `ports.volatile.Cache`."""
        await self._here.drop(key)
        await self._breaker.call(
            lambda: self._there.put(key, value, ttl_s),
            lambda: self._here.put(key, value, ttl_s),
            is_large=True,
        )

    async def drop(self, key: str) -> None:
        """See `ports.volatile.Cache`."""
        await self._here.drop(key)
        await self._breaker.call(lambda: self._there.drop(key), _nothing)


class SafeLimiter:
    """`RateLimiter` on both."""

    def __init__(self, breaker: Breaker, there: RateLimiter, here: RateLimiter) -> None:
        self._breaker = breaker
        self._there = there
        self._here = here

    async def charge(self, charges: Sequence[Charge]) -> float:
        """See `ports.volatile.RateLimiter`."""
        return await self._breaker.call(
            lambda: self._there.charge(charges), lambda: self._here.charge(charges)
        )


class SafeLive:
    """`Live` on both."""

    def __init__(self, breaker: Breaker, there: Live, here: Live) -> None:
        self._breaker = breaker
        self._there = there
        self._here = here

    async def put(self, job: LiveJob) -> None:
        """See `ports.volatile.Live`."""
        await self._breaker.call(lambda: self._there.put(job), lambda: self._here.put(job))

    async def get(self, job_id: JobId) -> LiveJob | None:
        """See `ports.volatile.Live`."""
        return await self._breaker.call(
            lambda: self._there.get(job_id), lambda: self._here.get(job_id)
        )

    async def drop(self, job: LiveJob) -> None:
        """See `ports.volatile.Live`."""
        await self._breaker.call(lambda: self._there.drop(job), lambda: self._here.drop(job))


class SafeWakeups:
    """`Wakeups` on both: listens to both, and wakes through whichever works."""

    def __init__(self, breaker: Breaker, there: Wakeups, here: Wakeups) -> None:
        self._breaker = breaker
        self._there = there
        self._here = here

    async def wake(self) -> None:
        """See `ports.volatile.Wakeups`."""
        await self._breaker.call(self._there.wake, self._here.wake)

    async def serve(self, on_wake: Callable[[], None]) -> None:
        """See `ports.volatile.Wakeups`."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._there.serve(on_wake))
            tasks.create_task(self._here.serve(on_wake))


async def _nothing() -> None:
    """Do without."""
