"""Finding the bot's own messages again: a bot cannot search a chat, but may get messages by number.

In a supergroup a chat counts its own messages. All private chats and small groups of a bot share
one count, so between a link and its answer there may be as many messages as the bot is busy.
Measured in calls of 100 numbers, the most that Telegram takes: an answer that follows soon costs
one; in a chat that has gone on by N messages the newest is found by doubling and halving, in
about 2 * log2(N / 100) calls (13 for 10,000, 20 for 100,000), and one call more for every 100
messages that came after the answer. The whole search ends after MAX_CALLS.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pyrogram import raw

IDS_PER_CALL = 100  # https://core.telegram.org/method/messages.getMessages
CALLS_AHEAD = 3  # near the request, where most answers are
MAX_CALLS = 60
_TAIL = 50  # numbers without a message in a row, at the end of a call: the chat ends before

IsIt = Callable[[raw.types.Message], bool]
Get = Callable[[Sequence[int]], Awaitable[Sequence[Any]]]


class Search:
    """Looks for one message that answers reply_to, and that is_it knows. `get` reads messages."""

    def __init__(self, get: Get, reply_to: int, is_it: IsIt) -> None:
        self._get = get
        self._reply_to = reply_to
        self._is_it = is_it
        self._calls = 0
        self._found: raw.types.Message | None = None

    async def run(self) -> raw.types.Message | None:
        """Return the message, None when it is not where it could be."""
        start = self._reply_to + 1
        for _ in range(CALLS_AHEAD):
            if await self._ends_in(start) or self._found:
                return self._found
            start += IDS_PER_CALL
        last = await self._last_from(start)
        while not self._found and last >= start and self._calls < MAX_CALLS:
            await self._ends_in(last)
            last -= IDS_PER_CALL
        return self._found

    async def _last_from(self, start: int) -> int:
        """Return where the last hundred numbers begin that have messages in them."""
        below, step = start - IDS_PER_CALL, IDS_PER_CALL
        while not self._found and not await self._is_empty(below + step):
            below, step = below + step, step * 2
        while not self._found and step > IDS_PER_CALL:
            step //= 2
            if not await self._is_empty(below + step):
                below += step
        return below

    async def _is_empty(self, start: int) -> bool:
        return not any(await self._read(start))

    async def _ends_in(self, start: int) -> bool:
        """Say whether the chat's last message is among the hundred numbers from start."""
        return not any((await self._read(start))[-_TAIL:])

    async def _read(self, start: int) -> list[bool]:
        """Read a hundred numbers; return at which of them a message is."""
        self._calls += 1
        if self._calls > MAX_CALLS:
            return []
        messages = await self._get(range(start, start + IDS_PER_CALL))
        for message in messages:
            if _answers(message, self._reply_to) and self._is_it(message):
                self._found = message
        return [not isinstance(message, raw.types.MessageEmpty) for message in messages]


def has_file(size_bytes: int | None, link: str) -> IsIt:
    """Know a message by the size of its file, if known, and by the link in its last line.

    One message may bring the same video under two links, of which one may be a part of the other.
    `link` is "" where there was no room for one (`texts.link_in_caption`).
    """

    def is_it(message: raw.types.Message) -> bool:
        size = getattr(getattr(message.media, "document", None), "size", None)
        is_size = size is not None if size_bytes is None else size == size_bytes
        return is_size and (not link or message.message.rpartition("\n")[2] == link)

    return is_it


def mentions(word: str) -> IsIt:
    """Know a message by a word in its text, or in the data of its buttons."""

    def is_it(message: raw.types.Message) -> bool:
        rows: Any = getattr(message.reply_markup, "rows", ())
        types = [button.type for row in rows for button in row.buttons]
        data = [getattr(kind, "data", b"") for kind in types]
        return word in message.message or any(word.encode() in item for item in data)

    return is_it


def _answers(message: Any, reply_to: int) -> bool:
    if not isinstance(message, raw.types.Message) or not message.out:
        return False
    return getattr(message.reply_to, "reply_to_msg_id", None) == reply_to
