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
from userbot.services.clock import ClockSteps
from userbot.services.held import LEASE_S, ClaimLostError, Held

log = logging.getLogger(__name__)

LOOK_AGAIN_S = 5.0  # for jobs that become due by themselves, and were given back by nobody here
LATE_S = 0.05  # the clock of the loop and that of the store may differ by so much


@dataclass(slots=True)
class _Running:
    task: asyncio.Task[None]
    lane: Lane
    held: Held


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
        self._clock = ClockSteps(now)
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

    async def stop(self, job_id: JobId, *, is_over: bool = False) -> Held | None:
        """End the work on a job; return what is still held of it then, None for nothing.

        is_over: its claim is not given back, so that nobody begins anew before the caller has
        ended the job.
        """
        running = self._running.get(job_id)
        if running is None:
            return None
        running.held.is_over = is_over
        running.task.cancel()
        await asyncio.wait([running.task])
        return None if running.held.is_released else running.held

    async def finish(self, job_id: JobId, within_s: float) -> None:
        """Let the work on a job go on for a while; return as soon as there is none here."""
        if running := self._running.get(job_id):
            await asyncio.wait([running.task], timeout=within_s)

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
                held = Held(self._store, claim, self._now)
                task = tasks.create_task(self._live(held), name=f"job {job_id}")
                self._running[job_id] = _Running(task, lane, held)
                task.add_done_callback(partial(self._gone, job_id))
            try:
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await news.wait()
            except TimeoutError:
                pass  # time to look again

    async def _our_own(self, claim: Claim) -> Claim:
        """Begin anew with a job that runs here: the store was away for long.

        Its lease ran out, but nothing has crashed, so that is not counted.
        """
        await self.stop(claim.record.job.id)
        attempts = max(claim.record.attempts - 1, 0)  # 0 already: it had just given its claim back
        return replace(claim, record=replace(claim.record, attempts=attempts))

    async def _claim(self, lane: Lane) -> Claim | None:
        busy = sum(running.lane is lane for running in self._running.values())
        if self._is_draining or busy >= self._slots[lane]:
            return None
        now = self._now()  # before anything else: a step after this makes nobody's lease run out
        lease_until = now + timedelta(seconds=LEASE_S)
        try:
            await self._mind_the_clock()
            return await self._store.claim(lane, now, lease_until, self._limits[lane])
        except Exception:  # one bad record or a full disk must not end the bot
            log.exception("no job can be claimed")
            return None

    async def _mind_the_clock(self) -> None:
        """Keep to what was meant when the clock was set: our leases hold, and what waits is due.

        What was to wait for seconds would wait for as long as the clock was set back.
        """
        step_s = self._clock.step_s()
        if not step_s:
            return
        log.warning("the clock went by %.0f s more than the time that passed", step_s)
        for running in list(self._running.values()):
            await running.held.renew()
        if step_s < 0:
            waiting = [job for job in await self._store.unfinished() if job.not_before]
            await self._store.hasten([job.job.id for job in waiting])
        self._clock.settled(step_s)

    def _gone(self, job_id: JobId, task: asyncio.Task[None]) -> None:
        running = self._running.get(job_id)
        if running is not None and running.task is task:
            del self._running[job_id]
        self.wake()

    async def _live(self, held: Held) -> None:
        """Work on a claim, and keep its lease alive; contains whatever happens."""
        self._log_id.set(held.record.job.id)
        try:
            async with asyncio.TaskGroup() as tasks:
                lease = tasks.create_task(held.keep_lease())
                await self._work(held)
                lease.cancel()
            self._look_when_due(held.record.not_before)
        except* ClaimLostError:
            log.info("the job was ended from outside")
        except* Exception:
            log.exception("the work on a job ended in a way nobody expected")

    def _look_when_due(self, not_before: datetime | None) -> None:
        """Look for work when a job that was given back for a while is due."""
        if not_before is None:
            return
        delay_s = (not_before - self._now()).total_seconds()
        if delay_s > 0:
            asyncio.get_running_loop().call_later(delay_s + LATE_S, self.wake)
