"""Nothing is kept for ever unless the settings say so."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from userbot.ports.durable import Stores

log = logging.getLogger(__name__)

EVERY_S = 3600.0
USAGE_DAYS = 2  # today counts, and yesterday is for whoever asks after midnight


class Retention:
    """Forgets what is older than `kept`; None keeps all but the counts of days that are over."""

    def __init__(self, stores: Stores, kept: timedelta | None, now: Callable[[], datetime]) -> None:
        self._stores = stores
        self._kept = kept
        self._now = now

    async def serve(self) -> None:
        """Forget once an hour, until cancelled."""
        while True:
            await self.forget()
            await asyncio.sleep(EVERY_S)

    async def forget(self) -> None:
        """Forget what is old. What the store does not do now is done the next time."""
        now, stores = self._now(), self._stores
        await self._try(stores.quotas.forget_before(now.date() - timedelta(days=USAGE_DAYS)))
        if self._kept is None:
            return
        before = now - self._kept
        await self._try(stores.jobs.forget_ended(before))
        await self._try(stores.history.forget_before(before))
        await self._try(stores.errors.forget_before(before))
        await self._try(stores.users.forget_before(before))

    async def _try(self, forgetting: Awaitable[int]) -> None:
        try:
            await forgetting
        except Exception:  # the bot goes on
            log.exception("something old was not forgotten")
