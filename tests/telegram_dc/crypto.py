"""MTProto 2.0 encryption, the server's side of it."""

import os
import struct
from hashlib import sha256
from typing import NamedTuple

import tgcrypto

from tests.telegram_dc.native import InPlace

_HEADER = struct.Struct("<q8sqii")
_MIN_PADDING, _MAX_PADDING = 12, 1024


class Plain(NamedTuple):
    salt: int
    session_id: bytes
    message_id: int
    seqno: int
    body: memoryview


class BadMessageError(Exception):
    """A packet that fails MTProto's own checks; the connection is closed."""


def decrypt(auth_key: bytes, packet: bytes | bytearray, in_place: InPlace | None = None) -> Plain:
    """The message in an encrypted packet. Releases the GIL for long ones.

    `in_place`, when given, overwrites the packet.
    """
    view = memoryview(packet)
    length = (len(view) - 24) // 16 * 16
    if length < 32:
        raise BadMessageError("too short")
    message_key = bytes(view[8:24])
    key, iv = _key_and_iv(auth_key, message_key, 0)
    data: memoryview | bytes = view[24 : 24 + length]
    if in_place is None or isinstance(packet, bytes):
        data = tgcrypto.ige256_decrypt(data, key, iv)
    else:
        in_place(view[24 : 24 + length], key, iv)
    digest = sha256(auth_key[88:120])
    digest.update(data)
    if digest.digest()[8:24] != message_key:
        raise BadMessageError("msg_key does not match")
    salt, session_id, message_id, seqno, size = _HEADER.unpack_from(data)
    padding = len(data) - _HEADER.size - size
    if size < 0 or size % 4 or not _MIN_PADDING <= padding <= _MAX_PADDING:
        raise BadMessageError("length does not match")
    body = memoryview(data)[_HEADER.size : _HEADER.size + size]
    return Plain(salt, session_id, message_id, seqno, body)


def encrypt(auth_key: bytes, key_id: bytes, message: Plain) -> bytes:
    header = _HEADER.pack(
        message.salt, message.session_id, message.message_id, message.seqno, len(message.body)
    )
    padding = os.urandom(-(len(message.body) + _HEADER.size + 12) % 16 + 12)
    data = b"".join((header, message.body, padding))
    digest = sha256(auth_key[96:128])
    digest.update(data)
    message_key = digest.digest()[8:24]
    key, iv = _key_and_iv(auth_key, message_key, 8)
    encrypted: bytes = tgcrypto.ige256_encrypt(data, key, iv)
    return key_id + message_key + encrypted


def _key_and_iv(auth_key: bytes, message_key: bytes, x: int) -> tuple[bytes, bytes]:
    a = sha256(message_key + auth_key[x : x + 36]).digest()
    b = sha256(auth_key[x + 40 : x + 76] + message_key).digest()
    return a[:8] + b[8:24] + a[24:32], b[:8] + a[8:24] + b[24:32]
