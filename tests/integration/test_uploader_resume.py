"""Uploads that were interrupted, and go on in another process."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pyrogram.errors import FilePartMissing

from tests import telegram_dc
from tests.integration.loopback import online
from tests.integration.uploading import (
    ANN,
    MIB,
    assert_same,
    delivered,
    make_file,
    parts_sent,
    reaching,
    running,
)
from tests.telegram_dc import DataCentre
from userbot.telegram.uploader import Source, UploadState

SIZE = 16 * MIB + 5
PARTS = 33
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(30)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DataCentre]:
    async with telegram_dc.running(tmp_path_factory.mktemp("dc"), flood_limits=False) as dc:
        await dc.user(ANN, started=True)
        yield dc


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(centre: DataCentre, tmp_path_factory) -> AsyncIterator[Any]:
    async with online(centre, tmp_path_factory.mktemp("client"), in_memory=True) as client:
        yield client


async def interrupted(dc: DataCentre, client: Any, source: Path | Source, size: int = SIZE) -> str:
    """What was noted of an upload that ended with its uploader, half done."""
    state, half = UploadState(), asyncio.Event()
    await dc.faults(bandwidth_bytes_s=8 * MIB)
    async with running(client, max_connections=1) as uploader, asyncio.TaskGroup() as tasks:
        upload = tasks.create_task(uploader.upload(source, reaching(size // 2, half), state))
        await half.wait()
        noted = state.dump()
        upload.cancel()
    await dc.clear_faults()
    return noted


@pytest.mark.parametrize("size", [SIZE, 9 * MIB])
async def test_only_the_missing_parts_are_sent(centre, client, tmp_path, size):
    path = make_file(tmp_path, size)
    state = UploadState.load(await interrupted(centre, client, path, size))
    file_id, had, before = state.file_id, len(state.done), await arrived(centre)
    assert had >= size // 2 // (512 * 1024)
    seen: list[int] = []
    async with running(client) as uploader:
        handle = await uploader.upload(path, lambda done, _total: seen.append(done), state)
    assert handle.id == file_id
    assert await parts_sent(centre) - before == -(-size // (512 * 1024)) - had
    assert seen[0] >= size // 2
    assert seen[-1] == size
    await assert_same(centre, client, handle, path)


async def arrived(dc: DataCentre) -> int:
    """How many parts came, once those that were under way when their connection closed are in."""
    count = -1
    while count != (count := await parts_sent(dc)):
        await asyncio.sleep(0.3)
    return count


@pytest.mark.parametrize("change", ["size", "time", "another"])
async def test_what_is_known_of_another_file_is_not_used(centre, client, tmp_path, change):
    path = make_file(tmp_path, SIZE)
    state = UploadState.load(await interrupted(centre, client, path))
    file_id = state.file_id
    if change == "size":
        os.truncate(path, SIZE - 1)
    elif change == "time":
        os.utime(path, ns=(1, 1))
    else:
        path = make_file(tmp_path, SIZE, "other")
    before = await arrived(centre)
    async with running(client) as uploader:
        handle = await uploader.upload(path, state=state)
    assert handle.id == state.file_id != file_id
    assert await parts_sent(centre) - before == PARTS
    await assert_same(centre, client, handle, path)


async def test_a_file_that_still_grew_begins_anew(centre, client, tmp_path):
    path = make_file(tmp_path, SIZE)
    source = Source(path)
    source.grew(SIZE - 1)
    state = UploadState.load(await interrupted(centre, client, source))
    file_id = state.file_id
    async with running(client) as uploader:
        handle = await uploader.upload(path, state=state)
    assert handle.id != file_id
    await assert_same(centre, client, handle, path)


async def test_parts_that_telegram_forgot_are_sent_again_under_a_new_id(centre, client, tmp_path):
    path = make_file(tmp_path, SIZE)
    noted = await interrupted(centre, client, path)
    await arrived(centre)
    await centre.expire_parts()
    async with running(client) as uploader:
        handle = await uploader.upload(path, state=UploadState.load(noted))
        with pytest.raises(FilePartMissing):
            await delivered(centre, client, handle)
        again = await uploader.upload(path, state=UploadState())
    assert again.id != handle.id
    await assert_same(centre, client, again, path)
