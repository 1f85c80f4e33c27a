"""Wake-ups within this process."""

import asyncio
from collections.abc import Callable


class MemoryWakeups:
    """`Wakeups` for those that listen in this process."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    async def wake(self) -> None:
        """See `ports.volatile.Wakeups`."""
        for on_wake in self._listeners:
            on_wake()

    async def serve(self, on_wake: Callable[[], None]) -> None:
        """See `ports.volatile.Wakeups`."""
        self._listeners.append(on_wake)
        try:
            await asyncio.Event().wait()
        finally:
            self._listeners.remove(on_wake)
