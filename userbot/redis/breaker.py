"""What happens while Redis is away: everything goes on with what this process has.

Two states. *Closed*: calls go to Redis; the first that fails opens. *Open*: calls go to the
fallback at once, and a task asks Redis after a second, then after pauses that grow; the first good
answer closes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from userbot.redis.client import FAILURES, LATE, MAX_CALLS, MAX_LARGE_CALLS, TIMEOUT_S, why

log = logging.getLogger(__name__)

FIRST_PAUSE_S, MAX_PAUSE_S = 1.0, 5.0
# Of the patience of a call: a server that is barely fast enough must not go on and off.
PROBE_SHARE = 0.5
OUR_LAG_S = 0.1  # by so much a timer is late in a process that had no processor just then

T = TypeVar("T")


class Breaker:
    """Says where calls go. `probe` asks the server; `on_back` is told when it is there again."""

    def __init__(
        self,
        probe: Callable[[], Awaitable[object]],
        on_back: Callable[[], None],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._probe = probe
        self._on_back = on_back
        self._timeout_s = timeout_s
        self._opened = asyncio.Event()
        self._turns = asyncio.Semaphore(MAX_CALLS)
        self._large_turns = asyncio.Semaphore(MAX_LARGE_CALLS)

    @property
    def is_open(self) -> bool:
        """True while Redis is away."""
        return self._opened.is_set()

    async def call(
        self,
        there: Callable[[], Awaitable[T]],
        here: Callable[[], Awaitable[T]],
        *,
        is_large: bool = False,
    ) -> T:
        """Return what `there` says, and what `here` says when that fails or Redis is away.

        There has timeout_s from its turn on: a crowd of calls is no reason to give Redis up, and
        when it is away, the first that finds out spares the others. is_large: there may be much to
        carry, and its being late says nothing about the server; it keeps nobody else waiting.
        Never raises what Redis causes.
        """
        async with self._large_turns if is_large else self._turns:
            if not self.is_open:
                clock = asyncio.get_running_loop().time
                until = clock() + self._timeout_s
                try:
                    async with asyncio.timeout_at(until):
                        return await there()
                except LATE as error:
                    says_nothing = is_large or clock() > until + OUR_LAG_S
                    if not (says_nothing and await self._answers()):
                        self._open(error)
                except FAILURES as error:
                    self._open(error)
        return await here()

    async def serve(self) -> None:
        """Look for a server that is away until it is back, until cancelled."""
        while True:
            await self._opened.wait()
            pause_s = FIRST_PAUSE_S
            await asyncio.sleep(pause_s)
            while not await self._answers():
                pause_s = min(pause_s * 2, MAX_PAUSE_S)
                await asyncio.sleep(pause_s)
            self._close()

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(self._timeout_s * PROBE_SHARE):
                await self._probe()
        except FAILURES as error:
            log.debug("Redis is away: %s", why(error))
            return False
        except Exception:  # the bot goes on
            log.exception("it is not known whether Redis is there")
            return False
        return True

    def _open(self, error: BaseException) -> None:
        if not self.is_open:
            self._opened.set()
            log.warning(
                "Redis is away: counters and caches of this process are used meanwhile (%s)",
                why(error),
            )

    def _close(self) -> None:
        self._opened.clear()
        self._on_back()
        log.info("Redis is back: its counters and caches are used again")
