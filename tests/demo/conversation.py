"""The chat between the person and the bot: what happens in it goes to the screen as it happens."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.demo import lines
from tests.demo.numbers import Numbers
from tests.demo.qualities import is_menu, is_open
from tests.demo.receipt import Receipt, receive
from tests.demo.screen import Line, Screen
from tests.demo.stage import YOU
from tests.demo.suggestions import Links
from tests.telegram_dc import DataCentre, Event, Message

PRESS_TIMEOUT_S = 30

Found = TypeVar("Found")


class Conversation:
    """The state of the chat. `tasks` carries what must not hold up the events."""

    def __init__(
        self,
        dc: DataCentre,
        screen: Screen,
        tasks: asyncio.TaskGroup,
        links: Links,
        delivered: Path,
    ) -> None:
        self.screen = screen
        self.numbers = Numbers(time.monotonic)
        self._dc = dc
        self._tasks = tasks
        self._links = links
        self._delivered = delivered
        self._messages: dict[int, Message] = {}
        self._pressed: dict[int, int] = {}  # edits of the message when it was pressed
        self._receipts: dict[int, Receipt] = {}  # by the message that they answer
        self._receiving = 0
        self._news = asyncio.Event()

    async def follow(self) -> None:
        """Show everything, until cancelled."""
        async for event in self._dc.events():
            if event.chat_id in (YOU, None):
                self._take(event)

    async def say(self, text: str) -> int:
        """Write to the bot; return the message's id."""
        return await self._dc.say(YOU, text)

    def press(self, message_id: int, data: bytes) -> None:
        """Press a button."""
        self._pressed[message_id] = self._messages[message_id].edits
        self._tasks.create_task(self._press(message_id, data))

    async def wait(self, find: Callable[[], Found | None]) -> Found:
        """Return what find finds, once it is something."""
        while (found := find()) is None:
            await self._news.wait()
        return found

    def menu(self, to: int) -> Message | None:
        """Return the menu that answers a message."""
        return self._first(lambda m: m.reply_to == to and is_menu(m))

    def receipt(self, to: int) -> Receipt | None:
        """Return the receipt of the file that answers a message."""
        return self._receipts.get(to)

    def last_words(self, to: int) -> Message | None:
        """Return the answer to a message after which nothing more will come."""
        return self._first(lambda m: m.reply_to == to and not is_open(m) and not _is_file(m))

    def is_settled(self, to: int | None) -> bool | None:
        """Tell whether the bot has answered `to` and waits for the person; None for no."""
        if self._receiving or not (to is None or self._first(lambda m: m.reply_to == to)):
            return None
        busy = self._first(lambda m: is_open(m) and (not is_menu(m) or self._is_pressed(m)))
        return None if busy else True

    def _first(self, fits: Callable[[Message], bool]) -> Message | None:
        alive = (message for message in self._messages.values() if not message.deleted)
        return next(filter(fits, alive), None)

    def _is_pressed(self, message: Message) -> bool:
        return self._pressed.get(message.id) == message.edits

    def _take(self, event: Event) -> None:
        message = event.message
        match event.kind:
            case "user_message" if message:
                self.screen.say(Line(""), *lines.said(lines.YOU, message, {}))
            case "reaction" if message and message.reactions:
                self.screen.say(lines.note(f"{' '.join(message.reactions)} (its reaction)"))
            case "send" | "edit" | "delete" if message and message.out:
                self._update(message)
            case "press" if message:
                self._show_press(message, event.data["data"])
            case "answer" if event.data["text"]:
                self.screen.say(lines.note(f"{event.data['text']} (pops up)"))
            case "violation":
                self.screen.say(lines.note(f"(Telegram's rules are broken: {event.data})"))
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _update(self, message: Message) -> None:
        self._messages[message.id] = message
        numbers = self.numbers.assign(message)
        if message.deleted:
            self._drop(message)
        elif is_open(message):
            self.screen.show(message.id, lines.said(lines.BOT, message, numbers))
        else:
            self.screen.keep(message.id, lines.said(lines.BOT, message, numbers))
            if _is_file(message):
                self._receiving += 1
                self._tasks.create_task(self._receive(message))

    def _drop(self, message: Message) -> None:
        self.screen.drop(message.id)
        if not self.screen.is_terminal:
            first = message.text.partition("\n")[0]
            self.screen.say(lines.note(f"(it removes its message “{first}”)"))

    def _show_press(self, message: Message, data: bytes) -> None:
        buttons = [button for row in message.buttons for button in row]
        text = next((button.text for button in buttons if button.data == data), "a button")
        self.screen.say(Line(f"[{text}]", label=lines.YOU))

    async def _press(self, message_id: int, data: bytes) -> None:
        try:
            await self._dc.press(YOU, message_id, data=data, timeout_s=PRESS_TIMEOUT_S)
        except TimeoutError:
            del self._pressed[message_id]
            self.screen.say(lines.note("(the bot does not answer the press)"))
            self._tell()

    async def _receive(self, message: Message) -> None:
        assert message.media is not None
        request = next((m for m in await self._dc.messages(YOU) if m.id == message.reply_to), None)
        original = self._links.file_of(request.text.strip()) if request else None
        receipt = await asyncio.to_thread(receive, message.media, self._delivered, original)
        self.screen.say(*lines.receipt(receipt))
        self._receiving -= 1
        if message.reply_to is not None:
            self._receipts[message.reply_to] = receipt
        self._tell()


def _is_file(message: Message) -> bool:
    return message.media is not None and message.media.kind != "photo"
