"""The open jobs: who has which, and how each is ended."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass

from userbot.domain.jobs import Cancelled, Job, JobId, Request, Stopped, View
from userbot.errors import RestartingError, TooManyJobsError
from userbot.ports import Chat

log = logging.getLogger(__name__)

LAST_WORDS_S = 10.0  # for telling every open chat that the bot stops


@dataclass(slots=True)
class _Open:
    job: Job
    task: asyncio.Task[None] | None = None
    is_ended: bool = False


class Jobs:
    """Runs each job in a task of the TaskGroup that it is given."""

    def __init__(
        self,
        run: Callable[[Job], Awaitable[None]],
        chat: Chat,
        tasks: asyncio.TaskGroup,
        *,
        new_id: Callable[[], JobId],
        max_per_user: int,
        log_id: ContextVar[str | None],
    ) -> None:
        self._run = run
        self._chat = chat
        self._tasks = tasks
        self._new_id = new_id
        self._max_per_user = max_per_user
        self._log_id = log_id
        self._open: dict[JobId, _Open] = {}
        self._is_draining = False
        self._all_done = asyncio.Event()
        self._all_done.set()

    def open(self, request: Request, url: str) -> Job:
        """Start a job for a link.

        Raises TooManyJobsError when its sender has enough open, RestartingError while draining.
        """
        if self._is_draining:
            raise RestartingError
        if self._count(request.user_id) >= self._max_per_user:
            raise TooManyJobsError(self._max_per_user)
        entry = _Open(Job(self._new_id(), request, url))
        self._open[entry.job.id] = entry
        self._all_done.clear()
        entry.task = self._tasks.create_task(self._live(entry), name=f"job {entry.job.id}")
        return entry.job

    def find(self, job_id: JobId) -> Job | None:
        """Return an open job, None when it has ended or never was."""
        entry = self._open.get(job_id)
        return entry.job if entry and not entry.is_ended else None

    def cancel(self, job_id: JobId) -> bool:
        """End a job because somebody asked for it; False when it is not open any more."""
        entry = self._open.get(job_id)
        if entry is None or entry.is_ended:
            return False
        self._end(entry, Cancelled())
        return True

    async def drain(self, grace_s: float) -> None:
        """Begin nothing new, let the open jobs run for grace_s, then end the rest.

        Returns when all are gone and their last words are in the chat.
        """
        self._is_draining = True
        if not await self._done_within(grace_s):
            for entry in list(self._open.values()):
                self._end(entry, Stopped())
        if not await self._done_within(LAST_WORDS_S):
            for entry in list(self._open.values()):
                self._end(entry, Stopped())  # a job that is telling its end is told to leave it
        await self._all_done.wait()

    async def _done_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._all_done.wait()
        except TimeoutError:
            return False
        return True

    def _count(self, user_id: int) -> int:
        return sum(entry.job.request.user_id == user_id for entry in self._open.values())

    def _end(self, entry: _Open, view: View) -> None:
        entry.is_ended = True
        self._chat.show(entry.job, view)
        if entry.task is not None:
            entry.task.cancel()

    async def _live(self, entry: _Open) -> None:
        self._log_id.set(entry.job.id)
        log.info("job of %d in chat %d", entry.job.request.user_id, entry.job.request.chat_id)
        try:
            await self._run(entry.job)
        except asyncio.CancelledError:
            if not entry.is_ended:
                raise
            log.info("job was ended from outside")
        finally:
            entry.is_ended = True
            try:
                await self._chat.settle(entry.job)
            finally:
                del self._open[entry.job.id]
                if not self._open:
                    self._all_done.set()
