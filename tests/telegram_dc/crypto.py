"""MTProto 2.0 encryption, the server's side of it."""

import os
import struct
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import tgcrypto

from tests.telegram_dc.native import Native, Sealed, digest

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


class Packet(NamedTuple):
    """An encrypted packet and the key that its first bytes name."""

    auth_key: bytes
    content: memoryview


def decrypt(auth_key: bytes, packet: bytes | memoryview) -> Plain:
    """The message in an encrypted packet. Raises BadMessageError."""
    message_key, sealed = _sealed(Packet(auth_key, memoryview(packet)))
    data: bytes = tgcrypto.ige256_decrypt(sealed.data, sealed.key, sealed.iv)
    return _plain(data, digest(sealed.prefix, data), message_key)


def decrypt_all(packets: Sequence[Packet], native: Native | None) -> list[Plain | BadMessageError]:
    """The messages in packets of 120 bytes and more, which `native` overwrites. Blocks."""
    if native is None:
        return [_outcome(decrypt, *packet) for packet in packets]
    keyed = [_sealed(packet) for packet in packets]
    digests = native.open([sealed for _, sealed in keyed])
    return [
        _outcome(_plain, sealed.data, found, message_key)
        for (message_key, sealed), found in zip(keyed, digests, strict=True)
    ]


def _outcome(function: Callable[..., Plain], *args: Any) -> Plain | BadMessageError:
    try:
        return function(*args)
    except BadMessageError as error:
        return error


def _sealed(packet: Packet) -> tuple[bytes, Sealed]:
    view = packet.content
    length = (len(view) - 24) // 16 * 16
    if length < 32:
        raise BadMessageError("too short")
    message_key = bytes(view[8:24])
    key, iv = _key_and_iv(packet.auth_key, message_key, 0)
    return message_key, Sealed(view[24 : 24 + length], key, iv, packet.auth_key[88:120])


def _plain(data: memoryview | bytes, found: bytes, message_key: bytes) -> Plain:
    if found[8:24] != message_key:
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
    message_key = digest(auth_key[96:128], data)[8:24]
    key, iv = _key_and_iv(auth_key, message_key, 8)
    encrypted: bytes = tgcrypto.ige256_encrypt(data, key, iv)
    return key_id + message_key + encrypted


def _key_and_iv(auth_key: bytes, message_key: bytes, x: int) -> tuple[bytes, bytes]:
    a = sha256(message_key + auth_key[x : x + 36]).digest()
    b = sha256(auth_key[x + 40 : x + 76] + message_key).digest()
    return a[:8] + b[8:24] + a[24:32], b[:8] + a[8:24] + b[24:32]
