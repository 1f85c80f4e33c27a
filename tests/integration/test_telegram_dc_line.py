"""Lines to the loopback data centre: lost ones, slow ones, and what comes after."""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pyrogram import raw
from pyrogram.connection.transport import TCPIntermediate, TCPIntermediatePadded
from pyrogram.crypto import mtproto
from pyrogram.errors import (
    BadRequest,
    PeerIdInvalid,
)
from pyrogram.handlers import MessageHandler
from pyrogram.raw.core import GzipPacked, Message, MsgContainer
from pyrogram.session.session import Result

from tests import telegram_dc
from tests.integration.loopback import (
    ANN,
    make_client,
    online,
    received,
    save_big,
    soon,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_was_said_while_away_comes_with_the_next_start(dc, tmp_path):
    chat = await dc.group(-1002000000003, members=[ANN])
    async with online(dc, tmp_path) as first:
        await dc.wait_online()
        updates = received(first)
        await dc.say(chat, "known channel", sender=ANN)
        await dc.say(ANN, "known user")
        await soon(updates)
        await soon(updates)
    await dc.say(ANN, "missed in private")
    await dc.say(chat, "missed in the group", sender=ANN)
    gone = await dc.say(ANN, "deleted meanwhile")
    await dc.delete(ANN, gone)
    second = make_client(dc, tmp_path)
    got: list[str] = []
    both = asyncio.Event()

    async def keep(_client: Any, message: Any) -> None:
        got.append(message.text)
        if len(got) == 2:
            both.set()

    second.add_handler(MessageHandler(keep))
    await second.start()
    try:
        async with asyncio.timeout(5):
            await both.wait()
        assert sorted(got) == ["missed in private", "missed in the group"]
    finally:
        await second.stop()


async def test_a_dropped_connection_comes_back_and_misses_nothing(dc, client):
    updates = received(client)
    assert await dc.drop_connections("main") == 1
    await dc.say(ANN, "while it was gone")
    assert (await soon(updates, lambda m: m.text == "while it was gone")).from_user.id == ANN
    await dc.wait_online()
    assert await client.send_message(ANN, "back")


async def test_an_answer_lost_with_its_connection_is_sent_again(dc, client):
    await dc.faults(latency_ms=100)
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(client.send_message(ANN, "answer on its way"))
        await dc.wait_message(ANN, text="answer on its way")
        await dc.drop_connections("main")
        await dc.faults(latency_ms=0)
    assert sending.result().text == "answer on its way"


async def test_latency_delays_every_call(dc, client):
    await dc.faults(latency_ms=100)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await client.get_me()
    assert 0.2 <= loop.time() - started < 5


async def test_bandwidth_is_limited_per_connection(dc, client, tmp_path):
    file = tmp_path / "f.bin"
    file.write_bytes(bytes(1_000_000))
    await dc.faults(bandwidth_bytes_s=1_000_000)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await client.save_file(str(file))
    assert 0.7 <= loop.time() - started < 10


async def test_faults_of_parts_and_calls(dc, client):
    await dc.faults(premium_wait_parts=1, premium_wait_s=1)
    with pytest.raises(Exception, match="FLOOD_PREMIUM_WAIT"):
        await save_big(client, client.rnd_id(), 0, 1, b"x")
    await dc.faults(unanswered_parts=1)
    call = raw.functions.upload.SaveBigFilePart(
        file_id=1, file_part=0, file_total_parts=1, bytes=b"x"
    )
    with pytest.raises(TimeoutError):
        await client.session.send(call, timeout=0.3)
    await dc.fail_calls("messages.sendMessage", 400, "PEER_ID_INVALID")
    with pytest.raises(PeerIdInvalid):
        await client.send_message(ANN, "x")
    await dc.swallow_answers("messages.SendMessage")
    peer = await client.resolve_peer(ANN)
    send = raw.functions.messages.SendMessage(peer=peer, message="swallowed", random_id=99)
    with pytest.raises(TimeoutError):
        await client.session.send(send, timeout=0.3)
    await dc.wait_message(ANN, text="swallowed")
    with pytest.raises(Exception, match="RANDOM_ID_DUPLICATE"):
        await client.session.send(send)


async def test_new_salts_and_unknown_methods(dc, client):
    await dc.rotate_salts()
    assert (await client.get_me()).id == dc.bot_id
    with pytest.raises(BadRequest, match="METHOD_INVALID"):
        await client.invoke(raw.functions.account.GetAuthorizations())
    assert (await dc.stats()).violations[-1][:2] == ("unknown_method", "account.getAuthorizations")


async def test_a_login_survives_a_restart_of_the_data_centre(tmp_path):
    state = tmp_path / "dc"
    async with telegram_dc.running(state) as dc:
        await dc.user(ANN)
        async with online(dc, tmp_path):
            await dc.wait_online()
            await dc.say(ANN, "before http://a.example")
        await dc.say(ANN, "after the bot left")
    async with telegram_dc.running(state) as dc, online(dc, tmp_path) as client:
        assert [message.text for message in await dc.messages(ANN)] == [
            "before http://a.example",
            "after the bot left",
        ]
        assert (await client.send_message(ANN, "still here")).id == 3
        assert "auth.importBotAuthorization" not in (await dc.stats()).rpc


@pytest.mark.parametrize("framing", [TCPIntermediate, TCPIntermediatePadded])
async def test_other_framings(dc, tmp_path, framing):
    async with online(dc, tmp_path, protocol_factory=framing, in_memory=True) as client:
        assert (await client.get_me()).id == dc.bot_id


async def test_a_key_nobody_knows_is_answered_with_404(dc):
    host, port = dc.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\xef\x0a" + b"unknown!" + bytes(32))
    async with asyncio.timeout(5):
        assert await reader.read() == b"\x01" + (-404).to_bytes(4, "little", signed=True)
    writer.close()
    await writer.wait_closed()


async def test_containers_and_gzip_from_the_client(dc, client):
    session = client.session
    query = raw.functions.users.GetFullUser(id=raw.types.InputUserSelf())
    inner = [await session.msg_factory.create(body) for body in (query, GzipPacked(query))]
    for message in inner:
        session.results[message.msg_id] = Result()
    await session.send(MsgContainer(inner), wait_response=False)
    async with asyncio.timeout(5):
        for message in inner:
            await session.results[message.msg_id].event.wait()
    answers = [session.results.pop(message.msg_id).value for message in inner]
    assert {answer.full_user.id for answer in answers} == {dc.bot_id}


async def test_a_message_of_long_ago_is_a_bad_message(dc, client):
    session = client.session
    ping = raw.functions.Ping(ping_id=1)
    old = Message(ping, int(time.time() - 1000) << 32, 0, len(ping))
    known = len(dc.history)
    key = (session.salt, session.session_id, session.auth_key, session.auth_key_id)
    await session.connection.send(mtproto.pack(old, *key))
    event = await dc.wait_event("violation", since=known, violation="bad_message")
    assert event.data["detail"] == "error_code 16"


async def test_connections_can_be_refused_and_parts_dropped_midway(dc, client, tmp_path):
    file = tmp_path / "f.bin"
    file.write_bytes(os.urandom(3_000_000))
    await client.save_file(str(file))
    assert await dc.drop_connections("parts") == 1
    await dc.faults(refuse_connections=True)
    host, port = dc.address.split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    await dc.faults(refuse_connections=False)
    writer.close()
    before = (await dc.stats()).connections_made
    await dc.faults(drop_after_bytes=1_000_000)
    await client.session.send(raw.functions.Ping(ping_id=1))
    async with online(dc, tmp_path / "other", in_memory=True) as other:
        session = await other.get_session(2, is_media=True)
        part = raw.functions.upload.SaveBigFilePart(
            file_id=5, file_part=0, file_total_parts=4, bytes=bytes(512 * 1024)
        )
        for _ in range(2):
            await session.send(part, wait_response=False)
        await dc.wait_event("disconnect", since=len(dc.history))
    assert (await dc.stats()).connections_made > before


async def test_the_process_ends_when_its_parent_is_gone(tmp_path):
    command = [sys.executable, "-m", "tests.telegram_dc", "--dir", str(tmp_path)]
    process = await asyncio.create_subprocess_exec(
        *command,
        "--until-stdin-closes",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(20):
        assert b"public_key" in await process.stdout.readline()
        process.stdin.close()
        await process.communicate()
    assert process.returncode == 0
