"""People with links of every kind: they send them, and tap every menu that they get."""

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.e2e.mortal import Mortal, Row
from tests.e2e.stage import is_file
from tests.telegram_dc.control import DataCentre, DataCentreError
from tests.telegram_dc.wire import Button, Message

PRESS_S = 4
RATE_BYTES_S = 25_000_000
QUALITY, CANCEL = b"q:", b"x:"  # how the data of their buttons begins


@dataclass(frozen=True, slots=True)
class Kind:
    """A link by its name on the site, `times` of them in one message, and what is tapped."""

    name: str
    query: dict[str, str | int] = field(default_factory=dict)
    button: str = ""
    times: int = 1
    fails: bool = False
    is_copy: bool = False  # delivered as it is on the site, byte for byte
    in_group: bool = False


KINDS = (
    Kind("progressive", is_copy=True),
    Kind("medium", {"rate": RATE_BYTES_S}, is_copy=True),
    Kind("page", button="480p"),
    Kind("hls"),
    Kind("dash", button="480p"),
    Kind("dash", button="Audio"),
    Kind("moov_at_end"),
    Kind("progressive", times=2),
    Kind("not_found", fails=True),
    Kind("expired", fails=True),
    Kind("progressive", in_group=True),
    Kind("page", button="Audio", in_group=True),
)


@dataclass(frozen=True, slots=True, eq=False)
class Post:
    """A message with links. `marks` are in the links, and tell them from all others."""

    kind: Kind
    chat_id: int
    message_id: int
    marks: tuple[str, ...]


@dataclass
class Play:
    """One bot, and the people who use it. `since` is the number of the first event."""

    bot: Mortal
    people: Sequence[int]
    group: int
    name: str
    since: int = 0
    posts: list[Post] = field(default_factory=list)

    @property
    def dc(self) -> DataCentre:
        return self.bot.dc

    @property
    def chats(self) -> set[int]:
        return {post.chat_id for post in self.posts}

    def rows(self) -> list[Row]:
        """The jobs of this play, as the store has them now; others were in the group before."""
        return [row for row in self.bot.rows(self.chats) if f"n={self.name}-" in row.url]

    async def send(self, kind: Kind) -> Post:
        sender = self.people[len(self.posts) % len(self.people)]
        chat_id = self.group if kind.in_group else sender
        number = len(self.posts)
        marks = tuple(f"n={self.name}-{number:02}-{index}" for index in range(kind.times))
        links = [self._link(kind, mark) for mark in marks]
        message_id = await self.dc.say(chat_id, "\n".join(links), sender=sender)
        post = Post(kind, chat_id, message_id, marks)
        self.posts.append(post)
        return post

    async def send_same(self, kind: Kind) -> Post:
        """Send the one link that everybody sends."""
        sender = self.people[len(self.posts) % len(self.people)]
        mark = f"n={self.name}-same"
        message_id = await self.dc.say(sender, self._link(kind, mark), sender=sender)
        post = Post(kind, sender, message_id, (mark,))
        self.posts.append(post)
        return post

    def _link(self, kind: Kind, mark: str) -> str:
        return self.bot.site.url_of(kind.name, **kind.query, n=mark.removeprefix("n="))

    def post_of(self, message: Message) -> Post | None:
        """The post that a message of the bot answers."""
        for post in self.posts:
            if message.out and (post.chat_id, post.message_id) == (
                message.chat_id,
                message.reply_to,
            ):
                return post
        return None

    async def tap_menus(self) -> None:
        """Tap each menu as it appears, again after a restart, until cancelled."""
        tapped: set[tuple[int, int]] = set()
        async with asyncio.TaskGroup() as tasks:
            async for event in self.dc.events(self.since):
                message = event.message
                if message is None or (post := self.post_of(message)) is None:
                    continue
                key = (message.chat_id, message.id)
                if is_menu(message) and key not in tapped:
                    tapped.add(key)
                    tasks.create_task(self._tap(post, message))

    async def _tap(self, post: Post, menu: Message) -> None:
        sender = self._sender(post)
        button = next((b for b in _qualities(menu) if post.kind.button in b), _qualities(menu)[0])
        while True:
            await self.bot.is_up.wait()
            now = await self.dc.message(menu.chat_id, menu.id)
            if now.deleted or not is_menu(now):
                return
            with contextlib.suppress(TimeoutError, DataCentreError):
                data = now.button(button).data
                await self.dc.press(
                    menu.chat_id, menu.id, sender=sender, data=data, timeout_s=PRESS_S
                )
                await asyncio.sleep(PRESS_S)  # a menu that is there after that is not answered

    def _sender(self, post: Post) -> int:
        return self.people[self.posts.index(post) % len(self.people)]

    def digest(self, post: Post) -> str:
        """What a file delivered as it is must have."""
        file = self.bot.site.file_of(post.kind.name)
        return hashlib.sha256(file.read_bytes()).hexdigest()


def is_menu(message: Message) -> bool:
    return message.out and bool(_qualities(message))


def is_open(message: Message) -> bool:
    """Whether a message of the bot promises that something will still happen."""
    if message.deleted or is_file(message):
        return False
    return any(_data(button).startswith(CANCEL) for row in message.buttons for button in row)


def _qualities(message: Message) -> list[str]:
    return [
        button.text
        for row in message.buttons
        for button in row
        if _data(button).startswith(QUALITY)
    ]


def _data(button: Button) -> bytes:
    return button.data or b""
