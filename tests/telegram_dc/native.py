"""Faster decryption for benchmarks: `packets.c`, compiled where compiler and processor allow it."""

import ctypes
import logging
import shutil
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

log = logging.getLogger(__name__)

MIN_BYTES = 96
_DIGEST_BYTES = 32
_SOURCE = Path(__file__).with_name("packets.c")
_COMPILE_TIMEOUT_S = 60
_NEEDED, _USEFUL = {"aes", "avx"}, {"sha_ni": "-msha"}


class Sealed(NamedTuple):
    """What stands encrypted in a packet, and what it takes to open it."""

    data: memoryview  # at least MIN_BYTES, a multiple of 16
    key: bytes
    iv: bytes
    prefix: bytes  # hashed before the data


class _Packet(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("key", ctypes.c_char_p),
        ("iv", ctypes.c_char_p),
        ("prefix", ctypes.c_char_p),
        ("digest", ctypes.c_void_p),
    )


class Native:
    """Decrypts writable buffers in place, two at once, without the GIL."""

    def __init__(self, library: Path) -> None:
        loaded = ctypes.CDLL(str(library))
        self._open: Any = loaded.open_packets
        self._open.argtypes = [ctypes.POINTER(_Packet), ctypes.c_size_t]
        self._open.restype = None
        self._hashes = bool(ctypes.c_int.in_dll(loaded, "hashes").value)

    def open(self, sealed: Sequence[Sealed]) -> list[bytes]:
        """Decrypts them all; the SHA-256 of each with its prefix."""
        digests = ctypes.create_string_buffer(_DIGEST_BYTES * len(sealed))
        start = ctypes.addressof(digests)
        packets = (_Packet * len(sealed))(
            *(_packet(item, start + _DIGEST_BYTES * n) for n, item in enumerate(sealed))
        )
        self._open(packets, len(sealed))
        if not self._hashes:
            return [digest(item.prefix, item.data) for item in sealed]
        raw = digests.raw
        return [raw[_DIGEST_BYTES * n :][:_DIGEST_BYTES] for n in range(len(sealed))]


def _packet(sealed: Sealed, digest_address: int) -> _Packet:
    address = ctypes.addressof(ctypes.c_char.from_buffer(sealed.data))
    return _Packet(address, len(sealed.data), sealed.key, sealed.iv, sealed.prefix, digest_address)


def digest(prefix: bytes, data: memoryview | bytes) -> bytes:
    hashed = sha256(prefix)
    hashed.update(data)
    return hashed.digest()


def build(directory: Path) -> Native | None:
    """None where it cannot be had."""
    compiler, flags = shutil.which("cc"), _cpu_flags()
    if compiler is None or not flags >= _NEEDED:
        log.warning("no C compiler or no AES-NI: TgCrypto decrypts")
        return None
    library = directory / "packets.so"
    options = ["-O3", "-maes", "-mavx", *(_USEFUL[name] for name in flags & set(_USEFUL))]
    command = [compiler, *options, "-shared", "-fPIC", "-o", str(library), str(_SOURCE)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_COMPILE_TIMEOUT_S)
    except subprocess.SubprocessError as error:
        log.warning("packets.c does not compile: %s", error)
        return None
    return Native(library)


def _cpu_flags() -> set[str]:
    path = Path("/proc/cpuinfo")
    text = path.read_text() if path.exists() else ""
    return set(next((line for line in text.splitlines() if line.startswith("flags")), "").split())
