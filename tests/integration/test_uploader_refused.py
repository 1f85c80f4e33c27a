"""Connections for uploads that nobody lets in, or that are in each other's way."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests import telegram_dc
from tests.integration.loopback import connection_to, online
from tests.integration.narrow import narrow
from tests.integration.uploading import ANN, MIB, PART, assert_same, make_file, reaching, running
from tests.telegram_dc import DataCentre
from userbot.telegram.uploader.links import ASKING

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]
NOWHERE = 1  # a port where nobody listens


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DataCentre]:
    async with telegram_dc.running(tmp_path_factory.mktemp("dc"), flood_limits=False) as dc:
        await dc.user(ANN, started=True)
        yield dc


@pytest_asyncio.fixture(loop_scope="module")
async def dc(centre: DataCentre) -> AsyncIterator[DataCentre]:
    await centre.clear_faults()
    yield centre
    await centre.clear_faults()


@pytest_asyncio.fixture(loop_scope="module")
async def client(dc: DataCentre, tmp_path: Path) -> AsyncIterator[Any]:
    """A client that believes the configuration about ports nowhere."""

    def connection(**options: Any) -> Any:
        address = f"127.0.0.1:{NOWHERE}" if options["port"] == NOWHERE else dc.address
        return connection_to(address)(**options)

    async with online(dc, tmp_path, in_memory=True, connection_factory=connection) as client:
        yield client


async def test_a_notification_instead_of_the_configuration_ends_nothing(dc, client, tmp_path):
    path = make_file(tmp_path, 3 * MIB)
    await dc.fail_calls("help.getConfig", 16, "BAD_MSG_NOTIFICATION")
    async with running(client) as uploader:
        await assert_same(dc, client, await uploader.upload(path), path)


async def test_whoever_asks_for_an_address_ends_with_the_uploader(dc, client, tmp_path):
    await dc.faults(refuse_connections=True)
    async with running(client) as uploader, asyncio.TaskGroup() as tasks:
        upload = tasks.create_task(uploader.upload(make_file(tmp_path, MIB)))
        async with asyncio.timeout(20):
            while not (asking := [t for t in asyncio.all_tasks() if t.get_name() == ASKING]):
                await dc.swallow_answers("help.getConfig", times=1)
        upload.cancel()
        uploader.close()
        await asyncio.wait(asking)
    assert [task.cancelled() for task in asking] == [True]


async def test_connections_that_are_not_let_in_are_not_opened_again_and_again(dc, client, tmp_path):
    path = make_file(tmp_path, 24 * MIB)
    await dc.faults(upload_connections=2, bandwidth_bytes_s=4 * MIB)
    before = (await dc.stats()).connections_made
    async with running(client) as uploader:
        handle = await uploader.upload(path)
    assert (await dc.stats()).connections_made - before <= 30
    await assert_same(dc, client, handle, path)


async def test_a_hiccup_on_all_connections_at_once_is_no_lost_key(dc, client, tmp_path):
    path = make_file(tmp_path, 24 * MIB)
    await dc.faults(bandwidth_bytes_s=2 * MIB)
    async with running(client) as uploader, asyncio.TaskGroup() as tasks:
        moving = asyncio.Event()
        upload = tasks.create_task(uploader.upload(path, reaching(8 * PART, moving)))
        await moving.wait()
        await dc.faults(hiccup_code=404)
        await asyncio.sleep(0.5)
        await dc.faults(hiccup_code=0, bandwidth_bytes_s=0)
    await assert_same(dc, client, upload.result(), path)


async def test_without_an_address_for_media_parts_go_where_the_client_is(dc, client, tmp_path):
    path = make_file(tmp_path, 11 * MIB)
    await dc.faults(media_port=NOWHERE)
    async with running(client) as uploader, asyncio.timeout(30):
        await assert_same(dc, client, await uploader.upload(path), path)


async def test_on_a_slow_line_parts_are_not_in_each_others_way(dc, tmp_path):
    async with narrow(dc.address, 300_000) as line:

        def connection(**options: Any) -> Any:
            return connection_to(line.address if options["media"] else dc.address)(**options)

        async with (
            online(dc, tmp_path, in_memory=True, connection_factory=connection) as client,
            running(client, slow_after_s=1.0) as uploader,
            asyncio.TaskGroup() as tasks,
        ):
            first = asyncio.Event()
            path = make_file(tmp_path, 16 * MIB)
            upload = tasks.create_task(uploader.upload(path, reaching(PART, first)))
            await first.wait()
            carried_bytes = line.carried_bytes
            upload.cancel()
    assert carried_bytes < 5 * PART  # eight of them had begun
