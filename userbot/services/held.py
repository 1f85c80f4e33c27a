"""A claimed job in the hands of whoever works on it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from userbot.domain.records import Claim, JobRecord
from userbot.errors import DeadlineError, InfrastructureError
from userbot.ports import JobStore

log = logging.getLogger(__name__)

LEASE_S = 300.0  # what died is given up at the next start; this is for a store that was away
RENEW_S = 20.0


class ClaimLostError(Exception):
    """The job was ended from outside, or is somebody else's by now: stop, and say nothing."""


class Held:
    """A claim and the job's record as it stands. Raises ClaimLostError once the claim is gone."""

    def __init__(self, store: JobStore, claim: Claim, now: Callable[[], datetime]) -> None:
        self._store = store
        self._claim = claim
        self._now = now
        self._is_released = False
        self.record: JobRecord = claim.record

    @asynccontextmanager
    async def working(self, limit_s: float, step: str) -> AsyncIterator[None]:
        """Count the time of the block as the job's own. Raises DeadlineError when it has no more.

        limit_s is for all the steps of a job together, in whichever run of the program. `step` is
        the name under which the time is remembered.
        """
        began_at = self._now()
        before_s = self.record.worked_s
        deadline = asyncio.timeout(max(limit_s - before_s, 0))
        try:
            async with deadline:
                yield
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise DeadlineError(limit_s) from error
        finally:
            took_s = (self._now() - began_at).total_seconds()
            steps_s = {**self.record.steps_s, step: self.record.steps_s.get(step, 0.0) + took_s}
            self.record = replace(self.record, worked_s=before_s + took_s, steps_s=steps_s)

    def learn(self, **changes: Any) -> None:
        """Change the record; it is kept with the next step."""
        self.record = replace(self.record, **changes)

    async def save(self, **changes: Any) -> None:
        """Keep what changed; the work goes on."""
        now = self._now()
        record = replace(self.record, changed_at=now, **changes)
        if not await self._store.save(self._claim, record, now):
            raise ClaimLostError
        self.record = record

    async def release(self, **changes: Any) -> None:
        """Keep what changed and give the claim back."""
        now = self._now()
        record = replace(self.record, changed_at=now, **changes)
        self._is_released = True  # before: a renewal may hear of it first
        try:
            is_kept = await self._store.release(self._claim, record, now)
        except BaseException:
            self._is_released = False
            raise
        if not is_kept:
            raise ClaimLostError
        self.record = record

    async def keep_lease(self) -> None:
        """Keep the lease alive until it is given back. A store that fails is asked again."""
        while await self._renew():  # noqa: ASYNC110  only time passes
            await asyncio.sleep(RENEW_S)
        if not self._is_released:
            raise ClaimLostError

    async def _renew(self) -> bool:
        """Prolong the lease; False when there is none any more."""
        lease_until = self._now() + timedelta(seconds=LEASE_S)
        try:
            return await self._store.renew(self._claim, lease_until)
        except InfrastructureError:
            log.exception("a lease was not renewed")
            return True  # it has not run out yet, and if it has, the next write tells
