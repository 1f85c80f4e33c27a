"""Latency: things pass on in their order, each after its delay."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class DelayLine:
    loop: asyncio.AbstractEventLoop
    sink: Callable[[Any], None]
    _waiting: deque[tuple[float, Any]] = field(default_factory=deque)

    def put(self, item: Any, delay_s: float) -> None:
        if delay_s <= 0 and not self._waiting:
            self.sink(item)
            return
        due = self.loop.time() + delay_s
        if self._waiting:
            due = max(due, self._waiting[-1][0])
        else:
            self.loop.call_at(due, self._run)
        self._waiting.append((due, item))

    def _run(self) -> None:
        now = self.loop.time() + 0.001
        while self._waiting and self._waiting[0][0] <= now:
            self.sink(self._waiting.popleft()[1])
        if self._waiting:
            self.loop.call_at(self._waiting[0][0], self._run)
