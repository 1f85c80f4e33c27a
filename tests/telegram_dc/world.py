"""The users, chats and messages of the data centre, and the numbering of what happens in them.

It knows no connection: whoever changes it here tells `dc.publish` what was logged.
"""

import pickle
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.telegram_dc import tl
from tests.telegram_dc.errors import ControlError
from tests.telegram_dc.model import (
    CHANNEL_BASE,
    Chat,
    Logged,
    StoredMedia,
    StoredMessage,
    UpdateLog,
    User,
)


@dataclass
class World:
    bot: User
    users: dict[int, User] = field(default_factory=dict)
    chats: dict[int, Chat] = field(default_factory=dict)
    media: dict[int, StoredMedia] = field(default_factory=dict)
    log: UpdateLog = field(default_factory=UpdateLog)  # private chats and basic groups
    last_id: int = 0
    common: dict[int, StoredMessage] = field(default_factory=dict)  # of private chats, basic groups
    random_ids: dict[tuple[int, int], int] = field(default_factory=dict)
    repeated_random_ids: Counter[tuple[int, int]] = field(default_factory=Counter)
    privacy: bool = False  # the bot's privacy mode, for groups it is added to from now on
    qts: int = 0
    listening: set[bytes] = field(default_factory=set)  # ids of the sessions that get updates

    def __post_init__(self) -> None:
        self.users[self.bot.id] = self.bot

    def user(self, user_id: int) -> User:
        try:
            return self.users[user_id]
        except KeyError:
            raise ControlError(f"no user {user_id}") from None

    def chat(self, chat_id: int) -> Chat:
        try:
            return self.chats[chat_id]
        except KeyError:
            raise ControlError(f"no chat {chat_id}") from None

    def add_user(self, user: User) -> None:
        known = self.users.get(user.id)
        if known is not None:
            known.first_name, known.username = user.first_name, user.username
            known.started = known.started or user.started
            return
        self.users[user.id] = user
        self.chats[user.id] = Chat(user.id, user.first_name, "private", {user.id: "member"})

    def add_chat(self, chat: Chat) -> None:
        channel_id = -chat.id - CHANNEL_BASE
        if chat.is_channel and channel_id <= 0:
            raise ControlError(f"{chat.id} is no supergroup's id")
        self.chats[chat.id] = chat

    def message(self, chat_id: int, message_id: int) -> StoredMessage | None:
        """None when there is none, or no longer."""
        chat = self.chats.get(chat_id)
        message = chat.messages.get(message_id) if chat else None
        return None if message is None or message.deleted else message

    def post(self, message: StoredMessage) -> Logged | None:
        """Keeps a new message under the next id. None when the bot does not get to see it."""
        chat = self.chat(message.chat_id)
        if chat.is_channel:
            chat.last_id = message.id = chat.last_id + 1
        else:
            self.last_id = message.id = self.last_id + 1
            self.common[message.id] = message
        chat.messages[message.id] = message
        return self._logged("new", chat, message) if self.bot_sees(chat, message) else None

    def edited(self, message: StoredMessage) -> Logged | None:
        message.edits += 1
        message.edit_date = int(time.time())
        chat = self.chat(message.chat_id)
        return self._logged("edit", chat, message) if self.bot_sees(chat, message) else None

    def delete(self, chat: Chat, messages: list[StoredMessage]) -> Logged | None:
        """None when nothing was left to delete."""
        alive = [message for message in messages if not message.deleted]
        for message in alive:
            message.deleted = True
        if not alive:
            return None
        return self._log_of(chat).add("delete", chat.id, tuple(message.id for message in alive))

    def bot_sees(self, chat: Chat, message: StoredMessage) -> bool:
        """https://core.telegram.org/bots/features#privacy-mode"""
        if message.out or chat.kind == "private":
            return True
        role = chat.members.get(self.bot.id)
        if role is None:
            return False
        if not chat.privacy or role == "admin" or message.action is not None:
            return True
        replied = self.message(chat.id, message.reply_to) if message.reply_to else None
        return self._is_addressed(message) or (replied is not None and replied.out)

    def _is_addressed(self, message: StoredMessage) -> bool:
        if any(isinstance(e, tl.types.MessageEntityBotCommand) for e in message.entities):
            return message.text.lstrip().startswith("/")
        return f"@{self.bot.username}".lower() in message.text.lower()

    def _logged(self, kind: str, chat: Chat, message: StoredMessage) -> Logged:
        return self._log_of(chat).add(kind, chat.id, (message.id,))

    def _log_of(self, chat: Chat) -> UpdateLog:
        return chat.log if chat.is_channel else self.log

    def note_privacy(self) -> None:
        """Privacy mode belongs to a bot; here a chat may have it alone, and then the bot says that
        it has it."""
        self.bot.reads_all = not (self.privacy or any(c.privacy for c in self.chats.values()))

    def expire_file_references(self) -> None:
        for media in self.media.values():
            media.file_reference = random.randbytes(25)

    def save(self, path: Path) -> None:
        new = path.with_suffix(".new")
        new.write_bytes(pickle.dumps(self))
        new.replace(path)


def load(path: Path, bot: User) -> World:
    """The world of an orderly stop, or a new one."""
    if not path.exists():
        return World(bot)
    world = pickle.loads(path.read_bytes())
    path.unlink()
    assert isinstance(world, World)
    return world
