"""Files to the loopback data centre and back out of it, while everything goes wrong."""

import asyncio
import contextlib
import logging
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvloop
from pyrogram import raw
from pyrogram.session.session import AuthKeyNotFound

from tests import telegram_dc
from tests.integration.loopback import make_client, online
from tests.integration.uploading import (
    ANN,
    MIB,
    PART,
    assert_same,
    caught,
    make_file,
    parts_sent,
    reaching,
    running,
    write_at,
)
from tests.telegram_dc import DataCentre
from userbot.errors import DeliveryError, TooLargeError
from userbot.telegram.uploader import Source, Uploader

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(30)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DataCentre]:
    directory = tmp_path_factory.mktemp("dc")
    async with telegram_dc.running(directory, flood_limits=False) as dc:
        await dc.user(ANN, started=True)
        yield dc


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(centre: DataCentre, tmp_path_factory) -> AsyncIterator[Any]:
    async with online(centre, tmp_path_factory.mktemp("client"), in_memory=True) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def dc(centre: DataCentre) -> AsyncIterator[DataCentre]:
    """The data centre without faults; a test that breaks a rule fails."""
    await centre.clear_faults()
    known = len((await centre.stats()).violations)
    yield centre
    await centre.clear_faults()
    assert (await centre.stats()).violations[known:] == ()


@pytest_asyncio.fixture(loop_scope="module")
async def uploader(dc: DataCentre, client: Any) -> AsyncIterator[Uploader]:
    async with running(client) as uploader:
        yield uploader


def open_here(path: Path) -> bool:
    links = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            links.append(entry.readlink())
        except FileNotFoundError:
            continue
    return path in links


async def closed_here(path: Path) -> None:
    """Wait until no thread reads the file any more: the last one closes it behind the upload."""
    async with asyncio.timeout(5):
        while open_here(path):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "size",
    [1, 253, 254, 1023, PART - 1, PART, PART + 1, 3 * MIB + 5, 10 * MIB - 1, 10 * MIB, 11 * MIB],
)
async def test_every_size_arrives_as_it_is(dc, client, uploader, tmp_path, size):
    path = make_file(tmp_path, size)
    seen = []
    handle = await uploader.upload(path, lambda done, total: seen.append((done, total)))
    assert isinstance(handle, raw.types.InputFile) is (size < 10 * MIB)
    assert (handle.name, handle.parts) == ("file.bin", -(-size // PART))
    assert seen == sorted(seen)
    assert seen[-1] == (size, size)
    await assert_same(dc, client, handle, path)
    await closed_here(path)


async def test_an_empty_a_missing_and_a_huge_file_are_refused(uploader, tmp_path):
    empty, huge = make_file(tmp_path, 0), tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(2000 * MIB + 1)
    with pytest.raises(DeliveryError, match="FILE_PART_EMPTY"):
        await uploader.upload(empty)
    with pytest.raises(DeliveryError, match="FileNotFoundError"):
        await uploader.upload(tmp_path / "nothing")
    with pytest.raises(TooLargeError):
        await uploader.upload(huge)
    await closed_here(empty)
    await closed_here(huge)


async def test_connections_stay_for_the_next_file(dc, client, uploader, tmp_path):
    path = make_file(tmp_path, 2 * MIB)
    await uploader.upload(path)
    made = (await dc.stats()).connections_made
    handle = await uploader.upload(path)
    assert (await dc.stats()).connections_made <= made + 1
    await assert_same(dc, client, handle, path)


async def test_a_tiny_file_needs_one_connection(dc, client, uploader, tmp_path):
    made = (await dc.stats()).connections_made
    await uploader.upload(make_file(tmp_path, MIB))
    assert (await dc.stats()).connections_made == made + 1


async def test_twenty_files_under_all_faults_at_once_arrive_intact(dc, client, tmp_path):
    paths = [make_file(tmp_path, random.randint(1, 5 * MIB), str(i)) for i in range(18)]
    paths += [make_file(tmp_path, 12 * MIB + i, f"big{i}") for i in range(2)]

    async def mischief() -> None:
        for _ in range(25):
            trouble = random.randrange(4)
            if trouble == 0:
                await dc.faults(drop_after_bytes=random.randint(1, 2 * MIB))
            elif trouble == 1:
                await dc.drop_connections("parts")
            elif trouble == 2:
                await dc.rotate_salts()
            else:
                await dc.faults(unanswered_parts=1)
            await asyncio.sleep(random.uniform(0.02, 0.15))

    await dc.faults(latency_ms=5, premium_wait_parts=2, premium_wait_s=1)
    for method in ("upload.saveFilePart", "upload.saveBigFilePart"):
        await dc.fail_calls(method, 500, "INTERNAL_ERROR", times=5)
    async with asyncio.TaskGroup() as tasks, running(client) as uploader:
        tasks.create_task(mischief())
        uploads = [tasks.create_task(uploader.upload(path)) for path in paths]
        await asyncio.wait(uploads, timeout=25)
    await dc.clear_faults()
    for upload, path in zip(uploads, paths, strict=True):
        await assert_same(dc, client, upload.result(), path)


async def test_a_flood_wait_is_a_pause_and_no_error(dc, client, uploader, tmp_path):
    path = make_file(tmp_path, 12 * MIB)
    await uploader.upload(make_file(tmp_path, 12 * MIB, "warm"))
    before = await parts_sent(dc)
    await dc.faults(premium_wait_parts=3, premium_wait_s=2)
    loop = asyncio.get_running_loop()
    started, told = loop.time(), []
    handle = await uploader.upload(path, lambda *_: told.append(loop.time() - started))
    assert 2 <= loop.time() - started < 4
    assert await parts_sent(dc) - before <= 24 + 3
    assert any(0.5 < at < 1.9 for at in told)  # a pause is no stall
    await assert_same(dc, client, handle, path)


async def test_a_part_that_is_never_answered_is_sent_again(dc, client, uploader, tmp_path):
    path = make_file(tmp_path, 20 * MIB)
    await dc.faults(unanswered_parts=1, latency_ms=5)
    started = asyncio.get_running_loop().time()
    handle = await uploader.upload(path)
    assert asyncio.get_running_loop().time() - started < 4
    await assert_same(dc, client, handle, path)


async def test_telegram_may_be_away_for_a_while(dc, client, tmp_path):
    path = make_file(tmp_path, 24 * MIB)
    await dc.faults(bandwidth_bytes_s=5 * MIB)
    async with running(client, max_connections=2) as uploader, asyncio.TaskGroup() as tasks:
        moving = asyncio.Event()
        upload = tasks.create_task(uploader.upload(path, reaching(6 * PART, moving)))
        await moving.wait()
        await dc.faults(refuse_connections=True)
        made = (await dc.stats()).connections_made
        await dc.drop_connections("parts")
        await asyncio.sleep(2)
        assert (await dc.stats()).connections_made == made
        assert not upload.done()
        await dc.faults(refuse_connections=False, bandwidth_bytes_s=0)
        async with asyncio.timeout(15):
            await upload
    await assert_same(dc, client, upload.result(), path)


async def test_cancelling_leaves_nothing_and_spares_the_others(dc, client, uploader, tmp_path):
    path, other = make_file(tmp_path, 30 * MIB), make_file(tmp_path, 12 * MIB, "other")
    await dc.faults(bandwidth_bytes_s=4 * MIB)
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        moving = asyncio.Event()
        upload = tasks.create_task(uploader.upload(path, lambda *_: moving.set()))
        spared = tasks.create_task(uploader.upload(other))
        await moving.wait()
        started = loop.time()
        upload.cancel()
        await asyncio.wait([upload])
        assert loop.time() - started < 1
        assert upload.cancelled()
        await closed_here(path)
        await dc.faults(bandwidth_bytes_s=0)
    await assert_same(dc, client, spared.result(), other)


async def test_a_refused_part_ends_the_upload_with_telegrams_code(dc, uploader, tmp_path):
    await dc.fail_calls("upload.saveFilePart", 400, "FILE_PART_SIZE_INVALID", times=9)
    with pytest.raises(DeliveryError) as refused:
        await uploader.upload(make_file(tmp_path, 3 * MIB))
    assert refused.value.code == "FILE_PART_SIZE_INVALID"


async def test_an_unregistered_key_is_an_error(dc, uploader, tmp_path):
    await dc.fail_calls("upload.saveFilePart", 401, "AUTH_KEY_UNREGISTERED", times=9)
    with pytest.raises(DeliveryError, match="AUTH_KEY_UNREGISTERED"):
        await uploader.upload(make_file(tmp_path, 100))


async def test_a_key_that_telegram_forgot_is_an_error(tmp_path):
    path = make_file(tmp_path, 100)
    async with telegram_dc.running(tmp_path / "dc") as dc:
        client = make_client(dc, tmp_path, in_memory=True)
        await client.start()
        async with running(client) as uploader:
            await uploader.upload(path)
            await dc.forget_auth_keys()
            with pytest.raises(DeliveryError, match="AUTH_KEY_UNREGISTERED"):
                async with asyncio.timeout(15):
                    await uploader.upload(path)
        with contextlib.suppress(AuthKeyNotFound):
            await client.stop()


async def test_a_connection_that_is_not_let_in_is_an_error_but_not_for_ever(
    dc, client, uploader, tmp_path
):
    path = make_file(tmp_path, 3 * MIB)
    await uploader.upload(path)
    await dc.drop_connections("parts")
    await dc.fail_calls("help.getConfig", 401, "AUTH_KEY_UNREGISTERED")
    with pytest.raises(DeliveryError, match="AUTH_KEY_UNREGISTERED"):
        await uploader.upload(path)
    await dc.clear_faults()
    await assert_same(dc, client, await uploader.upload(path), path)


async def test_internal_errors_are_tried_again(dc, client, uploader, tmp_path):
    path = make_file(tmp_path, 3 * MIB)
    await dc.fail_calls("upload.saveFilePart", 500, "INTERNAL_ERROR", times=3)
    await dc.fail_calls("upload.saveFilePart", -503, "Timeout", times=2)
    await assert_same(dc, client, await uploader.upload(path), path)


async def test_a_migration_begins_anew_where_telegram_says(dc, client, uploader, tmp_path):
    path = make_file(tmp_path, 12 * MIB)
    await dc.fail_calls("upload.saveBigFilePart", 303, "FILE_MIGRATE_2")
    await assert_same(dc, client, await uploader.upload(path), path)


async def test_a_data_centre_that_does_not_exist_is_an_error_but_not_for_ever(
    dc, client, uploader, tmp_path
):
    path = make_file(tmp_path, 12 * MIB)
    await dc.fail_calls("upload.saveBigFilePart", 303, "FILE_MIGRATE_9")
    with pytest.raises(DeliveryError, match="DC_ID_INVALID"):
        await uploader.upload(path)
    await assert_same(dc, client, await uploader.upload(path), path)


async def test_new_salts_and_a_lost_introduction_cost_little(dc, client, uploader, tmp_path):
    path = make_file(tmp_path, 20 * MIB)
    await uploader.upload(path)
    await dc.rotate_salts()
    await dc.fail_calls("upload.saveBigFilePart", 400, "CONNECTION_NOT_INITED")
    await assert_same(dc, client, await uploader.upload(path), path)


@pytest.mark.parametrize("offset_s", [-1000, 1000])
async def test_a_wrong_clock_is_set_by_what_telegram_says(centre, client, tmp_path, offset_s):
    await centre.clear_faults()
    path = make_file(tmp_path, 3 * MIB)
    async with running(client) as uploader:
        await uploader.upload(path)
        home = uploader._dispatcher._links._home
        assert home
        home.clock.offset_s += offset_s
        await centre.drop_connections("parts")
        async with asyncio.timeout(5):
            handle = await uploader.upload(path)
    await assert_same(centre, client, handle, path)
    assert abs(home.clock.offset_s) < 5


async def test_a_small_file_does_not_wait_behind_a_large_one(dc, client, tmp_path):
    large, small = make_file(tmp_path, 40 * MIB), make_file(tmp_path, 3 * MIB, "small")
    await dc.faults(bandwidth_bytes_s=8 * MIB)
    async with running(client, max_connections=2) as uploader, asyncio.TaskGroup() as tasks:
        progress = [0]
        moving = asyncio.Event()

        def moved(done: int, _total: int) -> None:
            progress[0] = done
            moving.set()

        upload = tasks.create_task(uploader.upload(large, moved))
        await moving.wait()
        before = progress[0]
        await uploader.upload(small)
        assert progress[0] - before < 12 * MIB
        assert not upload.done()
        await client.get_me()
        await dc.faults(bandwidth_bytes_s=0)


@pytest.mark.parametrize("change", [lambda path: os.truncate(path, 5 * MIB), Path.touch])
async def test_a_file_that_shrinks_or_changes_is_an_error(dc, uploader, tmp_path, change):
    path = make_file(tmp_path, 16 * MIB)
    await dc.faults(bandwidth_bytes_s=2 * MIB)
    moving = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        upload = tasks.create_task(caught(uploader.upload(path, lambda *_: moving.set())))
        await moving.wait()
        change(path)
        await dc.faults(bandwidth_bytes_s=0)
    assert upload.result() == "FILE_CHANGED"


# sources that grow


async def grow(source: Source, content: bytes, step: int, *, later: bytes | None = None) -> None:
    """Write content piece by piece; `later` replaces its beginning at the end."""
    for offset in range(0, len(content), step):
        await asyncio.to_thread(write_at, source.path, content[offset : offset + step], offset)
        source.grew(min(len(content), offset + step))
        await asyncio.sleep(0.005)
    if later:
        await asyncio.to_thread(write_at, source.path, later, 0)
    source.finish(len(content))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("size", "head"),
    [(100, 0), (PART, 0), (12 * MIB, 0), (12 * MIB + 77, 0), (3 * MIB, 0), (12 * MIB, 600_000)],
)
async def test_a_growing_file_arrives_whole(dc, client, uploader, tmp_path, known, size, head):
    path = make_file(tmp_path, 0)
    content = random.randbytes(size)
    source = Source(path, size if known else None, head)
    before = await parts_sent(dc)
    async with asyncio.TaskGroup() as tasks:
        later = random.randbytes(head)
        tasks.create_task(grow(source, content, 300_000, later=later))
        handle = await uploader.upload(source)
    assert isinstance(handle, raw.types.InputFile) is (known and size < 10 * MIB)
    assert await parts_sent(dc) - before == -(-size // PART)
    await assert_same(dc, client, handle, path)
    assert path.read_bytes() == later + content[head:]


async def test_parts_go_while_the_file_grows(dc, client, uploader, tmp_path):
    source = Source(make_file(tmp_path, 4 * MIB))
    moved = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        upload = tasks.create_task(uploader.upload(source, reaching(7 * PART, moved)))
        source.grew(4 * MIB)
        async with asyncio.timeout(5):
            await moved.wait()  # the eighth part may be the last one: it has to wait
        source.finish(4 * MIB)
    await assert_same(dc, client, upload.result(), source.path)


async def test_a_writer_that_pauses_is_no_stall(uploader, tmp_path):
    source = Source(make_file(tmp_path, PART))
    told = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        upload = tasks.create_task(uploader.upload(source, lambda *_: told.set()))
        for _ in range(2):
            async with asyncio.timeout(10):
                await told.wait()
            told.clear()
        source.finish(PART)
    assert upload.result().parts == 1


async def test_an_abandoned_source_ends_its_upload(uploader, tmp_path):
    source = Source(make_file(tmp_path, 2 * MIB))
    async with asyncio.TaskGroup() as tasks:
        upload = tasks.create_task(caught(uploader.upload(source)))
        source.grew(2 * MIB)
        await asyncio.sleep(0.05)
        source.abandon(DeliveryError("GONE"))
    assert upload.result() == "GONE"
    await closed_here(source.path)


async def test_what_changed_after_it_was_sent_is_found_out(uploader, tmp_path):
    source = Source(make_file(tmp_path, 4 * MIB))
    moved = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        upload = tasks.create_task(caught(uploader.upload(source, reaching(PART, moved))))
        source.grew(4 * MIB)
        await moved.wait()
        write_at(source.path, b"new index", 0)
        source.finish(4 * MIB)
    assert upload.result() == "FILE_CHANGED"


async def test_closing_fails_what_is_under_way(client, dc, tmp_path):
    await dc.faults(bandwidth_bytes_s=MIB)
    path = make_file(tmp_path, 12 * MIB)
    async with running(client) as uploader, asyncio.TaskGroup() as tasks:
        upload = tasks.create_task(caught(uploader.upload(path)))
        await asyncio.sleep(0.2)
        uploader.close()
    assert upload.result() == "UPLOADER_CLOSED"


async def test_it_runs_on_uvloop_too(dc, tmp_path):
    path = make_file(tmp_path, 12 * MIB)

    async def elsewhere() -> Any:
        async with online(dc, tmp_path / "u", in_memory=True) as client, running(client) as up:
            return await up.upload(path)

    def run() -> Any:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(elsewhere())

    handle = await asyncio.to_thread(run)
    assert handle.parts == 24


async def test_nothing_secret_is_logged(dc, client, uploader, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    await dc.drop_connections("parts")
    await uploader.upload(make_file(tmp_path, PART))
    key = (await client.storage.auth_key()).hex()
    assert key[:32] not in caplog.text
