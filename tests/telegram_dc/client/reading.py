"""Reading what the bot did, and waiting for it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

from tests.telegram_dc.client.remote import CALL_TIMEOUT_S, DataCentreError, Remote
from tests.telegram_dc.wire import (
    Delivery,
    Event,
    Media,
    Message,
    Stats,
    media_from,
    message_from,
    stats_from,
)

Predicate = Callable[[Message], bool]


class Reading(Remote):
    async def messages(self, chat_id: int) -> list[Message]:
        """All of a chat in order, the users' and the bot's, deleted ones too."""
        return [message_from(item) for item in await self._call("messages", chat_id=chat_id)]

    async def message(self, chat_id: int, message_id: int) -> Message:
        for message in await self.messages(chat_id):
            if message.id == message_id:
                return message
        raise DataCentreError(f"no message {message_id} in {chat_id}")

    async def reactions(self, chat_id: int, message_id: int) -> list[str]:
        """The bot's reactions to a message."""
        answer: list[str] = await self._call("reactions", chat_id=chat_id, message_id=message_id)
        return answer

    async def wait_message(
        self,
        chat_id: int,
        predicate: Predicate | None = None,
        *,
        timeout_s: float = 10,
        **wanted: Any,
    ) -> Message:
        """The first message of a chat, now or as it comes or changes, that fits.

        Without a predicate deleted messages do not fit, unless `deleted=True`; `wanted` compares
        fields: `text` by containment, `media` by kind (True: any), others by equality. Raises
        TimeoutError that tells what was there instead.
        """
        fits = predicate or _matcher(wanted)
        start = len(self._lines.events)
        try:
            async with asyncio.timeout(timeout_s):
                for message in await self.messages(chat_id):
                    if fits(message):
                        return message
                async for event in self.events(start):
                    if event.chat_id == chat_id and event.message and fits(event.message):
                        return event.message
        except TimeoutError:
            there = [m for m in await self.messages(chat_id) if not m.deleted]
            raise TimeoutError(
                f"no such message within {timeout_s} s; last: {there[-3:]}"
            ) from None
        raise DataCentreError("the data centre is gone")

    async def wait_event(
        self, kind: str, *, since: int = 0, timeout_s: float = 10, **wanted: Any
    ) -> Event:
        """The first event of a kind from number `since` on; `wanted` compares fields and data."""
        async with asyncio.timeout(timeout_s):
            async for event in self.events(since):
                values = event.data | {"method": event.method, "chat_id": event.chat_id}
                if event.kind == kind and all(values.get(k) == v for k, v in wanted.items()):
                    return event
        raise DataCentreError("the data centre is gone")

    async def events(self, since: int = 0) -> AsyncIterator[Event]:
        """Everything that happened from event number `since` on, in order, without end."""
        position = since
        while True:
            while position < len(self._lines.events):
                yield self._lines.events[position]
                position += 1
            if self._lines.lost:
                return
            await self._lines.news.wait()

    @property
    def history(self) -> list[Event]:
        """What has been heard of so far."""
        return list(self._lines.events)

    async def stats(self) -> Stats:
        return stats_from(await self._call("stats"))

    async def wait_online(self, timeout_s: float = 10) -> None:
        """Until a session of the bot is connected and gets updates."""
        await self._call("wait_online", within_s=timeout_s + CALL_TIMEOUT_S, timeout_s=timeout_s)

    # counting

    async def deliveries(self) -> list[Delivery]:
        """Every message with media that the bot sent or edited to be one, in all chats."""
        return [Delivery(**item) for item in await self._call("deliveries")]

    async def delivered(self) -> Counter[tuple[int, int | None]]:
        """How many files (no photos) came as an answer to (chat, message); deleted ones too."""
        return Counter(
            (item.chat_id, item.reply_to)
            for item in await self.deliveries()
            if item.kind != "photo"
        )

    async def repeated_random_ids(self) -> Counter[tuple[int, int]]:
        """How often a send was refused because its (chat, random_id) had been there already."""
        counts = await self._call("repeated_random_ids")
        return Counter({(chat_id, random_id): count for chat_id, random_id, count in counts})

    async def documents(self) -> list[Media]:
        """Every file that Telegram made of parts for a message, sent in the end or not."""
        return [media_from(item) for item in await self._call("documents")]


def _matcher(wanted: dict[str, Any]) -> Predicate:
    expected = {"deleted": False} | wanted

    def fits(message: Message) -> bool:
        for name, value in expected.items():
            actual = getattr(message, name)
            if name == "text":
                fitting = value in actual
            elif name == "media":
                fitting = bool(actual) and value in (True, actual.kind)
            else:
                fitting = actual == value
            if not fitting:
                return False
        return True

    return fits
