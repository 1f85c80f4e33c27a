"""Groups and their members, enough for Pyrogram's get_chat and get_chat_member."""

import math
from typing import Any

from tests.telegram_dc import members, render, tl
from tests.telegram_dc.errors import bad
from tests.telegram_dc.model import Chat
from tests.telegram_dc.rpc.call import Call, Handler, channel_of, member_channel, user_of


async def _chats(call: Call, query: Any) -> Any:
    found = [_basic(call, chat_id) for chat_id in query.id]
    return tl.types.messages.Chats(chats=[render.chat(call.world, chat) for chat in found])


async def _channels(call: Call, query: Any) -> Any:
    found = [channel_of(call, channel) for channel in query.id]
    return tl.types.messages.Chats(chats=[render.chat(call.world, chat) for chat in found])


async def _full_chat(call: Call, query: Any) -> Any:
    chat = _basic(call, query.chat_id)
    participants = tl.types.ChatParticipants(
        chat_id=chat.raw_id,
        participants=[members.chat_participant(chat, user_id) for user_id in chat.members],
        version=1,
    )
    full = tl.types.ChatFull(
        id=chat.raw_id,
        about="",
        participants=participants,
        notify_settings=tl.types.PeerNotifySettings(),
    )
    return _full(call, chat, full, list(chat.members))


async def _full_channel(call: Call, query: Any) -> Any:
    chat = member_channel(call, query.channel)
    full = tl.types.ChannelFull(
        id=chat.raw_id,
        about="",
        read_inbox_max_id=0,
        read_outbox_max_id=0,
        unread_count=0,
        chat_photo=tl.types.PhotoEmpty(id=0),
        notify_settings=tl.types.PeerNotifySettings(),
        bot_info=[],
        pts=chat.log.pts,
        can_view_participants=True,
        participants_count=len(chat.members),
        slowmode_seconds=math.ceil(chat.slow_mode_s) or None,
    )
    return _full(call, chat, full, [])


def _full(call: Call, chat: Chat, full: Any, user_ids: list[int]) -> Any:
    return tl.types.messages.ChatFull(
        full_chat=full, chats=[render.chat(call.world, chat)], users=_users(call, user_ids)
    )


async def _participant(call: Call, query: Any) -> Any:
    chat = member_channel(call, query.channel)
    user = user_of(call, query.participant)
    if user.id not in chat.members:
        raise bad("USER_NOT_PARTICIPANT")
    return tl.types.channels.ChannelParticipant(
        participant=members.channel_participant(call.world, chat, user.id),
        chats=[render.chat(call.world, chat)],
        users=_users(call, [user.id, members.promoter(chat)]),
    )


async def _participants(call: Call, query: Any) -> Any:
    chat = member_channel(call, query.channel)
    admins_only = isinstance(query.filter, tl.types.ChannelParticipantsAdmins)
    ids = [i for i, role in chat.members.items() if role != "member" or not admins_only]
    page = ids[query.offset : query.offset + query.limit]
    return tl.types.channels.ChannelParticipants(
        count=len(ids),
        participants=[members.channel_participant(call.world, chat, user_id) for user_id in page],
        chats=[render.chat(call.world, chat)],
        users=_users(call, [*page, members.promoter(chat)]),
    )


def _basic(call: Call, chat_id: int) -> Chat:
    chat = call.world.chats.get(-chat_id)
    if chat is None or chat.kind != "basic":
        raise bad("CHAT_ID_INVALID")
    return chat


def _users(call: Call, user_ids: list[int]) -> list[Any]:
    bot = call.world.bot
    known = [call.world.users[i] for i in dict.fromkeys(user_ids) if i in call.world.users]
    return [render.user(user, is_self=user is bot) for user in known]


HANDLERS: dict[Any, Handler] = {
    tl.functions.messages.GetChats: _chats,
    tl.functions.channels.GetChannels: _channels,
    tl.functions.messages.GetFullChat: _full_chat,
    tl.functions.channels.GetFullChannel: _full_channel,
    tl.functions.channels.GetParticipant: _participant,
    tl.functions.channels.GetParticipants: _participants,
}
