"""What the bot writes and sends, as lines of a terminal."""

from collections.abc import Iterator, Mapping

from tests.demo.receipt import Receipt
from tests.demo.screen import Line, Look
from tests.telegram_dc import Button, Media, Message

BOT = "Bot"
YOU = "You"
BUTTON_GAP = "   "


def said(label: str, message: Message, numbers: Mapping[bytes, int]) -> list[Line]:
    """Return a message with its buttons, each with the number that presses it."""
    lines = [*_picture(message.media), *_text(message), *_buttons(message, numbers)]
    first = lines[0] if lines else Line("")
    return [first._replace(label=label), *lines[1:]]


def note(text: str) -> Line:
    """Return a line about what happens between the messages."""
    return Line(text, Look.DIM, is_indented=True)


def receipt(shown: Receipt) -> Iterator[Line]:
    """Say what arrived, and what is wrong with it."""
    yield _fact("file", str(shown.path))
    yield _fact("size", f"{shown.size_bytes:,} bytes")
    if shown.playback:
        playback = shown.playback
        facts = [f"{playback.duration_s:.1f} s", *playback.codecs]
        if playback.width:
            facts.insert(1, f"{playback.width}x{playback.height}")
        yield _fact("plays", " · ".join(facts))
    yield _fact("sha256", shown.sha256)
    if shown.is_original:
        yield _fact("", "the same bytes as the file on the site")
    for fault in shown.faults:
        yield _fact("WRONG", fault)._replace(look=Look.BOLD)


def _fact(name: str, text: str) -> Line:
    return Line(f"{name:<7} {text}", is_indented=True)


def _text(message: Message) -> Iterator[Line]:
    bold = set(_bold(message))
    for text in message.text.split("\n") if message.text else []:
        yield Line(text, Look.BOLD if text in bold else Look.PLAIN, is_indented=True)


def _bold(message: Message) -> Iterator[str]:
    """Return what the bot set in bold. Offsets count UTF-16 units."""
    raw = message.text.encode("utf-16-le", "surrogatepass")
    for entity in message.entities:
        if entity.type == "bold":
            part = raw[entity.offset * 2 : (entity.offset + entity.length) * 2]
            yield part.decode("utf-16-le", "replace")


def _picture(media: Media | None) -> Iterator[Line]:
    if media is None:
        return
    facts = [media.kind if media.kind != "photo" else "picture"]
    if media.duration:
        minutes, seconds = divmod(round(media.duration), 60)
        facts.append(f"{minutes}:{seconds:02}")
    if media.width:
        facts.append(f"{media.width}x{media.height}")
    if media.performer or media.title:
        facts.append(" - ".join(name for name in (media.performer, media.title) if name))
    if media.thumb:
        facts.append("with a preview")
    yield note(f"[{' · '.join(facts)}]")


def _buttons(message: Message, numbers: Mapping[bytes, int]) -> Iterator[Line]:
    for row in message.buttons:
        yield Line(
            BUTTON_GAP.join(_button(button, numbers) for button in row), Look.BOLD, is_indented=True
        )


def _button(button: Button, numbers: Mapping[bytes, int]) -> str:
    if button.data is None:
        return f"[{button.text}: {button.url}]"
    return f"[{numbers.get(button.data, '')}] {button.text}"
