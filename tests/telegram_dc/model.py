"""What the data centre remembers: users, chats, messages, media, and the log of updates."""

import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.telegram_dc import wire

CHANNEL_BASE = 1_000_000_000_000  # Bot API ids of channels are -(CHANNEL_BASE + id)
GENERAL_TOPIC = 1  # where messages of no topic are; https://core.telegram.org/api/forum
MEDIA_RIGHTS = {  # kinds of media and the rights of members they need
    "video": "videos",
    "audio": "audios",
    "voice": "voices",
    "animation": "gifs",
    "document": "docs",
    "photo": "photos",
}
_PTS_EPOCH = 1_767_225_600  # 2026-01-01: pts grow across restarts that forgot everything


def new_hash() -> int:
    return secrets.randbits(62) + 1


@dataclass
class User:
    id: int
    first_name: str
    username: str | None = None
    is_bot: bool = False
    started: bool = False  # has written to the bot; before that a bot cannot write to them
    blocked: bool = False  # has blocked the bot
    reads_all: bool = False  # a bot whose privacy mode is off
    access_hash: int = field(default_factory=new_hash)


@dataclass
class StoredMedia:
    kind: str
    file_name: str | None
    mime_type: str
    size: int
    sha256: str
    path: Path
    attributes: list[Any] = field(default_factory=list)  # TL
    width: int = 0
    height: int = 0
    thumb: wire.Thumb | None = None
    is_uploaded: bool = False  # by the bot
    id: int = field(default_factory=new_hash)
    access_hash: int = field(default_factory=new_hash)
    file_reference: bytes = field(default_factory=lambda: secrets.token_bytes(25))
    date: int = field(default_factory=lambda: int(time.time()))


@dataclass
class StoredMessage:
    chat_id: int
    sender_id: int  # a chat's id for anonymous admins
    text: str
    entities: list[Any] = field(default_factory=list)  # TL
    out: bool = False
    id: int = 0
    date: int = field(default_factory=lambda: int(time.time()))
    reply_to: int | None = None
    topic: int | None = None  # None: no topic, which in a forum is the general one
    action: Any = None  # TL; of a service message
    random_id: int | None = None  # the bot's
    markup: Any = None  # TL
    media: StoredMedia | None = None
    forward_from: int | None = None
    album_id: int | None = None
    edits: int = 0
    edit_date: int | None = None
    deleted: bool = False
    reactions: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Logged:
    """One entry of an update log; rendered when it is delivered."""

    kind: str  # new, edit, delete
    chat_id: int
    message_ids: tuple[int, ...]
    pts: int

    @property
    def pts_count(self) -> int:
        return len(self.message_ids)


@dataclass
class UpdateLog:
    """The numbered updates of the bot's own box, or of one channel."""

    pts: int = field(default_factory=lambda: max(1, int(time.time()) - _PTS_EPOCH))
    entries: list[Logged] = field(default_factory=list)

    def add(self, kind: str, chat_id: int, message_ids: tuple[int, ...]) -> Logged:
        self.pts += len(message_ids)
        entry = Logged(kind, chat_id, message_ids, self.pts)
        self.entries.append(entry)
        return entry

    def after(self, pts: int) -> list[Logged]:
        return [entry for entry in self.entries if entry.pts > pts]


@dataclass
class Topic:
    """`id` is that of the service message that made it."""

    id: int
    title: str
    is_closed: bool = False
    is_deleted: bool = False


@dataclass
class Chat:
    """`id` as the Bot API counts: a user's, -N for a basic group, -100N for a channel."""

    id: int
    title: str
    kind: str  # private, basic, supergroup
    members: dict[int, str] = field(default_factory=dict)  # user id -> member, admin, creator
    privacy: bool = False  # the bot hears only commands, replies and mentions
    writes_refused: bool = False
    reactions_refused: bool = False
    bot_banned: bool = False  # a member still, silenced by an admin
    lenient_replies: bool = False  # to messages that are gone; such a reply is sent as none
    forbidden: set[str] = field(default_factory=set)  # what members may not send: videos, ...
    slow_mode_s: float = 0.0
    next_send_at: float = 0.0  # of the bot, in slow mode; by the wall clock
    is_forum: bool = False
    topics: dict[int, Topic] = field(default_factory=dict)
    migrated_to: int | None = None  # of a basic group: the supergroup that it has become
    access_hash: int = field(default_factory=new_hash)
    date: int = field(default_factory=lambda: int(time.time()))
    messages: dict[int, StoredMessage] = field(default_factory=dict)
    log: UpdateLog = field(default_factory=UpdateLog)  # used by channels alone
    last_id: int = 0

    def __post_init__(self) -> None:
        if self.is_forum:
            self.topics[GENERAL_TOPIC] = Topic(GENERAL_TOPIC, "General")

    @property
    def is_channel(self) -> bool:
        return self.kind == "supergroup"

    @property
    def raw_id(self) -> int:
        if self.kind == "private":
            return self.id
        return -self.id - CHANNEL_BASE if self.is_channel else -self.id
