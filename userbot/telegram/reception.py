"""What Telegram sends and nobody can read costs that one message, and a line in the log.

Pyrogram drops all of a packet for it, acknowledges nothing of it, and may connect anew. Telegram
then sends the packet again, unread messages of people and all, and again, without end. That happens
when Telegram's language has moved on, and the constructor of an update is not in Pyrogram yet.
"""

from io import BytesIO
from typing import Any

from pyrogram.raw.core import Message, TLObject, Vector

_HEADER_BYTES = 16
_SMALLEST_ITEM_BYTES = 4
_read_vector = Vector.read


class Unreadable:
    """The body of a message that cannot be read. `why` in a few words."""

    def __init__(self, why: str) -> None:
        self.why = why


def contain() -> None:
    """Make Pyrogram read what it can of each packet."""
    Message.read = staticmethod(_read_message)  # type: ignore[method-assign]  # vendor's
    Vector.read = classmethod(_read_bounded)  # type: ignore[method-assign,assignment]  # vendor's


def _read_message(data: BytesIO, *_args: Any) -> Message:
    """Read a message, alone or in a container, as far as possible; its number always."""
    header = data.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES:
        raise EOFError("a container with fewer messages than it says")
    message_id = int.from_bytes(header[:8], "little", signed=True)
    sequence, length = (int.from_bytes(header[at : at + 4], "little") for at in (8, 12))
    return Message(_body(data.read(length)), message_id, sequence, length)


def _body(content: bytes) -> Any:
    try:
        return TLObject.read(BytesIO(content))
    except Exception as error:  # noqa: BLE001  bytes from outside, and a reader that expects none
        return Unreadable(f"{type(error).__name__} in {content[:4].hex()}")


def _read_bounded(_cls: type[Vector], data: BytesIO, kind: Any = None, *_args: Any) -> Any:
    """Read a vector, if so many items can be there at all: an end is read as zeros, for hours."""
    at = data.tell()
    count = int.from_bytes(data.read(4), "little", signed=True)
    if count * _SMALLEST_ITEM_BYTES > data.getbuffer().nbytes - at:
        raise EOFError("a vector with fewer items than it says")
    data.seek(at)
    return _read_vector(data, kind)
