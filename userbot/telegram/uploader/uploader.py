"""Uploads at the speed of the line: many parts in flight, fairly shared between files.

Refuses to know what is done with the finished handle, and to touch the client's own connection.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pyrogram import Client, raw

from userbot.errors import DeliveryError, TooLargeError
from userbot.telegram.uploader.dispatcher import Dispatcher
from userbot.telegram.uploader.settings import MAX_PARTS, PART_BYTES, UploaderSettings
from userbot.telegram.uploader.source import OpenFile, Source
from userbot.telegram.uploader.upload import Upload, UploadState

OnBytes = Callable[[int, int], None]
Handle = raw.types.InputFile | raw.types.InputFileBig


class Uploader:
    """Takes files of any size. Its tasks live in the TaskGroup that it is given."""

    def __init__(
        self, client: Client, settings: UploaderSettings, tasks: asyncio.TaskGroup
    ) -> None:
        """Connect to nothing yet. Raises ToolError when there is no fast cipher."""
        self._dispatcher = Dispatcher(client, settings, tasks)

    async def upload(
        self,
        source: Path | Source,
        on_bytes: OnBytes | None = None,
        state: UploadState | None = None,
    ) -> Handle:
        """Return the handle of a file of which Telegram has acknowledged every part.

        on_bytes gets (acknowledged bytes, size or 0 while that is unknown) as they change, and
        once a second unchanged while Telegram has asked for a pause or the writer of the source
        is the one to wait for: silence means a stall, which the caller has to bound.
        `state` is filled meanwhile. That of an earlier try: what Telegram has is not sent again.
        Raises DeliveryError with Telegram's code, or FILE_CHANGED; TooLargeError; what the
        source was abandoned with. When cancelled it leaves at once.
        """
        file = await _opened(source if isinstance(source, Path) else source.path)
        if isinstance(source, Path):
            source = Source.finished(source, file.opened_as[0])
        upload = Upload(source, file, state or UploadState())
        source.watch(partial(self._source_changed, upload))
        _check(upload)
        self._dispatcher.add(upload)
        try:
            checksum = await _md5(upload) if source.is_whole else None
            await _until_complete(upload, on_bytes)
            checksum = await _md5(upload) if checksum is None else checksum
            await _in_thread(upload, upload.verify)
        except OSError as error:
            raise DeliveryError(type(error).__name__) from error
        finally:
            self._dispatcher.remove(upload)
        return _handle(upload, checksum)

    def close(self) -> None:
        """End everything; what still uploads fails."""
        self._dispatcher.close()

    def _source_changed(self, upload: Upload) -> None:
        _check(upload)
        upload.news.set()
        self._dispatcher.wake()


async def _until_complete(upload: Upload, on_bytes: OnBytes | None) -> None:
    if upload.done_bytes:
        upload.news.set()
    while True:
        if upload.source.is_whole and not upload.state.identity:
            await _in_thread(upload, upload.settle)
        if upload.error:
            raise upload.error
        if upload.is_complete and not upload.news.is_set():
            return
        await upload.news.wait()
        upload.news.clear()
        if on_bytes is not None:
            on_bytes(upload.done_bytes, upload.source.size_bytes or 0)


def _check(upload: Upload) -> None:
    """Fail an upload whose source cannot be delivered."""
    source, limit_bytes = upload.source, MAX_PARTS * PART_BYTES
    if source.error:
        upload.fail(source.error)
    elif source.size_bytes == 0:
        upload.fail(DeliveryError("FILE_PART_EMPTY"))
    elif (source.size_bytes or source.available_bytes) > limit_bytes:
        upload.fail(TooLargeError(source.size_bytes, limit_bytes))


async def _opened(path: Path) -> OpenFile:
    opening = asyncio.get_running_loop().run_in_executor(None, OpenFile, path)
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_release)
        raise
    except OSError as error:
        raise DeliveryError(type(error).__name__) from error


def _release(opening: asyncio.Future[OpenFile]) -> None:
    if not opening.cancelled() and not opening.exception():
        opening.result().release()


async def _md5(upload: Upload) -> str:
    """Return what saveFilePart wants; empty for a file of the other kind."""
    if not upload.is_small:
        return ""
    return str(await _in_thread(upload, upload.file.md5, upload.source.size_bytes))


async def _in_thread(upload: Upload, function: Callable[..., Any], *args: Any) -> Any:
    """Run what reads the file, which stays open until then even if we are cancelled."""
    upload.file.hold()
    reading = asyncio.get_running_loop().run_in_executor(None, function, *args)
    reading.add_done_callback(partial(_was_read, upload.file))
    return await asyncio.shield(reading)


def _was_read(file: OpenFile, reading: asyncio.Future[Any]) -> None:
    """Let go of the file; what went wrong with it concerns nobody, if nobody waits any more."""
    file.release()
    if not reading.cancelled():
        reading.exception()


def _handle(upload: Upload, checksum: str) -> Handle:
    name, parts, file_id = upload.source.path.name, upload.total_parts, upload.state.file_id
    if upload.is_small:
        return raw.types.InputFile(id=file_id, parts=parts, name=name, md5_checksum=checksum)
    return raw.types.InputFileBig(id=file_id, parts=parts, name=name)
