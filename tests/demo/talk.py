"""`--demo` with somebody who types."""

import asyncio
import sys

from tests.demo.conversation import Conversation
from tests.demo.keyboard import Lines, typed_lines
from tests.demo.screen import Line, Look, Screen
from tests.demo.suggestions import SUGGESTIONS, Links

QUIT = frozenset({"quit", "exit", "q"})
LIST = frozenset({"?", "list"})
ANSWER_TIMEOUT_S = 600  # of the bot, when lines come from a pipe
HINTS = (
    ("/start /help", "commands of the bot"),
    ("? quit", "this list; the end"),
)


async def play(conversation: Conversation, links: Links, screen: Screen) -> int:
    """Carry what is typed into the chat until the person has enough; return the exit code."""
    is_typed = screen.is_terminal and sys.stdin is not None and sys.stdin.isatty()
    screen.say(*_list())
    with typed_lines(screen.prompt if is_typed else None) as lines:
        talker = _Talker(conversation, links, screen)
        await _talk(talker, lines, waits=not (sys.stdin and sys.stdin.isatty()))
    return 0


async def _talk(talker: "_Talker", lines: Lines, *, waits: bool) -> None:
    """Take line after line; from a pipe each only when the bot has done what the last one asked."""
    while (line := await lines.get()) is not None:
        line = line.strip()
        if line.lower() in QUIT:
            return
        if line:
            await talker.take(line)
        if waits:
            await talker.settled()


class _Talker:
    """Understands what is typed."""

    def __init__(self, conversation: Conversation, links: Links, screen: Screen) -> None:
        self._conversation = conversation
        self._links = links
        self._screen = screen
        self._said: int | None = None

    async def take(self, line: str) -> None:
        """Press the button, send the link, or say the words that a line stands for."""
        numbers = self._conversation.numbers
        if line in LIST:
            self._screen.say(*_list())
        elif line.isdecimal() and numbers.means_a_button(int(line)):
            self._press(int(line))
        elif line.isdecimal() and self._links.url_of(line) is None:
            self._screen.say(Line(f"There is no button and no link {line}.", Look.DIM))
        else:
            self._said = await self._conversation.say(self._links.url_of(line) or line)

    async def settled(self) -> None:
        """Return when the bot waits for us again, or has taken far too long."""
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._conversation.wait(lambda: self._conversation.is_settled(self._said))
        except TimeoutError:
            self._screen.say(Line("The bot takes very long.", Look.DIM))
        self._said = None

    def _press(self, number: int) -> None:
        button = self._conversation.numbers.button(number)
        if button is None:
            self._screen.say(Line(f"There is no button {number} now.", Look.DIM))
            return
        self._conversation.press(*button)


def _list() -> list[Line]:
    names = [(f"{number} {s.name}", s.what) for number, s in enumerate(SUGGESTIONS, 1)]
    width = max(len(name) for name, _ in (*names, *HINTS))
    return [
        Line(
            "Send a link, by number or by name. Those of the internet need a connection.",
            Look.BOLD,
        ),
        *(Line(f"  {name:<{width}}  {what}") for name, what in (*names, *HINTS)),
        Line("When a message has buttons, a number presses the button.", Look.DIM),
    ]
