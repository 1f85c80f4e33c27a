"""The loopback data centre, spoken to by an unmodified Pyrogram client."""

import asyncio
import base64
import hashlib
import os
import struct
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pyrogram import Client, enums, raw
from pyrogram.connection import Connection
from pyrogram.connection.transport import TCPIntermediate, TCPIntermediatePadded
from pyrogram.crypto import mtproto, rsa
from pyrogram.errors import (
    AccessTokenInvalid,
    BadRequest,
    ButtonDataInvalid,
    ChannelPrivate,
    EntityBoundsInvalid,
    FilePartMissing,
    FloodWait,
    MediaCaptionTooLong,
    MessageNotModified,
    MessageTooLong,
    PeerIdInvalid,
    ReactionInvalid,
    UserIsBlocked,
    UserNotParticipant,
)
from pyrogram.handlers import CallbackQueryHandler, MessageHandler
from pyrogram.raw.core import GzipPacked, Message, MsgContainer
from pyrogram.session.session import Result
from pyrogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaVideo,
    ReplyParameters,
)

from tests import telegram_dc
from tests.telegram_dc import DataCentre

ANN, BOB = 101, 102
SUPERGROUP = -1002147483648 - 77  # a new, large id
BASIC = -555
JPEG = b"\xff\xd8\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 180, 320) + bytes(100)


def trust(pem: Path) -> None:
    """Makes Pyrogram accept the server's key, as the product does with TELEGRAM_PUBLIC_KEY."""
    der = base64.b64decode("".join(pem.read_text().splitlines()[1:-1]))
    length = int.from_bytes(der[6:8], "big")
    modulus, exponent = der[8 : 8 + length].lstrip(b"\0"), der[8 + length + 2 :]
    tl = b"\xfe\x00\x01\x00" + modulus + b"\x03" + exponent
    fingerprint = int.from_bytes(hashlib.sha1(tl).digest()[-8:], "little", signed=True)
    numbers = (int.from_bytes(part, "big") for part in (modulus, exponent))
    rsa.server_public_keys[fingerprint] = rsa.PublicKey(*numbers)


def connection_to(address: str) -> type[Connection]:
    host, port = address.split(":")

    class LoopbackConnection(Connection):
        def __init__(self, **options: Any) -> None:
            super().__init__(**(options | {"server_address": host, "port": int(port)}))

    return LoopbackConnection


def make_client(dc: DataCentre, directory: Path, **options: Any) -> Any:
    trust(dc.public_key)
    defaults: dict[str, Any] = {
        "api_id": dc.api_id,
        "api_hash": dc.api_hash,
        "bot_token": dc.bot_token,
        "workdir": str(directory),
        "connection_factory": connection_to(dc.address),
        "sleep_threshold": 0,
        "skip_updates": False,
        "parse_mode": enums.ParseMode.DISABLED,
    }
    return Client("bot", **(defaults | options))


@asynccontextmanager
async def online(dc: DataCentre, directory: Path, **options: Any) -> AsyncIterator[Any]:
    client = make_client(dc, directory, **options)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DataCentre]:
    async with telegram_dc.running(tmp_path_factory.mktemp("dc")) as dc:
        await dc.user(ANN, "Ann", "ann")
        await dc.user(BOB, "Bob")
        yield dc


@pytest_asyncio.fixture(loop_scope="module")
async def dc(centre: DataCentre) -> AsyncIterator[DataCentre]:
    """The module's data centre without faults, flood history or members' mischief."""
    await centre.clear_faults()
    await centre.clear_flood()
    for user_id in (ANN, BOB):
        await centre.say(user_id, "/start")
        await centre.set_chat(user_id, writes_refused=False, reactions_refused=False)
    known = len((await centre.stats()).violations)
    yield centre
    await centre.clear_faults()
    violations = (await centre.stats()).violations[known:]
    assert "server_error" not in {violation.kind for violation in violations}


@pytest_asyncio.fixture(loop_scope="module")
async def client(dc: DataCentre, tmp_path: Path) -> AsyncIterator[Any]:
    async with online(dc, tmp_path) as client:
        await dc.wait_online()
        yield client


pytestmark = pytest.mark.asyncio(loop_scope="module")


def rows(*buttons: tuple[str, str | bytes]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(text, callback_data=data)] for text, data in buttons]
    )


def received(client: Any) -> "asyncio.Queue[Any]":
    """What the client's handlers get from now on."""
    queue: asyncio.Queue[Any] = asyncio.Queue()

    async def keep(_client: Any, update: Any) -> None:
        await queue.put(update)

    client.add_handler(MessageHandler(keep))
    client.add_handler(CallbackQueryHandler(keep))
    return queue


async def soon(queue: "asyncio.Queue[Any]", fits: Callable[[Any], bool] = lambda _: True) -> Any:
    async with asyncio.timeout(5):
        while True:
            if fits(item := await queue.get()):
                return item


async def test_a_wrong_token_and_a_wrong_api_hash_are_refused(dc, tmp_path):
    bad_token = make_client(dc, tmp_path, bot_token="1:x", in_memory=True)
    with pytest.raises(AccessTokenInvalid):
        await bad_token.start()
    bad_hash = make_client(dc, tmp_path, api_hash="0" * 32, in_memory=True)
    with pytest.raises(BadRequest, match="API_ID_INVALID"):
        await bad_hash.start()


async def test_a_users_message_arrives_with_entities_telegram_found(dc, client):
    updates = received(client)
    entity = {"type": "text_link", "offset": 3, "length": 4, "url": "https://hidden.example/v"}
    text = "😀 here or http://127.0.0.1:8080/x.mp4?a=1, example.com/w /go"
    await dc.say(ANN, text, entities=[entity], forward_from=BOB)
    message = await soon(updates, lambda m: m.text == text)
    found = [(e.type.name, text_of(text, e), e.url) for e in message.entities]
    assert found == [
        ("TEXT_LINK", "here", "https://hidden.example/v"),
        ("URL", "http://127.0.0.1:8080/x.mp4?a=1", None),
        ("URL", "example.com/w", None),
        ("BOT_COMMAND", "/go", None),
    ]
    assert message.from_user.id == ANN
    assert message.forward_origin.sender_user.id == BOB


def text_of(text: str, entity: Any) -> str:
    units = text.encode("utf-16-le")
    return units[entity.offset * 2 : (entity.offset + entity.length) * 2].decode("utf-16-le")


async def test_send_reply_edit_and_delete(dc, client):
    asked = await dc.say(ANN, "question")
    sent = await client.send_message(
        ANN,
        "one",
        reply_parameters=ReplyParameters(message_id=asked),
        reply_markup=rows(("a", b"1")),
    )
    there = await dc.message(ANN, sent.id)
    assert (there.text, there.reply_to, there.button("a").data) == ("one", asked, b"1")
    await client.edit_message_text(ANN, sent.id, "two")
    edited = await dc.message(ANN, sent.id)
    assert (edited.text, edited.edits, edited.buttons) == ("two", 1, ())
    with pytest.raises(MessageNotModified):
        await client.edit_message_text(ANN, sent.id, "two")
    await client.delete_messages(ANN, sent.id)
    assert (await dc.message(ANN, sent.id)).deleted
    with pytest.raises(BadRequest, match="MESSAGE_ID_INVALID"):
        await client.edit_message_text(ANN, sent.id, "three")


async def test_rules_for_texts_and_buttons(dc, client):
    await dc.flood_limits(enabled=False)
    try:
        with pytest.raises(MessageTooLong):
            await client.send_message(ANN, "😀" * 2049)
        assert await client.send_message(ANN, "😀" * 2048)
        with pytest.raises(ButtonDataInvalid):
            await client.send_message(ANN, "x", reply_markup=rows(("a", "x" * 65)))
        bold = raw.types.MessageEntityBold(offset=1, length=3)
        with pytest.raises(EntityBoundsInvalid):
            await send_raw(client, ANN, "abc", entities=[bold])
        with pytest.raises(BadRequest, match="REPLY_MESSAGE_ID_INVALID"):
            await client.send_message(
                ANN, "x", reply_parameters=ReplyParameters(message_id=999_999)
            )
    finally:
        await dc.flood_limits(enabled=True)


async def send_raw(client: Any, chat_id: int, text: str, **options: Any) -> Any:
    peer = await client.resolve_peer(chat_id)
    options = {"random_id": client.rnd_id()} | options
    return await client.session.send(
        raw.functions.messages.SendMessage(peer=peer, message=text, **options)
    )


async def test_a_repeated_random_id_is_refused_and_nothing_is_sent_twice(dc, client):
    await send_raw(client, ANN, "only once", random_id=4711)
    with pytest.raises(Exception, match="RANDOM_ID_DUPLICATE"):
        await send_raw(client, ANN, "only once", random_id=4711)
    texts = [message.text for message in await dc.messages(ANN)]
    assert texts.count("only once") == 1


async def test_a_press_waits_for_the_bots_answer(dc, client):
    async def answer(_client: Any, query: Any) -> None:
        await query.answer(f"got {query.data}", show_alert=True)

    client.add_handler(CallbackQueryHandler(answer))
    sent = await client.send_message(ANN, "choose", reply_markup=rows(("720p · 3 MB", "q:720")))
    answer_got = await dc.press(ANN, sent.id, button="720p")
    assert (answer_got.text, answer_got.alert) == ("got q:720", True)
    assert answer_got.seconds < 2


async def test_a_press_nobody_answers_times_out(dc, client):
    sent = await client.send_message(ANN, "choose", reply_markup=rows(("x", "1")))
    with pytest.raises(TimeoutError):
        await dc.press(ANN, sent.id, data=b"1", timeout_s=0.2)


async def test_reactions_are_kept_and_can_be_refused(dc, client):
    asked = await dc.say(ANN, "react")
    await client.send_reaction(ANN, asked, emoji="👀")
    assert await dc.reactions(ANN, asked) == ["👀"]
    with pytest.raises(ReactionInvalid):
        await client.send_reaction(ANN, asked, emoji="✅")
    await dc.set_chat(ANN, reactions_refused=True)
    with pytest.raises(ReactionInvalid):
        await client.send_reaction(ANN, asked, emoji="👍")


async def test_where_the_bot_may_not_write(dc, client):
    await dc.block(BOB)
    with pytest.raises(UserIsBlocked):
        await client.send_message(BOB, "x")
    await dc.user(103, "Stranger")
    with pytest.raises(PeerIdInvalid):
        await client.send_message(103, "x")
    await dc.group(-1002000000001, members=[ANN])
    assert await client.send_message(-1002000000001, "x")
    await dc.kick_bot(-1002000000001)
    with pytest.raises(ChannelPrivate):
        await client.send_message(-1002000000001, "y")


async def test_a_fourth_message_at_once_has_to_wait_for_true_seconds(dc, client):
    for number in range(3):
        await client.send_message(BOB, f"{number}")
    with pytest.raises(FloodWait) as flood:
        await client.send_message(BOB, "too many")
    assert 1 <= int(str(flood.value.value)) <= 3
    last = (await dc.stats()).floods[-1]
    assert (last.method, last.chat_id) == ("messages.sendMessage", BOB)


async def test_a_group_takes_twenty_messages_a_minute(dc, client):
    await dc.group(SUPERGROUP, "Videos", members=[ANN])
    await dc.flood_limits(chat_messages=100, total_messages=100)
    try:
        for number in range(20):
            await client.send_message(SUPERGROUP, f"{number}")
        with pytest.raises(FloodWait) as flood:
            await client.send_message(SUPERGROUP, "21st")
        assert 50 <= int(str(flood.value.value)) <= 60
    finally:
        await dc.flood_limits(chat_messages=3, total_messages=30)


@pytest.mark.parametrize("chat_id", [SUPERGROUP, BASIC])
async def test_members_of_groups(dc, client, chat_id):
    await dc.group(
        chat_id, members=[ANN], admins=[BOB], creator=None, supergroup=chat_id == SUPERGROUP
    )
    ann = await client.get_chat_member(chat_id, ANN)
    bob = await client.get_chat_member(chat_id, BOB)
    assert ann.status is enums.ChatMemberStatus.MEMBER
    assert bob.status is enums.ChatMemberStatus.ADMINISTRATOR
    await dc.user(104)
    with pytest.raises(UserNotParticipant):
        await client.get_chat_member(chat_id, 104)


@pytest.mark.parametrize("chat_id", [SUPERGROUP, BASIC])
async def test_groups_deliver_to_the_bot_and_take_its_messages(dc, client, chat_id):
    await dc.group(chat_id, "Videos", members=[ANN], supergroup=chat_id == SUPERGROUP)
    updates = received(client)
    asked = await dc.say(chat_id, "in a group", sender=ANN)
    message = await soon(updates, lambda m: m.text == "in a group")
    assert (message.chat.id, message.from_user.id, message.id) == (chat_id, ANN, asked)
    await dc.say(chat_id, "as the group", sender=chat_id)
    anonymous = await soon(updates, lambda m: m.text == "as the group")
    assert (anonymous.from_user, anonymous.sender_chat.id) == (None, chat_id)
    answer = await message.reply("answer")
    assert (await dc.message(chat_id, answer.id)).reply_to == asked
    fetched = await client.get_messages(chat_id, [asked, answer.id, 9999])
    assert [m.text for m in fetched] == ["in a group", "answer", None]
    await answer.edit_text("changed")
    await answer.delete()
    assert (await dc.message(chat_id, answer.id)).deleted


async def test_privacy_mode_hides_what_is_not_for_the_bot(dc, client):
    chat = await dc.group(-1002000000002, members=[ANN], privacy=True)
    updates = received(client)
    await dc.say(chat, "https://hidden.example", sender=ANN)
    await dc.say(chat, "/seen", sender=ANN)
    assert (await soon(updates)).text == "/seen"
    sent = await client.send_message(chat, "mine")
    await dc.say(chat, "reply", sender=ANN, reply_to=sent.id)
    assert (await soon(updates)).text == "reply"
    await dc.add_bot(chat, "admin")
    await dc.say(chat, "now everything", sender=ANN)
    assert (await soon(updates)).text == "now everything"


async def test_a_small_video_with_a_thumbnail_arrives_byte_for_byte(dc, client, tmp_path):
    video = tmp_path / "clip.mp4"
    video.write_bytes(os.urandom(1_300_000))
    (tmp_path / "thumb.jpg").write_bytes(JPEG)
    sent = await client.send_video(
        ANN,
        str(video),
        caption="caption",
        duration=7,
        width=640,
        height=360,
        thumb=str(tmp_path / "thumb.jpg"),
        supports_streaming=True,
        file_name="clip.mp4",
    )
    media = (await dc.message(ANN, sent.id)).media
    assert media is not None
    assert media.path.read_bytes() == video.read_bytes()
    assert (media.kind, media.mime_type, media.file_name) == ("video", "video/mp4", "clip.mp4")
    assert (media.duration, media.width, media.height) == (7, 640, 360)
    assert media.supports_streaming
    assert media.thumb is not None
    assert (media.thumb.width, media.thumb.height) == (320, 180)
    downloaded = await client.download_media(sent, in_memory=True)
    assert downloaded.getvalue() == video.read_bytes()


async def test_a_big_video_is_sent_again_by_its_file_id_without_its_bytes(dc, client, tmp_path):
    video = tmp_path / "big.mp4"
    video.write_bytes(os.urandom(12 * 1024 * 1024 + 777))
    progress: list[int] = []

    def keep(done: int, _total: int) -> None:
        progress.append(done)

    sent = await client.send_video(ANN, str(video), progress=keep)
    media = (await dc.message(ANN, sent.id)).media
    assert media is not None
    assert media.sha256 == hashlib.sha256(video.read_bytes()).hexdigest()
    assert media.path.stat().st_size == media.size == video.stat().st_size
    assert progress[-1] == media.size
    before = await dc.stats()
    assert before.rpc["upload.saveBigFilePart"] >= 25
    again = await client.send_video(BOB, sent.video.file_id, caption="again")
    assert (await dc.stats()).parts == before.parts
    copy = (await dc.message(BOB, again.id)).media
    assert copy is not None
    assert copy.id == media.id
    await dc.expire_file_references()
    with pytest.raises(BadRequest, match="FILE_REFERENCE_EXPIRED"):
        await client.send_video(BOB, sent.video.file_id)


async def test_captions_are_shorter_than_texts(dc, client, tmp_path):
    video = tmp_path / "v.mp4"
    video.write_bytes(b"v")
    with pytest.raises(MediaCaptionTooLong):
        await client.send_video(ANN, str(video), caption="x" * 1025)


async def test_a_thumbnail_telegram_would_ignore_is_a_violation(dc, client, tmp_path):
    for name, data in (("v.mp4", b"video"), ("t.jpg", b"no jpeg")):
        (tmp_path / name).write_bytes(data)
    sent = await client.send_video(ANN, str(tmp_path / "v.mp4"), thumb=str(tmp_path / "t.jpg"))
    media = (await dc.message(ANN, sent.id)).media
    assert media is not None
    assert media.thumb is None
    assert (await dc.stats()).violations[-1].kind == "thumb_invalid"


async def test_a_missing_part_is_named(dc, client):
    file_id = client.rnd_id()
    for part in (0, 2):
        await save_big(client, file_id, part, 3, bytes(512 * 1024))
    document = raw.types.InputMediaUploadedDocument(
        file=raw.types.InputFileBig(id=file_id, parts=3, name="x"),
        mime_type="video/mp4",
        attributes=[],
    )
    with pytest.raises(FilePartMissing) as missing:
        await send_document(client, document)
    assert missing.value.value == 1
    assert (await dc.stats()).violations[-1].kind == "file_part_1_missing"


async def save_big(client: Any, file_id: int, part: int, total: int, data: bytes) -> Any:
    call = raw.functions.upload.SaveBigFilePart(
        file_id=file_id, file_part=part, file_total_parts=total, bytes=data
    )
    return await client.invoke(call)


async def send_document(client: Any, document: Any) -> Any:
    return await client.invoke(
        raw.functions.messages.SendMedia(
            peer=await client.resolve_peer(ANN),
            media=document,
            message="",
            random_id=client.rnd_id(),
        )
    )


@pytest.mark.parametrize("boundary", [True, False])
async def test_a_stream_of_unknown_length(dc, client, boundary):
    file_id = client.rnd_id()
    data = os.urandom(64 * 1024)
    await save_big(client, file_id, 0, -1, data)
    await save_big(client, file_id, 1, 2, b"" if boundary else b"tail")
    file = raw.types.InputFileBig(id=file_id, parts=2, name="s.mp4")
    document = raw.types.InputMediaUploadedDocument(file=file, mime_type="video/mp4", attributes=[])
    await send_document(client, document)
    media = (await dc.messages(ANN))[-1].media
    assert media is not None
    assert media.path.read_bytes() == data + (b"" if boundary else b"tail")


@pytest.mark.parametrize(
    ("part", "total", "size", "error"),
    [
        (0, 3, 1000, "FILE_PART_SIZE_INVALID"),
        (0, 3, 3 * 1024, "FILE_PART_SIZE_INVALID"),
        (3, 3, 1024, "FILE_PART_INVALID"),
        (0, 4001, 1024, "FILE_PARTS_INVALID"),
        (0, 3, 0, "FILE_PART_EMPTY"),
        (0, 3, 512 * 1024 + 4, "FILE_PART_TOO_BIG"),
        (4000, -1, 1024, "FILE_PART_INVALID"),
    ],
)
async def test_rules_for_parts(dc, client, part, total, size, error):
    with pytest.raises(BadRequest, match=error):
        await save_big(client, client.rnd_id(), part, total, bytes(size))
    assert (await dc.stats()).violations[-1].kind == error.lower()


async def test_albums_of_uploaded_media(dc, client, tmp_path):
    paths = [tmp_path / "1.mp4", tmp_path / "2.mp4"]
    for path in paths:
        path.write_bytes(path.name.encode())
    sent = await client.send_media_group(
        ANN, [InputMediaVideo(str(path), caption=path.name) for path in paths]
    )
    messages = [await dc.message(ANN, message.id) for message in sent]
    assert [m.text for m in messages] == ["1.mp4", "2.mp4"]
    assert len({m.album_id for m in messages}) == 1


async def test_a_photo_menu_and_its_replacement_by_a_video(dc, client, tmp_path):
    (tmp_path / "p.jpg").write_bytes(JPEG)
    (tmp_path / "v.mp4").write_bytes(b"video")
    sent = await client.send_photo(ANN, str(tmp_path / "p.jpg"), caption="menu")
    photo = (await dc.message(ANN, sent.id)).media
    assert photo is not None
    assert (photo.kind, photo.width, photo.height) == ("photo", 320, 180)
    await client.edit_message_media(ANN, sent.id, InputMediaVideo(str(tmp_path / "v.mp4")))
    video = (await dc.message(ANN, sent.id)).media
    assert video is not None
    assert video.kind == "video"


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
    assert 0.2 <= loop.time() - started < 1


async def test_bandwidth_is_limited_per_connection(dc, client, tmp_path):
    file = tmp_path / "f.bin"
    file.write_bytes(bytes(1_000_000))
    await dc.faults(bandwidth_bytes_s=1_000_000)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await client.save_file(str(file))
    assert 0.7 <= loop.time() - started < 3


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
