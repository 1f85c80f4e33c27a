"""The implementations of the volatile stores, and what their tests share."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract import redis_server
from userbot.memory.volatile import in_memory
from userbot.ports.volatile import Volatile
from userbot.redis.cache import RedisCache
from userbot.redis.client import open_client
from userbot.redis.keys import Keys
from userbot.redis.limiter import RedisLimiter
from userbot.redis.live import RedisLive
from userbot.redis.wakeups import RedisWakeups

KINDS = ("memory", "redis")
BOT_ID = 7
PATIENCE_S = 10.0  # the machine may be busy; how short it is for people is another question

both = pytest.mark.parametrize("kind", KINDS)


@dataclass
class Clock:
    """Time that passes when a test says so."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@asynccontextmanager
async def opened(kind: str, clock: Clock) -> AsyncIterator[Volatile]:
    """Open empty stores. The clock is that of the memory; a Redis has its own, which is real."""
    if kind == "memory":
        yield in_memory(clock)[0]
        return
    async with redis() as server, open_client(server.url, PATIENCE_S) as client:
        keys = Keys(BOT_ID)
        yield Volatile(
            RedisCache(client, keys),
            RedisLimiter(client, keys),
            RedisLive(client, keys),
            RedisWakeups(client, keys),
        )


@asynccontextmanager
async def redis() -> AsyncIterator[redis_server.Server]:
    """Run a server of one's own, in a folder with a short path."""
    with tempfile.TemporaryDirectory(prefix="redis-", ignore_cleanup_errors=True) as folder:
        async with redis_server.running(Path(folder)) as server:
            yield server
