"""One folder per job, and nothing of it afterwards."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from userbot.domain.jobs import JobId

log = logging.getLogger(__name__)


class Folders:
    """The job folders under one root, which belongs to this program alone."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def sweep(self) -> None:
        """Make the root, empty: what an earlier run left has no job any more."""
        await asyncio.to_thread(self._sweep)

    @asynccontextmanager
    async def folder(self, job_id: JobId) -> AsyncIterator[Path]:
        """Give a job its folder, and remove it with everything in it at the end."""
        path = self._root / job_id
        await asyncio.to_thread(path.mkdir, mode=0o700)
        try:
            yield path
        finally:
            await asyncio.to_thread(_remove, path)

    def _sweep(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        for leftover in self._root.iterdir():
            log.info("removing %s, left by an earlier run", leftover.name)
            _remove(leftover)


def _remove(path: Path) -> None:
    def tell(_function: object, name: str, _error: object) -> None:
        log.warning("cannot remove %s", name)

    shutil.rmtree(path, onerror=tell)
