"""Caches that everything with the same Redis shares.

What is long is packed: a page takes a fifth then, and is carried in time. The client of Redis knows
texts alone, so what is packed is written as base64.
"""

import asyncio
import base64
import binascii
import zlib

from redis.asyncio import Redis

from userbot.redis.client import mended
from userbot.redis.keys import Keys

PLAIN_CHARS = 10_000  # up to here it is not worth it
MAX_PACKED_CHARS = 1_500_000  # what is longer is not kept: it would take too long each time
MAX_BYTES = 16_000_000  # unpacked
PACKED = "zlib:"


class RedisCache:
    """`Cache` in Redis. Raises `client.FAILURES`."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def get(self, key: str) -> str | None:
        """See `ports.volatile.Cache`."""
        place = self._keys.cached(key)
        value = await mended(self._client, [place], lambda: self._client.get(place))
        if value is None or not value.startswith(PACKED):
            return None if value is None else str(value)
        return await asyncio.to_thread(_unpacked, value.removeprefix(PACKED))

    async def put(self, key: str, value: str, ttl_s: float) -> None:
        """See `ports.volatile.Cache`. What is too long even when packed is not kept."""
        ttl_ms = int(ttl_s * 1000)
        if len(value) > PLAIN_CHARS or value.startswith(PACKED):
            value = PACKED + await asyncio.to_thread(_packed, value)
        if ttl_ms <= 0 or len(value) > MAX_PACKED_CHARS:
            await self.drop(key)
            return
        await self._client.set(self._keys.cached(key), value, px=ttl_ms)

    async def drop(self, key: str) -> None:
        """See `ports.volatile.Cache`."""
        await self._client.delete(self._keys.cached(key))


def _packed(value: str) -> str:
    body = zlib.compress(value.encode(errors="replace"), level=1)
    return base64.b64encode(body).decode()


def _unpacked(text: str) -> str | None:
    """Return what was packed; None for what is not, or is longer than anything that is kept."""
    try:
        unpacking = zlib.decompressobj()
        body = unpacking.decompress(base64.b64decode(text, validate=True), MAX_BYTES)
        return body.decode() if unpacking.eof else None
    except (zlib.error, binascii.Error, ValueError):
        return None
