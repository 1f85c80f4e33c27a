"""How far jobs are, for everything with the same Redis."""

import logging
from collections.abc import Awaitable
from functools import cache
from typing import cast

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
        theirs = self._keys.live_of(job.user_id)

        async def put() -> None:
            async with self._client.pipeline() as step:
                step.set(self._keys.live(job.job_id), _adapter().dump_json(job), ex=LIVE_TTL_S)
                step.sadd(theirs, job.job_id)
                step.expire(theirs, LIVE_TTL_S)
                await step.execute()

        await mended(self._client, [theirs], put)

    async def get(self, job_id: JobId) -> LiveJob | None:
        """See `ports.volatile.Live`."""
        place = self._keys.live(job_id)
        return _read(await mended(self._client, [place], lambda: self._client.get(place)))

    async def of_user(self, user_id: int) -> list[LiveJob]:
        """See `ports.volatile.Live`."""
        theirs = self._keys.live_of(user_id)
        job_ids = await mended(
            self._client,
            [theirs],
            lambda: cast("Awaitable[set[str]]", self._client.smembers(theirs)),
        )
        if not job_ids:
            return []
        texts = await self._client.mget([self._keys.live(JobId(job_id)) for job_id in job_ids])
        return [job for text in texts if (job := _read(text)) is not None]

    async def drop(self, job: LiveJob) -> None:
        """See `ports.volatile.Live`."""
        theirs = self._keys.live_of(job.user_id)

        async def drop() -> None:
            async with self._client.pipeline() as step:
                step.delete(self._keys.live(job.job_id))
                step.srem(theirs, job.job_id)
                await step.execute()

        await mended(self._client, [theirs], drop)


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
