"""The watch over uploads: what stands still ends, alone."""

import asyncio
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from tests import telegram_dc
from tests.integration.loopback import bots_client
from tests.integration.uploading import ANN, MIB, assert_same, make_file, parts_sent
from userbot.errors import StallError
from userbot.telegram import client as telegram
from userbot.telegram.uploader import UploaderSettings
from userbot.telegram.uploads import Uploads

STALL_S = 0.5


@pytest_asyncio.fixture
async def dc(tmp_path):
    async with telegram_dc.running(tmp_path / "dc") as dc:
        await dc.user(ANN, "Ann", started=True)
        yield dc


@pytest_asyncio.fixture
async def client(dc):
    client = bots_client(dc)
    await telegram.start(client)
    yield client
    await telegram.stop(client)


@asynccontextmanager
async def running(client, stall_s=STALL_S):
    async with asyncio.TaskGroup() as tasks:
        uploads = Uploads(client, tasks, UploaderSettings(), stall_s)
        try:
            yield uploads
        finally:
            uploads.close()


async def parts_on_their_way(dc):
    async with asyncio.timeout(30):
        while not await parts_sent(dc):
            await asyncio.sleep(0.02)


async def test_an_upload_that_stands_still_although_telegram_answers_ends(dc, client, tmp_path):
    await dc.faults(unanswered_parts=10**9)
    async with running(client) as uploads:
        with pytest.raises(StallError):
            await uploads.upload(make_file(tmp_path, 2 * MIB))


async def test_a_watch_that_fails_ends_its_upload_and_nothing_else(dc, client, tmp_path, caplog):
    path = make_file(tmp_path, 2 * MIB)
    await dc.faults(unanswered_parts=10**9)
    async with running(client) as uploads:
        upload = asyncio.create_task(uploads.upload(path))
        await parts_on_their_way(dc)
        session, client.session = client.session, None  # pyrogram asks it without looking
        try:
            with pytest.raises(StallError):
                await upload
        finally:
            client.session = session
        assert "AttributeError" in caplog.text, "with its traceback"
    await dc.clear_faults()  # and no error came out of the tasks
    async with running(client, stall_s=30) as uploads:
        await assert_same(dc, client, await uploads.upload(path), path)
