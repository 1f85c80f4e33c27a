"""Watches the folder of a call: ffmpeg tells nobody how it gets on, but what it writes grows."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from userbot.errors import StallError, TooLargeError

MAX_INTERVAL_S = 1.0
MERGE_FACTOR = 2.2  # a merge holds both inputs and its output


@dataclass(frozen=True, slots=True)
class _Contents:
    size_bytes: int
    changed_at_ns: int


class FolderWatch:
    """Bounds the bytes in a folder, and the time without a sign of life.

    A sign of life is a word from the worker, or any file that was made, grown, rewritten or
    removed. Times are the event loop's clock; `stall_s` of None does not bound the time.
    """

    def __init__(self, folder: Path, limit_bytes: int, stall_s: float | None, now_s: float) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._stall_s = stall_s
        self._alive_at_s = now_s
        self._contents: _Contents | None = None
        self.interval_s = min(MAX_INTERVAL_S, stall_s / 4) if stall_s else MAX_INTERVAL_S

    def heard(self, now_s: float) -> None:
        """Take note that the worker said something."""
        self._alive_at_s = now_s

    async def look(self, now_s: float) -> None:
        """Look into the folder. Raises TooLargeError and StallError."""
        contents = await asyncio.to_thread(_contents, self._folder)
        if contents.size_bytes > self._limit_bytes * MERGE_FACTOR:
            raise TooLargeError(None, self._limit_bytes)
        if contents != self._contents:
            self._contents, self._alive_at_s = contents, now_s
        if self._stall_s is not None and now_s - self._alive_at_s >= self._stall_s:
            raise StallError(self._stall_s)


def _contents(folder: Path) -> _Contents:
    size_bytes = changed_at_ns = 0
    for parent, _, names in os.walk(folder):
        for name in ("", *names):
            try:
                found = Path(parent, name).lstat()
            except FileNotFoundError:  # files of a running download come and go
                continue
            size_bytes += found.st_size if name else 0
            changed_at_ns = max(changed_at_ns, found.st_mtime_ns)
    return _Contents(size_bytes, changed_at_ns)
