"""Opens what is remembered: for good, and for a while."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from config.sections import Settings
from userbot.memory.volatile import in_memory
from userbot.mongo import stores as mongo
from userbot.ports.durable import Stores
from userbot.ports.volatile import Volatile
from userbot.redis.fallback import open_redis
from userbot.sqlite import stores as sqlite


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Stores]:
    """Open what is durable. Raises InfrastructureError when it cannot be used."""
    url = settings.store.mongo_url
    if url is not None:
        secret, retention = url.get_secret_value(), settings.store.retention
        bot_id = settings.telegram.bot_id
        name = settings.store.mongo_database
        async with mongo.open_stores(secret, name, retention, bot_id) as stores:
            yield stores
        return
    async with sqlite.open_stores(settings.paths.data_dir / "userbot.db") as stores:
        yield stores


@asynccontextmanager
async def open_volatile(settings: Settings) -> AsyncIterator[Volatile]:
    """Open what may be forgotten: in Redis with this process to fall back on, or here alone."""
    local, forget = in_memory(time.monotonic)
    url = settings.store.redis_url
    if url is None:
        yield local
        return
    bot_id = settings.telegram.bot_id
    async with open_redis(url.get_secret_value(), bot_id, local, forget) as volatile:
        yield volatile
