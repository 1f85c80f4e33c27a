"""Everything that may be forgotten, in this process."""

from collections.abc import Callable

from userbot.memory.cache import MemoryCache
from userbot.memory.limiter import MemoryLimiter
from userbot.memory.live import MemoryLive
from userbot.memory.wakeups import MemoryWakeups
from userbot.ports.volatile import Volatile


def in_memory(now_s: Callable[[], float]) -> tuple[Volatile, Callable[[], None]]:
    """Make the volatile stores, and what empties them but for the counters. now_s is monotonic."""
    cache, live = MemoryCache(now_s), MemoryLive(now_s)

    def forget() -> None:
        cache.clear()
        live.clear()

    return Volatile(cache, MemoryLimiter(now_s), live, MemoryWakeups()), forget
