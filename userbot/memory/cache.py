"""A cache in this process: the default, and what is used while a shared one is away."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MAX_ENTRIES = 10_000
MAX_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Kept:
    value: str
    size_bytes: int
    until_s: float


class MemoryCache:
    """`Cache` in this process, bounded by entries and bytes; the longest unused is forgotten first.

    now_s is a monotonic clock. A value that alone is larger than max_bytes is not kept.
    """

    def __init__(
        self,
        now_s: Callable[[], float],
        *,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._now_s = now_s
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._size_bytes = 0

    async def get(self, key: str) -> str | None:
        """Return what is kept, None when nothing is or it is too old."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until_s <= self._now_s():
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return kept.value

    async def put(self, key: str, value: str, ttl_s: float) -> None:
        """Keep value for ttl_s; what was kept before is replaced."""
        self._forget(key)
        size_bytes = _size_of(key) + _size_of(value)
        if ttl_s <= 0 or size_bytes > self._max_bytes:
            return
        self._kept[key] = _Kept(value, size_bytes, self._now_s() + ttl_s)
        self._size_bytes += size_bytes
        self._shrink()

    async def drop(self, key: str) -> None:
        """Forget what is kept."""
        self._forget(key)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._size_bytes = 0

    def _shrink(self) -> None:
        """Forget the longest unused until the rest fits; the newest always does."""
        while len(self._kept) > self._max_entries or self._size_bytes > self._max_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size_bytes -= kept.size_bytes


def _size_of(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
