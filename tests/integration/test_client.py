"""The bot's own client against the data centre."""

import asyncio
from pathlib import Path

import pytest_asyncio
from pyrogram import raw

from tests import telegram_dc
from tests.integration.loopback import bots_client
from userbot.telegram import client as telegram


@pytest_asyncio.fixture
async def client(tmp_path: Path):
    async with telegram_dc.running(tmp_path / "dc") as dc:
        client = bots_client(dc)
        await telegram.start(client)
        yield client
        await telegram.stop(client)


def ping(client, number: int) -> asyncio.Task[object]:
    return asyncio.create_task(client.invoke(raw.functions.Ping(ping_id=number)))


async def test_a_call_that_is_cancelled_as_its_answer_comes_ends_as_cancelled(client):
    for number in range(20):
        call = ping(client, number)
        while not client.session.results:
            await asyncio.sleep(0)
        (waiting,) = client.session.results.values()
        await waiting.event.wait()  # now its answer is here, and the call has not seen it
        call.cancel()
        await asyncio.wait([call], timeout=5)
        assert call.cancelled()
        while client.session.results:
            await asyncio.sleep(0)


async def test_a_call_that_is_cancelled_at_any_turn_of_the_loop_ends_at_once(client):
    for turns in range(30):
        call = ping(client, turns)
        for _ in range(turns):
            await asyncio.sleep(0)
        call.cancel()
        for _ in range(3):  # an answer takes longer
            await asyncio.sleep(0)
        assert call.done(), f"after {turns} turns"
