"""Files on their way to Telegram."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyrogram import Client
from pyrogram.errors import RPCError

from userbot.errors import DeliveryError, StallError

OnBytes = Callable[[int, int], None]


class Uploads:
    """Uploads by Pyrogram's own `save_file`. Its tasks live in the TaskGroup that it is given."""

    def __init__(self, client: Client, tasks: asyncio.TaskGroup, stall_s: float) -> None:
        self._client = client
        self._tasks = tasks
        self._stall_s = stall_s
        self._open: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Give up what still drains; at the end of the program nothing waits for it."""
        for task in self._open:
            task.cancel()

    async def upload(self, path: Path, on_bytes: OnBytes | None = None) -> Any:
        """Return the InputFile of an uploaded file; on_bytes gets (done, total) as it goes.

        Raises StallError when nothing moves, DeliveryError when Telegram refuses.
        A cancelled upload is left at once; its last parts drain by themselves.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()

        async def moved(done: int, total: int) -> None:
            limit.reschedule(loop.time() + self._stall_s)
            if on_bytes is not None and not answer.done():
                on_bytes(done, total)

        upload = self._tasks.create_task(self._save(path, moved, answer))
        self._open.add(upload)
        upload.add_done_callback(self._open.discard)
        try:
            async with asyncio.timeout(self._stall_s) as limit:
                return await answer
        except TimeoutError as error:
            raise StallError(self._stall_s) from error
        finally:
            upload.cancel()

    async def _save(self, path: Path, moved: Any, answer: asyncio.Future[Any]) -> None:
        """Save a file for whoever waits for the answer; an error is an answer too."""
        try:
            handle = await self._client.save_file(path, progress=moved)
        except (RPCError, OSError, ValueError) as error:
            if not answer.done():
                answer.set_exception(_translated(error))
        else:
            if not answer.done():
                answer.set_result(handle)


def _translated(error: Exception) -> DeliveryError:
    code = error.ID if isinstance(error, RPCError) else None
    translated = DeliveryError(code or type(error).__name__)
    translated.__cause__ = error
    return translated
