"""What crosses between the bot and its worker processes: frames, and how values become bytes.

A frame is four bytes of length (big-endian) and a body of at most MAX_FRAME_BYTES. Bodies are:

- the bot's order to a guard: JSON of `Order`, one per call;
- a worker's word to its guard: JSON of a `Reply`; after that of an `Extraction` a zero byte and its
  `info_json` as it is, so that what is decoded, with the bot's loop waiting, is always small;
- a guard's word to the bot: one byte of source, then JSON. GUARD marks the guard's own word,
  WORKER one it relays unread, so nothing that a worker writes can pass for the guard's.

A worker may be hostile: what it says is checked against the exact types, and never unpickled.
Everything that is not as it should be raises WorkerDiedError.
"""

import dataclasses
import json
import struct
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from pydantic import ConfigDict, TypeAdapter, ValidationError

from userbot import errors
from userbot.domain.calls import Call
from userbot.domain.jobs import Event, Progress
from userbot.domain.labels import shown
from userbot.domain.media import Extraction, Growth, MediaFile
from userbot.errors import UserbotError, WorkerDiedError

MAX_FRAME_BYTES = 16 * 1024 * 1024  # an info JSON of a long page is 1-2 MB
MAX_REPLY_BYTES = 1024 * 1024  # of JSON: 200 formats are 60 kB
MAX_REPLY_COMMAS = 5000  # and 3000 of these; a million values would take half a minute and 5 GB
MAX_ERROR_CHARS = 4000
MAX_NUMBER = 2**53  # what a float counts exactly; more is no size and no length of anything
MAY_BE_NEGATIVE = frozenset({"language_rank"})
LENGTH = struct.Struct("!I")
GUARD, WORKER = b"g", b"w"
RECORD = b"\0"  # JSON has none

STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

T = typing.TypeVar("T")

Answer = Extraction | MediaFile
Reply = Event | Answer | UserbotError


@dataclass(frozen=True, slots=True)
class Order:
    """One call, and what its guard and worker need to bound it.

    The guard ends the call by itself after `backup_s`, should the bot not do it before.
    """

    call: Call
    backup_s: float
    max_file_bytes: int


@dataclass(frozen=True, slots=True)
class Hello:
    """A guard has begun. Nothing of the call runs before this was said."""

    guard_pid: int


@dataclass(frozen=True, slots=True)
class Empty:
    """No process of the call is left. `how` it ended: "exit 0", "signal 9" ..."""

    how: str


@dataclass(frozen=True, slots=True)
class _ErrorRecord:
    type: str
    args: tuple[str | bool | int | float | None, ...]


class FrameBuffer:
    """Cuts a stream of bytes into bodies. Holds at most one frame and the last chunk."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the bodies that chunk completes. Raises WorkerDiedError for a frame too long."""
        self._bytes += chunk
        start = 0
        try:
            while (end := self._end_of_frame(start)) is not None:
                body = bytes(self._bytes[start + LENGTH.size : end])
                start = end
                yield body
        finally:
            del self._bytes[:start]

    def _end_of_frame(self, start: int) -> int | None:
        """Where the frame at start ends, None while a part of it is missing."""
        if len(self._bytes) < start + LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(self._bytes, start)
        _check_length(length)
        end = start + LENGTH.size + int(length)
        return end if end <= len(self._bytes) else None


def frame(body: bytes) -> bytes:
    """Return body with its length in front. Raises WorkerDiedError above MAX_FRAME_BYTES."""
    _check_length(len(body))
    return LENGTH.pack(len(body)) + body


def encode_order(order: Order) -> bytes:
    """Return the body of an order."""
    return _orders().dump_json(order)


def decode_order(body: bytes) -> Order:
    """Return the order that the bot wrote."""
    return _orders().validate_json(body)


def encode_word(word: Hello | Empty) -> bytes:
    """Return the body of a guard's own word."""
    return GUARD + _words().dump_json(word)


def decode_word(body: bytes) -> Hello | Empty | bytes:
    """Return what a guard said: its own word, or the body of a `Reply` that it relays."""
    source, rest = body[:1], body[1:]
    if source == WORKER:
        return rest
    if source != GUARD:
        raise WorkerDiedError("a word from nobody")
    return _checked(_words(), rest)


def encode_reply(reply: Reply) -> bytes:
    """Return the body of a worker's word. Raises TypeError or ValueError for a wrong `Reply`."""
    if isinstance(reply, UserbotError):
        return _encode_error(reply)
    if not isinstance(reply, Progress | Growth | Extraction | MediaFile):
        raise TypeError(f"a call answered with {type(reply).__name__}")
    if not isinstance(reply, Extraction):
        return _replies().dump_json(reply, warnings="error")
    bare = dataclasses.replace(reply, info_json="")
    return _replies().dump_json(bare, warnings="error") + RECORD + reply.info_json.encode()


def decode_reply(body: bytes) -> Reply:
    """Return what a worker said. An error is returned, not raised."""
    told, mark, record = body.partition(RECORD)
    if len(told) > MAX_REPLY_BYTES or told.count(b",") > MAX_REPLY_COMMAS:
        raise WorkerDiedError("an answer of too many values")
    reply = _checked(_replies(), told)
    _check_numbers(reply)
    if isinstance(reply, Extraction):
        return dataclasses.replace(reply, info_json=_text(record))
    if mark:
        raise WorkerDiedError("more than an answer")
    return _decode_error(reply) if isinstance(reply, _ErrorRecord) else reply


def warm() -> None:
    """Build every validator now: 20 ms that a fork server pays once for all its children."""
    _orders(), _words(), _replies(), _error_types()


def _check_length(length: int) -> None:
    if length > MAX_FRAME_BYTES:
        raise WorkerDiedError(f"a frame of {length} bytes")


@cache
def _orders() -> TypeAdapter[Order]:
    return TypeAdapter(Order)


@cache
def _words() -> TypeAdapter[Hello | Empty]:
    return TypeAdapter(Hello | Empty, config=STRICT)


@cache
def _replies() -> TypeAdapter[Progress | Growth | Extraction | MediaFile | _ErrorRecord]:
    return TypeAdapter(Progress | Growth | Extraction | MediaFile | _ErrorRecord, config=STRICT)


@cache
def _error_types() -> dict[str, tuple[type[UserbotError], TypeAdapter[tuple[object, ...]]]]:
    """Every class of userbot.errors by its name, with the types of its constructor's arguments."""
    config = ConfigDict(strict=True, allow_inf_nan=False, str_max_length=MAX_ERROR_CHARS)
    table: dict[str, tuple[type[UserbotError], TypeAdapter[tuple[object, ...]]]] = {}
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, UserbotError):
            hints = typing.get_type_hints(kind.__init__)
            hints.pop("return", None)
            arguments = tuple.__class_getitem__(tuple(hints.values()))
            table[kind.__name__] = kind, TypeAdapter(arguments, config=config)  # type: ignore[arg-type]  # made at run time
    return table


def _encode_error(error: UserbotError) -> bytes:
    known = next(kind for kind in type(error).__mro__ if kind.__name__ in _error_types())
    args = [_sayable(arg) if isinstance(arg, str) else _countable(arg) for arg in error.args]
    return json.dumps({"type": known.__name__, "args": args}).encode()


def _sayable(text: str) -> str:
    """Return text cut to length; what UTF-8 cannot say becomes a question mark."""
    return text[:MAX_ERROR_CHARS].encode(errors="replace").decode()


def _readable(text: str) -> str:
    """Return the lines of text without what turns or hides them, or speaks to a terminal."""
    return "".join(sign if sign == "\n" else shown(sign) for sign in text)


def _countable(number: object) -> object:
    """Return number as far as it may cross: a server may announce any size."""
    return min(number, MAX_NUMBER) if isinstance(number, int) else number


def _text(record: bytes) -> str:
    try:
        return record.decode()
    except UnicodeDecodeError as error:
        raise WorkerDiedError("a record that is no text") from error


def _decode_error(record: _ErrorRecord) -> UserbotError:
    if record.type not in _error_types():
        raise WorkerDiedError("an error of no known type")
    kind, arguments = _error_types()[record.type]
    try:
        args = arguments.validate_python(tuple(record.args))
    except ValidationError as error:
        raise WorkerDiedError(f"wrong arguments of {record.type}") from error
    return kind(*(_readable(arg) if isinstance(arg, str) else arg for arg in args))


def _check_numbers(value: object, name: str = "") -> None:
    """Refuse numbers with which nobody can reckon, in all of a reply. `name` is the field's."""
    if isinstance(value, int | float):
        if not (-MAX_NUMBER if name in MAY_BE_NEGATIVE else 0) <= value <= MAX_NUMBER:
            raise WorkerDiedError(f"a number out of bounds: {name or type(value).__name__}")
    elif isinstance(value, tuple):
        for item in value:
            _check_numbers(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            _check_numbers(getattr(value, field.name), field.name)


def _checked(adapter: TypeAdapter[T], body: bytes) -> T:
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        raise WorkerDiedError("an answer of no known form") from error
