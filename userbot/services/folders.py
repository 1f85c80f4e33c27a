"""One folder per job, and nothing of it afterwards."""

import asyncio
import logging
from collections.abc import Collection
from pathlib import Path

from userbot import trees
from userbot.domain.jobs import JobId

log = logging.getLogger(__name__)


class Folders:
    """The job folders under one root, which belongs to this program alone."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def sweep(self, kept: Collection[JobId]) -> None:
        """Make the root, and remove every folder whose job is not to be kept."""
        await asyncio.to_thread(self._sweep, kept)

    async def make(self, job_id: JobId) -> Path:
        """Return a job's folder; what an earlier try left in it is still there."""
        return await asyncio.to_thread(self._make, job_id)

    async def remove(self, job_id: JobId) -> None:
        """Remove a job's folder with everything in it."""
        await asyncio.to_thread(_remove, self._root / job_id)

    def _make(self, job_id: JobId) -> Path:
        path = self._root / job_id
        self._make_root()  # it may be gone: to somebody who cleans up, it looks like old files
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def _make_root(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)

    def _sweep(self, kept: Collection[str]) -> None:
        self._make_root()
        for leftover in self._root.iterdir():
            if leftover.name not in kept:
                log.info("removing %s, which has no job", leftover.name)
                _remove(leftover)


def _remove(path: Path) -> None:
    """Remove what may be of a hostile worker; what stays is tried again at the next start."""
    try:
        trees.remove(path)
    except Exception:  # one folder must not keep the bot from starting
        log.exception("cannot remove %s", path)
