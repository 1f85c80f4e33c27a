"""Uploads while Telegram cannot be reached, and nobody says so."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests import telegram_dc
from tests.integration.loopback import connection_to, online
from tests.integration.relay import Cut, Relay, relayed
from tests.integration.uploading import (
    ANN,
    MIB,
    PART,
    assert_same,
    make_file,
    parts_sent,
    reaching,
    running,
)
from tests.telegram_dc import DataCentre

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DataCentre]:
    async with telegram_dc.running(tmp_path_factory.mktemp("dc"), flood_limits=False) as dc:
        await dc.user(ANN, started=True)
        yield dc


@pytest_asyncio.fixture(loop_scope="module")
async def relay(centre: DataCentre) -> AsyncIterator[Relay]:
    await centre.clear_faults()
    async with relayed(centre.address) as relay:
        yield relay


@pytest_asyncio.fixture(loop_scope="module")
async def client(centre: DataCentre, relay: Relay, tmp_path: Path) -> AsyncIterator[Any]:
    """A client whose connections for uploads alone go over the relay."""

    def connection(**options: Any) -> Any:
        address = relay.address if options["media"] else centre.address
        return connection_to(address)(**options)

    async with online(centre, tmp_path, in_memory=True, connection_factory=connection) as client:
        yield client


@pytest.mark.parametrize(("how", "outage_s"), [(Cut.HELD, 3), (Cut.LOST, 7), (Cut.REFUSED, 3)])
async def test_an_upload_goes_on_when_the_line_is_back(
    centre, relay, client, tmp_path, how, outage_s
):
    path = make_file(tmp_path, 24 * MIB)
    before = await parts_sent(centre)
    await centre.faults(bandwidth_bytes_s=4 * MIB)
    ceiling = {"max_connections": 4, "max_window": 4}
    async with running(client, **ceiling) as uploader, asyncio.TaskGroup() as tasks:
        moving = asyncio.Event()
        upload = tasks.create_task(uploader.upload(path, reaching(12 * PART, moving)))
        await moving.wait()
        relay.cut(how)
        made = relay.connections_made
        await asyncio.sleep(outage_s)
        assert not upload.done()
        assert relay.connections_made - made <= 2 * outage_s + 2
        await relay.mend()
        await centre.faults(bandwidth_bytes_s=0)
        async with asyncio.timeout(15):
            await upload
    in_flight = 4 * 4 + 4
    assert await parts_sent(centre) - before <= 48 + in_flight
    await assert_same(centre, client, upload.result(), path)


async def test_an_upload_that_begins_in_an_outage_ends_after_it(centre, relay, client, tmp_path):
    path = make_file(tmp_path, 3 * MIB)
    relay.cut(Cut.REFUSED)
    async with running(client) as uploader, asyncio.TaskGroup() as tasks:
        upload = tasks.create_task(uploader.upload(path))
        await asyncio.sleep(1)
        await relay.mend()
        async with asyncio.timeout(10):
            await upload
    await assert_same(centre, client, upload.result(), path)
