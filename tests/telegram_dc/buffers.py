"""Memory for long packets, used again and again: fresh pages cost as much as decryption does."""

from collections import deque

_STEP_BYTES = 64 * 1024
_MAX_KEPT = 64


class Buffers:
    def __init__(self) -> None:
        self._known: deque[bytearray] = deque(maxlen=_MAX_KEPT)

    def take(self, length: int) -> memoryview:
        """Writable, with whatever was there before; given back by being forgotten."""
        for _ in range(len(self._known)):
            buffer = self._known[0]
            self._known.rotate(-1)
            if len(buffer) >= length and _is_forgotten(buffer):
                return memoryview(buffer)[:length]
        buffer = bytearray(-(-length // _STEP_BYTES) * _STEP_BYTES)
        self._known.append(buffer)
        return memoryview(buffer)[:length]


def _is_forgotten(buffer: bytearray) -> bool:
    """Whether no view of it is left: as long as there is one, Python refuses to resize it."""
    try:
        buffer.append(buffer.pop())
    except BufferError:
        return False
    return True
