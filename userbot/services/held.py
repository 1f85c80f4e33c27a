"""A claimed job in the hands of whoever works on it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import Any

from userbot.domain.jobs import Stage
from userbot.domain.records import ENDS, WAIT, Claim, JobRecord
from userbot.errors import DeadlineError, InfrastructureError, StoreAwayError
from userbot.ports import JobStore

log = logging.getLogger(__name__)

LEASE_S = 300.0  # what died is given up at the next start; this is for a store that was away
RENEW_S = 20.0
STORE_PAUSES_S = (1.0, 2.0)  # between tries while the store is away; then always the last
STORE_PAUSE_S = 5.0


class ClaimLostError(Exception):
    """The job was ended from outside, or is somebody else's by now: stop, and say nothing."""


class Held:
    """A claim and the job's record as it stands. Raises ClaimLostError once the claim is gone.

    `is_own_deadline`: the time that ran out had been used elsewhere than in work for others too.
    `is_over`: whoever stops the work ends the job too, so the claim is not to be given back.
    """

    def __init__(self, store: JobStore, claim: Claim, now: Callable[[], datetime]) -> None:
        self._store = store
        self._claim = claim
        self._now = now
        self._is_released = False
        self._step: tuple[str, float] | None = None  # what is done now, and since when
        self.is_own_deadline = False
        self.is_over = False
        self.record: JobRecord = claim.record
        if claim.record.state not in ENDS:
            waited = now() - claim.record.changed_at
            self._took(WAIT, max(waited.total_seconds(), 0.0))  # the clock may have been set

    @asynccontextmanager
    async def working(self, limit_s: float, step: str) -> AsyncIterator[None]:
        """Count the time of the block as the job's own. Raises DeadlineError when it has no more.

        limit_s is for all the steps of a job together, in whichever run of the program. `step` is
        the name under which the time is remembered, until `enters` tells another.
        """
        clock = asyncio.get_running_loop().time
        began_at = clock()
        self._step = (step, began_at)
        before_s = self.record.worked_s
        deadline = asyncio.timeout(max(limit_s - before_s, 0))
        try:
            async with deadline:
                yield
        except TimeoutError as error:
            if not deadline.expired():
                raise
            self.is_own_deadline = step == Stage.UPLOAD or before_s > limit_s / 2
            raise DeadlineError(limit_s) from error
        finally:
            self._next_step(None)
            self.record = replace(self.record, worked_s=before_s + clock() - began_at)

    def enters(self, step: str) -> None:
        """Remember the time from now on as that of another step, in a block of `working`."""
        if self._step is not None and self._step[0] != step:
            self._next_step(step)

    def _next_step(self, step: str | None) -> None:
        assert self._step is not None
        before, since = self._step
        now = asyncio.get_running_loop().time()
        self._took(before, now - since)
        self._step = None if step is None else (step, now)

    def _took(self, step: str, seconds: float) -> None:
        before_s = self.record.steps_s.get(step, 0.0)
        steps_s = {**self.record.steps_s, str(step): before_s + seconds}
        self.record = replace(self.record, steps_s=steps_s)

    def learn(self, **changes: Any) -> None:
        """Change the record; it is kept with the next step."""
        self.record = replace(self.record, **changes)

    async def save(self, **changes: Any) -> None:
        """Keep what changed; the work goes on, as soon as the store is there."""
        record = replace(self.record, changed_at=self._now(), **changes)
        if not await self._insist(self._store.save, record):
            raise ClaimLostError
        self.record = record

    async def note_upload(self, words: str) -> None:
        """Keep what Telegram has of the file; without it all is uploaded again."""
        await self._store.note_upload(self.record.job.id, words)

    async def release(self, **changes: Any) -> None:
        """Keep what changed and give the claim back, as soon as the store is there."""
        record = replace(self.record, changed_at=self._now(), **changes)
        await self._release(record, self._insist(self._store.release, record))

    async def let_go(self) -> None:
        """Give the claim back as it is; nobody has the time to wait for a store that is away."""
        record = replace(self.record, changed_at=self._now())
        await self._release(record, self._store.release(self._claim, record, record.changed_at))

    async def _release(self, record: JobRecord, releasing: Awaitable[bool]) -> None:
        self._is_released = True  # before: a renewal may hear of it first
        try:
            is_kept = await releasing
        except BaseException:
            self._is_released = False
            raise
        if not is_kept:
            raise ClaimLostError
        self.record = record

    async def _insist(
        self, keep: Callable[[Claim, JobRecord, datetime], Awaitable[bool]], record: JobRecord
    ) -> bool:
        """Return what the store answers, as soon as it does.

        Repeating is safe: a claim that is not good any more changes nothing.
        """
        pauses_s, is_repeated = chain(STORE_PAUSES_S, repeat(STORE_PAUSE_S)), False
        while True:
            try:
                if await keep(self._claim, record, record.changed_at):
                    return True
                return is_repeated and await self._is_stored(record)
            except StoreAwayError as error:
                log.warning("a step is kept when the store is back: %r", error)
                is_repeated = True
                await asyncio.sleep(next(pauses_s))

    async def _is_stored(self, record: JobRecord) -> bool:
        """Say whether an earlier try got through, and only its answer was lost."""
        stored = await self._store.find(record.job.id)
        return stored is not None and (stored.state, stored.changed_at) == (
            record.state,
            record.changed_at,
        )

    @property
    def is_released(self) -> bool:
        """Whether the claim was given back, or is just being."""
        return self._is_released

    async def keep_lease(self) -> None:
        """Keep the lease alive until it is given back. A store that fails is asked again."""
        while await self.renew():  # noqa: ASYNC110  only time passes
            await asyncio.sleep(RENEW_S)
        if not self._is_released:
            raise ClaimLostError

    async def renew(self) -> bool:
        """Prolong the lease; False when there is none any more."""
        lease_until = self._now() + timedelta(seconds=LEASE_S)
        try:
            return await self._store.renew(self._claim, lease_until)
        except InfrastructureError:
            log.exception("a lease was not renewed")
            return True  # it has not run out yet, and if it has, the next write tells
