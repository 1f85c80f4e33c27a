"""Serves the durable queue: claims jobs in fair turns, and runs each in a task of its own."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from userbot.domain.jobs import JobId
from userbot.domain.records import Claim, FairLimits, Lane
from userbot.ports import JobStore
from userbot.services.held import LEASE_S, ClaimLostError, Held

log = logging.getLogger(__name__)

LOOK_AGAIN_S = 5.0  # for jobs that become due by themselves: a second try after a pause


@dataclass(slots=True)
class _Running:
    task: asyncio.Task[None]
    lane: Lane


class Queue:
    """Works on claimed jobs. `work` carries one as far as it goes, and gives the claim back."""

    def __init__(
        self,
        store: JobStore,
        work: Callable[[Held], Awaitable[None]],
        *,
        slots: Mapping[Lane, int],
        limits: Mapping[Lane, FairLimits],
        now: Callable[[], datetime],
        log_id: ContextVar[str | None],
    ) -> None:
        self._store = store
        self._work = work
        self._slots = slots
        self._limits = limits
        self._now = now
        self._log_id = log_id
        self._news = {lane: asyncio.Event() for lane in slots}
        self._running: dict[JobId, _Running] = {}
        self._is_draining = False

    async def serve(self) -> None:
        """Serve every lane until cancelled; then the jobs that still run are cancelled too."""
        async with asyncio.TaskGroup() as tasks:
            for lane in self._slots:
                tasks.create_task(self._serve(lane, tasks), name=f"lane {lane}")

    def wake(self) -> None:
        """Look for work: a job came, or something was picked."""
        for news in self._news.values():
            news.set()

    async def stop(self, job_id: JobId) -> None:
        """End the work on a job, if it is under way here; return when it has ended."""
        if running := self._running.get(job_id):
            running.task.cancel()
            await asyncio.wait([running.task])

    async def drain(self, grace_s: float) -> None:
        """Claim nothing more, let what runs run for grace_s, then end the rest; it is resumable."""
        self._is_draining = True
        await self._wait(grace_s)
        while self._running:  # one more may have been claimed meanwhile
            for running in list(self._running.values()):
                running.task.cancel()
            await self._wait(None)

    async def _wait(self, timeout_s: float | None) -> None:
        tasks = [running.task for running in self._running.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)
            await asyncio.sleep(0)  # for their callbacks

    async def _serve(self, lane: Lane, tasks: asyncio.TaskGroup) -> None:
        news = self._news[lane]
        while True:
            news.clear()
            while (claim := await self._claim(lane)) is not None:
                job_id = claim.record.job.id
                if job_id in self._running:
                    claim = await self._our_own(claim)
                task = tasks.create_task(self._live(claim), name=f"job {job_id}")
                self._running[job_id] = _Running(task, lane)
                task.add_done_callback(partial(self._gone, job_id))
            try:
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await news.wait()
            except TimeoutError:
                pass  # time to look again

    async def _our_own(self, claim: Claim) -> Claim:
        """Begin anew with a job that runs here: the machine slept, or the store was away.

        Its lease ran out, but nothing has crashed, so that is not counted.
        """
        await self.stop(claim.record.job.id)
        return replace(claim, record=replace(claim.record, attempts=claim.record.attempts - 1))

    async def _claim(self, lane: Lane) -> Claim | None:
        busy = sum(running.lane is lane for running in self._running.values())
        if self._is_draining or busy >= self._slots[lane]:
            return None
        now = self._now()
        lease_until = now + timedelta(seconds=LEASE_S)
        try:
            return await self._store.claim(lane, now, lease_until, self._limits[lane])
        except Exception:  # one bad record or a full disk must not end the bot
            log.exception("no job can be claimed")
            return None

    def _gone(self, job_id: JobId, task: asyncio.Task[None]) -> None:
        running = self._running.get(job_id)
        if running is not None and running.task is task:
            del self._running[job_id]
        self.wake()

    async def _live(self, claim: Claim) -> None:
        """Work on a claim, and keep its lease alive; contains whatever happens."""
        self._log_id.set(claim.record.job.id)
        held = Held(self._store, claim, self._now)
        try:
            async with asyncio.TaskGroup() as tasks:
                lease = tasks.create_task(held.keep_lease())
                await self._work(held)
                lease.cancel()
        except* ClaimLostError:
            log.info("the job was ended from outside")
        except* Exception:
            log.exception("the work on a job ended in a way nobody expected")
