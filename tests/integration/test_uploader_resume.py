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
    PART,
    assert_same,
    caught,
    delivered,
    make_file,
    parts_sent,
    reaching,
    running,
    write_at,
)
from tests.telegram_dc import DataCentre
from userbot.telegram.uploader import Source, Uploader, UploadState

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


async def test_a_file_that_grows_on_is_uploaded_from_where_it_was(centre, client, tmp_path):
    path = make_file(tmp_path, SIZE)
    state, before = await half_grown(centre, client, path)
    had, file_id = len(state.done), state.file_id
    assert had >= PARTS // 2
    async with running(client) as uploader:
        handle = await grown_on(uploader, path, state)
    assert handle.id == file_id
    assert await parts_sent(centre) - before == PARTS - had
    await assert_same(centre, client, handle, path)


async def test_a_file_that_grows_on_as_another_is_found_out(centre, client, tmp_path):
    path = make_file(tmp_path, SIZE)
    state, _ = await half_grown(centre, client, path)
    write_at(path, b"another", 0)
    async with running(client) as uploader:
        assert await caught(grown_on(uploader, path, state)) == "FILE_CHANGED"


async def half_grown(dc: DataCentre, client: Any, path: Path) -> tuple[UploadState, int]:
    """What was noted of a file of which half was there, and how many parts had come by then."""
    source = Source(path, SIZE)
    source.grew(SIZE // 2 + PART)
    return UploadState.load(await interrupted(dc, client, source)), await arrived(dc)


async def grown_on(uploader: Uploader, path: Path, state: UploadState) -> Any:
    source, begun = Source(path, SIZE), asyncio.Event()
    upload = asyncio.ensure_future(uploader.upload(source, reaching(1, begun), state))
    source.grew(SIZE // 3)
    await begun.wait()
    source.grew(SIZE - 1)
    source.finish(SIZE)
    return await upload


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
