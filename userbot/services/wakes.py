"""News of work: for this process at once, for others with the same store soon after."""

import asyncio
from collections.abc import Callable

from userbot.ports.volatile import Wakeups


class Waker:
    """Wakes queues, our own by `look`. Its tasks live in the TaskGroup that it is given."""

    def __init__(
        self, look: Callable[[], None], wakeups: Wakeups, tasks: asyncio.TaskGroup
    ) -> None:
        self._look = look
        self._wakeups = wakeups
        self._tasks = tasks
        self._is_news = False
        self._telling: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Let everybody look for work. Never waits."""
        self._look()
        self._is_news = True
        if self._telling is None or self._telling.done():
            self._telling = self._tasks.create_task(self._tell(), name="news of work")

    async def serve(self) -> None:
        """Look for work when another process has some, until cancelled."""
        await self._wakeups.serve(self._look)

    async def _tell(self) -> None:
        while self._is_news:  # more may come meanwhile
            self._is_news = False
            await self._wakeups.wake()
