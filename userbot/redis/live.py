"""How far jobs are, for everything with the same Redis."""

import logging
from functools import cache

from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis

from userbot.domain.jobs import JobId
from userbot.ports.volatile import LiveJob
from userbot.redis.client import mended
from userbot.redis.keys import LIVE_TTL_S, Keys

log = logging.getLogger(__name__)


class RedisLive:
    """`Live` in Redis. Raises `client.FAILURES`; what cannot be read is as if nothing was kept."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def put(self, job: LiveJob) -> None:
        """See `ports.volatile.Live`."""
        place, value = self._keys.live(job.job_id), _adapter().dump_json(job)
        await self._client.set(place, value, ex=LIVE_TTL_S)

    async def get(self, job_id: JobId) -> LiveJob | None:
        """See `ports.volatile.Live`."""
        place = self._keys.live(job_id)
        return _read(await mended(self._client, [place], lambda: self._client.get(place)))

    async def drop(self, job: LiveJob) -> None:
        """See `ports.volatile.Live`."""
        await self._client.delete(self._keys.live(job.job_id))


def _read(text: str | None) -> LiveJob | None:
    if text is None:
        return None
    try:
        return _adapter().validate_json(text)
    except ValidationError:
        log.warning("how far a job is cannot be read: another version may have written it")
        return None


@cache
def _adapter() -> TypeAdapter[LiveJob]:
    return TypeAdapter(LiveJob)
