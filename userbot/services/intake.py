"""The way in: a link is kept durably before anybody is told that it was seen."""

from collections.abc import Callable

from userbot.domain.jobs import Job, JobId, Request
from userbot.domain.media import MediaKind
from userbot.errors import RestartingError
from userbot.services.kit import Kit
from userbot.services.known_pages import KnownPages
from userbot.services.refused import Refused
from userbot.services.wakes import Waker


class Intake:
    """Accepts links. `most_of` says how many open jobs a person may have, None without a limit."""

    def __init__(
        self,
        kit: Kit,
        waker: Waker,
        refused: Refused,
        pages: KnownPages,
        new_id: Callable[[], JobId],
        most_of: Callable[[int], int | None],
    ) -> None:
        self._kit = kit
        self._refused = refused
        self._pages = pages
        self._waker = waker
        self._new_id = new_id
        self._most_of = most_of
        self._is_closed = False

    async def accept(self, request: Request, url: str) -> bool:
        """Keep a job for a link; False when this message brought it before.

        Raises TooManyJobsError when its sender has enough open, RestartingError after `close`.
        """
        if self._is_closed:
            raise RestartingError
        job = Job(self._new_id(), request, url)
        most = self._most_of(request.user_id)
        is_new = await self._kit.store.add(job, self._kit.now(), max_unfinished=most)
        if is_new:
            self._begin(job, says_other=False)
        return is_new

    async def reopen(self, job: Job, wish: MediaKind | None) -> bool:
        """Keep that a job is to be tried once more; see `JobStore.reopen`. Raises as `accept`."""
        if self._is_closed:
            raise RestartingError
        self._refused.forget(job.url)
        await self._pages.forget(job.url)
        is_open = await self._kit.store.reopen(
            job.id, self._kit.now(), wish=wish, max_unfinished=self._most_of(job.request.user_id)
        )
        if is_open:
            self._begin(job, says_other=True)
        return is_open

    def close(self) -> None:
        """Accept nothing more: the bot is being stopped."""
        self._is_closed = True

    def _begin(self, job: Job, *, says_other: bool) -> None:
        self._kit.line.joined(job, says_other=says_other)
        self._waker.wake()
