"""`--demo --link`: one link, one tap, one file, without anybody typing."""

from tests.demo.conversation import Conversation
from tests.demo.qualities import offered, pick
from tests.demo.receipt import Receipt
from tests.demo.screen import Line, Look
from tests.telegram_dc import Button, Message

EXIT_DELIVERED = 0
EXIT_FAILED = 1


async def play(conversation: Conversation, link: str, quality: str) -> int:
    """Send a link and pick a quality; return 0 when the file arrived intact, else 1."""
    screen = conversation.screen
    to = await conversation.say(link)
    answer = await conversation.wait(lambda: conversation.menu(to) or _end(conversation, to))
    if isinstance(answer, Message) and (menu := conversation.menu(to)):
        button = pick(quality, offered(menu))
        if button is None or button.data is None:
            screen.settle()
            screen.say(Line(""), _not_offered(quality, offered(menu)))
            return EXIT_FAILED
        conversation.press(menu.id, button.data)
        answer = await conversation.wait(lambda: _end(conversation, to))
    if not isinstance(answer, Receipt):
        screen.say(Line(""), Line("No video: see what the bot says above.", Look.BOLD))
        return EXIT_FAILED
    await conversation.wait(lambda: conversation.is_settled(to))
    is_intact = not answer.faults
    verdict = "Delivered intact." if is_intact else "Delivered, but not intact: see above."
    screen.say(Line(""), Line(verdict, Look.BOLD))
    return EXIT_DELIVERED if is_intact else EXIT_FAILED


def _end(conversation: Conversation, to: int) -> Receipt | Message | None:
    return conversation.receipt(to) or conversation.last_words(to)


def _not_offered(quality: str, buttons: list[Button]) -> Line:
    names = ", ".join(button.text for button in buttons)
    return Line(f"{quality} is not offered here. There is: {names}", Look.BOLD)
