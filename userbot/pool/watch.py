"""Watches the folder of a call: ffmpeg tells nobody how it gets on, but what it writes grows."""

import asyncio
import stat
from dataclasses import dataclass
from pathlib import Path

from userbot import trees
from userbot.domain.jobs import Progress
from userbot.errors import DiskFullError, TooLargeError, WorkerBugError
from userbot.pool.pulse import Pulse

MAX_INTERVAL_S = 1.0
MERGE_FACTOR = 2.2  # a merge holds both inputs and its output


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one call may take. None does not bound; `cap_bytes` is for all files of the folder."""

    deadline_s: float
    stall_s: float | None
    limit_bytes: int
    cap_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class _Contents:
    size_bytes: int
    changed_at_ns: int


class FolderWatch:
    """Bounds the bytes in a folder, and the time without progress. Times are the loop's clock."""

    def __init__(self, folder: Path, bounds: Bounds, now_s: float) -> None:
        self._folder = folder
        self._bounds = bounds
        stall_s = bounds.stall_s
        self._pulse = Pulse(stall_s, now_s) if stall_s else None
        self.interval_s = min(MAX_INTERVAL_S, stall_s / 4) if stall_s else MAX_INTERVAL_S

    def heard(self, progress: Progress, now_s: float) -> None:
        """Take note of what the worker says."""
        if self._pulse:
            self._pulse.heard(progress, now_s)

    async def look(self, now_s: float) -> None:
        """Look into the folder. Raises TooLargeError, DiskFullError above the cap, StallError.

        Raises WorkerBugError for a folder that no call of ours leaves so.
        """
        contents = await asyncio.to_thread(_contents, self._folder)
        if contents.size_bytes > self._bounds.limit_bytes * MERGE_FACTOR:
            raise TooLargeError(None, self._bounds.limit_bytes)
        if self._bounds.cap_bytes is not None and contents.size_bytes > self._bounds.cap_bytes:
            raise DiskFullError
        if self._pulse:
            self._pulse.saw(contents.size_bytes, contents.changed_at_ns, now_s)
            self._pulse.check(now_s)


def _contents(folder: Path) -> _Contents:
    size_bytes = changed_at_ns = 0
    try:
        for _, found in trees.entries(folder):
            size_bytes += 0 if stat.S_ISDIR(found.st_mode) else found.st_size
            changed_at_ns = max(changed_at_ns, found.st_mtime_ns)
    except OSError as error:
        raise WorkerBugError(f"the folder of a call cannot be looked at: {error}") from error
    return _Contents(size_bytes, changed_at_ns)
