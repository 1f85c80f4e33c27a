"""How far jobs are, where every process with the same store can see it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from userbot.domain.jobs import Job, JobId, Working
from userbot.ports.volatile import Live, LiveJob

EVERY_S = 3.0
AGAIN_EVERY = 5  # rounds, also if nothing moves: what is not put again is forgotten


class Board:
    """Puts up what this process works on, beside the work; `working` tells what that is."""

    def __init__(
        self,
        live: Live,
        working: Callable[[], Iterable[tuple[Job, Working]]],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._live = live
        self._working = working
        self._pause = pause
        self._shown: dict[JobId, LiveJob] = {}

    async def serve(self) -> None:
        """Keep it up to date, until cancelled."""
        while True:
            for _ in range(AGAIN_EVERY):
                await self._update()
                await self._pause(EVERY_S)
            for job in list(self._shown.values()):
                await self._live.put(job)

    async def find(self, job_id: JobId) -> Working | None:
        """Return how far a job is that another process works on, or a run before this one."""
        found = await self._live.get(job_id)
        return Working(found.title, found.progress) if found else None

    async def _update(self) -> None:
        now = {job.id: _live(job, view) for job, view in self._working()}
        before, self._shown = self._shown, now
        for job_id, job in now.items():
            if before.get(job_id) != job:
                await self._live.put(job)
        for job_id, job in before.items():
            if job_id not in now:
                await self._live.drop(job)


def _live(job: Job, view: Working) -> LiveJob:
    return LiveJob(job.id, job.request.user_id, view.title, view.progress)
