"""Sending and reading messages."""

import time
from typing import Any

from tests.telegram_dc import render, tl
from tests.telegram_dc.errors import RpcError, bad
from tests.telegram_dc.model import Chat, StoredMessage, new_hash
from tests.telegram_dc.rpc.call import Call, Handler, member_channel
from tests.telegram_dc.rpc.media import stored_media
from tests.telegram_dc.rpc.rights import (
    check_kind,
    check_pace,
    note_send,
    place_of,
    writable_chat,
)
from tests.telegram_dc.text import check_caption, check_text, with_own_entities

_MAX_ALBUM = 10
_MAX_CALLBACK_BYTES = 64
_MAX_BUTTONS = 100
_MAX_READ = 200


async def _send_message(call: Call, query: Any) -> Any:
    chat = writable_chat(call, query.peer)
    _check_new(call, chat, query.random_id)
    check_text(query.message)
    check_kind(call, chat, None)
    message = _outgoing(call, chat, query, query.message, query.entities)
    message.markup = checked_markup(query.reply_markup)
    check_pace(call, chat)
    call.count(chat)
    return _post(call, chat, [(message, query.random_id)])


async def _send_media(call: Call, query: Any) -> Any:
    chat = writable_chat(call, query.peer)
    _check_new(call, chat, query.random_id)
    check_caption(query.message)
    message = _outgoing(call, chat, query, query.message, query.entities)
    message.markup = checked_markup(query.reply_markup)
    message.media = await stored_media(call, query.media)
    check_kind(call, chat, message.media)
    _check_new(call, chat, query.random_id)
    check_pace(call, chat)
    call.count(chat)
    return _post(call, chat, [(message, query.random_id)])


async def _send_multi_media(call: Call, query: Any) -> Any:
    chat = writable_chat(call, query.peer)
    items = query.multi_media
    if len(items) > _MAX_ALBUM:
        raise bad("MULTI_MEDIA_TOO_LONG")
    album: list[tuple[StoredMessage, int]] = []
    album_id = new_hash()
    for item in items:
        if not isinstance(item.media, (tl.types.InputMediaDocument, tl.types.InputMediaPhoto)):
            raise bad("MEDIA_INVALID")
        _check_new(call, chat, item.random_id)
        check_caption(item.message)
        message = _outgoing(call, chat, query, item.message, item.entities)
        message.media = await stored_media(call, item.media)
        check_kind(call, chat, message.media)
        message.album_id = album_id
        album.append((message, item.random_id))
    if not album:
        raise bad("MEDIA_EMPTY")
    check_pace(call, chat)
    call.count(chat, len(album))
    return _post(call, chat, album)


def _check_new(call: Call, chat: Chat, random_id: int) -> None:
    if random_id == 0:
        raise bad("RANDOM_ID_EMPTY")
    if (chat.id, random_id) in call.world.random_ids:
        call.world.repeated_random_ids[chat.id, random_id] += 1
        raise RpcError(500, "RANDOM_ID_DUPLICATE")


def _outgoing(call: Call, chat: Chat, query: Any, text: str, entities: Any) -> StoredMessage:
    reply_to, topic = place_of(call, chat, query.reply_to)
    return StoredMessage(
        chat.id,
        call.world.bot.id,
        text,
        with_own_entities(text, entities),
        out=True,
        reply_to=reply_to,
        topic=topic,
    )


def checked_markup(markup: Any) -> Any:
    """An inline keyboard within Telegram's limits. Raises BUTTON_DATA_INVALID and the like."""
    buttons = [button for row in getattr(markup, "rows", ()) for button in row.buttons]
    if len(buttons) > _MAX_BUTTONS:
        raise bad("REPLY_MARKUP_TOO_LONG")
    for button in buttons:
        if not button.text.strip():
            raise bad("BUTTON_TEXT_INVALID")
        data = getattr(button.type, "data", None)
        if data is not None and not 1 <= len(data) <= _MAX_CALLBACK_BYTES:
            raise bad("BUTTON_DATA_INVALID")
        url = getattr(button.type, "url", None)
        if url is not None and not url.startswith(("http://", "https://", "tg://")):
            raise bad("BUTTON_URL_INVALID")
    return markup


def _post(call: Call, chat: Chat, album: list[tuple[StoredMessage, int]]) -> Any:
    """Keeps the messages, tells the bot's other sessions, and answers as Telegram does."""
    updates: list[Any] = []
    entries = []
    note_send(chat)
    for message, random_id in album:
        message.random_id = random_id
        entry = call.world.post(message)
        assert entry is not None  # the bot's own
        call.world.random_ids[chat.id, random_id] = message.id
        updates.append(tl.types.UpdateMessageID(id=message.id, random_id=random_id))
        entries.append(entry)
        call.server.publish(entry, but=call.session)
        call.server.note("send", message, call.method, random_id=random_id)
    first = album[0][0]
    if call.method == "messages.sendMessage" and chat.kind == "private" and not first.markup:
        return _short(first, entries[0].pts)
    updates += [render.update(call.world, entry) for entry in entries]
    return updates_of(call, updates, [message for message, _ in album])


def _short(message: StoredMessage, pts: int) -> Any:
    return tl.types.UpdateShortSentMessage(
        id=message.id,
        pts=pts,
        pts_count=1,
        date=message.date,
        out=True,
        entities=message.entities or None,
    )


def updates_of(call: Call, updates: list[Any], messages: list[StoredMessage]) -> Any:
    users, chats = render.mentioned(call.world, messages)
    return tl.types.Updates(updates=updates, users=users, chats=chats, date=int(time.time()), seq=0)


async def _get_messages(call: Call, query: Any) -> Any:
    found = [_read(call, item, None) for item in query.id[:_MAX_READ]]
    return tl.types.messages.Messages(**_messages(call, query.id, found))


async def _get_channel_messages(call: Call, query: Any) -> Any:
    chat = member_channel(call, query.channel)
    found = [_read(call, item, chat) for item in query.id[:_MAX_READ]]
    parts = _messages(call, query.id, found)
    return tl.types.messages.ChannelMessages(pts=chat.log.pts, count=len(found), **parts)


def _read(call: Call, item: Any, chat: Chat | None) -> StoredMessage | None:
    places = chat.messages if chat is not None else call.world.common
    message = places.get(getattr(item, "id", 0))
    if isinstance(item, tl.types.InputMessageReplyTo) and message is not None:
        message = places.get(message.reply_to or 0)
    return None if message is None or message.deleted else message


def _messages(call: Call, asked: list[Any], found: list[StoredMessage | None]) -> dict[str, Any]:
    rendered = [
        render.message(call.world, message)
        if message is not None
        else tl.types.MessageEmpty(id=getattr(item, "id", 0))
        for item, message in zip(asked, found, strict=False)
    ]
    users, chats = render.mentioned(call.world, [m for m in found if m is not None])
    return {"messages": rendered, "topics": [], "users": users, "chats": chats}


HANDLERS: dict[Any, Handler] = {
    tl.functions.messages.SendMessage: _send_message,
    tl.functions.messages.SendMedia: _send_media,
    tl.functions.messages.SendMultiMedia: _send_multi_media,
    tl.functions.messages.GetMessages: _get_messages,
    tl.functions.channels.GetMessages: _get_channel_messages,
}
