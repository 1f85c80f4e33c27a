"""Wake-ups for everything with the same Redis."""

import asyncio
import logging
from collections.abc import Callable

from redis.asyncio import Redis

from userbot.redis.client import FAILURES
from userbot.redis.keys import Keys

log = logging.getLogger(__name__)

LISTEN_AGAIN_S = 1.0
QUIET_S = 30.0  # nothing is said for that long: listen on


class RedisWakeups:
    """`Wakeups` through a channel of Redis. `wake` raises `client.FAILURES`; `serve` never does."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def wake(self) -> None:
        """See `ports.volatile.Wakeups`."""
        await self._client.publish(self._keys.wake, "")

    async def serve(self, on_wake: Callable[[], None]) -> None:
        """See `ports.volatile.Wakeups`."""
        while True:
            try:
                await self._listen(on_wake)
            except FAILURES as error:
                log.debug("nobody can wake this process up for a moment: %r", error)
            await asyncio.sleep(LISTEN_AGAIN_S)

    async def _listen(self, on_wake: Callable[[], None]) -> None:
        async with self._client.pubsub() as channel:
            await channel.subscribe(self._keys.wake)
            while True:
                message = await channel.get_message(timeout=QUIET_S)
                # Also at the beginning: something may have come while nobody listened.
                if message is not None:
                    on_wake()
