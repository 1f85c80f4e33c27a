"""Files on their way to Telegram, and how long one may stand still."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyrogram import Client

from userbot.errors import StallError
from userbot.telegram.uploader import Source, Uploader, UploaderSettings

OnBytes = Callable[[int, int], None]


class Uploads:
    """The one way in which files go to Telegram. Tasks live in the TaskGroup that it is given."""

    def __init__(
        self, client: Client, tasks: asyncio.TaskGroup, settings: UploaderSettings, stall_s: float
    ) -> None:
        """Connect to nothing yet. Raises ToolError when there is no fast cipher."""
        self._uploader = Uploader(client, settings, tasks)
        self._stall_s = stall_s

    def close(self) -> None:
        """End everything; what still uploads fails."""
        self._uploader.close()

    async def upload(self, source: Path | Source, on_bytes: OnBytes | None = None) -> Any:
        """Return the InputFile of an uploaded file.

        on_bytes gets (acknowledged bytes, size or 0 while that is unknown). Raises StallError
        when nothing moves, DeliveryError when Telegram refuses. A cancelled upload ends at once.
        """
        loop = asyncio.get_running_loop()

        def moved(done: int, total: int) -> None:
            limit.reschedule(loop.time() + self._stall_s)
            if on_bytes is not None:
                on_bytes(done, total)

        try:
            async with asyncio.timeout(self._stall_s) as limit:
                return await self._uploader.upload(source, moved)
        except TimeoutError as error:
            raise StallError(self._stall_s) from error
