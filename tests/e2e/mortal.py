"""A bot that is killed and started again, and a look from outside at what it keeps and leaves."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.e2e import stage as stages
from tests.e2e.stage import Stage
from tests.telegram_dc.control import DataCentre
from tests.video_site.client import VideoSite

GONE_S = 10  # also on a busy machine
ROWS = """
SELECT id, chat_id, message_id, url, state, lease_until IS NOT NULL, ifnull(ended_at, 0) / 1e6,
    attempts
FROM jobs WHERE chat_id IN (SELECT value FROM json_each(?))
"""
CLAIMS = "SELECT id, fence FROM jobs WHERE lease_until IS NOT NULL"


class Row(NamedTuple):
    """What the store has of a job."""

    id: str
    chat_id: int
    message_id: int
    url: str
    state: str
    is_claimed: int
    ended_at: float  # Unix time; 0 while it is open
    attempts: int

    @property
    def has_ended(self) -> bool:
        return bool(self.ended_at)


@dataclass
class Mortal:
    """One bot with its data and its Telegram, in as many lives as it takes.

    `deaths` has the claims, by their fences, that each job lost to a death; `births` when each life
    began, by `time.monotonic`.
    """

    dc: DataCentre
    site: VideoSite
    home: Path
    settings: dict[str, object] = field(default_factory=dict)
    is_up: asyncio.Event = field(default_factory=asyncio.Event)
    deaths: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    births: list[float] = field(default_factory=list)
    _stage: Stage | None = None

    @property
    def stage(self) -> Stage:
        assert self._stage is not None
        return self._stage

    @property
    def folders(self) -> list[Path]:
        """The job folders there are."""
        return sorted((self.home / "data/jobs").glob("*"))

    async def spawn(self) -> None:
        """Start the bot, and do not wait until it is there."""
        self.births.append(time.monotonic())
        self._stage = await stages.spawn(self.dc, self.site, self.home, **self.settings)

    async def start(self) -> None:
        await self.spawn()
        await stages.online(self.stage)
        self.is_up.set()

    async def kill(self) -> None:
        """End the bot with -9, in the middle of whatever it does."""
        self.is_up.clear()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.stage.pid, signal.SIGKILL)
        await self.stage.process.wait()
        for job_id, fence in self._asked(CLAIMS):
            self.deaths[job_id].add(fence)

    async def stop(self) -> None:
        """End the bot in order."""
        self.is_up.clear()
        await self.stage.stop()

    async def orphans(self) -> list[str]:
        """The processes of earlier lives that are still there after a while, in words."""
        with contextlib.suppress(TimeoutError):
            await stages.until(lambda: not self._remains(), "all gone", timeout_s=GONE_S)
            return []
        return [_description(process) for process in self._remains()]

    def rows(self, chats: Collection[int]) -> list[Row]:
        """The jobs of these chats, as the store has them now; none while it cannot be read."""
        return [Row(*row) for row in self._asked(ROWS, json.dumps(list(chats)))]

    def _asked(self, query: str, *values: str) -> list[Any]:
        """What the store answers.

        Nothing stays open, so that a bot that starts finds the files as the dead one left them.
        """
        try:
            file = f"file:{self.home}/data/userbot.db?mode=ro"
            with contextlib.closing(sqlite3.connect(file, uri=True, timeout=1)) as connection:
                return connection.execute(query, values).fetchall()
        except sqlite3.Error:
            return []

    def _remains(self) -> list[psutil.Process]:
        """Processes that know this bot's files and do not belong to its present life."""
        data = str(self.home / "data")
        found = [process for process in psutil.process_iter() if _knows(process, data)]
        own = self._present()
        return [process for process in found if process.pid not in own]

    def _present(self) -> set[int]:
        with contextlib.suppress(psutil.NoSuchProcess):
            if self.stage.process.returncode is None:
                bot = psutil.Process(self.stage.pid)
                return {bot.pid, *(child.pid for child in bot.children(recursive=True))}
        return set()


@asynccontextmanager
async def mortal(
    dc: DataCentre, site: VideoSite, home: Path, **settings: object
) -> AsyncIterator[Mortal]:
    """A bot that runs; whatever became of it, it is dead after the block."""
    bot = Mortal(dc, site, home, settings)
    await bot.start()
    try:
        yield bot
    finally:
        await bot.kill()


def _knows(process: psutil.Process, folder: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return any(folder in word for word in process.cmdline()) or folder in process.cwd()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _description(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {process.status()} {' '.join(process.cmdline())[:150]}"
    except psutil.NoSuchProcess:
        return f"{process.pid} gone at last"
