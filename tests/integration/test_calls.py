"""Calls that Telegram answers with an error of its own, or with one that nobody knows."""

import asyncio

import pytest
import pytest_asyncio
from pyrogram import raw
from pyrogram.errors import BadRequest

from tests import telegram_dc
from tests.integration.loopback import ANN, bots_client
from userbot.telegram import client as telegram
from userbot.telegram.ended import ended
from userbot.telegram.once import Calls

WITHIN_S = 60


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


async def message(client):
    return raw.functions.messages.SendMessage(
        peer=await client.resolve_peer(ANN), message="once", random_id=7
    )


async def test_internal_errors_that_pass_are_waited_for(dc, client):
    await dc.fail_calls("messages.sendMessage", 500, "WORKER_BUSY_TOO_LONG_RETRY", times=3)
    async with asyncio.TaskGroup() as tasks:
        calls = Calls(client, tasks, (0.01,) * 3)
        assert await calls.make(await message(client), WITHIN_S)
    assert (await dc.stats()).rpc["messages.sendMessage"] == 4


async def test_internal_errors_without_an_end_are_given_up(dc, client):
    await dc.fail_calls("messages.sendMessage", 500, "WORKER_BUSY_TOO_LONG_RETRY", times=1000)
    async with asyncio.TaskGroup() as tasks:
        calls = Calls(client, tasks, (0.01,) * 3)
        with pytest.raises(TimeoutError, match="internal errors"):
            await calls.make(await message(client), WITHIN_S)
    assert (await dc.stats()).rpc["messages.sendMessage"] == 4, "one and a repeat after each pause"


async def test_an_error_that_nobody_knows_needs_no_file(dc, client, tmp_path, monkeypatch, caplog):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    await dc.fail_calls("messages.sendMessage", 400, "NEWS_FROM_TELEGRAM")
    async with asyncio.TaskGroup() as tasks:
        with pytest.raises(BadRequest, match="NEWS_FROM_TELEGRAM"):
            await Calls(client, tasks, ()).make(await message(client), WITHIN_S)
    assert "NEWS_FROM_TELEGRAM" in caplog.text
    assert (await dc.stats()).rpc["messages.sendMessage"] == 1


async def test_a_login_that_is_revoked_is_noticed_by_asking(dc, client):
    async with asyncio.TaskGroup() as tasks:
        noticed = tasks.create_task(ended(client, ask_every_s=0.1))
        await dc.fail_calls("updates.getState", 500, "INTERNAL")
        while not (await dc.stats()).rpc["updates.getState"] > 3:
            await asyncio.sleep(0.01)
        assert not noticed.done(), "other errors pass"
        await dc.fail_calls("updates.getState", 401, "SESSION_REVOKED")
        async with asyncio.timeout(WITHIN_S):
            assert await noticed == "SESSION_REVOKED"


async def test_a_login_that_was_revoked_is_made_anew_at_the_start(dc, tmp_path, caplog):
    first, second = bots_client(dc, tmp_path), bots_client(dc, tmp_path)
    await telegram.start(first)
    await telegram.stop(first)
    await dc.fail_calls("updates.getState", 401, "SESSION_REVOKED")
    await telegram.start(second)
    assert await telegram.answers(second)
    await telegram.stop(second)
    assert "SESSION_REVOKED" in caplog.text
    assert len(list(tmp_path.glob("*.session.ended"))) == 1
