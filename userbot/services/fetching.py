"""The second step of a job: the worker downloads what was picked, once the disk has room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from weakref import WeakValueDictionary

from userbot.domain.jobs import Progress, Stage, WaitingForDisk, Working
from userbot.domain.media import Growth
from userbot.domain.needs import disk_bytes
from userbot.domain.records import JobRecord, JobState
from userbot.errors import DiskFullError, SourceError, StallError
from userbot.ports import Workers
from userbot.services.disk import Disk, NoRoomYetError
from userbot.services.held import Held
from userbot.services.kit import Kit
from userbot.services.limits import Limits
from userbot.services.reading import Reading

DISK_PAUSE_S = 5.0
DISK_PATIENCE = timedelta(hours=1)
QUICK_AT_ONCE = 2  # beside those that take their time


class Fetching:
    """Brings files into the folders of their jobs."""

    def __init__(
        self, kit: Kit, workers: Workers, reading: Reading, disk: Disk, limits: Limits
    ) -> None:
        self._kit = kit
        self._reading = reading
        self._workers = workers
        self._disk = disk
        self._limits = limits
        self._quick = asyncio.Semaphore(QUICK_AT_ONCE)
        self._own: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def run(self, held: Held) -> bool:
        """Take a QUEUED job to its finished file.

        False: the disk has no room yet, and the claim was given back until later. Raises
        DiskFullError when that went on for DISK_PATIENCE.
        """
        if held.record.state is not JobState.QUEUED and await _is_there(held.record):
            return True
        try:
            async with self._turn(held.record):
                await self._fetch(held)
        except NoRoomYetError:
            await self._wait_for_room(held)
            return False
        except (SourceError, StallError):
            await self._reading.forget(held)  # its addresses may be why
            raise
        finally:
            self._disk.release(held.record.job.id)
        return True

    @asynccontextmanager
    async def _turn(self, record: JobRecord) -> AsyncIterator[None]:
        """Let a few quick jobs fetch at once; a slow site holds one of a person and of a chat."""
        if not record.is_quick:
            yield
            return
        request = record.job.request
        async with AsyncExitStack() as turns:
            for owner in sorted({request.chat_id, request.user_id}):  # all wait in the same order
                await turns.enter_async_context(self._own.setdefault(owner, asyncio.Lock()))
            await turns.enter_async_context(self._quick)
            yield

    async def _fetch(self, held: Held) -> None:
        if held.record.choice is not None and held.record.choice.is_fresh:
            await self._reading.again(held)
        record = held.record
        job, extraction, choice = record.job, record.extraction, record.choice
        assert extraction is not None
        assert choice is not None

        def moved(progress: Progress) -> None:
            held.enters(progress.stage)
            self._kit.shared.show(job, Working(extraction.title, progress))

        def grew(growth: Growth) -> None:
            self._kit.chat.upload_early(job, growth, held.note_upload, record.upload_note)

        folder = await self._kit.folders.make(job.id)
        is_guess = choice.size_bytes is None
        cap_bytes = await self._disk.reserve(job.id, disk_bytes(choice), is_guess=is_guess)
        held.learn(waits_since=None)
        moved(Progress(Stage.DOWNLOAD))
        limit_s = self._limits.job_timeout_s
        async with held.working(limit_s, Stage.DOWNLOAD), self._disk.watched(job.id):
            file = await self._workers.download(
                extraction,
                choice,
                folder,
                on_progress=moved,
                on_growth=grew,
                cap_bytes=cap_bytes,
            )
        await held.save(state=JobState.FETCHED, file=file, attempts=0, retries=0, waits_since=None)

    async def _wait_for_room(self, held: Held) -> None:
        record, now = held.record, self._kit.now()
        assert record.extraction is not None
        assert record.choice is not None
        since = record.waits_since or now
        if now - since > DISK_PATIENCE:
            raise DiskFullError
        title, not_before = record.extraction.title, now + timedelta(seconds=DISK_PAUSE_S)
        await held.release(waits_since=since, not_before=not_before)
        self._kit.shared.show(record.job, WaitingForDisk(title, disk_bytes(record.choice)))
        self._kit.line.joined(record.job, title, since=not_before, says_other=True)


async def _is_there(record: JobRecord) -> bool:
    """Say whether the finished file of an earlier run can be sent as it is."""
    file = record.file
    if file is None:
        return False
    return await asyncio.to_thread(
        lambda: file.path.is_file() and file.path.stat().st_size == file.size_bytes
    )
