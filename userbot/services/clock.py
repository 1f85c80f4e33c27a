"""Notices that the clock was set, or that the machine slept."""

import time
from collections.abc import Callable
from datetime import datetime

STEP_S = 60.0  # less disturbs nothing that waits or holds a lease


class ClockSteps:
    """Compares the time of day with a clock that nobody sets. `now` is aware UTC."""

    def __init__(
        self, now: Callable[[], datetime], steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._now = now
        self._steady = steady
        self._known_s = self._ahead_s()

    def step_s(self) -> float:
        """Return by how much the clock was set since the last `settled`; 0.0 when by little."""
        step_s = self._ahead_s() - self._known_s
        return step_s if abs(step_s) > STEP_S else 0.0

    def settled(self, step_s: float) -> None:
        """Take a step for granted: everything knows of it."""
        self._known_s += step_s

    def _ahead_s(self) -> float:
        return self._now().timestamp() - self._steady()
