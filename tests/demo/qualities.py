"""Which button of a menu `--quality` means."""

import re
from collections.abc import Sequence

from tests.telegram_dc import Button, Message

_QUALITY = re.compile(r"best|worst|audio|[1-9][0-9]{1,4}p?")
_HEIGHT = re.compile(r"([0-9]{2,5})p")
CANCEL = "Cancel"
AUDIO = "Audio"
MORE = "More"


def is_quality(text: str) -> bool:
    """Tell whether text can name a quality."""
    return _QUALITY.fullmatch(text) is not None


def offered(message: Message) -> list[Button]:
    """Return the buttons of a message that stand for a quality."""
    buttons = [button for row in message.buttons for button in row]
    return [b for b in buttons if b.data and CANCEL not in b.text and MORE not in b.text]


def is_open(message: Message) -> bool:
    """Tell whether a message's job goes on: it can be cancelled."""
    return any(CANCEL in button.text for row in message.buttons for button in row)


def is_menu(message: Message) -> bool:
    """Tell whether a message waits for a choice."""
    return is_open(message) and bool(offered(message))


def pick(quality: str, buttons: Sequence[Button]) -> Button | None:
    """Return the button for a quality, None when it is not offered.

    Where there is no picture, "best" and "worst" are whatever is offered.
    """
    audio = [button for button in buttons if AUDIO in button.text]
    videos = sorted((b for b in buttons if b not in audio), key=_height) or audio
    if not videos:
        return None
    if quality == "audio":
        return audio[0] if audio else None
    if quality in ("best", "worst"):
        return videos[-1 if quality == "best" else 0]
    height = int(quality.removesuffix("p"))
    return next((button for button in videos if _height(button) == height), None)


def _height(button: Button) -> int:
    found = _HEIGHT.search(button.text)
    return int(found[1]) if found else 0
