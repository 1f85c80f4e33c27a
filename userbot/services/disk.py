"""Room on the disk: a job begins when what it needs fits beside what the others may still take."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

from userbot import trees
from userbot.domain.jobs import JobId
from userbot.errors import DiskFullError, TooLargeForDiskError

log = logging.getLogger(__name__)

RESERVE_SHARE = 0.05
RESERVE_BYTES = 500_000_000  # the store, the log and the rest of the machine need some
WATCH_EVERY_S = 1.0
REMOVED_WITHIN_S = 30.0  # the files of a job that was ended; then the next one is looked for


class Usage(Protocol):
    """How full a disk is, in bytes."""

    @property
    def total(self) -> int: ...  # noqa: D102  said above
    @property
    def free(self) -> int: ...  # noqa: D102


class NoRoomYetError(Exception):
    """Others hold the room that is needed; it will be there when they are done."""


class Disk:
    """Who may take how much. Reservations live as long as the process: files tell the rest."""

    def __init__(
        self, jobs_dir: Path, reserve_bytes: int | None, usage: Callable[[Path], Usage]
    ) -> None:
        """Keep reserve_bytes of the disk of jobs_dir free, whatever is asked for.

        None: RESERVE_SHARE of the disk, at most RESERVE_BYTES. `usage` is `shutil.disk_usage`, or
        another way to tell how full a disk is.
        """
        self._jobs_dir = jobs_dir
        self._reserve_bytes = reserve_bytes
        self._usage = usage
        self._needs: dict[JobId, int] = {}
        self._counting = asyncio.Lock()  # so that two do not both see the same room
        self._watched: dict[JobId, asyncio.Timeout] = {}
        self._is_watching = asyncio.Event()
        self._ended: tuple[JobId, float] | None = None  # the last one, and until when it may take

    async def reserve(self, job_id: JobId, need_bytes: int, *, is_guess: bool = False) -> int:
        """Hold room for a job and return how large its folder may become.

        What lies in the folder already counts as a part of need_bytes. Raises NoRoomYetError while
        others hold the room, TooLargeForDiskError when there would be too little without them.
        is_guess: nobody knows what it needs, so on a small disk it may try with all of it.
        """
        async with self._counting:
            free = await asyncio.to_thread(self._free_bytes)
            if is_guess:
                need_bytes = min(need_bytes, await self._room_bytes(free)) or need_bytes
            own = await self._used(job_id)
            missing = max(need_bytes - own, 0)
            room = free - await self._promised(job_id)
            if missing > room:
                await self._refuse(need_bytes, free)
            self._needs[job_id] = need_bytes
            return own + room

    def release(self, job_id: JobId) -> None:
        """Give back what was held for a job, if anything."""
        self._needs.pop(job_id, None)

    @asynccontextmanager
    async def watched(self, job_id: JobId) -> AsyncIterator[None]:
        """Raise DiskFullError in the block when `serve` finds that this job fills the disk."""
        limit = asyncio.timeout(None)
        self._watched[job_id] = limit
        self._is_watching.set()
        try:
            async with limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise DiskFullError from error
        finally:
            del self._watched[job_id]
            if not self._watched:
                self._is_watching.clear()

    async def serve(self) -> None:
        """Keep the reserve free until cancelled.

        Jobs whose size nobody told may each be within their bounds, and together take more than
        there is. Then the one that is furthest beyond what was held for it is ended.
        """
        while True:
            await self._is_watching.wait()
            await asyncio.sleep(WATCH_EVERY_S)
            try:
                if await asyncio.to_thread(self._free_bytes) < 0:
                    await self._end_furthest()
            except Exception:  # the bot goes on
                log.exception("it is not known how full the disk is")

    async def _end_furthest(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._ended is not None:
            job_id, until = self._ended
            if now < until and await self._used(job_id) > 0:
                return  # it is about to give back its room
        beyond = [
            (await self._used(watched) - self._needs.get(watched, 0), watched)
            for watched in list(self._watched)
        ]
        bytes_too_many, furthest = max(beyond, default=(0, None))
        limit = self._watched.get(furthest) if furthest is not None else None
        if furthest is None or limit is None or limit.expired() or bytes_too_many <= 0:
            return
        log.warning("job %s is ended: it took %d bytes too many", furthest, bytes_too_many)
        self._ended = (furthest, now + REMOVED_WITHIN_S)
        limit.reschedule(now)

    async def _refuse(self, need_bytes: int, free_bytes: int) -> None:
        room_bytes = await self._room_bytes(free_bytes)
        if need_bytes > room_bytes:
            raise TooLargeForDiskError(need_bytes, room_bytes)
        raise NoRoomYetError

    async def _room_bytes(self, free_bytes: int) -> int:
        """Return how much a job could have that is alone; 0 when the reserve is touched."""
        return max(free_bytes + await asyncio.to_thread(_size_of_all, self._jobs_dir), 0)

    async def _promised(self, but: JobId) -> int:
        """Return what the other jobs may still write."""
        others = [(job_id, need) for job_id, need in self._needs.items() if job_id != but]
        return sum([max(need - await self._used(job_id), 0) for job_id, need in others])

    def _free_bytes(self) -> int:
        disk = self._usage(self._jobs_dir)
        reserve_bytes = self._reserve_bytes
        if reserve_bytes is None:
            reserve_bytes = min(int(disk.total * RESERVE_SHARE), RESERVE_BYTES)
        return disk.free - reserve_bytes

    async def _used(self, job_id: JobId) -> int:
        return await asyncio.to_thread(_size_bytes, self._jobs_dir / job_id)


def _size_of_all(jobs_dir: Path) -> int:
    try:
        return sum(map(_size_bytes, jobs_dir.iterdir()))
    except FileNotFoundError:
        return 0


def _size_bytes(folder: Path) -> int:
    """Return the bytes that a folder takes on the disk; files may go while it is counted.

    Of one that cannot be looked through it is what was seen; the pool ends calls that make such.
    """
    size_bytes = 0
    with suppress(OSError):
        for path, found in trees.entries(folder):
            if path != folder:
                size_bytes += found.st_blocks * 512  # the unit of stat(2), on any file system
    return size_bytes
