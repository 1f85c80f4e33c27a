"""What the tests of the uploader share."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pyrogram import raw

from tests.telegram_dc import DataCentre
from userbot.errors import DeliveryError
from userbot.telegram.uploader import Uploader, UploaderSettings
from userbot.telegram.uploader.uploader import OnBytes

ANN = 101
PART = 512 * 1024
MIB = 1024 * 1024


@asynccontextmanager
async def running(client: Any, **settings: Any) -> AsyncIterator[Uploader]:
    async with asyncio.TaskGroup() as tasks:
        uploader = Uploader(client, UploaderSettings(**settings), tasks)
        try:
            yield uploader
        finally:
            uploader.close()


def make_file(directory: Path, size: int, name: str = "file.bin") -> Path:
    path = directory / name
    path.write_bytes(random.randbytes(size))
    return path


def write_at(path: Path, data: bytes, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


async def delivered(dc: DataCentre, client: Any, handle: Any) -> Any:
    """What the other side has after the handle was sent."""
    media = raw.types.InputMediaUploadedDocument(
        file=handle, mime_type="application/octet-stream", attributes=[]
    )
    peer = await client.resolve_peer(ANN)
    query = raw.functions.messages.SendMedia(
        peer=peer, media=media, message="", random_id=random.getrandbits(63)
    )
    updates = await client.invoke(query)
    sent = next(u.message for u in updates.updates if hasattr(u, "message"))
    return (await dc.message(ANN, sent.id)).media


async def assert_same(dc: DataCentre, client: Any, handle: Any, path: Path) -> None:
    media = await delivered(dc, client, handle)
    content = path.read_bytes()
    assert (media.size, media.sha256) == (len(content), hashlib.sha256(content).hexdigest())


async def parts_sent(dc: DataCentre) -> int:
    rpc = (await dc.stats()).rpc
    return rpc.get("upload.saveBigFilePart", 0) + rpc.get("upload.saveFilePart", 0)


def reaching(size: int, reached: asyncio.Event) -> OnBytes:
    """Sets an event when this many bytes are acknowledged."""

    def on_bytes(done: int, _total: int) -> None:
        if done >= size:
            reached.set()

    return on_bytes


async def caught(upload: Any) -> str:
    with pytest.raises(DeliveryError) as error:
        await upload
    return error.value.code
