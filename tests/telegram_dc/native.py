"""A faster cipher for benchmarks: `ige.c`, compiled where a compiler and AES-NI are at hand."""

import ctypes
import logging
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

_SOURCE = Path(__file__).with_name("ige.c")
_COMPILE_TIMEOUT_S = 60

InPlace = Callable[[memoryview, bytes, bytes], None]


def decryption(directory: Path) -> InPlace | None:
    """Decrypts a writable buffer in place, without the GIL; None where it cannot be had."""
    compiler = shutil.which("cc")
    if compiler is None or " aes " not in _cpu_flags():
        log.warning("no C compiler or no AES-NI: TgCrypto decrypts")
        return None
    library = directory / "ige.so"
    command = [compiler, "-O3", "-maes", "-shared", "-fPIC", "-o", str(library), str(_SOURCE)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_COMPILE_TIMEOUT_S)
    except subprocess.SubprocessError as error:
        log.warning("ige.c does not compile: %s", error)
        return None
    return _bound(library)


def _bound(library: Path) -> InPlace:
    function = ctypes.CDLL(str(library)).ige256_decrypt
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_char_p]
    function.restype = None

    def decrypt(data: memoryview, key: bytes, iv: bytes) -> None:
        buffer = (ctypes.c_char * len(data)).from_buffer(data)
        function(ctypes.addressof(buffer), len(data), key, iv)

    return decrypt


def _cpu_flags() -> str:
    path = Path("/proc/cpuinfo")
    text = path.read_text() if path.exists() else ""
    return next((line + " " for line in text.splitlines() if line.startswith("flags")), "")
