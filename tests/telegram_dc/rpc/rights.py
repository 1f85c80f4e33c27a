"""What the bot may do in a chat: Telegram's refusals, in its own words."""

import math
import time
from typing import Any

from tests.telegram_dc.errors import RpcError, bad, forbidden
from tests.telegram_dc.model import GENERAL_TOPIC, MEDIA_RIGHTS, Chat, StoredMedia
from tests.telegram_dc.rpc.call import Call, chat_of


def reachable_chat(call: Call, peer: Any) -> Chat:
    """As `chat_of`; raises CHANNEL_PRIVATE for a supergroup where the bot is no member."""
    chat = chat_of(call, peer)
    if chat.is_channel and call.world.bot.id not in chat.members:
        raise bad("CHANNEL_PRIVATE")
    return chat


def writable_chat(call: Call, peer: Any) -> Chat:
    """Raises PEER_ID_INVALID, USER_IS_BLOCKED, CHANNEL_PRIVATE, CHAT_WRITE_FORBIDDEN or
    USER_BANNED_IN_CHANNEL."""
    chat = reachable_chat(call, peer)
    if chat.migrated_to is not None:
        raise bad("PEER_ID_INVALID")
    if chat.kind == "private":
        _check_user(call, chat.id)
    elif call.world.bot.id not in chat.members or chat.writes_refused:
        raise forbidden("CHAT_WRITE_FORBIDDEN")
    if chat.bot_banned:
        raise bad("USER_BANNED_IN_CHANNEL")
    if chat.writes_refused:
        raise forbidden("CHAT_WRITE_FORBIDDEN")
    return chat


def _check_user(call: Call, user_id: int) -> None:
    user = call.world.users[user_id]
    if user.blocked:
        raise forbidden("USER_IS_BLOCKED")
    if not user.started:
        raise bad("PEER_ID_INVALID")


def check_kind(call: Call, chat: Chat, media: StoredMedia | None) -> None:
    """Raises CHAT_SEND_..._FORBIDDEN for media, or for text when `media` is None, that members may
    not send."""
    if _is_admin(call, chat):
        return
    kinds = ["plain"] if media is None else ["media", MEDIA_RIGHTS[media.kind]]
    for kind in kinds:
        if kind in chat.forbidden:
            raise forbidden(f"CHAT_SEND_{kind.upper()}_FORBIDDEN")


def check_pace(call: Call, chat: Chat) -> None:
    """Raises SLOWMODE_WAIT_X with the true remaining seconds."""
    wait_s = chat.next_send_at - time.time()
    if wait_s > 0 and not _is_admin(call, chat):
        raise RpcError(420, f"SLOWMODE_WAIT_{math.ceil(wait_s)}")


def note_send(chat: Chat) -> None:
    if chat.slow_mode_s:
        chat.next_send_at = time.time() + chat.slow_mode_s


def place_of(call: Call, chat: Chat, reply_to: Any) -> tuple[int | None, int | None]:
    """The message that an InputReplyTo names, and the topic: https://core.telegram.org/api/forum.

    Raises REPLY_MESSAGE_ID_INVALID, TOPIC_ID_INVALID, TOPIC_CLOSED or TOPIC_DELETED.
    """
    wanted = getattr(reply_to, "reply_to_msg_id", None)
    topic = getattr(reply_to, "top_msg_id", None)
    if chat.is_forum and wanted in chat.topics:
        wanted, topic = None, wanted
    replied = call.world.message(chat.id, wanted) if wanted is not None else None
    if replied is not None and chat.is_forum:
        topic = replied.topic
    _check_topic(chat, topic)
    if wanted is not None and replied is None and not chat.lenient_replies:
        raise bad("REPLY_MESSAGE_ID_INVALID")
    return (replied.id if replied is not None else None), topic if chat.is_forum else None


def _check_topic(chat: Chat, topic: int | None) -> None:
    if not chat.is_forum:
        return
    found = chat.topics.get(topic or GENERAL_TOPIC)
    if found is None:
        raise bad("TOPIC_ID_INVALID")
    if found.is_deleted:
        raise bad("TOPIC_DELETED")
    if found.is_closed:
        raise bad("TOPIC_CLOSED")


def _is_admin(call: Call, chat: Chat) -> bool:
    return chat.members.get(call.world.bot.id) in {"admin", "creator"}
