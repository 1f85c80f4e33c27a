"""A pool with the real worker, links that misbehave, and an ffmpeg that does as a script says."""

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import psutil

from tests.video_site import VideoSite
from userbot.domain.choices import choices_for
from userbot.domain.jobs import Progress
from userbot.domain.media import MAX_UPLOAD_BYTES, Extraction, Growth, MediaFile, MediaKind
from userbot.errors import UserbotError
from userbot.pool import PoolSettings, ProcessPool

MIB = 1024 * 1024
STALL_S = 3.0  # a busy machine may take two until anything comes


@dataclass
class Troubled:
    """Runs both calls for a named link, each in a folder of its own; says what each came to."""

    pool: ProcessPool
    site: VideoSite
    root: Path
    number: int = 0

    def folder(self) -> Path:
        self.number += 1
        folder = self.root / str(self.number)
        folder.mkdir(parents=True)
        return folder

    async def extract(self, name: str, **query: Any) -> Extraction:
        query.setdefault("n", self.number)
        return await self.pool.extract(self.site.url_of(name, **query), self.folder())

    async def get(
        self,
        name: str,
        kind: MediaKind = MediaKind.VIDEO,
        *,
        folder: Path | None = None,
        cap_bytes: int | None = None,
        on_progress: Callable[[Progress], None] = lambda _: None,
        on_growth: Callable[[Growth], None] = lambda _: None,
        **query: Any,
    ) -> MediaFile:
        found = await self.extract(name, **query)
        offered = choices_for(found.formats, found.duration_s, MAX_UPLOAD_BYTES)
        choice = next(choice for choice in offered if choice.kind is kind)
        where = folder or self.folder()
        return await self.pool.download(
            found, choice, where, on_progress, on_growth=on_growth, cap_bytes=cap_bytes
        )

    async def end_of(self, name: str, **more: Any) -> UserbotError:
        """Return the error that a link ends with, when no process of the call is left."""
        try:
            made = await self.get(name, **more)
        except UserbotError as error:
            await self.nobody_is_left()
            return error.with_traceback(None)
        raise AssertionError(f"it was delivered: {made}")

    async def nobody_is_left(self) -> None:
        """Wait for the guards, which have nobody left and say so before they end themselves."""
        pid = self.pool.fork_server_pid
        async with asyncio.timeout(5):
            while psutil.Process(pid).children(recursive=True):
                await asyncio.sleep(0.01)


@asynccontextmanager
async def troubled(site: VideoSite, root: Path, **changes: Any) -> AsyncIterator[Troubled]:
    wanted = {"stall_s": STALL_S, "extract_deadline_s": 20.0, "download_deadline_s": 30.0}
    settings = PoolSettings(tools_dir=root / "tools", **{**wanted, **changes})
    async with ProcessPool.open(settings) as pool:
        yield Troubled(pool, site, root)


class ScriptedFfmpeg:
    """The first `ffmpeg` on PATH: runs a shell script, in which $FFMPEG is the real one."""

    HONEST = 'exec "$FFMPEG" "$@"'

    def __init__(self, bin_dir: Path) -> None:
        bin_dir.mkdir()
        self._path = bin_dir / "ffmpeg"  # one file: workers may read nothing beside it
        self.does(self.HONEST)
        self._path.chmod(self._path.stat().st_mode | stat.S_IXUSR)

    def does(self, script: str) -> None:
        """Do this from the next call on."""
        real = imageio_ffmpeg.get_ffmpeg_exe()
        self._path.write_text(f'#!/bin/sh\nFFMPEG="{real}"\n{script}\n')
