"""What the loopback data centre refuses in chats, its forums, and what it counts."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pyrogram import enums, raw
from pyrogram.errors import BadRequest, ChannelPrivate, ChatWriteForbidden, Forbidden, SlowmodeWait
from pyrogram.handlers import ChatMemberUpdatedHandler
from pyrogram.types import ReplyParameters

from tests import telegram_dc
from tests.integration.loopback import ANN, BOB, online, received, send_raw, soon
from tests.telegram_dc import DataCentre

UNKNOWN = b"\xef\x0a" + b"unknown!" + bytes(32)
NEW_GROUPS = count(-1002000001000, -1)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dc(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DataCentre]:
    async with telegram_dc.running(tmp_path_factory.mktemp("dc"), flood_limits=False) as dc:
        await dc.user(ANN, "Ann", started=True)
        await dc.user(BOB, "Bob", started=True)
        yield dc


@pytest_asyncio.fixture(loop_scope="module")
async def client(dc: DataCentre, tmp_path: Path) -> AsyncIterator[Any]:
    async with online(dc, tmp_path) as client:
        await dc.wait_online()
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def group(dc: DataCentre) -> int:
    return await dc.group(next(NEW_GROUPS), members=[ANN, BOB])


@pytest_asyncio.fixture(loop_scope="module")
async def forum(dc: DataCentre) -> int:
    return await dc.group(next(NEW_GROUPS), members=[ANN], creator=BOB, forum=True)


@pytest.fixture
def video(tmp_path: Path) -> str:
    (tmp_path / "v.mp4").write_bytes(tmp_path.name.encode())
    return str(tmp_path / "v.mp4")


# rights


async def test_media_can_be_forbidden_while_text_is_not(dc, client, group, video):
    await dc.forbid(group, "media")
    with pytest.raises(Forbidden, match="CHAT_SEND_MEDIA_FORBIDDEN"):
        await client.send_video(group, video)
    assert await client.send_message(group, "text")
    await dc.allow(group)
    assert await client.send_video(group, video)


async def test_kinds_of_media_can_be_forbidden_alone(dc, client, group, video):
    await dc.forbid(group, "videos", "plain")
    with pytest.raises(Forbidden, match="CHAT_SEND_VIDEOS_FORBIDDEN"):
        await client.send_video(group, video)
    with pytest.raises(Forbidden, match="CHAT_SEND_PLAIN_FORBIDDEN"):
        await client.send_message(group, "text")
    assert await client.send_document(group, video, force_document=True)
    permissions = (await client.get_chat(group)).permissions
    assert (permissions.can_send_videos, permissions.can_send_documents) == (False, True)
    await dc.add_bot(group, "admin")
    assert await client.send_video(group, video)


async def test_slow_mode_makes_the_bot_wait_after_what_it_sent(dc, client, group):
    await dc.slow_mode(group, 60)
    sent = await client.send_message(group, "first")
    with pytest.raises(SlowmodeWait) as wait:
        await client.send_message(group, "second")
    assert 50 <= int(str(wait.value.value)) <= 60
    await sent.edit_text("edits do not wait")
    await dc.slow_mode(group, 0)
    assert await client.send_message(group, "second")


async def test_a_bot_that_was_thrown_out_or_silenced(dc, client, group):
    basic = await dc.group(-777, members=[ANN], supergroup=False)
    own = [await client.send_message(chat_id, "mine") for chat_id in (group, basic)]
    await dc.set_chat(group, bot_banned=True)
    with pytest.raises(BadRequest, match="USER_BANNED_IN_CHANNEL"):
        await client.send_message(group, "x")
    for chat_id in (group, basic):
        await dc.kick_bot(chat_id)
    for call in (own[0].edit_text("x"), client.send_reaction(group, own[0].id, emoji="👀")):
        with pytest.raises(ChannelPrivate):
            await call
    with pytest.raises(ChatWriteForbidden):
        await own[1].edit_text("x")


async def test_a_reply_to_what_was_deleted_is_refused_or_sent_as_none(dc, client, group):
    asked = await dc.say(group, "link", sender=ANN)
    await dc.delete(group, asked)
    reply = ReplyParameters(message_id=asked)
    with pytest.raises(BadRequest, match="REPLY_MESSAGE_ID_INVALID"):
        await client.send_message(group, "x", reply_parameters=reply)
    await dc.set_chat(group, lenient_replies=True)
    sent = await client.send_message(group, "x", reply_parameters=reply)
    assert (await dc.message(group, sent.id)).reply_to is None


async def test_a_file_can_be_too_large(dc, client, tmp_path):
    (tmp_path / "large.mp4").write_bytes(bytes(100_001))
    await dc.largest_file(100_000)
    try:
        with pytest.raises(BadRequest, match="FILE_PARTS_INVALID"):
            await client.send_video(ANN, str(tmp_path / "large.mp4"))
    finally:
        await dc.largest_file(None)
    assert await client.send_video(ANN, str(tmp_path / "large.mp4"))


# membership


@pytest.mark.parametrize("supergroup", [True, False])
async def test_being_added_and_thrown_out_is_told(dc, client, supergroup):
    chat_id = next(NEW_GROUPS) if supergroup else -778
    await dc.group(chat_id, members=[ANN], supergroup=supergroup)
    updates, changes = received(client), membership(client)
    await dc.kick_bot(chat_id)
    assert (await soon(changes, lambda c: c.chat.id == chat_id)).old_chat_member.user.is_self
    await dc.add_bot(chat_id, by=ANN)
    change = await soon(changes, lambda c: c.chat.id == chat_id)
    assert change.new_chat_member.status is enums.ChatMemberStatus.MEMBER
    assert change.from_user.id == ANN
    service = await soon(updates, lambda m: m.chat.id == chat_id)
    assert [user.id for user in service.new_chat_members] == [dc.bot_id]
    assert service.from_user.id == ANN
    await dc.add_bot(chat_id, "admin")
    promoted = await soon(changes, lambda c: c.chat.id == chat_id)
    assert promoted.new_chat_member.status is enums.ChatMemberStatus.ADMINISTRATOR
    assert [m.service for m in await dc.messages(chat_id)] == ["chat_add_user"]


def membership(client: Any) -> "asyncio.Queue[Any]":
    queue: asyncio.Queue[Any] = asyncio.Queue()

    async def keep(_client: Any, change: Any) -> None:
        await queue.put(change)

    client.add_handler(ChatMemberUpdatedHandler(keep))
    return queue


async def test_privacy_mode_changes_for_groups_the_bot_is_added_to_again(dc, client, group):
    updates = received(client)
    await dc.privacy(enabled=True)
    try:
        assert not (await client.get_me()).can_read_all_group_messages
        await dc.say(group, "as before", sender=ANN)
        await soon(updates, lambda m: m.text == "as before")
        await dc.kick_bot(group)
        await dc.add_bot(group)
        await dc.say(group, "hidden", sender=ANN)
        await dc.say(group, "/seen", sender=ANN)
        assert (await soon(updates, lambda m: bool(m.text))).text == "/seen"
    finally:
        await dc.privacy(enabled=False)
    await dc.kick_bot(group)
    await dc.add_bot(group)
    assert (await client.get_me()).can_read_all_group_messages
    await dc.say(group, "heard", sender=ANN)
    await soon(updates, lambda m: m.text == "heard")


# forums


async def test_a_topic_comes_with_its_messages_and_takes_answers(dc, client, forum):
    updates = received(client)
    topic = await dc.open_topic(forum, "Films", by=ANN)
    made = await soon(updates, lambda m: m.id == topic)
    assert made.forum_topic_created.title == "Films"
    asked = await dc.say(forum, "link", sender=ANN, topic=topic)
    message = await soon(updates, lambda m: m.id == asked)
    assert (message.message_thread_id, message.topic_message) == (topic, True)
    assert message.chat.is_forum
    answer = await message.reply("answer")
    there = await dc.message(forum, answer.id)
    assert (there.reply_to, there.topic) == (asked, topic)
    second = await dc.say(forum, "to you", sender=ANN, reply_to=answer.id)
    assert (await soon(updates, lambda m: m.id == second)).message_thread_id == topic


async def test_a_send_to_a_topic_alone_is_no_reply(dc, client, forum):
    topic = await dc.open_topic(forum, "Films")
    target = raw.types.InputReplyToMessage(reply_to_msg_id=topic, top_msg_id=topic)
    await send_raw(client, forum, "there", reply_to=target)
    await client.send_message(forum, "general")
    messages = (await dc.messages(forum))[-2:]
    assert [(m.text, m.reply_to, m.topic) for m in messages] == [
        ("there", None, topic),
        ("general", None, None),
    ]


async def test_closed_deleted_and_unknown_topics_refuse(dc, client, forum, video):
    topic = await dc.open_topic(forum, "Films")
    asked = await dc.say(forum, "link", sender=ANN, topic=topic)
    reply = ReplyParameters(message_id=asked)
    await dc.close_topic(forum, topic)
    with pytest.raises(BadRequest, match="TOPIC_CLOSED"):
        await client.send_video(forum, video, reply_parameters=reply)
    await dc.reopen_topic(forum, topic)
    assert await client.send_video(forum, video, reply_parameters=reply)
    await dc.delete_topic(forum, topic)
    target = raw.types.InputReplyToMessage(reply_to_msg_id=asked, top_msg_id=topic)
    with pytest.raises(BadRequest, match="TOPIC_DELETED"):
        await send_raw(client, forum, "x", reply_to=target)
    unknown = raw.types.InputReplyToMessage(reply_to_msg_id=asked, top_msg_id=9999)
    with pytest.raises(BadRequest, match="TOPIC_ID_INVALID"):
        await send_raw(client, forum, "x", reply_to=unknown)
    assert all(m.deleted for m in await dc.messages(forum) if topic in (m.id, m.topic))


async def test_the_general_topic_can_be_closed(dc, client, forum):
    await dc.close_topic(forum, 1)
    with pytest.raises(BadRequest, match="TOPIC_CLOSED"):
        await client.send_message(forum, "x")


# counting


async def test_deliveries_are_counted_by_the_message_they_answer(dc, client, group, video):
    asked = await dc.say(group, "link", sender=ANN)
    reply = ReplyParameters(message_id=asked)
    for _ in range(2):
        await client.send_video(group, video, reply_parameters=reply)
    await client.send_message(group, "text", reply_parameters=reply)
    assert (await dc.delivered())[group, asked] == 2
    first, second = (d for d in await dc.deliveries() if d.chat_id == group)
    assert first.sha256 == hashlib.sha256(Path(video).read_bytes()).hexdigest()
    assert (first.kind, first.size) == ("video", Path(video).stat().st_size)
    assert first.random_id != second.random_id
    assert {first.document_id, second.document_id} <= {d.id for d in await dc.documents()}


async def test_repeated_sends_are_counted(dc, client, group):
    await send_raw(client, group, "once", random_id=4712)
    for _ in range(2):
        with pytest.raises(Exception, match="RANDOM_ID_DUPLICATE"):
            await send_raw(client, group, "once", random_id=4712)
    assert (await dc.repeated_random_ids())[group, 4712] == 2


# outages


async def test_a_black_hole_keeps_everything_and_gives_it_back(dc, client):
    await dc.outage(30)
    with pytest.raises(TimeoutError):
        await client.session.send(raw.functions.Ping(ping_id=1), timeout=0.3)
    await dc.say(ANN, "said meanwhile")
    unread = (await dc.stats()).bytes_received
    updates = received(client)
    async with unknown_client(dc) as answer, asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(client.send_message(ANN, "sent meanwhile"))
        refused = tasks.create_task(answer)
        await asyncio.wait([sending, refused], timeout=0.3)
        assert not sending.done()
        assert not refused.done()
        assert (await dc.stats()).bytes_received <= unread + len(UNKNOWN)
        await dc.end_outage()
    assert sending.result().text == "sent meanwhile"
    assert refused.result() == b"\x01" + (-404).to_bytes(4, "little", signed=True)
    await soon(updates, lambda m: m.text == "said meanwhile")


@asynccontextmanager
async def unknown_client(dc: DataCentre) -> AsyncIterator[Coroutine[Any, Any, bytes]]:
    """Says something with a key that nobody knows; to be awaited: the answer."""
    host, port = dc.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(UNKNOWN)
    try:
        yield reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_an_outage_ends_by_itself(dc, client):
    await dc.outage(0.2)
    assert await client.send_message(ANN, "late")
    assert re.fullmatch("outage(_over)?", [e.kind for e in dc.history if "outage" in e.kind][-1])


async def test_a_refusal_drops_every_connection_and_every_new_one(dc, client, tmp_path):
    before = (await dc.stats()).connections_made
    await dc.outage(30, refused=True)
    assert (await dc.stats()).connections == 0
    host, port = dc.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    async with asyncio.timeout(5):
        assert await _ended(reader)
    writer.close()
    assert (await dc.stats()).connections_made == before
    await dc.end_outage()
    await dc.wait_online()
    assert await client.send_message(ANN, "back")


async def _ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True
