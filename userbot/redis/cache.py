"""Caches that everything with the same Redis shares."""

from redis.asyncio import Redis

from userbot.redis.keys import Keys


class RedisCache:
    """`Cache` in Redis. Raises `client.FAILURES`."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def get(self, key: str) -> str | None:
        """See `ports.volatile.Cache`."""
        value = await self._client.get(self._keys.cached(key))
        return None if value is None else str(value)

    async def put(self, key: str, value: str, ttl_s: float) -> None:
        """See `ports.volatile.Cache`."""
        ttl_ms = int(ttl_s * 1000)
        if ttl_ms <= 0:
            await self.drop(key)
            return
        await self._client.set(self._keys.cached(key), value, px=ttl_ms)

    async def drop(self, key: str) -> None:
        """See `ports.volatile.Cache`."""
        await self._client.delete(self._keys.cached(key))
