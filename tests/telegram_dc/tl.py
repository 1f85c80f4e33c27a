"""The one door to Pyrogram's TL: constructors, reading, writing, names.

`types` and `functions` are deliberately untyped: a server builds what clients only read, and the
generated annotations describe the client's side.
"""

import gzip
import struct
from io import BytesIO
from typing import Any

from pyrogram import raw
from pyrogram.raw.core import GzipPacked, TLObject, Vector

types: Any = raw.types
functions: Any = raw.functions

RPC_RESULT = 0xF35C6D01
VECTOR = 0x1CB5C415
GZIP_PACKED = GzipPacked.ID
_BOOL_TRUE = 0x997275B5
_BOOL_FALSE = 0xBC799737
_GZIP_FROM_BYTES = 4096


def read_as_a_server() -> None:
    """Has this process read vectors of objects exactly.

    Pyrogram, which as a client only meets bare vectors in answers, guesses by size that elements of
    8 bytes are numbers; an InputMessageID is 8 bytes long.
    """
    Vector.read_bare = staticmethod(_read_boxed)  # type: ignore[assignment]


def _read_boxed(reader: BytesIO, _size: int) -> Any:
    return TLObject.read(reader)


def load(body: bytes | memoryview) -> Any:
    """The object in `body`. Raises KeyError for an unknown constructor, and whatever struct
    raises for a body cut short."""
    return TLObject.read(BytesIO(body))


def dump(value: Any) -> bytes:
    if value is True or value is False:
        return struct.pack("<I", _BOOL_TRUE if value else _BOOL_FALSE)
    if isinstance(value, bytes):
        return value
    if isinstance(value, list):
        return struct.pack("<Ii", VECTOR, len(value)) + b"".join(dump(item) for item in value)
    written: bytes = value.write()
    return written


def rpc_result(request_id: int, value: Any) -> bytes:
    """An rpc_result; long answers are packed as Telegram does, files are not."""
    body = dump(value)
    if len(body) > _GZIP_FROM_BYTES and not isinstance(value, types.upload.File):
        body = struct.pack("<I", GZIP_PACKED) + tl_bytes(gzip.compress(body))
    return struct.pack("<Iq", RPC_RESULT, request_id) + body


def rpc_error(code: int, text: str) -> Any:
    return types.RpcError(error_code=code, error_message=text)


def tl_bytes(value: bytes) -> bytes:
    if len(value) < 254:
        body = bytes([len(value)]) + value
    else:
        body = b"\xfe" + len(value).to_bytes(3, "little") + value
    return body + bytes(-len(body) % 4)


def bytes_at(body: memoryview, offset: int) -> memoryview:
    """The TL string at `offset`, not copied."""
    length = body[offset]
    start = offset + 1
    if length == 254:
        length = int.from_bytes(body[offset + 1 : offset + 4], "little")
        start = offset + 4
    if start + length > len(body):
        raise ValueError("string longer than its message")
    return body[start : start + length]


def method_name(request: Any) -> str:
    """As Telegram documents it: `messages.sendMessage`."""
    return documented_name(str(request.QUALNAME).removeprefix("functions."))


def documented_name(name: str) -> str:
    *space, last = name.split(".")
    return ".".join([*space, last[0].lower() + last[1:]])
