"""A queue for a number of slots: first come, first served, and everybody knows their position."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

OnWaiting = Callable[[int], None]


def ignore_waiting(position: int) -> None:
    """Take no notice of the position."""


class Lane:
    """Hands out slots in the order of asking."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._queue: deque[asyncio.Event] = deque()

    @property
    def waiting(self) -> int:
        """How many are waiting for a slot."""
        return len(self._queue)

    @asynccontextmanager
    async def slot(self, on_waiting: OnWaiting = ignore_waiting) -> AsyncIterator[None]:
        """Hold a slot for the block.

        on_waiting gets the position, counted from 1, at once if there is none free and whenever
        it changes; it is called in the task that waits. Cancelling leaves the queue.
        """
        await self._enter(on_waiting)
        try:
            yield
        finally:
            self._free += 1
            self._call_up()

    async def _enter(self, on_waiting: OnWaiting) -> None:
        turn = asyncio.Event()
        self._queue.append(turn)
        told = 0
        try:
            while not (self._free and self._queue[0] is turn):
                position = self._queue.index(turn) + 1
                if position != told:
                    told = position
                    on_waiting(position)
                turn.clear()
                await turn.wait()
            self._free -= 1
        finally:
            self._queue.remove(turn)
            self._call_up()

    def _call_up(self) -> None:
        for turn in self._queue:
            turn.set()
