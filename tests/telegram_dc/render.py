"""The world as the bot sees it, in TL."""

from collections.abc import Iterable
from typing import Any

from tests.telegram_dc import tl
from tests.telegram_dc.model import Chat, Logged, StoredMedia, StoredMessage, User
from tests.telegram_dc.world import World

DC_ID = 2  # the one a fresh Pyrogram session asks for


def peer(chat: Chat) -> Any:
    if chat.kind == "private":
        return tl.types.PeerUser(user_id=chat.id)
    if chat.is_channel:
        return tl.types.PeerChannel(channel_id=chat.raw_id)
    return tl.types.PeerChat(chat_id=chat.raw_id)


def user(value: User, *, is_self: bool = False) -> Any:
    return tl.types.User(
        id=value.id,
        is_self=is_self or None,
        bot=value.is_bot or None,
        bot_chat_history=value.reads_all or None,
        access_hash=value.access_hash,
        first_name=value.first_name,
        username=value.username,
        bot_info_version=1 if value.is_bot else None,
    )


def chat(world: World, value: Chat) -> Any:
    role = value.members.get(world.bot.id)
    rights = admin_rights() if role == "admin" else None
    if not value.is_channel:
        return tl.types.Chat(
            id=value.raw_id,
            title=value.title,
            photo=tl.types.ChatPhotoEmpty(),
            participants_count=len(value.members),
            date=value.date,
            version=1,
            left=True if role is None else None,
            deactivated=True if value.migrated_to else None,
            migrated_to=_migrated_to(world, value),
            admin_rights=rights,
            default_banned_rights=_banned_rights(value),
        )
    return tl.types.Channel(
        id=value.raw_id,
        title=value.title,
        photo=tl.types.ChatPhotoEmpty(),
        date=value.date,
        megagroup=True,
        access_hash=value.access_hash,
        left=True if role is None else None,
        admin_rights=rights,
        participants_count=len(value.members),
        forum=value.is_forum or None,
        slowmode_enabled=True if value.slow_mode_s else None,
        default_banned_rights=_banned_rights(value),
    )


def _migrated_to(world: World, value: Chat) -> Any:
    if value.migrated_to is None:
        return None
    channel = world.chats[value.migrated_to]
    return tl.types.InputChannel(channel_id=channel.raw_id, access_hash=channel.access_hash)


def _banned_rights(value: Chat) -> Any:
    rights = {f"send_{kind}": True for kind in value.forbidden}
    return tl.types.ChatBannedRights(until_date=0, **rights)


def admin_rights() -> Any:
    return tl.types.ChatAdminRights(
        change_info=True, delete_messages=True, ban_users=True, invite_users=True, pin_messages=True
    )


def message(world: World, value: StoredMessage) -> Any:
    place = world.chats[value.chat_id]
    if value.action is not None:
        return tl.types.MessageService(
            id=value.id,
            peer_id=peer(place),
            from_id=_sender(world, value, place),
            date=value.date,
            action=value.action,
            reply_to=_reply(value),
        )
    return tl.types.Message(
        id=value.id,
        peer_id=peer(place),
        from_id=_sender(world, value, place),
        date=value.date,
        message=value.text,
        out=value.out or None,
        entities=value.entities or None,
        reply_to=_reply(value),
        reply_markup=value.markup,
        media=media(value.media) if value.media else None,
        fwd_from=_forward(value),
        edit_date=value.edit_date,
        grouped_id=value.album_id,
    )


def _sender(world: World, value: StoredMessage, place: Chat) -> Any:
    if value.sender_id < 0:
        return peer(world.chats[value.sender_id])
    if place.kind == "private" and not value.out:
        return None
    return tl.types.PeerUser(user_id=value.sender_id)


def _reply(value: StoredMessage) -> Any:
    """In a topic every message says so; one that answers none names the topic as the answered."""
    first = value.reply_to or value.topic
    if first is None:
        return None
    return tl.types.MessageReplyHeader(
        reply_to_msg_id=first,
        reply_to_top_id=value.topic if value.reply_to and value.topic else None,
        forum_topic=True if value.topic else None,
    )


def _forward(value: StoredMessage) -> Any:
    if value.forward_from is None:
        return None
    origin = tl.types.PeerUser(user_id=value.forward_from)
    return tl.types.MessageFwdHeader(date=value.date - 60, from_id=origin)


def media(value: StoredMedia) -> Any:
    if value.kind == "photo":
        return tl.types.MessageMediaPhoto(photo=photo(value))
    video = value.kind in {"video", "animation"}
    return tl.types.MessageMediaDocument(
        document=document(value), video=video or None, voice=value.kind == "voice" or None
    )


def document(value: StoredMedia) -> Any:
    thumb = value.thumb
    return tl.types.Document(
        id=value.id,
        access_hash=value.access_hash,
        file_reference=value.file_reference,
        date=value.date,
        mime_type=value.mime_type,
        size=value.size,
        dc_id=DC_ID,
        attributes=value.attributes,
        thumbs=[_photo_size("m", thumb.width, thumb.height, thumb.size_bytes)] if thumb else None,
    )


def photo(value: StoredMedia) -> Any:
    return tl.types.Photo(
        id=value.id,
        access_hash=value.access_hash,
        file_reference=value.file_reference,
        date=value.date,
        sizes=[_photo_size("x", value.width, value.height, value.size)],
        dc_id=DC_ID,
    )


def _photo_size(name: str, width: int, height: int, size: int) -> Any:
    return tl.types.PhotoSize(type=name, w=width, h=height, size=size)


def update(world: World, entry: Logged) -> Any:
    """The update of a log entry with the message as it is now; None when it is gone."""
    place = world.chats[entry.chat_id]
    numbers = {"pts": entry.pts, "pts_count": entry.pts_count}
    if entry.kind == "delete":
        ids = list(entry.message_ids)
        if place.is_channel:
            return tl.types.UpdateDeleteChannelMessages(
                channel_id=place.raw_id, messages=ids, **numbers
            )
        return tl.types.UpdateDeleteMessages(messages=ids, **numbers)
    stored = world.message(place.id, entry.message_ids[0])
    if stored is None:
        return None
    kind = {
        ("new", False): tl.types.UpdateNewMessage,
        ("new", True): tl.types.UpdateNewChannelMessage,
        ("edit", False): tl.types.UpdateEditMessage,
        ("edit", True): tl.types.UpdateEditChannelMessage,
    }[entry.kind, place.is_channel]
    return kind(message=message(world, stored), **numbers)


def around(world: World, entries: Iterable[Logged]) -> tuple[list[Any], list[Any]]:
    """The users and chats that these updates mention."""
    messages = [
        stored
        for entry in entries
        for message_id in entry.message_ids
        if (stored := world.chats[entry.chat_id].messages.get(message_id)) is not None
    ]
    return mentioned(world, messages)


def mentioned(world: World, messages: Iterable[StoredMessage]) -> tuple[list[Any], list[Any]]:
    people, places = {world.bot.id}, set()
    for stored in messages:
        places.add(stored.chat_id)
        people.update({stored.sender_id, stored.chat_id, stored.forward_from or 0})
    places |= {world.chats[i].migrated_to or i for i in places}
    users = [user(world.users[i], is_self=i == world.bot.id) for i in people if i in world.users]
    chats = [chat(world, world.chats[i]) for i in places if i < 0]
    return users, chats
