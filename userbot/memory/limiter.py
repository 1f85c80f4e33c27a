"""Rate limits in this process: the default, and what counts while the shared counters are away."""

from collections import deque
from collections.abc import Callable, Sequence

from userbot.ports.volatile import Charge

SWEEP_EVERY_S = 60.0


class _Window:
    """When each of the last charges of one key was made, oldest first."""

    __slots__ = ("times_s", "until_s")

    def __init__(self) -> None:
        self.times_s: deque[float] = deque()
        self.until_s = 0.0  # when the last of them will count no more


class MemoryLimiter:
    """`RateLimiter` in this process: at most `limit` in *any* `window_s`. now_s is monotonic.

    The memory of a key is bounded by its limit, and given back soon after its window.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._windows: dict[str, _Window] = {}
        self._swept_at = now_s()

    async def charge(self, charges: Sequence[Charge]) -> float:
        """See `ports.volatile.RateLimiter`."""
        now = self._now_s()
        self._sweep(now)
        wait_s = max((self._wait_s(charge, now) for charge in charges), default=0.0)
        if wait_s > 0:
            return wait_s
        for charge in charges:
            self._count(charge, now)
        return 0.0

    def _wait_s(self, charge: Charge, now: float) -> float:
        window = self._windows.get(charge.key)
        if window is None:
            return 0.0
        times = window.times_s
        while times and times[0] <= now - charge.window_s:
            times.popleft()
        over = len(times) + min(charge.cost, charge.limit) - charge.limit
        return 0.0 if over <= 0 else times[over - 1] + charge.window_s - now

    def _count(self, charge: Charge, now: float) -> None:
        window = self._windows.setdefault(charge.key, _Window())
        window.times_s.extend([now] * min(charge.cost, charge.limit))
        window.until_s = now + charge.window_s

    def _sweep(self, now: float) -> None:
        """Drop the keys that count no more, so that months of people cost no memory."""
        if now - self._swept_at < SWEEP_EVERY_S:
            return
        self._swept_at = now
        for key in [key for key, window in self._windows.items() if window.until_s <= now]:
            del self._windows[key]
