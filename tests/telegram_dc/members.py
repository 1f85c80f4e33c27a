"""Members of groups in TL, and the update about the bot's own membership."""

import time
from typing import Any

from tests.telegram_dc import render, tl
from tests.telegram_dc.model import Chat
from tests.telegram_dc.world import World


def promoter(chat: Chat, but: int = 0) -> int:
    """Who adds and promotes people there: the creator, else anybody but `but`, else `but`."""
    creators = [user_id for user_id, role in chat.members.items() if role == "creator"]
    others = [user_id for user_id in chat.members if user_id != but]
    return (creators or others or [but or next(iter(chat.members))])[0]


def chat_participant(chat: Chat, user_id: int) -> Any:
    """Of a basic group."""
    role = chat.members[user_id]
    if role == "creator":
        return tl.types.ChatParticipantCreator(user_id=user_id)
    kind = tl.types.ChatParticipantAdmin if role == "admin" else tl.types.ChatParticipant
    return kind(user_id=user_id, inviter_id=promoter(chat), date=chat.date)


def channel_participant(world: World, chat: Chat, user_id: int) -> Any:
    """Of a supergroup."""
    role = chat.members[user_id]
    if role == "member":
        return tl.types.ChannelParticipant(user_id=user_id, date=chat.date)
    rights = render.admin_rights()
    if role == "creator":
        return tl.types.ChannelParticipantCreator(user_id=user_id, admin_rights=rights)
    return tl.types.ChannelParticipantAdmin(
        user_id=user_id,
        promoted_by=promoter(chat),
        date=chat.date,
        admin_rights=rights,
        is_self=user_id == world.bot.id or None,
        inviter_id=promoter(chat) if user_id == world.bot.id else None,
    )


def own_participant(world: World, chat: Chat) -> Any:
    """The bot itself; None when it is not there."""
    bot = world.bot.id
    if bot not in chat.members:
        return None
    if not chat.is_channel:
        return chat_participant(chat, bot)
    if chat.members[bot] == "member":
        inviter = promoter(chat, bot)
        return tl.types.ChannelParticipantSelf(user_id=bot, inviter_id=inviter, date=chat.date)
    return channel_participant(world, chat, bot)


def update(world: World, chat: Chat, before: Any, actor: int) -> Any:
    """The update that tells the bot what it was `before`, and what it is now."""
    world.qts += 1
    about = {
        "date": int(time.time()),
        "actor_id": actor,
        "user_id": world.bot.id,
        "qts": world.qts,
        "prev_participant": before,
        "new_participant": own_participant(world, chat) or _thrown_out(world, chat, actor),
    }
    if chat.is_channel:
        return tl.types.UpdateChannelParticipant(channel_id=chat.raw_id, **about)
    return tl.types.UpdateChatParticipant(chat_id=chat.raw_id, **about)


def _thrown_out(world: World, chat: Chat, actor: int) -> Any:
    """None in a basic group, which forgets whom it threw out."""
    if not chat.is_channel:
        return None
    return tl.types.ChannelParticipantBanned(
        peer=tl.types.PeerUser(user_id=world.bot.id),
        kicked_by=actor,
        date=int(time.time()),
        banned_rights=tl.types.ChatBannedRights(until_date=0, view_messages=True),
        left=True,
    )
