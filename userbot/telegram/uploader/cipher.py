"""The expensive half of sending: SHA-256 and AES-256-IGE of whole parts, in threads.

OpenSSL knows no IGE, but it can be had from CBC: with d_i = c_i ^ p_(i-1) the definition
c_i = E(p_i ^ c_(i-1)) ^ p_(i-1) becomes d_i = E(p_i ^ p_(i-2) ^ d_(i-1)), which is CBC over
p_i ^ p_(i-2). Four times as fast as TgCrypto's tables, and it works for encryption only.
"""

import importlib
import logging
import os
import threading
from collections.abc import Callable
from typing import Any, Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from userbot.errors import ToolError
from userbot.telegram.uploader.mtproto import AuthKey
from userbot.telegram.uploader.settings import PART_BYTES

log = logging.getLogger(__name__)

_HEAD_BYTES = 32  # what stands before the cipher text, and four bytes that keep it aligned
_SPARE_BYTES = 16  # a block cipher wants room for one block more than it writes
Fill = Callable[[memoryview], None]


class PartCipher(Protocol):
    """Makes packets of the intermediate transport, length included, out of long messages."""

    def packet(self, key: AuthKey, length: int, fill: Fill) -> memoryview | bytes:
        """Return the packet of a message of `length` bytes, which `fill` writes. Blocks."""


def best_cipher() -> PartCipher:
    """Return the fastest cipher there is. Raises ToolError when there is no fast one at all."""
    for make in (OpenSslCipher, TgCryptoCipher):
        try:
            return make()
        except ImportError as error:
            log.warning("uploads do without a faster cipher: %s", error)
    raise ToolError("neither numpy nor TgCrypto: uploads would crawl")


def warm_up(cipher: PartCipher) -> None:
    """Have everything loaded before the first part. Blocks for some milliseconds."""

    def fill(message: memoryview) -> None:
        message[:] = bytes(len(message))

    cipher.packet(AuthKey(bytes(256)), PART_BYTES, fill)


class OpenSslCipher:
    """AES-NI through `cryptography`, exclusive or by numpy. Both leave the GIL to others."""

    def __init__(self) -> None:
        # Else OpenBLAS starts threads that spin for a while; nothing here multiplies matrices.
        os.putenv("OPENBLAS_NUM_THREADS", "1")
        self._np: Any = importlib.import_module("numpy")
        self._scratch = threading.local()

    def packet(self, key: AuthKey, length: int, fill: Fill) -> memoryview:
        """See PartCipher."""
        np = self._np
        plain, mixed = self._buffers(length)
        message = plain[16:].data
        fill(message)
        message_key = _message_key(key, message)
        aes_key, iv = key.key_and_iv(message_key, 0)
        plain[:16] = np.frombuffer(iv, np.uint8)[16:]
        words, mixed_words = plain.view(np.uint64), mixed.view(np.uint64)
        mixed_words[:2] = words[2:4]
        np.bitwise_xor(words[4:], words[:-4], out=mixed_words[2:])
        packet = np.empty(_HEAD_BYTES + length + _SPARE_BYTES, np.uint8)
        cbc = Cipher(algorithms.AES(aes_key), modes.CBC(iv[:16])).encryptor()
        cbc.update_into(mixed.data, packet[_HEAD_BYTES:].data)
        result = packet[_HEAD_BYTES : _HEAD_BYTES + length].view(np.uint64)
        np.bitwise_xor(result, words[:-2], out=result)
        packet[4:_HEAD_BYTES] = np.frombuffer(_head(key, message_key, length), np.uint8)
        return memoryview(packet)[4 : _HEAD_BYTES + length]

    def _buffers(self, length: int) -> tuple[Any, Any]:
        """Return this thread's buffers: a block and the message, and the message."""
        own = self._scratch
        if getattr(own, "size", 0) < length:
            own.size = length
            own.plain = self._np.empty(length + 16, self._np.uint8)
            own.mixed = self._np.empty(length, self._np.uint8)
        return own.plain[: length + 16], own.mixed[:length]


class TgCryptoCipher:
    """Pyrogram's own cipher: tables, but compiled ones."""

    def __init__(self) -> None:
        self._encrypt: Any = importlib.import_module("tgcrypto").ige256_encrypt

    def packet(self, key: AuthKey, length: int, fill: Fill) -> bytes:
        """See PartCipher."""
        message = memoryview(bytearray(length))
        fill(message)
        message_key = _message_key(key, message)
        encrypted: bytes = self._encrypt(message, *key.key_and_iv(message_key, 0))
        return _head(key, message_key, length) + encrypted


def _message_key(key: AuthKey, message: memoryview) -> bytes:
    digest = key.outgoing_hash.copy()
    digest.update(message)
    return digest.digest()[8:24]


def _head(key: AuthKey, message_key: bytes, length: int) -> bytes:
    return (24 + length).to_bytes(4, "little") + key.id + message_key
