"""What the tests of the pool share."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from tests.integration.pool_calls import extraction
from userbot.domain.choices import Choice
from userbot.domain.media import MediaKind
from userbot.pool import PoolSettings, ProcessPool

CALLS = "tests.integration.pool_calls"


def settings(tools_dir: Path, **changes: Any) -> PoolSettings:
    return PoolSettings(
        tools_dir=tools_dir, **{"entry": f"{CALLS}:run", "warm": f"{CALLS}:warm", **changes}
    )


class Caller:
    """Runs calls by name, each in a folder of its own."""

    def __init__(self, pool: ProcessPool, folder: Path) -> None:
        self.pool = pool
        self._folder = folder
        self._number = 0

    def folder(self) -> Path:
        self._number += 1
        folder = self._folder / str(self._number)
        folder.mkdir()
        return folder

    async def extract(self, call: str, folder: Path | None = None):
        return await self.pool.extract(call, folder or self.folder())

    async def download(self, call, folder=None, on_progress=lambda progress: None, how="", **more):
        found = replace(extraction(), info_json=call)
        choice = Choice(MediaKind.VIDEO, (how,))
        folder = folder or self.folder()
        return await self.pool.download(found, choice, folder, on_progress, **more)


async def text_of(path: Path, limit_s: float = 5.0) -> str:
    """Wait for a file that a call writes."""
    async with asyncio.timeout(limit_s):
        while not path.exists():
            await asyncio.sleep(0.01)
    return path.read_text()


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def all_gone(pids: list[int], limit_s: float) -> float:
    """Wait until none of the processes is left, zombies included; return how long it took."""
    began = time.monotonic()
    async with asyncio.timeout(limit_s):
        while any(map(psutil.pid_exists, pids)):
            await asyncio.sleep(0.01)
    return time.monotonic() - began


def family(pid: int) -> list[psutil.Process]:
    """Return the descendants that are not zombies."""
    return [child for child in psutil.Process(pid).children(recursive=True) if is_alive(child.pid)]
