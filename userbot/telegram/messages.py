"""What the handlers read from Telegram's messages."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from pyrogram import enums
from pyrogram.types import CallbackQuery, Message, User

from userbot.domain.jobs import Request
from userbot.telegram.api import Target

_GROUPS = (enums.ChatType.GROUP, enums.ChatType.SUPERGROUP, enums.ChatType.FORUM)
SEEN_SIZE = 2000


@dataclass(frozen=True, slots=True)
class Presser:
    """Who pressed a button, and under which message of which chat. Names are theirs, and hostile.

    `username` and `chat_title` are "" where there is none.
    """

    user_id: int
    name: str
    username: str
    chat_id: int
    chat_title: str
    is_group: bool
    message_id: int


def request_of(message: Message) -> Request | None:
    """Return where a message came from; None when no person or group wrote it."""
    chat = message.chat
    sender = message.from_user or message.sender_chat  # an anonymous admin writes as the group
    if chat is None or chat.id is None or sender is None or sender.id is None:
        return None
    if message.outgoing or _is_post(message):
        return None
    is_group = chat.type in _GROUPS
    if not is_group and chat.type is not enums.ChatType.PRIVATE:
        return None
    topic_id = message.message_thread_id if message.topic_message else None
    return Request(chat.id, message.id, sender.id, is_group, topic_id)


def _is_post(message: Message) -> bool:
    """Say whether Telegram itself put a post of the linked channel into a group."""
    return bool(message.automatic_forward) and message.from_user is None


def name_of(message: Message) -> str:
    """Return what whoever wrote a message calls themselves; "" for a group."""
    user = message.from_user
    names = (user.first_name, user.last_name) if user else ()
    return " ".join(name for name in names if name)


def presser_of(query: CallbackQuery) -> Presser | None:
    """Return who pressed a button; None when they, or its message, are out of the bot's reach."""
    user: User | None = query.from_user  # None where Telegram does not describe them
    message = query.message
    chat = message.chat if message else None
    if message is None or chat is None or chat.id is None or user is None or user.id is None:
        return None
    names = [name for name in (user.first_name, user.last_name) if name]
    return Presser(
        user_id=user.id,
        name=" ".join(names),
        username=user.username or "",
        chat_id=chat.id,
        chat_title=chat.title or "",
        is_group=chat.type in _GROUPS,
        message_id=message.id,
    )


def age_s(message: Message, now: float) -> float:
    """Return how long ago a message was written; `now` is Unix time."""
    return now - message.date.timestamp() if message.date else 0.0


def target_of(request: Request) -> Target:
    """Return where an answer to a request goes."""
    return Target(request.chat_id, request.message_id, request.topic_id)


class Seen:
    """Remembers the last few thousand keys: Telegram may deliver an update twice."""

    def __init__(self, size: int = SEEN_SIZE) -> None:
        self._size = size
        self._keys: OrderedDict[Hashable, None] = OrderedDict()

    def again(self, key: Hashable) -> bool:
        """Say whether key was asked for before, and remember it."""
        if key in self._keys:
            return True
        self._keys[key] = None
        if len(self._keys) > self._size:
            self._keys.popitem(last=False)
        return False

    def forget(self, key: Hashable) -> None:
        """Take a key for one that nobody has asked for."""
        self._keys.pop(key, None)
