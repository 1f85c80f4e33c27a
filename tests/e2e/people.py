"""People with links of every kind: they send them, and tap every menu that they get."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.e2e.mortal import Mortal, Row
from tests.e2e.stage import is_file
from tests.telegram_dc.control import DataCentre, DataCentreError
from tests.telegram_dc.wire import Button, Message

PRESS_S = 4
RATE_BYTES_S = 25_000_000
QUALITY, CANCEL = b"q:", b"x:"  # how the data of their buttons begins
CANCEL_WORD = "Cancel"


@dataclass(frozen=True, slots=True)
class Kind:
    """A link by its name on the site, `times` of them in one message, and what is tapped.

    `people` send the very same link, one after the other. With `cancel_at` they do not want it any
    more as soon as the bot says these words, "" being any. `refusal` is what Telegram answers to
    the file that is sent next; internal errors last for some seconds. What `is_known` is the same
    link in all plays.
    """

    name: str
    query: dict[str, str | int] = field(default_factory=dict)
    button: str = ""
    times: int = 1
    fails: bool = False
    is_copy: bool = False  # delivered as it is on the site, byte for byte
    in_group: bool = False
    people: int = 1
    cancel_at: str | None = None
    refusal: str = ""
    is_known: bool = False


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
    Kind("mp3"),
)
TRIED_AGAIN = Kind("unavailable", {"times": 1}, is_copy=True)
ASKED_TO_WAIT = Kind("progressive", refusal="FLOOD_WAIT_4", is_copy=True)
SENT_LATER = Kind("progressive", refusal="SLOWMODE_WAIT_11", is_copy=True, in_group=True)
CANCELLED = Kind("medium", {"rate": RATE_BYTES_S}, cancel_at="Downloading", is_copy=True)
CANCELLED_LATE = Kind("progressive", refusal="RPC_CALL_FAIL", cancel_at="100 %", is_copy=True)
TROUBLED_KINDS = (
    *(TRIED_AGAIN, ASKED_TO_WAIT, SENT_LATER, CANCELLED, CANCELLED_LATE),
    Kind("progressive", refusal="FLOOD_WAIT_11", is_copy=True),
    Kind("progressive", is_known=True, is_copy=True),
    Kind("medium", {"rate": RATE_BYTES_S}, people=3, is_copy=True),
    Kind("page", cancel_at=""),
    Kind("dash", button="480p", cancel_at="ing"),
    Kind("progressive", refusal="FLOOD_WAIT_11", cancel_at="slow down", is_copy=True),
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
    """One bot, and the people who use it. `since` is the number of the first event.

    `cancelled` says when the bot took a Cancel, by `time.monotonic`.
    """

    bot: Mortal
    people: Sequence[int]
    group: int
    name: str
    since: int = 0
    posts: list[Post] = field(default_factory=list)
    cancelled: dict[Post, float] = field(default_factory=dict)

    @property
    def dc(self) -> DataCentre:
        return self.bot.dc

    @property
    def chats(self) -> set[int]:
        return {post.chat_id for post in self.posts}

    def rows(self) -> list[Row]:
        """The jobs of this play, as the store has them now; others were in the group before."""
        asked = {(post.chat_id, post.message_id) for post in self.posts}
        found = self.bot.rows({chat_id for chat_id, _ in asked})
        return [row for row in found if (row.chat_id, row.message_id) in asked]

    def rows_of(self, post: Post) -> list[Row]:
        return [row for row in self.rows() if row.message_id == post.message_id]

    async def send(self, kind: Kind) -> Post:
        """Send links of a kind; return the last message. One link is the beginning of the next."""
        first = "n=known" if kind.is_known else f"n={self.name}-{len(self.posts):02}"
        marks = tuple(first + index * "-more" for index in range(kind.times))
        posts = [await self._say(kind, marks) for _ in range(kind.people)]
        return posts[-1]

    async def _say(self, kind: Kind, marks: tuple[str, ...]) -> Post:
        sender = self.people[len(self.posts) % len(self.people)]
        chat_id = self.group if kind.in_group else sender
        links = [self._link(kind, mark) for mark in marks]
        message_id = await self.dc.say(chat_id, "\n".join(links), sender=sender)
        post = Post(kind, chat_id, message_id, marks)
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
        """Tap each menu as it appears, again after a restart, and Cancel; until cancelled."""
        tapped: set[tuple[int, int, str]] = set()
        async with asyncio.TaskGroup() as tasks:
            async for event in self.dc.events(self.since):
                message = event.message
                if message is None or (post := self.post_of(message)) is None:
                    continue
                wish = wish_for(post.kind, message)
                key = (message.chat_id, message.id, wish)
                if wish and key not in tapped:
                    tapped.add(key)
                    tasks.create_task(self._tap(post, message, wish))

    async def _tap(self, post: Post, message: Message, wish: str) -> None:
        if post.kind.refusal and wish != CANCEL_WORD:
            code, times = (420, 1) if "WAIT" in post.kind.refusal else (500, 4)
            await self.dc.fail_calls("messages.sendMedia", code, post.kind.refusal, times=times)
        while True:
            await self.bot.is_up.wait()
            now = await self.dc.message(message.chat_id, message.id)
            if now.deleted or not _has(now, wish):
                return
            with contextlib.suppress(TimeoutError, DataCentreError):
                answer = await self.dc.press(
                    *(message.chat_id, message.id),
                    sender=self._sender(post),
                    data=now.button(wish).data,
                    timeout_s=PRESS_S,
                )
                if wish == CANCEL_WORD and answer.text is None:
                    self.cancelled.setdefault(post, time.monotonic())
                await asyncio.sleep(PRESS_S)  # a button that is there after that is not answered

    def _sender(self, post: Post) -> int:
        return self.people[self.posts.index(post) % len(self.people)]

    def digest(self, post: Post) -> str:
        """What a file delivered as it is must have."""
        file = self.bot.site.file_of(post.kind.name)
        return hashlib.sha256(file.read_bytes()).hexdigest()


def wish_for(kind: Kind, message: Message) -> str:
    """The words of the button that somebody taps who gets this message; "" for none."""
    if kind.cancel_at is not None and is_open(message) and kind.cancel_at in message.text:
        return CANCEL_WORD
    qualities = _qualities(message)
    return next((button for button in qualities if kind.button in button), "".join(qualities[:1]))


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


def _has(message: Message, words: str) -> bool:
    return any(words in button.text for row in message.buttons for button in row)


def _data(button: Button) -> bytes:
    return button.data or b""
