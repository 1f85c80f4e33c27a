"""The way in: a link is kept durably before anybody is told that it was seen."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from userbot.domain.jobs import Job, JobId, Request
from userbot.domain.media import MediaKind
from userbot.errors import RestartingError, TooManyJobsError
from userbot.services.kit import Kit
from userbot.services.quota import DailyQuota
from userbot.services.wakes import Waker


class Intake:
    """Accepts links.

    `most_of` says how many open jobs a person may have, None without a limit. `forget` is awaited
    with a link of which nothing that was read before shall be used.
    """

    def __init__(
        self,
        kit: Kit,
        waker: Waker,
        quota: DailyQuota,
        forget: Callable[[str], Awaitable[None]],
        new_id: Callable[[], JobId],
        most_of: Callable[[int], int | None],
    ) -> None:
        self._kit = kit
        self._forget = forget
        self._waker = waker
        self._quota = quota
        self._new_id = new_id
        self._most_of = most_of
        self._is_closed = False

    async def accept(self, request: Request, url: str) -> bool:
        """Keep a job for a link; False when this message brought it before.

        Raises TooManyJobsError when its sender has enough open, QuotaSpentError when they had
        enough today, RestartingError after `close`.
        """
        if self._is_closed:
            raise RestartingError
        job = Job(self._new_id(), request, url)
        async with self._counted(job):
            most = self._most_of(request.user_id)
            is_new = await self._kit.store.add(job, self._kit.now(), max_unfinished=most)
        if is_new:
            self._begin(job, says_other=False)
        else:
            await self._quota.release(request.user_id, job.id)
        return is_new

    async def reopen(self, job: Job, wish: MediaKind | None) -> bool:
        """Keep that a job is to be tried once more; see `JobStore.reopen`. Raises as `accept`."""
        if self._is_closed:
            raise RestartingError
        await self._forget(job.url)
        async with self._counted(job):
            most = self._most_of(job.request.user_id)
            is_open = await self._kit.store.reopen(
                job.id, self._kit.now(), wish=wish, max_unfinished=most
            )
        if is_open:
            self._begin(job, says_other=True)
        return is_open

    def close(self) -> None:
        """Accept nothing more: the bot is being stopped."""
        self._is_closed = True

    @asynccontextmanager
    async def _counted(self, job: Job) -> AsyncIterator[None]:
        """Count a job as one of today before it is kept: afterwards there may be no room."""
        user_id = job.request.user_id
        await self._quota.reserve(user_id, job.id)
        try:
            yield
        except TooManyJobsError:
            await self._quota.release(user_id, job.id)
            raise

    def _begin(self, job: Job, *, says_other: bool) -> None:
        self._kit.line.joined(job, says_other=says_other)
        self._waker.wake()
