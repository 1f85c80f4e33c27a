"""Uploads that began while their file was still being written, one for each job."""

import asyncio
import logging
from typing import Any

from userbot.domain.jobs import JobId
from userbot.domain.media import Growth, MediaFile
from userbot.errors import UserbotError
from userbot.ports import Note
from userbot.telegram.kept import Keeper
from userbot.telegram.uploader import Source
from userbot.telegram.uploads import OnBytes, Uploads

log = logging.getLogger(__name__)


class _Early:
    """One upload under way. `answer` gets its handle, None when it came to nothing."""

    def __init__(self, growth: Growth, keeper: Keeper) -> None:
        self.grows_at = growth.path
        self.source = Source(growth.path, growth.size_bytes, growth.head_bytes)
        self.keeper = keeper
        self.on_bytes: OnBytes | None = None
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def moved(self, done: int, total: int) -> None:
        """Pass on what was acknowledged, once somebody wants to know."""
        if self.on_bytes is not None:
            self.on_bytes(done, total)


class EarlyUploads:
    """Begins uploads on a hint, and drops them without harm: the plain way is always open."""

    def __init__(self, uploads: Uploads, tasks: asyncio.TaskGroup) -> None:
        self._uploads = uploads
        self._tasks = tasks
        self._open: dict[JobId, tuple[_Early, asyncio.Task[None]]] = {}

    def grew(self, job_id: JobId, growth: Growth, note: Note, noted: str | None) -> None:
        """Begin to upload a file that grows, or go on with it, also where an earlier run was.

        What Telegram has is noted from now on, as `Uploads.upload_kept` does.
        """
        early, _ = self._open.get(job_id, (None, None))
        if early is None or early.grows_at != growth.path:
            self.drop(job_id)
            early = _Early(growth, Keeper.growing(growth, note, noted))
            self._open[job_id] = (early, self._tasks.create_task(self._run(early)))
        early.source.grew(growth.available_bytes)

    async def take(self, job_id: JobId, file: MediaFile, on_bytes: OnBytes) -> Any:
        """Return the handle of the finished file; None when it has to be uploaded the plain way."""
        early, task = self._open.pop(job_id, (None, None))
        if early is None or task is None:
            return None
        early.on_bytes = on_bytes
        early.source.finish(file.size_bytes, file.path)
        try:
            await early.keeper.finished(file.path)
            return await early.answer
        finally:
            task.cancel()

    def drop(self, job_id: JobId) -> None:
        """Give up what was begun for a job, if anything."""
        _, task = self._open.pop(job_id, (None, None))
        if task is not None:
            task.cancel()

    async def _run(self, early: _Early) -> None:
        handle, keeper = None, early.keeper
        try:
            async with self._uploads.keeping(keeper):
                handle = await self._uploads.upload(early.source, early.moved, keeper.state)
        except UserbotError as error:
            log.info("an early upload came to nothing: %r", error)
        except Exception:  # an optional extra: the plain way is open
            log.exception("an early upload came to nothing")
        finally:
            if handle is None:
                keeper.state.begin_anew()  # nothing of it is to be noted any more
            if not early.answer.done():
                early.answer.set_result(handle)
