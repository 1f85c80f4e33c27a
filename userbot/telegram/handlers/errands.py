"""What handlers would have to wait for, done beside them.

Pyrogram's dispatcher has a handful of workers, and each waits until its handler returns: a few
people whom Telegram keeps waiting would keep everybody else waiting.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

from userbot.errors import UserbotError

log = logging.getLogger(__name__)

TIMEOUT_S = 60.0  # what comes later helps nobody
MAX_EACH = 20  # under way for one person or chat; who asks for more is not in a hurry
MAX_URGENT = 200  # the same for what ends work: all Cancel buttons of a list at once, and some
MAX_ALL = 1000


class Errands:
    """Runs errands in tasks of the TaskGroup that it is given.

    Bounded: beyond the limits an errand is dropped, with a line in the log. What must not be lost
    is done by the handlers themselves.
    """

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._running: set[asyncio.Task[None]] = set()
        self._each: Counter[int] = Counter()
        self._is_closed = False

    def run(
        self, whose: int, errand: Callable[[], Awaitable[None]], *, is_urgent: bool = False
    ) -> bool:
        """Run an errand for a person or a chat; False when it is dropped. Never waits.

        Its failure ends nothing else. is_urgent: MAX_URGENT counts instead of MAX_EACH.
        """
        if self._is_closed:
            return False
        limit = MAX_URGENT if is_urgent else MAX_EACH
        if self._each[whose] >= limit or len(self._running) >= MAX_ALL:
            log.warning("too much at once for %s: an update goes unanswered", whose)
            return False
        task = self._tasks.create_task(_contained(errand), name=f"errand for {whose}")
        self._running.add(task)
        self._each[whose] += 1
        task.add_done_callback(partial(self._done, whose))
        return True

    def close(self) -> None:
        """Give up what is under way, and begin nothing more: the bot is being stopped."""
        self._is_closed = True
        for task in self._running:
            task.cancel()

    def _done(self, whose: int, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._each[whose] -= 1
        if not self._each[whose]:
            del self._each[whose]


async def _contained(errand: Callable[[], Awaitable[None]]) -> None:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await errand()
    except (UserbotError, TimeoutError) as error:
        log.warning("an update went unanswered: %r", error)
    except Exception:  # where a handler ends
        log.exception("a handler failed")
