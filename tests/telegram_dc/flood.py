"""Telegram's documented limits for bots as sliding windows; sends and edits count alike.

About one message a second per chat with short bursts, 20 a minute per group, 30 a second overall:
https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
"""

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.telegram_dc.errors import FloodError


@dataclass
class FloodLimits:
    enabled: bool = True
    chat_messages: int = 3
    chat_window_s: float = 3
    group_messages: int = 20
    group_window_s: float = 60
    total_messages: int = 30
    total_window_s: float = 1


@dataclass
class Flood:
    limits: FloodLimits
    now: Callable[[], float]
    _sent: dict[tuple[str, int], deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def take(self, chat_id: int, items: int = 1) -> None:
        """Counts `items` messages; an album passes whole when there is room for its first.

        Raises FloodError with the true remaining seconds, and then nothing is counted.
        """
        if not self.limits.enabled:
            return
        now = self.now()
        windows = self._windows(chat_id)
        wait_s = max(_wait_s(times, limit, window, now) for times, limit, window in windows)
        if wait_s > 0:
            raise FloodError(max(1, math.ceil(wait_s)))
        for times, _, _ in windows:
            times.extend([now] * items)

    def clear(self) -> None:
        self._sent.clear()

    def _windows(self, chat_id: int) -> list[tuple[deque[float], int, float]]:
        limits = self.limits
        windows = [
            (self._sent["chat", chat_id], limits.chat_messages, limits.chat_window_s),
            (self._sent["total", 0], limits.total_messages, limits.total_window_s),
        ]
        if chat_id < 0:
            group = self._sent["group", chat_id]
            windows.append((group, limits.group_messages, limits.group_window_s))
        return windows


def _wait_s(times: deque[float], limit: int, window_s: float, now: float) -> float:
    while times and times[0] + window_s <= now:
        times.popleft()
    if len(times) < limit:
        return 0
    return times[len(times) - limit] + window_s - now
