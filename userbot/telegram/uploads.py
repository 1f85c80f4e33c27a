"""Files on their way to Telegram, and how long one may stand still."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pyrogram import Client

from userbot.errors import StallError
from userbot.ports import Note
from userbot.telegram.client import answers
from userbot.telegram.kept import Keeper
from userbot.telegram.uploader import Source, Uploader, UploaderSettings, UploadState

log = logging.getLogger(__name__)

RECOVERY_S = 10.0  # for the uploader's connections, after Telegram has answered again

OnBytes = Callable[[int, int], None]


class Uploads:
    """The one way in which files go to Telegram. Tasks live in the TaskGroup that it is given."""

    def __init__(
        self, client: Client, tasks: asyncio.TaskGroup, settings: UploaderSettings, stall_s: float
    ) -> None:
        """Connect to nothing yet. Raises ToolError when there is no fast cipher."""
        self._client = client
        self._tasks = tasks
        self._uploader = Uploader(client, settings, tasks)
        self._stall_s = stall_s

    def close(self) -> None:
        """End everything; what still uploads fails."""
        self._uploader.close()

    async def upload(
        self,
        source: Path | Source,
        on_bytes: OnBytes | None = None,
        state: UploadState | None = None,
    ) -> Any:
        """Return the InputFile of an uploaded file.

        on_bytes gets (acknowledged bytes, size or 0 while that is unknown). `state` fills as the
        upload goes; what one of an earlier try has is not sent again. Raises StallError when
        nothing moves although Telegram is there, DeliveryError when it refuses. An outage is
        waited for, however long: to be bounded by the caller. A cancelled upload ends at once.
        """
        pulse = _Pulse()

        def moved(done: int, total: int) -> None:
            pulse.beat()
            if on_bytes is not None:
                on_bytes(done, total)

        try:
            async with asyncio.timeout(None) as limit:
                watch = self._tasks.create_task(self._watch(pulse, limit), name="upload watch")
                try:
                    return await self._uploader.upload(source, moved, state)
                finally:
                    watch.cancel()
        except TimeoutError as error:
            raise StallError(self._stall_s) from error

    async def upload_kept(
        self, path: Path, on_bytes: OnBytes, note: Note, noted: str | None
    ) -> Any:
        """Return the InputFile of a finished file, noting now and then what Telegram has of it.

        noted: what `note` was last given in an earlier run. As `upload` otherwise.
        """
        keeper = await Keeper.of(path, note, noted)
        async with self.keeping(keeper):
            return await self.upload(path, on_bytes, keeper.state)

    @asynccontextmanager
    async def keeping(self, keeper: Keeper) -> AsyncIterator[None]:
        """Note now and then what Telegram has while the block uploads, and when it has all."""
        noting = self._tasks.create_task(_contained(keeper.run()), name="upload notes")
        try:
            yield
        finally:
            noting.cancel()
        await _contained(keeper.write())

    async def _watch(self, pulse: "_Pulse", limit: asyncio.Timeout) -> None:
        """End an upload that stands still, and one that cannot be watched."""
        try:
            await self._stands_still(pulse)
        except Exception:  # it must not end the bot, nor the upload go on unwatched
            log.exception("the watch of an upload failed")
        if not limit.expired():
            limit.reschedule(asyncio.get_running_loop().time())

    async def _stands_still(self, pulse: "_Pulse") -> None:
        """Return when an upload stands still, unless all of Telegram is out of reach."""
        while True:
            await pulse.stops(self._stall_s)
            if not await answers(self._client):
                log.info("an upload waits for Telegram to answer again")
                pulse.beat()
                continue
            recovery_s = min(RECOVERY_S, self._stall_s)
            if not await pulse.comes(recovery_s):
                return


async def _contained(noting: Awaitable[None]) -> None:
    """Note what Telegram has. An optional extra: the upload goes on without it."""
    try:
        await noting
    except Exception:  # nothing of it may end the bot
        log.exception("the parts of an upload were not noted")


class _Pulse:
    """When something last moved."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._at = self._loop.time()

    def beat(self) -> None:
        self._at = self._loop.time()

    async def stops(self, for_s: float) -> None:
        """Return when nothing has moved for so long."""
        while (left_s := self._at + for_s - self._loop.time()) > 0:  # noqa: ASYNC110  beats are many
            await asyncio.sleep(left_s)

    async def comes(self, within_s: float) -> bool:
        """Say whether something moves within a time, which is waited for whole."""
        before = self._at
        await asyncio.sleep(within_s)
        return self._at != before
