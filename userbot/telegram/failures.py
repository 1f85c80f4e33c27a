"""What Telegram's refusals mean: one table from its error names to ours.

Names: https://core.telegram.org/method/messages.sendMedia#possible-errors, the same page of
messages.sendMessage and messages.editMessage, and https://core.telegram.org/api/errors.
"""

import re
from collections.abc import Callable
from functools import partial

from pyrogram.errors import RPCError

from userbot.errors import (
    ChatGoneError,
    DeliveryError,
    FileRefusedError,
    NoRightError,
    TopicClosedError,
)

NO_ANSWER = "NO_ANSWER"  # our own word: the line is down
FLOOD_WAIT = "FLOOD_WAIT"
PASSING = frozenset({NO_ANSWER, FLOOD_WAIT})
REPLY_GONE = frozenset({"MESSAGE_ID_INVALID", "REPLY_MESSAGE_ID_INVALID", "MSG_ID_INVALID"})

_FLOOD = 420
_UNKNOWN_WAIT_S = 5.0
_NUMBERED = re.compile(r"_(\d+)(?=_|$)")
_BARE_NAME = re.compile(r"[A-Z][A-Z0-9_]{3,}")

_GONE = (
    "USER_IS_BLOCKED",  # the user has blocked the bot
    "YOU_BLOCKED_USER",
    "INPUT_USER_DEACTIVATED",
    "USER_ID_INVALID",
    "USER_IS_BOT",
    "PEER_ID_INVALID",  # never started the bot, or deleted the chat with it
    "CHANNEL_PRIVATE",  # kicked from a supergroup, or left it
    "CHANNEL_INVALID",
    "CHANNEL_BANNED",
    "CHANNEL_PUBLIC_GROUP_NA",
    "CHAT_FORBIDDEN",
    "CHAT_ID_INVALID",
    "CHAT_INVALID",
)
_MUTE = (
    "CHAT_WRITE_FORBIDDEN",  # also said of a small group that the bot was kicked from
    "CHAT_RESTRICTED",
    "CHAT_GUEST_SEND_FORBIDDEN",
    "CHAT_ADMIN_REQUIRED",
    "USER_BANNED_IN_CHANNEL",
    "USER_RESTRICTED",
    "PRIVACY_PREMIUM_REQUIRED",
    "ALLOW_PAYMENT_REQUIRED",
    "ALLOW_PAYMENT_REQUIRED_X",
)
_FORBIDDEN = {
    "CHAT_SEND_PLAIN_FORBIDDEN": "text",
    "CHAT_SEND_MEDIA_FORBIDDEN": "media",
    "CHAT_SEND_VIDEOS_FORBIDDEN": "videos",
    "CHAT_SEND_AUDIOS_FORBIDDEN": "audio",
    "CHAT_SEND_PHOTOS_FORBIDDEN": "photos",
    "CHAT_SEND_DOCS_FORBIDDEN": "files",
    "CHAT_SEND_GIFS_FORBIDDEN": "videos",  # a video without sound may be taken for one
}
_REFUSED_FILE = (
    "FILE_PARTS_INVALID",
    "FILE_PART_0_MISSING",
    "FILE_PART_X_MISSING",  # Telegram forgot parts; https://core.telegram.org/api/files
    "FILE_PART_EMPTY",
    "FILE_PART_INVALID",
    "FILE_PART_LENGTH_INVALID",
    "FILE_PART_SIZE_CHANGED",
    "FILE_PART_SIZE_INVALID",
    "FILE_PART_TOO_BIG",
    "FILE_PART_TOO_SMALL",
    "FILE_ID_INVALID",
    "FILE_REFERENCE_EMPTY",  # of a file that Telegram had; https://core.telegram.org/api/file_reference
    "FILE_REFERENCE_EXPIRED",
    "FILE_REFERENCE_INVALID",
    "FILE_REFERENCE_X_EMPTY",
    "FILE_REFERENCE_X_EXPIRED",
    "FILE_REFERENCE_X_INVALID",
    "FILE_EMTPY",
    "FILE_CONTENT_TYPE_INVALID",
    "INPUT_FILE_INVALID",
    "MD5_CHECKSUM_INVALID",
    "DOCUMENT_INVALID",
    "MEDIA_EMPTY",
    "MEDIA_FILE_INVALID",
    "MEDIA_INVALID",
    "MEDIA_TYPE_INVALID",
    "VIDEO_CONTENT_TYPE_INVALID",
    "VIDEO_FILE_INVALID",
)
_TABLE: dict[str, Callable[[str], DeliveryError]] = {
    **dict.fromkeys(_GONE, ChatGoneError),
    **dict.fromkeys(_MUTE, NoRightError),
    **{name: partial(NoRightError, what=what) for name, what in _FORBIDDEN.items()},
    **dict.fromkeys(("TOPIC_CLOSED", "TOPIC_DELETED"), TopicClosedError),
    **dict.fromkeys(_REFUSED_FILE, FileRefusedError),
}


def failure(code: str) -> DeliveryError:
    """Return the error of ours that Telegram's error name stands for; numbers in it are X."""
    return _TABLE.get(_NUMBERED.sub("_X", code), _TABLE.get(code, DeliveryError))(code)


def code_of(error: RPCError) -> str:
    """Return Telegram's own name of an error, also of one that Pyrogram does not know."""
    if error.ID:
        return str(error.ID)
    found = _BARE_NAME.search(str(error.value))
    return found[0] if found else str(error.value)


def wait_s(error: RPCError) -> float | None:
    """Return how long Telegram asks to wait before the same call; None: it asks for no wait."""
    code = code_of(error)
    if error.CODE != _FLOOD or "WAIT" not in code:
        return None
    number = error.value if isinstance(error.value, int) else None
    if number is None and (found := _NUMBERED.search(code)):
        number = int(found[1])
    return _UNKNOWN_WAIT_S if number is None else float(number)


def is_slow_mode(error: RPCError) -> bool:
    """Say whether the wait is for new messages in one chat alone: its owner wants it slow."""
    return code_of(error).startswith("SLOWMODE_WAIT")
