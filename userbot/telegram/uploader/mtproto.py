"""MTProto 2.0, the client's side: keys, salts, the clock, and encrypted messages.

https://core.telegram.org/mtproto/description. Nothing here reads, writes or waits.
"""

import gzip
import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from typing import NamedTuple

from pyrogram.crypto import aes

RPC_RESULT, RPC_ERROR, BOOL_TRUE, GZIP_PACKED = 0xF35C6D01, 0x2144CA19, 0x997275B5, 0x3072CFA1
CONTAINER, MSGS_ACK, VECTOR = 0x73F1F8DC, 0x62D6B459, 0x1CB5C415
BAD_SERVER_SALT, BAD_MSG, NEW_SESSION = 0xEDAB447B, 0xA7EFF811, 0x9EC20908
PONG, PING_DELAY_DISCONNECT = 0x347773C5, 0xF3427B8C
FUTURE_SALTS, GET_FUTURE_SALTS = 0xAE500895, 0xB921BD04
SAVE_FILE_PART, SAVE_BIG_FILE_PART = 0xB304A621, 0xDE7B673D

HEADER = struct.Struct("<8s8sqii")  # salt, session id, message id, seqno, length of the body
MIN_PADDING, MAX_PADDING = 12, 1024
_MESSAGE = struct.Struct("<qii")
_ASK_SALTS_EVERY_S = 1800.0


class ProtocolError(Exception):
    """The other side does not speak MTProto with this key; the connection is of no use."""


class Message(NamedTuple):
    """One message of the server, out of its container."""

    id: int
    seqno: int
    body: memoryview


class AuthKey:
    """The key that a client and Telegram agreed on."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.id = sha1(key).digest()[-8:]
        self.outgoing_hash = sha256(key[88:120])

    def key_and_iv(self, message_key: bytes, x: int) -> tuple[bytes, bytes]:
        """Return the AES key and the IGE vector of a message; x is 0 from the client, else 8."""
        a = sha256(message_key + self.key[x : x + 36]).digest()
        b = sha256(self.key[x + 40 : x + 76] + message_key).digest()
        return a[:8] + b[8:24] + a[24:32], b[:8] + a[8:24] + b[24:32]

    def encrypt(self, plain: bytes) -> bytes:
        """Return a short message as a packet; plain is padded already."""
        digest = self.outgoing_hash.copy()
        digest.update(plain)
        message_key = digest.digest()[8:24]
        return self.id + message_key + bytes(aes.ige256_encrypt(plain, *self._out(message_key)))

    def decrypt(self, packet: memoryview) -> bytes:
        """Return the plain text of a packet. Raises ProtocolError when it is not for this key."""
        message_key = bytes(packet[8:24])
        length = len(packet) - 24
        if length < 48 or length % 16 or packet[:8] != self.id:
            raise ProtocolError("not a packet of this key")
        plain = bytes(aes.ige256_decrypt(bytes(packet[24:]), *self.key_and_iv(message_key, 8)))
        if sha256(self.key[96:128] + plain).digest()[8:24] != message_key:
            raise ProtocolError("message key")
        return plain

    def _out(self, message_key: bytes) -> tuple[bytes, bytes]:
        return self.key_and_iv(message_key, 0)


@dataclass
class Clock:
    """Telegram's time: message ids are made of it."""

    offset_s: float = 0.0

    def now(self) -> float:
        """Return Telegram's time in seconds since the epoch."""
        return time.time() + self.offset_s

    def learn(self, message_id: int) -> None:
        """Set the clock by a message that Telegram has just sent."""
        self.offset_s = message_id / 2**32 - time.time()


@dataclass
class Salts:
    """The server's salts: one at a time, the next ones known in advance. All connections share."""

    current: bytes
    _next: list[tuple[int, bytes]] = field(default_factory=list)  # (valid since, salt)
    _ask_at: float = 0.0

    def at(self, now_s: float) -> bytes:
        """Return the salt for a message of this server time."""
        while self._next and self._next[0][0] <= now_s:
            self.current = self._next.pop(0)[1]
        return self.current

    def replace(self, salt: bytes) -> None:
        """Take what the server says must be used from now on."""
        self.current = salt
        self._next.clear()

    def should_ask(self, now_s: float) -> bool:
        """Say whether it is time for get_future_salts; the next time is later."""
        if self._next or now_s < self._ask_at:
            return False
        self._ask_at = now_s + _ASK_SALTS_EVERY_S
        return True

    def learn(self, future_salts: memoryview) -> None:
        """Take the body of future_salts."""
        count = int.from_bytes(future_salts[16:20], "little")
        entries = struct.Struct("<ii8s").iter_unpack(future_salts[20 : 20 + 16 * count])
        self._next = sorted((since, salt) for since, _until, salt in entries)


class Session:
    """The numbers and the envelopes of one MTProto session; it lives as long as its connection.

    Messages must be written in the order in which they were numbered.
    """

    def __init__(self, key: AuthKey, salts: Salts, clock: Clock) -> None:
        self.id = os.urandom(8)
        self.key = key
        self.salts = salts
        self.clock = clock
        self._last_id = 0
        self._content_sent = 0

    def number(self, *, is_content: bool = True) -> tuple[int, int]:
        """Return the next message id and its seqno."""
        self._last_id = max(int(self.clock.now() * 2**32) & ~3, self._last_id + 4)
        seqno = self._content_sent * 2 + is_content
        self._content_sent += is_content
        return self._last_id, seqno

    def take_back(self, message_id: int) -> None:
        """Undo the number of a content message that was never written, if it is the last one."""
        if message_id == self._last_id:
            self._content_sent -= 1

    def header(self, message_id: int, seqno: int, length: int) -> bytes:
        """Return what stands before the body of an outgoing message."""
        salt = self.salts.at(self.clock.now())
        return HEADER.pack(salt, self.id, message_id, seqno, length)

    def pack(self, body: bytes, *, is_content: bool = True) -> tuple[int, bytes]:
        """Encrypt a short message; return its id and the packet."""
        message_id, seqno = self.number(is_content=is_content)
        plain = self.header(message_id, seqno, len(body)) + body
        padding = os.urandom(padding_of(len(plain)))
        return message_id, self.key.encrypt(plain + padding)

    def unpack(self, packet: memoryview) -> Iterator[Message]:
        """Return the messages in a packet. Raises ProtocolError on a breach of security rules."""
        plain = self.key.decrypt(packet)
        _salt, session_id, message_id, seqno, length = HEADER.unpack_from(plain)
        padding = len(plain) - HEADER.size - length
        if session_id != self.id or not message_id % 2:
            raise ProtocolError("not a message to this session")
        if length < 4 or not MIN_PADDING <= padding <= MAX_PADDING:
            raise ProtocolError("length")
        body = memoryview(plain)[HEADER.size : HEADER.size + length]
        return unpacked(Message(message_id, seqno, body))


def padding_of(length: int) -> int:
    """Return how many random bytes make a message of this length whole."""
    return MIN_PADDING + -(length + MIN_PADDING) % 16


def unpacked(message: Message) -> Iterator[Message]:
    """Yield a message, or those of a container, without gzip. Raises ProtocolError."""
    kind = constructor(message.body)
    if kind == GZIP_PACKED:
        yield from unpacked(message._replace(body=_unzipped(message.body)))
    elif kind == CONTAINER:
        offset = 8
        for _ in range(int.from_bytes(message.body[4:8], "little")):
            if offset + _MESSAGE.size > len(message.body):
                raise ProtocolError("container")
            message_id, seqno, size = _MESSAGE.unpack_from(message.body, offset)
            offset += _MESSAGE.size
            yield from unpacked(Message(message_id, seqno, message.body[offset : offset + size]))
            offset += size
    else:
        yield message


def result(message: Message) -> tuple[int, memoryview]:
    """Return the id of the question and the answer in an rpc_result."""
    answer = message.body[12:]
    if constructor(answer) == GZIP_PACKED:
        answer = _unzipped(answer)
    return int.from_bytes(message.body[4:12], "little", signed=True), answer


def error_of(answer: memoryview) -> tuple[int, str]:
    """Return code and text of an rpc_error."""
    code = int.from_bytes(answer[4:8], "little", signed=True)
    return code, bytes(_string(answer[8:])).decode("utf-8", "replace")


def acknowledgement(message_ids: list[int]) -> bytes:
    """Return the body of msgs_ack."""
    head = struct.pack("<IIi", MSGS_ACK, VECTOR, len(message_ids))
    return head + struct.pack(f"<{len(message_ids)}q", *message_ids)


def constructor(body: memoryview) -> int:
    """Return the number of a TL constructor."""
    return int.from_bytes(body[:4], "little")


def bytes_head(length: int) -> bytes:
    """Return what stands before a TL byte string of this length."""
    return bytes([length]) if length < 254 else b"\xfe" + length.to_bytes(3, "little")


def _string(data: memoryview) -> memoryview:
    if data[0] < 254:
        return data[1 : 1 + data[0]]
    return data[4 : 4 + int.from_bytes(data[1:4], "little")]


def _unzipped(body: memoryview) -> memoryview:
    try:
        return memoryview(gzip.decompress(_string(body[4:])))
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise ProtocolError("gzip") from error
